"""What customers do about payment: they pay an open invoice, or give another payment method."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline, ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_core.subscriptions.attempts import AttemptStatus, Origin
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S, A = SubscriptionStatus, AttemptStatus


def opened(
    *reactions: Behaviour | Decline, kind: str = "memory", make_database: MakeDatabase | None = None
) -> tuple[Club, ScriptedGateway]:
    """Sell a plan, charged through a gateway that reacts so."""
    gateway = ScriptedGateway()
    gateway.script(*reactions)
    database = make_database(kind) if make_database else None
    club = Club.open(Office.open(database=database, gateways={"card": gateway}))
    club.sell(fixed("31.00"))
    return club, gateway


@pytest.mark.parametrize("kind", KINDS)
def test_paying_completes_what_was_incomplete(kind: str, make_database: MakeDatabase) -> None:
    """After a decline the customer pays, and the subscription is active; each try is an attempt of its own."""
    club, gateway = opened(Decline(), Decline(), kind=kind, make_database=make_database)
    begun = club.begin(collection=CHARGED)
    (invoice,) = club.invoices(begun)
    assert club.subscriptions.pay(club.scope, invoice.id).status is A.DECLINED
    assert club.get(begun).status is S.INCOMPLETE
    paid = club.subscriptions.pay(club.scope, invoice.id)
    assert (paid.status, paid.origin, paid.key) == (A.SUCCEEDED, Origin.CUSTOMER, f"{begun.id}:0:3")
    assert (club.get(begun).status, club.states(begun)) == (S.ACTIVE, ["paid", "upcoming"])
    assert club.cycles(begun)[-1].due_at == begun.period(1).start_utc
    assert gateway.collected("EUR").text == "31.00"
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_paying_what_failed_ends_the_dunning(kind: str, make_database: MakeDatabase) -> None:
    """Paid by the customer, a subscription that was past due is active, and its anchor is where it was."""
    club, _ = opened(Decline(), kind=kind, make_database=make_database)
    begun = club.begin(collection=CHARGED, trial_days=3)
    due = club.do("convert", begun)
    assert due.status is S.PAST_DUE
    club.wait(days=2)
    club.subscriptions.pay(club.scope, club.invoices(begun)[0].id)
    after = club.get(begun)
    assert (after.status, after.anchor, after.due_at) == (S.ACTIVE, due.anchor, due.due_at)
    assert [event.name for event in club.happened("subscription.")][-2:] in (
        [], ["subscription.active", "subscription.notice"],
    )  # fmt: skip
    club.audit()


def test_what_is_on_account_can_be_paid_by_card() -> None:
    """Whoever has terms may pay before they end."""
    club, _ = opened()
    begun = club.begin()
    assert club.subscriptions.pay(club.scope, club.invoices(begun)[0].id).status is A.SUCCEEDED
    assert club.states(begun) == ["paid", "upcoming"]
    club.audit()


def test_nobody_pays_twice() -> None:
    """Nothing is charged while the outcome of an attempt is open, nor when nothing is due."""
    club, gateway = opened(Behaviour.LOSE_ANSWER)
    begun = club.begin(collection=CHARGED)
    (invoice,) = club.invoices(begun)
    assert _code(lambda: club.subscriptions.pay(club.scope, invoice.id)) == "attempt_unsettled"
    assert (gateway.calls, len(club.attempts())) == (1, 1)
    other = club.begin(collection=CHARGED)
    (paid,) = club.invoices(other)
    assert _code(lambda: club.subscriptions.pay(club.scope, paid.id)) == "nothing_due"
    assert _code(lambda: club.subscriptions.pay(club.scope, begun.id)) == "invoice_not_found"  # type: ignore[arg-type]


def test_paying_needs_a_gateway() -> None:
    """Where nothing is configured that could charge, that is said before anything is written."""
    club = Club.open()
    club.sell()
    begun = club.begin()
    assert _code(lambda: club.subscriptions.pay(club.scope, club.invoices(begun)[0].id)) == "no_gateway"
    assert club.attempts() == []


def _code(act: Callable[[], object]) -> str:
    with pytest.raises(CityOSError) as error:
        act()
    return error.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_another_method_wakes_the_dunning(kind: str, make_database: MakeDatabase) -> None:
    """A stolen card waits for another one; given that, the retries that are left go on with it."""
    club, gateway = opened(kind=kind, make_database=make_database)
    begun = club.begin(collection=CHARGED, trial_days=3, payment_method="stolen")
    assert club.do("convert", begun).status is S.PAST_DUE
    with club.office.database(club.scope) as uow:
        (waiting,) = uow.dunning.of([begun.id])
    assert waiting.needs_method
    club.wait(days=1)
    changed = club.do("change_method", begun, "pm_2")
    assert (changed.payment_method, changed.status) == ("pm_2", S.PAST_DUE)
    with club.office.database(club.scope) as uow:
        (case,) = uow.dunning.of([begun.id])
    assert not case.needs_method
    assert case.next_at is not None
    assert case.next_at - club.now <= timedelta(days=2)
    club.do("change_method", begun, "pm_2")
    club.subscriptions.pay(club.scope, club.invoices(begun)[0].id)
    assert [one.payment_method for one in gateway.charged] == ["pm_2"]
    assert club.do("change_method", begun, None).payment_method is None
    club.audit()


def test_a_method_is_a_reference() -> None:
    """A payment method is the gateway's reference of it: some text, and not too much of it."""
    club, _ = opened()
    begun = club.begin(collection=CHARGED)
    for method in ("", " ", "x" * 201):
        with pytest.raises(Invalid) as error:
            club.do("change_method", begun, method)
        assert error.value.code == "payment_method"
    assert club.get(begun) == begun
    assert club.invoices(begun)[0].status is InvoiceStatus.PAID
