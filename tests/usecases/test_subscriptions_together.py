"""Subscriptions on every database: two of everything at once, and killed anywhere; the money is the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Behaviour, ScriptedGateway
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.wishes import CancelNow, ChangePlan
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

pytestmark = pytest.mark.parametrize("kind", KINDS)
MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


def opened(make_database: MakeDatabase, kind: str) -> tuple[Club, ScriptedGateway]:
    """Sell plans by the month and by the year."""
    gateway = ScriptedGateway()
    club = Club.open(Office.open(database=make_database(kind), gateways={"card": gateway}))
    club.sell(fixed("31.00"), seats("3.10"), metered())
    club.sell(fixed("310.00"), handle="yearly", interval=Interval.YEAR)
    return club, gateway


def together(*acts: Callable[[], object]) -> list[str]:
    """Do things in threads at the same moment; give the codes of the errors."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        barrier.wait()
        try:
            act()
        except CityOSError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def test_two_pause_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Of two pauses one counts, and the rest of the period is given back once."""
    club, _ = opened(make_database, kind)
    begun = club.begin(collection=CHARGED)
    club.wait(days=10)
    codes = together(lambda: club.do("pause", begun), lambda: club.do("pause", begun))
    assert codes in (["invalid_state", "ok"], ["ok", "stale"])
    assert len(club.invoices()) == 2
    club.audit()


def test_two_commit_one_token(make_database: MakeDatabase, kind: str) -> None:
    """A token that is committed twice at once yields its invoice once."""
    club, gateway = opened(make_database, kind)
    begun = club.begin(collection=CHARGED)
    token = club.preview(begun, ChangePlan(plan="yearly")).token
    codes = together(*[lambda: club.do("change", begun, "yearly", token=token)] * 3)
    assert codes.count("ok") == 1
    assert set(codes) <= {"ok", "preview_outdated", "stale"}
    assert (len(club.invoices()), gateway.calls) == (2, 2)
    club.audit()


def test_many_changes_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Changes at once follow each other; each credits what the one before it charged, and nothing is lost."""
    club, _ = opened(make_database, kind)
    begun = club.begin(collection=CHARGED)
    club.wait(days=10)
    changes = [lambda n=n: club.do("change", begun, quantities={"seats": n}) for n in (5, 7, 9, 11)]
    codes = together(*changes)
    assert codes.count("ok") >= 1
    assert set(codes) <= {"ok", "stale"}
    charged = sum(one.net.minor for one in club.invoices()[1:])
    assert charged == round((club.get(begun).quantities["seats"] - 1) * 310 * 21 / 31)
    club.audit()


def test_a_change_and_a_cancellation_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Whichever is first, what is given back was charged, and the end is an end."""
    club, _ = opened(make_database, kind)
    begun = club.begin(collection=CHARGED)
    club.wait(days=10)
    codes = together(
        lambda: club.do("change", begun, "yearly"),
        lambda: club.do("cancel", begun, "moving", at_period_end=False, gives_back=True),
    )
    assert set(codes) <= {"ok", "invalid_state", "stale"}
    if club.get(begun).status is not S.CANCELED:
        club.do("cancel", begun, "moving", at_period_end=False, gives_back=True)
    assert club.states(begun)[-1] == "voided"
    club.audit()


def test_the_same_beginning_many_times(make_database: MakeDatabase, kind: str) -> None:
    """The same click many times at once is one subscription, one invoice and one payment."""
    club, gateway = opened(make_database, kind)
    codes = together(*[lambda: club.begin(collection=CHARGED, key="click")] * 4)
    assert codes == ["ok"] * 4
    assert (len(club.invoices()), gateway.calls) == (1, 1)
    assert len(club.subscriptions.list(club.scope).items) == 1
    club.audit()


def test_different_beginnings_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Many who subscribe at once get invoices whose numbers have no gap."""
    club, gateway = opened(make_database, kind)
    assert together(*[lambda: club.begin(collection=CHARGED)] * 4) == ["ok"] * 4
    assert ([one.number for one in club.invoices()], gateway.calls) == ([1, 2, 3, 4], 4)
    club.audit()


