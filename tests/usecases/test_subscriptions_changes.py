"""Changing subscriptions: at once or at the period's end, undone, on trial; and every reason why not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Decline, ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, Refused
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.plans import PlanItem
from cityos_core.subscriptions.wishes import When
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus
LATER = When.PERIOD_END


def opened(kind: str = "memory", make_database: MakeDatabase | None = None, **gateways: Any) -> Club:
    """Sell plans by the month and one by the year, in January, whose days are 31."""
    database = make_database(kind) if make_database else None
    club = Club.open(Office.open(database=database, gateways=gateways))
    club.sell(fixed("31.00"))
    club.sell(fixed("62.00"), handle="plus")
    club.sell(fixed("31.00"), seats("3.10"), handle="team")
    club.sell(fixed("310.00"), handle="yearly", interval=Interval.YEAR)
    return club


def lines(club: Club) -> list[tuple[str, str, int]]:
    """Say what the latest invoice charges and gives back."""
    return [(line.kind.value, line.item, line.net) for line in club.invoices()[-1].lines]


@pytest.mark.parametrize("kind", KINDS)
def test_an_upgrade_is_credited_debited_and_collected(kind: str, make_database: MakeDatabase) -> None:
    """Ten of thirty-one days later the rest of the old price comes back, the rest of the new one is charged at once."""
    club = opened(kind, make_database, card=ScriptedGateway())
    begun = club.begin(collection=CHARGED, tax=VAT)
    club.wait(days=10)
    plus = club.do("change", begun, "plus")
    assert (plus.plan_id, plus.due_at) == (club.plans.get(club.scope, "plus").id, begun.due_at)
    assert lines(club) == [("credit", "base", -2100), ("debit", "base", 4200)]
    invoice = club.invoices()[-1]
    assert (invoice.change, invoice.cycle, invoice.total.text) == (1, 0, "25.41")
    assert invoice.status is InvoiceStatus.PAID
    assert club.states(begun) == ["paid", "upcoming"]
    assert [(one.kind.value, one.change.text) for one in club.movements()] == [("new", "31.00"), ("expansion", "31.00")]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_downgrade_becomes_credit_that_the_next_cycle_uses(kind: str, make_database: MakeDatabase) -> None:
    """What a downgrade gives back is credit; the next invoice is paid from it first."""
    club = opened(kind, make_database)
    begun = club.begin("plus")
    club.wait(days=10)
    club.do("change", begun, "basic")
    assert (club.totals()[-1], club.office.holds("customer:ada:credit")) == ("-21.00", "21.00")
    club.wait(days=21)
    club.office.bill(begun.id)
    assert [(one.from_credit, one.due.text) for one in club.invoices()[-1:]] == [(2100, "10.00")]
    club.audit()


def test_quantities_change_alone_or_with_the_plan() -> None:
    """Items that are not named keep their quantities, as far as the plan has them; zero seats cost nothing."""
    club = opened()
    club.sell(
        seats("3.10"), PlanItem(key="desks", name="Desks", kind=seats().kind, price=seats("6.20").price), handle="co"
    )
    begun = club.begin("team", quantities={"seats": 2})
    more = club.do("change", begun, quantities={"seats": 5})
    assert lines(club) == [("credit", "seats", -620), ("debit", "seats", 1550)]
    both = club.do("change", more, "co", {"desks": 2})
    assert both.quantities == {"seats": 5, "desks": 2}
    assert club.do("change", both, quantities={"desks": 0}).quantities == {"seats": 5, "desks": 0}
    assert club.do("change", both, "basic").quantities == {}
    club.audit()


def test_a_change_of_nothing_leaves_no_invoice() -> None:
    """The plan one has already, with the quantities one has: nothing is invoiced, stored or told."""
    club = opened()
    begun = club.begin("team", quantities={"seats": 2})
    told = len(club.happened(""))
    assert club.do("change", begun, "team") == begun
    assert club.do("change", begun, quantities={"seats": 2}) == begun
    assert (len(club.invoices()), len(club.happened(""))) == (1, told)


@pytest.mark.parametrize("kind", KINDS)
def test_another_interval_begins_a_period_now(kind: str, make_database: MakeDatabase) -> None:
    """From a month to a year: the month's rest comes back, a year begins, its cycle is laid out and billed at once."""
    club = opened(kind, make_database)
    begun = club.begin()
    club.wait(days=10)
    yearly = club.do("change", begun, "yearly")
    assert lines(club) == [("credit", "base", -2100), ("recurring", "base", 31000)]
    assert (yearly.next_cycle, yearly.first_cycle, yearly.anchor.interval) == (2, 1, Interval.YEAR)
    first, second, coming = club.cycles(begun)
    assert (first.ends_at, second.starts_at, second.status.value) == (club.now, club.now, "invoiced")
    assert coming.due_at == second.ends_at == yearly.due_at == club.now.replace(year=2027)
    assert club.office.journals()[-1].occurred_at == club.now
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_waits_for_the_period_to_end(kind: str, make_database: MakeDatabase) -> None:
    """A change at the period's end costs nothing now; it can be replaced and undone, and then comes true."""
    club = opened(kind, make_database)
    begun = club.begin("plus")
    club.do("change", begun, "yearly", when=LATER)
    waiting = club.do("change", begun, "basic", when=LATER)
    assert waiting.scheduled is not None
    assert waiting.scheduled.plan_id == club.plans.get(club.scope, "basic").id
    assert club.do("undo", begun).scheduled is None
    club.do("change", begun, "basic", when=LATER)
    club.wait(days=31)
    club.office.bill(begun.id)
    assert club.totals() == ["62.00", "31.00"]
    assert [one.kind.value for one in club.movements()] == ["new", "contraction"]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancellation_waits_and_is_undone(kind: str, make_database: MakeDatabase) -> None:
    """Canceled at the period's end it goes on until then, and can be undone; undoing it again finds nothing."""
    club = opened(kind, make_database)
    begun = club.begin()
    leaving = club.do("cancel", begun, "too dear", at_period_end=True)
    assert (leaving.status, leaving.ends_at) == (S.ACTIVE, begun.due_at)
    assert club.do("undo", begun).cancellation is None
    with pytest.raises(Refused) as error:
        club.do("undo", begun)
    assert error.value.code == "nothing_to_undo"
    club.do("cancel", begun, "too dear", at_period_end=True)
    club.wait(days=31)
    with pytest.raises(Refused) as late:
        club.do("undo", begun)
    assert late.value.code == "too_late"


