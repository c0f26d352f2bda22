"""Canceling: now or with the period, in every state; what is owed stays owed, what never began is not."""

from collections.abc import Callable

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline, ScriptedGateway
from cityos_core.kernel.errors import Conflict, NotFound, Refused
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


def opened(kind: str = "memory", make_database: MakeDatabase | None = None) -> tuple[Club, ScriptedGateway]:
    """Sell a plan with usage, charged through a scripted gateway."""
    gateway = ScriptedGateway()
    database = make_database(kind) if make_database else None
    club = Club.open(Office.open(database=database, gateways={"card": gateway}))
    club.sell(fixed("31.00"), metered())
    return club, gateway


def cancel(club: Club, begun: Subscription, *, gives_back: bool = False) -> Subscription:
    """Cancel now."""
    return club.do("cancel", begun, "moving", at_period_end=False, gives_back=gives_back)


@pytest.mark.parametrize("kind", KINDS)
def test_canceled_now_usage_is_billed_and_the_rest_given_back(kind: str, make_database: MakeDatabase) -> None:
    """The closing bill charges what was used and, if wished, gives the rest of the period back; no cycle comes any more."""
    club, _ = opened(kind, make_database)
    begun = club.begin(collection=CHARGED, tax=VAT)
    club.wait(days=10)
    club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", 4, club.now)])
    gone = cancel(club, begun, gives_back=True)
    assert (gone.status, gone.ended_at, gone.due_at, gone.ends_at) == (S.CANCELED, club.now, None, club.now)
    assert gone.cancellation is not None
    assert (gone.cancellation.reason, gone.cancellation.at_period_end) == ("moving", False)
    assert [(line.kind.value, line.net) for line in club.invoices()[-1].lines] == [("credit", -2100), ("usage", 400)]
    assert club.states(begun) == ["paid", "voided"]
    assert club.office.holds("customer:ada:credit") == "20.57"
    assert [one.kind.value for one in club.movements()] == ["new", "churn"]
    club.audit()


def test_canceled_now_nothing_is_given_back_unasked() -> None:
    """The rest of the period that was paid for is kept, unless it is given back on purpose."""
    club, _ = opened()
    club.sell(handle="plain")
    begun = club.begin("plain", collection=CHARGED)
    club.wait(days=1)
    assert cancel(club, begun).status is S.CANCELED
    assert club.totals() == ["30.00"]
    with pytest.raises(Conflict) as over:
        cancel(club, begun)
    assert (over.value.code, over.value.allowed_actions) == ("invalid_state", ())


@pytest.mark.parametrize("kind", KINDS)
def test_an_incomplete_one_owes_nothing(kind: str, make_database: MakeDatabase) -> None:
    """Canceled before its first payment came, its invoice is void, and money that comes after all becomes credit."""
    club, gateway = opened(kind, make_database)
    gateway.script(Behaviour.LOSE_REQUEST)
    begun = club.begin(collection=CHARGED)
    gone = cancel(club, begun, gives_back=True)
    assert gone.status is S.CANCELED
    assert [one.status for one in club.invoices(begun)] == [InvoiceStatus.VOID]
    assert club.states(begun) == ["voided", "voided"]
    assert club.office.holds("customer:ada:receivable") == "0.00"
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_credit_that_paid_what_never_began_goes_back(kind: str, make_database: MakeDatabase) -> None:
    """The part of a first invoice that credit paid is credit again when it is void."""
    club, gateway = opened(kind, make_database)
    first = club.begin(collection=CHARGED)
    club.wait(days=10)
    cancel(club, first, gives_back=True)
    gateway.script(Decline())
    second = club.begin(collection=CHARGED)
    assert (second.status, club.office.holds("customer:ada:credit")) == (S.INCOMPLETE, "0.00")
    cancel(club, second)
    assert club.office.holds("customer:ada:credit") == "21.00"
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_past_due_what_is_owed_stays_owed(kind: str, make_database: MakeDatabase) -> None:
    """Canceled while payment failed, nobody retries any more; the invoice stays open and can be paid."""
    club, gateway = opened(kind, make_database)
    begun = club.begin(collection=CHARGED, trial_days=1)
    gateway.script(Decline(), Decline())
    assert club.do("convert", begun).status is S.PAST_DUE
    assert cancel(club, begun).status is S.CANCELED
    with club.office.database(club.scope) as uow:
        assert uow.dunning.of([begun.id]) == []
        assert uow.dunning.due(club.now.replace(year=2099), limit=10) == []
    (invoice, *_) = club.invoices(begun)
    assert (invoice.status, club.states(begun)) == (InvoiceStatus.OPEN, ["failed", "voided"])
    assert club.subscriptions.pay(club.scope, invoice.id).status.value == "declined"
    assert club.subscriptions.pay(club.scope, invoice.id).status.value == "succeeded"
    assert (club.invoices(begun)[0].status, club.get(begun).status) == (InvoiceStatus.PAID, S.CANCELED)
    club.audit()


