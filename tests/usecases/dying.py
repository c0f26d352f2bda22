"""Dying at a fault point, and what everything came to in the end."""

from collections.abc import Callable, Sequence

from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash
from usecases.cashier import Cashier


def ending(cashier: Cashier) -> tuple[object, ...]:
    """Tell where all the money is, who was charged what, and what became of everything."""
    cashier.audit()
    balances = {(item.account.path, item.money.text) for item in cashier.club.office.ledger.balances(cashier.scope)}
    charged = sorted((charge.key, charge.amount.text) for charge in cashier.gateway.charged)
    invoices = sorted((one.subscription_id, one.cycle, one.total.text, one.status) for one in cashier.invoices())
    whose = {one.subscription_id: one.subscriber.reference for one in cashier.invoices()}
    stands = {}
    for subscription_id, name in whose.items():
        found = cashier.club.subscriptions.get(cashier.scope, subscription_id)
        stands[name] = found.status, found.due_at, tuple(cashier.states(found))
    attempts = sorted((one.key, one.origin, one.status, one.amount.text) for one in cashier.attempts())
    cases = sorted((case.invoice_id, case.retries, case.next_at) for case in cashier.cases())
    revenue = sorted((one.subscription_id, one.number, one.change.text) for one in cashier.club.movements())
    return balances, charged, invoices, stands, attempts, [case[1:] for case in cases], revenue


def passed(act: Callable[[], object]) -> list[str]:
    """List the fault points that are passed on the way."""
    names: list[str] = []
    with faults.hooked(names.append):
        act()
    return names


def killing(positions: Sequence[int]) -> Callable[[str], None]:
    """Kill at the points with these numbers, counting from the last death."""
    left = list(positions)
    count = 0

    def strike(_name: str) -> None:
        nonlocal count
        if not left:
            return
        if count == left[0]:
            left.pop(0)
            count = 0
            raise Crash
        count += 1

    return strike