def test_a_trial_is_extended_shortened_and_converted() -> None:
    """A trial ends when it is told to; converted, the first period begins and is collected at once."""
    club = opened(card=ScriptedGateway())
    club.sell(fixed("31.00"), handle="tried", trial_days=14)
    begun = club.begin("tried", collection=CHARGED)
    for days in (20, 3):
        ends_at = club.now + timedelta(days=days)
        assert club.do("change_trial", begun, ends_at).due_at == ends_at
        assert [one.due_at for one in club.cycles(begun)] == [ends_at]
    plus = club.do("change", begun, "plus")
    assert (plus.status, club.invoices()) == (S.TRIALING, [])
    club.wait(days=1)
    converted = club.do("convert", begun)
    assert (converted.status, converted.trial_ends_at, club.totals()) == (S.ACTIVE, club.now, ["62.00"])
    assert club.states(begun) == ["paid", "upcoming"]
    assert [one.change.text for one in club.movements()] == ["62.00"]
    club.audit()


def test_a_conversion_that_is_declined_is_past_due() -> None:
    """One who leaves the trial and cannot pay is past due, not incomplete: the service was in use."""
    club = opened(card=ScriptedGateway())
    begun = club.begin(collection=CHARGED, trial_days=14, payment_method="declined")
    assert club.do("convert", begun).status is S.PAST_DUE
    assert club.states(begun) == ["failed", "upcoming"]
    club.audit()


def test_a_declined_upgrade_is_past_due_and_stands() -> None:
    """The change is made, what it costs is owed, and dunning begins."""
    gateway = ScriptedGateway()
    club = opened(card=gateway)
    begun = club.begin(collection=CHARGED)
    gateway.script(Decline())
    changed = club.do("change", begun, "plus")
    assert (changed.status, changed.plan_id) == (S.PAST_DUE, club.plans.get(club.scope, "plus").id)
    assert [one.status for one in club.invoices()] == [InvoiceStatus.PAID, InvoiceStatus.OPEN]
    assert [event.name for event in club.happened("subscription.notice")] == ["subscription.notice"]
    club.audit()


def _refused(act: Callable[[], object]) -> CityOSError:
    with pytest.raises(CityOSError) as error:
        act()
    return error.value


REFUSED: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "nothing is named": ("change", (), {}, "nothing_to_change"),
    "an unknown plan": ("change", ("no-such",), {}, "plan_not_found"),
    "another currency": ("change", ("yen",), {}, "currency_mismatch"),
    "seats it does not have": ("change", (None, {"seats": 2}), {}, "no_such_item"),
    "quantities of what has none": ("change", (None, {"base": 2}), {}, "not_per_seat"),
    "fewer than none": ("change", ("team", {"seats": -1}), {}, "quantity"),
    "fewer than none, later": ("change", ("team", {"seats": -1}), {"when": LATER}, "quantity"),
    "nothing to undo": ("undo", (), {}, "nothing_to_undo"),
    "what is not paused": ("resume", (), {}, "invalid_state"),
    "what is no trial": ("convert", (), {}, "invalid_state"),
    "no reason": ("cancel", (" ",), {"at_period_end": False}, "no_reason"),
    "too much of a reason": ("cancel", ("x" * 501,), {"at_period_end": True}, "no_reason"),
    "a token that is none": ("pause", (), {"token": "abc"}, "preview_token"),
}