def test_past_due_or_unpaid_it_can_end_with_a_credit() -> None:
    """What is given back of an invoice that was not paid is credit; the invoice is owed as a whole."""
    club, gateway = opened()
    begun = club.begin(collection=CHARGED, trial_days=1)
    gateway.script(Decline(DeclineClass.HARD))
    club.do("convert", begun)
    club.wait(days=10)
    cancel(club, begun, gives_back=True)
    assert [one.status for one in club.invoices(begun)] == [InvoiceStatus.OPEN, InvoiceStatus.PAID]
    assert club.totals(begun) == ["31.00", "-21.00"]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_paused_it_ends_without_a_charge(kind: str, make_database: MakeDatabase) -> None:
    """What was given back for the pause is not given back again."""
    club, _ = opened(kind, make_database)
    begun = club.begin(collection=CHARGED)
    club.wait(days=10)
    club.do("pause", begun)
    club.wait(days=50)
    cancel(club, begun, gives_back=True)
    assert club.totals(begun) == ["31.00", "-21.00", "0.00"]
    assert club.states(begun) == ["paid", "voided"]
    club.audit()


def test_a_trial_ends_for_nothing() -> None:
    """Canceled on trial, now or with it, nothing is ever invoiced."""
    club, _ = opened()
    now, later = (club.begin(collection=CHARGED, trial_days=14) for _ in range(2))
    assert cancel(club, now, gives_back=True).status is S.CANCELED
    assert club.states(now) == ["voided"]
    assert club.do("cancel", later, "no", at_period_end=True).status is S.TRIALING
    assert club.invoices() == []


def test_incomplete_or_unpaid_there_is_no_period_to_wait_for() -> None:
    """One that is not in force has no period that could end; it is canceled now, or not at all."""
    club, gateway = opened()
    gateway.script(Decline())
    begun = club.begin(collection=CHARGED)
    with pytest.raises(Conflict) as error:
        club.do("cancel", begun, "no", at_period_end=True)
    assert error.value.allowed_actions == ("activate", "expire", "cancel")
    with pytest.raises(NotFound):
        club.subscriptions.cancel(club.scope, club.office.identifiers.new(), "no", at_period_end=True)  # type: ignore[arg-type]


def test_usage_beyond_the_last_band_cannot_be_closed() -> None:
    """Usage that no band prices is refused with its reason, also at the end."""
    club, _ = opened()
    club.sell(metered(*metered().pricing.tiers[:1]), handle="banded")  # type: ignore[union-attr]
    begun = club.begin("banded", collection=CHARGED)
    club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", 11, club.now)])
    with pytest.raises(Refused) as error:
        cancel(club, begun)
    assert error.value.code == "beyond_last_band"
    assert club.get(begun) == begun


def test_endings_are_told() -> None:
    """A cancellation that waits tells nothing yet; an end tells why."""
    club, _ = opened()
    begun = club.begin(collection=CHARGED)
    told = len(club.happened(""))
    club.do("cancel", begun, "moving", at_period_end=True)
    assert len(club.happened("")) == told
    cancel(club, begun)
    ended = club.happened("subscription.canceled")
    assert [getattr(event, "reason", None) for event in ended] == ["moving"]
