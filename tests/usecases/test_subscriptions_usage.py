"""Reporting usage: exactly, once under each key, into the period it belongs to; and what the next cycles will bill."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Decline, ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.money import Money, Percentage
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import DunningPolicy, LateUsage
from cityos_core.subscriptions.terms import Discount
from cityos_core.subscriptions.usage import UsageRecord
from cityos_core.subscriptions.wishes import When
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


def opened(kind: str = "memory", make_database: MakeDatabase | None = None, **terms: Any) -> Club:
    """Sell a plan with usage: ten units at 1.00, then 0.50 each."""
    database = make_database(kind) if make_database else None
    club = Club.open(Office.open(database=database, gateways={"card": ScriptedGateway()}))
    club.sell(fixed("31.00"), metered(), **terms)
    return club


def report(club: Club, subscription: Subscription, *records: Any) -> list[UsageRecord]:
    """Report usage: a key, how much, and when, now if that is left out."""
    reports = [(key, "calls", quantity, *(when or [club.now])) for key, quantity, *when in records]
    return club.subscriptions.record_usage(club.scope, subscription.id, reports)


def billed(club: Club, subscription: Subscription) -> list[tuple[str, int, str, int]]:
    """Bill what is due, and say which usage the last invoice charges."""
    club.office.bill(subscription.id)
    lines = club.invoices(subscription)[-1].lines
    return [(line.kind.value, line.cycle, str(line.quantity), line.net) for line in lines if line.item == "calls"]


def code(act: Callable[[], object]) -> str:
    """Say why something is refused."""
    with pytest.raises(CityOSError) as error:
        act()
    return error.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_usage_is_billed_when_its_period_ends(kind: str, make_database: MakeDatabase) -> None:
    """Usage is summed exactly, however it is written, and billed in arrears, rounded once."""
    club = opened(kind, make_database)
    begun = club.begin()
    club.wait(days=1)
    records = report(club, begun, ("a", "0.1"), ("b", Decimal("0.20")), ("c", Fraction(1, 3)), ("d", 4), ("e", 0))
    assert [one.quantity for one in records] == [Fraction(1, 10), Fraction(1, 5), Fraction(1, 3), 4, 0]
    assert {(one.recorded_at, one.counts_at, one.is_late) for one in records} == {(club.now, club.now, False)}
    club.wait(days=30)
    assert billed(club, begun) == [("usage", 0, "139/30", 463)]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_counts_once(kind: str, make_database: MakeDatabase) -> None:
    """The same report again, in a batch or later, gives the record that stands, whatever became of the subscription."""
    club = opened(kind, make_database)
    begun = club.begin()
    at = club.now
    first = report(club, begun, ("a", 4, at), ("b", 1, at), ("a", "4.0", at))
    assert first[0] == first[2]
    club.wait(days=1)
    assert report(club, begun, ("b", 1, at), ("c", 1, at), ("a", 4, at))[::2] == [first[1], first[0]]
    for other in (("a", 5, at), ("a", 4, club.now)):
        assert code(lambda other=other: report(club, begun, other)) == "usage_key_reused"  # type: ignore[misc]
    assert code(lambda: report(club, begun, ("x", 1, at), ("x", 2, at))) == "usage_key_reused"
    club.do("cancel", begun, "moving", at_period_end=False)
    assert report(club, begun, ("a", 4, at)) == first[:1]
    assert code(lambda: report(club, begun, ("a", 4, at), ("new", 1, at))) == "invalid_state"
    assert [line.quantity for line in club.invoices()[-1].lines] == [6]
    assert report(club, begun) == []


@pytest.mark.parametrize("kind", KINDS)
def test_late_usage_is_priced_again(kind: str, make_database: MakeDatabase) -> None:
    """What is reported after its period was billed costs what it would have, together with what was billed of it."""
    club = opened(kind, make_database)
    begun = club.begin()
    used_at = club.now
    report(club, begun, ("a", 8))
    club.wait(days=31)
    assert billed(club, begun) == [("usage", 0, "8", 800)]
    (late,) = report(club, begun, ("b", 4, used_at))
    assert (late.is_late, late.counts_at) == (True, used_at)
    club.wait(days=28)
    assert billed(club, begun) == [("usage", 1, "0", 0), ("late_usage", 0, "4", 300)]
    club.wait(days=31)
    assert billed(club, begun) == [("usage", 2, "0", 0)]
    club.audit()


def test_late_usage_counts_as_used_now() -> None:
    """By the plan's policy, what comes late may count in the period that runs."""
    club = opened(late_usage=LateUsage.CURRENT)
    begun = club.begin()
    used_at = club.now
    club.wait(days=32)
    billed(club, begun)
    (late,) = report(club, begun, ("a", 4, used_at))
    assert (late.is_late, late.counts_at) == (False, club.now)
    club.wait(days=27)
    assert billed(club, begun) == [("usage", 1, "4", 400)]