@pytest.mark.parametrize(("action", "args", "words", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing(action: str, args: tuple[Any, ...], words: dict[str, Any], code: str) -> None:
    """A change that cannot be is refused with its reason, and leaves everything as it was."""
    club = opened()
    club.sell(PlanItem(key="base", name="Base", price=UnitPrice.of("500", "JPY")), handle="yen", currency="JPY")
    begun = club.begin()
    assert _refused(lambda: club.do(action, begun, *args, **words)).code == code
    assert (club.get(begun), len(club.invoices()), club.states(begun)) == (begun, 1, ["invoiced", "upcoming"])


def test_trials_end_in_the_future_and_not_too_late() -> None:
    """A trial is not moved into the past, nor beyond two years; one on which something waits is not converted."""
    club = opened()
    begun = club.begin(trial_days=14)
    for days, code in ((0, "trial_ended"), (-1, "trial_ended"), (731, "trial_too_long")):
        ends_at = club.now + timedelta(days=days)
        assert _refused(lambda at=ends_at: club.do("change_trial", begun, at)).code == code  # type: ignore[misc]
    club.do("change", begun, "plus", when=LATER)
    assert _refused(lambda: club.do("convert", begun)).code == "scheduled"


def test_nothing_is_planned_where_it_ends() -> None:
    """A change after the end, and a pause before something that waits, are refused: that is undone first."""
    club = opened()
    begun = club.begin()
    club.do("cancel", begun, "moving", at_period_end=True)
    assert _refused(lambda: club.do("change", begun, "plus", when=LATER)).code == "cancels"
    assert _refused(lambda: club.do("pause", begun)).code == "scheduled"


DUE: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "change": ("change", ("plus",), {}),
    "change later": ("change", ("plus",), {"when": LATER}),
    "pause": ("pause", (), {}),
    "cancel": ("cancel", ("moving",), {"at_period_end": False}),
    "cancel later": ("cancel", ("moving",), {"at_period_end": True}),
}


@pytest.mark.parametrize(("action", "args", "words"), DUE.values(), ids=DUE)
def test_what_is_due_is_billed_first(action: str, args: tuple[Any, ...], words: dict[str, Any]) -> None:
    """Nothing changes while the next cycle is due and not billed: what ended is billed as it was."""
    club = opened()
    begun = club.begin()
    club.wait(days=31)
    refused = _refused(lambda: club.do(action, begun, *args, **words))
    assert (refused.code, type(refused), "try again" in refused.detail) == ("cycle_due", Conflict, True)
    club.office.bill(begun.id)
    club.do(action, begun, *args, **words)
    club.audit()


@pytest.mark.parametrize(("action", "args"), [("convert", ()), ("change", ("plus",)), ("change_trial", ("later",))])
def test_a_trial_that_ended_is_billed_first(action: str, args: tuple[Any, ...]) -> None:
    """A trial that has ended is not extended, converted or changed before it is billed."""
    club = opened()
    begun = club.begin(trial_days=14)
    club.wait(days=14)
    given = [club.now + timedelta(days=1) if arg == "later" else arg for arg in args]
    assert _refused(lambda: club.do(action, begun, *given)).code == "cycle_due"


def test_an_upgrade_needs_a_gateway_too() -> None:
    """Where nothing is configured any more that could charge, what would be charged is refused, and the rest is not."""
    gateways = {"card": ScriptedGateway()}
    club = Club.open(Office.open(gateways=gateways))
    club.sell(fixed("31.00"))
    club.sell(fixed("62.00"), handle="plus")
    begun = club.begin(collection=CHARGED)
    gateways.clear()
    assert _refused(lambda: club.do("change", begun, "plus")).code == "no_gateway"
    assert club.do("pause", begun).status is S.PAUSED
    club.audit()


def test_an_amount_that_no_ledger_holds_is_refused() -> None:
    """A quantity whose price is beyond 64 bits is refused, not stored."""
    club = opened()
    club.sell(seats("93000000000.00"), handle="palace")
    begun = club.begin("palace")
    refused = _refused(lambda: club.do("change", begun, quantities={"seats": 1_000_000}))
    assert (refused.code, type(refused)) == ("amount_too_large", Invalid)
    assert club.get(begun) == begun


def test_usage_is_billed_with_the_change_that_ends_its_period() -> None:
    """Another interval ends the cycle: what was used in it is billed with the change, under the plan it was used under."""
    club = opened()
    club.sell(fixed("31.00"), metered(), handle="metered")
    begun = club.begin("metered")
    club.wait(days=5)
    club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", 12, club.now)])
    club.wait(days=5)
    club.do("change", begun, "yearly")
    assert lines(club) == [("credit", "base", -2100), ("recurring", "base", 31000), ("usage", "calls", 1100)]
    club.audit()