def test_two_pay_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Two clicks on "pay" are one payment."""
    club, gateway = opened(make_database, kind)
    invoice = club.invoices(club.begin())[0]
    codes = together(*[lambda: club.subscriptions.pay(club.scope, invoice.id)] * 3)
    assert codes.count("ok") == 1
    assert set(codes) <= {"ok", "attempt_unsettled", "nothing_due", "attempt_exists", "stale"}
    assert gateway.calls == 1
    club.audit()


def test_usage_reported_at_once(make_database: MakeDatabase, kind: str) -> None:
    """The same batch from many senders counts once; usage that races the closing bill is in it, or refused."""
    club, _ = opened(make_database, kind)
    begun = club.begin(collection=CHARGED)
    club.wait(days=1)

    def report(key: str) -> Any:
        return club.subscriptions.record_usage(club.scope, begun.id, [(key, "calls", 4, club.now)])

    assert together(*[lambda: report("a")] * 3) == ["ok"] * 3
    codes = together(
        lambda: report("b"),
        lambda: club.do("cancel", begun, "moving", at_period_end=False),
    )
    used = sum(line.quantity for one in club.invoices() for line in one.lines if line.item == "calls")
    assert (used, codes) in ((8, ["ok", "ok"]), (4, ["invalid_state", "ok"]))
    club.audit()


ACTIONS: dict[str, Callable[[Club, Subscription], object]] = {
    "begin": lambda club, _: club.begin(collection=CHARGED, key="again", tax=VAT),
    "change": lambda club, begun: club.do("change", begun, "yearly"),
    "pause": lambda club, begun: club.do("pause", begun),
    "cancel": lambda club, begun: club.do("cancel", begun, "moving", at_period_end=False, gives_back=True),
    "method": lambda club, begun: club.do("change_method", begun, "pm_2"),
    "usage": lambda club, begun: club.subscriptions.record_usage(club.scope, begun.id, [("b", "calls", 1, club.now)]),
    "plan": lambda club, _: club.plans.retire(club.scope, "yearly"),
}


def ready(make_database: MakeDatabase, kind: str) -> tuple[Club, ScriptedGateway, Subscription]:
    """Begin a subscription, and use something of it."""
    club, gateway = opened(make_database, kind)
    begun = club.begin(collection=CHARGED, quantities={"seats": 2}, tax=VAT)
    club.wait(days=10)
    club.subscriptions.record_usage(club.scope, begun.id, [("a", "calls", 4, club.now)])
    return club, gateway, begun


def ending(club: Club, gateway: ScriptedGateway) -> tuple[object, ...]:
    """Ask about what was interrupted, and tell where everything stands."""
    club.wait(minutes=10)
    BillingUseCases.of(club.office.dependencies).inquire(club.scope)
    club.audit()
    subscriptions = club.subscriptions.list(club.scope).items
    told = [(one.status, one.plan_id, one.next_cycle, one.payment_method, club.states(one)) for one in subscriptions]
    invoices = [(one.number, one.status, one.total.text, one.from_credit) for one in club.invoices()]
    balances = {(item.account.path, item.money.text) for item in club.office.ledger.balances(club.scope) if item.money}
    plans = [plan.retired_at for plan in club.plans.list(club.scope).items]
    moved = sorted((one.subscription_id, one.number, one.kind, one.change.text) for one in club.movements())
    return told, invoices, balances, [one.amount.text for one in gateway.charged], plans, moved


@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
def test_killed_anywhere(make_database: MakeDatabase, kind: str, act: Callable[[Club, Subscription], object]) -> None:
    """Whatever point it dies at: what was not committed can be done again, and what was is carried to its end."""
    names: list[str] = []
    club, gateway, begun = ready(make_database, kind)
    with faults.hooked(names.append):
        act(club, begun)
    expected = ending(club, gateway)
    assert {name.rpartition(".")[2] for name in names} >= {"before_commit", "after_commit"}
    for number, place in enumerate(names):
        club, gateway, begun = ready(make_database, kind)
        with faults.hooked(dying(number)), pytest.raises(Crash):
            act(club, begun)
        if "commit.after" not in names[: number + 1]:
            act(club, begun)
        assert ending(club, gateway) == expected, (number, place)


def dying(number: int) -> Callable[[str], None]:
    """Die at the fault point with a number."""
    left = [number]

    def die(_name: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash

    return die


def test_a_lost_answer_is_asked_for(make_database: MakeDatabase, kind: str) -> None:
    """A first payment whose answer got lost is asked about, and not made again."""
    club, gateway = opened(make_database, kind)
    gateway.script(Behaviour.LOSE_ANSWER)
    begun = club.begin(collection=CHARGED)
    assert begun.status is S.INCOMPLETE
    club.wait(minutes=10)
    BillingUseCases.of(club.office.dependencies).inquire(club.scope)
    assert (club.get(begun).status, gateway.calls) == (S.ACTIVE, 1)
    preview = club.preview(begun, CancelNow(reason="moving", gives_back=True))
    assert preview.invoice is not None
    club.audit()