def test_late_usage_is_refused() -> None:
    """By the plan's policy, a period that was billed may be closed; the batch is refused as a whole."""
    club = opened(late_usage=LateUsage.REFUSE)
    begun = club.begin()
    used_at = club.now
    club.wait(days=32)
    assert report(club, begun, ("in time", 1, used_at))
    billed(club, begun)
    assert code(lambda: report(club, begun, ("a", 1), ("b", 4, used_at))) == "usage_late"
    assert report(club, begun, ("a", 2))[0].quantity == 2


def test_what_is_due_and_not_billed_is_not_late() -> None:
    """Until its period is billed, usage belongs to it; what was used after the boundary belongs to the next."""
    club = opened()
    begun = club.begin()
    club.wait(days=31)
    records = report(club, begun, ("a", 4, club.now - timedelta(microseconds=1)), ("b", 3))
    assert [one.is_late for one in records] == [False, False]
    assert billed(club, begun) == [("usage", 0, "4", 400)]
    club.wait(days=28)
    assert billed(club, begun) == [("usage", 1, "3", 300)]


def test_a_trial_uses_for_nothing() -> None:
    """What is used on trial is never billed, however late it is reported and whatever the policy."""
    for policy in LateUsage:
        club = opened(late_usage=policy)
        begun = club.begin(trial_days=10)
        used_at = club.now + timedelta(days=1)
        club.wait(days=2)
        report(club, begun, ("a", 4, used_at))
        club.wait(days=8)
        assert billed(club, begun) == []
        assert not report(club, begun, ("b", 4, used_at))[0].is_late
        club.wait(days=31)
        assert billed(club, begun) == [("usage", 0, "0", 0)]


@pytest.mark.parametrize("policy", LateUsage)
def test_paused_time_is_not_billed(policy: LateUsage) -> None:
    """Usage from before a pause is taken during it, however late, and counts before it; usage of paused time is refused."""
    club = opened(late_usage=policy)
    begun = club.begin()
    club.wait(days=5)
    club.do("pause", begun)
    paused_at = club.now
    club.wait(days=90)
    before = paused_at - timedelta(microseconds=1)
    assert report(club, begun, ("a", 4, before))[0].counts_at == before
    for used_at in (paused_at, club.now - timedelta(days=1), club.now):
        assert code(lambda at=used_at: report(club, begun, ("b", 1, at))) == "not_billed"  # type: ignore[misc]
    assert code(lambda: report(club, begun, ("b", 1, club.now + timedelta(seconds=1)))) == "usage_in_future"
    club.do("resume", begun)
    assert [line.net for line in club.invoices()[-1].lines if line.item == "calls"] == [400]
    club.audit()


def test_late_usage_during_a_pause_counts_before_it() -> None:
    """With the policy that late usage counts now, what comes during a pause counts in the last moment before it."""
    club = opened(late_usage=LateUsage.CURRENT)
    begun = club.begin()
    used_at = club.now
    club.wait(days=32)
    club.office.bill(begun.id)
    club.do("pause", begun)
    paused_at = club.now
    club.wait(days=60)
    assert report(club, begun, ("a", 4, used_at))[0].counts_at == paused_at - timedelta(microseconds=1)
    club.do("resume", begun)
    assert [line.net for line in club.invoices()[-1].lines if line.item == "calls"] == [400]


def test_what_ends_with_its_period_uses_nothing_after_it() -> None:
    """Until the closing bill, usage of the last period is taken, and none from after it."""
    club = opened(late_usage=LateUsage.CURRENT)
    begun = club.begin()
    used_at = club.now
    club.wait(days=32)
    club.office.bill(begun.id)
    ends_at = club.do("cancel", begun, "moving", at_period_end=True).ends_at
    club.wait(days=30)
    assert ends_at is not None
    assert code(lambda: report(club, begun, ("a", 1, ends_at))) == "not_billed"
    last = ends_at - timedelta(microseconds=1)
    assert [one.counts_at for one in report(club, begun, ("a", 4, last), ("b", 3, used_at))] == [last, last]
    billing = BillingUseCases.of(club.office.dependencies)
    assert billing.run(club.scope).certificate.closed == 1
    lines = club.invoices()[-1].lines
    assert [(line.kind.value, line.cycle, line.net) for line in lines] == [("usage", 1, 700)]
    assert code(lambda: report(club, begun, ("c", 1, last))) == "invalid_state"
    club.audit()


def test_an_unpaid_subscription_rests() -> None:
    """After payment was given up, usage counts until the period that was billed has ended, and not beyond."""
    gateway = ScriptedGateway()
    club = Club.open(Office.open(gateways={"card": gateway}))
    club.sell(fixed("31.00"), metered(), dunning=DunningPolicy(days=()))
    begun = club.begin(collection=CHARGED, trial_days=1)
    gateway.script(Decline())
    assert club.do("convert", begun).status is S.UNPAID
    club.wait(days=40)
    ended_at = club.cycles(begun)[0].ends_at
    assert report(club, begun, ("a", 1, ended_at - timedelta(microseconds=1)))
    assert code(lambda: report(club, begun, ("b", 1, ended_at))) == "not_billed"


@pytest.mark.parametrize(
    ("record", "kind", "expected"),
    [
        (("a", "calls", 1.5, None), Invalid, "not_exact"),
        (("a", "calls", True, None), Invalid, "not_exact"),
        (("a", "calls", Decimal("NaN"), None), Invalid, "not_exact"),
        (("a", "calls", "1e5", None), Invalid, "not_a_decimal"),
        (("a", "calls", -1, None), Invalid, "negative_quantity"),
        (("a", "calls", 2**63, None), Invalid, "negative_quantity"),
        ((" ", "calls", 1, None), Invalid, "key"),
        (("a", "base", 1, None), Refused, "not_metered"),
        (("a", "no-such", 1, None), NotFound, "no_such_item"),
        (("a", "calls", 1, timedelta(seconds=1)), Invalid, "usage_in_future"),
        (("a", "calls", 1, timedelta(days=-1)), Refused, "not_billed"),
    ],
)
def test_what_is_no_usage_is_refused(record: tuple[Any, ...], kind: type[CityOSError], expected: str) -> None:
    """A report that means nothing is refused with its place, and its batch with it."""
    club = opened()
    begun = club.begin()
    *words, offset = record
    reports: list[Any] = [("good", "calls", 1, club.now), (*words, club.now + (offset or timedelta()))]
    with pytest.raises(kind) as error:
        club.subscriptions.record_usage(club.scope, begun.id, reports)
    assert error.value.code == expected
    if expected in ("not_exact", "not_a_decimal"):
        assert "$.records[1].quantity" in str(error.value)
    club.wait(days=31)
    assert billed(club, begun) == [("usage", 0, "0", 0)]


def test_batches_are_bounded_and_times_have_zones() -> None:
    """A thousand reports are taken at a time; a time without a zone is refused."""
    club = opened()
    begun = club.begin()
    assert len(report(club, begun, *[(f"k{n}", 1) for n in range(1000)])) == 1000
    assert code(lambda: report(club, begun, *[(f"k{n}", 1) for n in range(1001)])) == "too_many_records"
    assert code(lambda: report(club, begun, ("naive", 1, datetime(2026, 1, 5)))) == "naive_time"  # noqa: DTZ001


def test_who_has_not_begun_uses_nothing() -> None:
    """Before its first payment a subscription takes no usage; the report may come again when it is paid."""
    gateway = ScriptedGateway()
    gateway.script(Decline())
    club = Club.open(Office.open(gateways={"card": gateway}))
    club.sell(fixed("31.00"), metered())
    begun = club.begin(collection=CHARGED)
    with pytest.raises(Conflict) as error:
        report(club, begun, ("a", 1))
    assert (error.value.code, error.value.current_state) == ("invalid_state", "incomplete")
    club.subscriptions.pay(club.scope, club.invoices()[0].id)
    assert report(club, begun, ("a", 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_is_what_will_be_billed(kind: str, make_database: MakeDatabase) -> None:
    """Discounts that run out, a change that waits and expected usage are all in it, and it comes true."""
    club = opened(kind, make_database)
    club.sell(fixed("62.00"), metered(), handle="plus")
    half = Discount(code="half", percentage=Percentage.of("50"), cycles=2)
    begun = club.begin(discounts=(half,))
    club.do("change", begun, "plus", when=When.PERIOD_END)
    bills = club.subscriptions.forecast(club.scope, begun.id, 3, {"calls": "12"})
    assert [(one.cycle, one.total) for one in bills] == [(1, 3100 + 1100), (2, 6200 + 1100), (3, 6200 + 1100)]
    assert club.subscriptions.forecast(club.scope, begun.id, 3) != bills
    for one in bills:
        report(club, begun, (str(one.cycle), 12))
        club.office.clock.set(club.get(begun).due_at or club.now)
        club.office.bill(begun.id)
    assert [one.total.minor for one in club.invoices()[1:]] == [one.total for one in bills]
    club.audit()


def test_a_forecast_ends_where_the_subscription_does() -> None:
    """What is canceled at the period's end has a closing bill and no more; what is paused has none."""
    club = opened()
    begun = club.begin()
    assert len(club.subscriptions.forecast(club.scope, begun.id)) == 12
    club.do("cancel", begun, "moving", at_period_end=True)
    assert [one.period for one in club.subscriptions.forecast(club.scope, begun.id, 5)] == [None]
    club.do("pause", club.do("undo", begun))
    assert club.subscriptions.forecast(club.scope, begun.id, 5) == ()
    assert code(lambda: club.subscriptions.forecast(club.scope, begun.id, 0)) == "cycles"
    assert code(lambda: club.subscriptions.forecast(club.scope, begun.id, 1, {"base": 1})) == "not_metered"
    assert code(lambda: club.subscriptions.forecast(club.scope, begun.id, 1, {"x": 1})) == "no_such_item"
    assert code(lambda: club.subscriptions.forecast(club.scope, begun.id, 1, {"calls": "x"})) == "not_a_decimal"


@pytest.mark.parametrize("kind", KINDS)
def test_a_discount_is_for_what_comes(kind: str, make_database: MakeDatabase) -> None:
    """A discount given later leaves the current period as it is, holds for its cycles, and runs out."""
    club = opened(kind, make_database)
    club.sell(fixed("31.00"), seats("3.10"), handle="team")
    begun = club.begin("team", quantities={"seats": 10})
    given = club.do("add_discount", begun, Discount(code="half", percentage=Percentage.of("50"), cycles=1, used=7))
    assert [(one.first_cycle, one.used) for one in given.discounts] == [(1, 0)]
    club.do("change", begun, quantities={"seats": 20})
    for _ in range(2):
        club.office.clock.set(club.get(begun).due_at or club.now)
        club.office.bill(begun.id)
    assert club.totals() == ["62.00", "31.00", "46.50", "93.00"]
    again = club.do("add_discount", begun, Discount(code="half", amount=Money.of("3.00", "EUR")))
    assert len(again.discounts) == 2
    club.audit()


def test_discounts_that_are_refused() -> None:
    """A code is given once at a time, in the subscription's currency, while there is something to come."""
    club = opened()
    half = Discount(code="half", percentage=Percentage.of("50"))
    begun = club.begin(discounts=(half,))
    assert code(lambda: club.do("add_discount", begun, half)) == "discount_given"
    dollars = Discount(code="usd", amount=Money.of("3.00", "USD"))
    assert code(lambda: club.do("add_discount", begun, dollars)) == "currency_mismatch"
    for number in range(19):
        club.do("add_discount", begun, Discount(code=f"d{number}", percentage=Percentage.of("1")))
    assert code(lambda: club.do("add_discount", begun, Discount(code="d", percentage=Percentage.of("1")))) == (
        "too_many_discounts"
    )
    club.do("cancel", begun, "moving", at_period_end=False)
    with pytest.raises(Conflict) as error:
        club.do("add_discount", begun, Discount(code="new", percentage=Percentage.of("1")))
    assert (error.value.code, error.value.current_state) == ("invalid_state", "canceled")
