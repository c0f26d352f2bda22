"""What is paid and when: payable units, schedules, netting, minimums, and what stands in the way."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.ids import TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Decision, Planned, Skipped, SkipReason
from cityos_core.payouts.policy import (
    Funds,
    decide,
    is_due,
    last_due,
    next_due,
    payable,
    payable_unit,
    plan,
    schedule_of,
    served_until,
)
from cityos_core.vendors.model import PayoutAccount, Profile, Vendor, VendorStatus
from cityos_core.vendors.schedules import Cadence, PayoutSchedule

MONDAY = date(2026, 1, 5)
ACME = Vendor(
    id=VendorId(UUID(int=1)),
    tenant_id=TenantId(UUID(int=2)),
    handle="acme",
    profile=Profile(name="Acme"),
    status=VendorStatus.APPROVED,
    payout_account=PayoutAccount(method="memory", reference="acct_1", holder="Acme", verified=True),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("net", "paid"),
    [
        ("1234.56 EUR", "1234.56"),
        ("1234.56 HUF", "1234.00"),
        ("1234.56 TWD", "1234.00"),
        ("1234.56 MGA", "1234.00"),
        ("1234 ISK", "1234"),
        ("1234 UGX", "1234"),
        ("1234 JPY", "1234"),
        ("1.259 KWD", "1.250"),
        ("0.99 HUF", "0.00"),
        ("-5.00 EUR", "0.00"),
    ],
)
def test_payable_units(net: str, paid: str) -> None:
    """Special currencies are paid in whole units, three-decimal ones to the second decimal; the rest is carried."""
    assert payable(Money.of(*net.split())).text == paid


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_payable_is_the_floor(minor: int, currency: str) -> None:
    """What is paid is a multiple of the unit, never more than there is, and less than one unit is carried."""
    paid, unit = payable(Money(minor, currency)).minor, payable_unit(currency)
    assert paid % unit == 0
    assert 0 <= max(minor, 0) - paid < unit


days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
schedules = st.one_of(
    st.builds(lambda day: PayoutSchedule(cadence=Cadence.WEEKLY, weekday=day), st.integers(1, 7)),
    st.builds(lambda day: PayoutSchedule(cadence=Cadence.MONTHLY, day=day), st.integers(1, 31)),
)


@given(schedules, days)
def test_the_last_pay_day(schedule: PayoutSchedule, today: date) -> None:
    """It is a pay day, is not in the future, and no pay day lies between it and today."""

    def is_pay_day(day: date) -> bool:
        if schedule.cadence is Cadence.WEEKLY:
            return day.isoweekday() == schedule.weekday
        return day.day == min(schedule.day, monthrange(day.year, day.month)[1])

    found = last_due(schedule, today)
    assert found is not None
    assert found <= today
    assert is_pay_day(found)
    assert not any(is_pay_day(found + timedelta(days=step)) for step in range(1, (today - found).days + 1))


@given(schedules, days, st.lists(st.booleans(), min_size=90, max_size=90))
def test_every_pay_day_is_served_once(schedule: PayoutSchedule, start: date, runs: list[bool]) -> None:
    """Whatever days runs happen to take place on, each pay day is served by the first run on or after it, and only it."""
    sweep: date | None = None
    owed = 0
    for step, has_run in enumerate(runs):
        today = start + timedelta(days=step)
        owed += last_due(schedule, today) == today
        if has_run:
            for _ in range(2):
                due = is_due(schedule, today, served=served_until(sweep, start))
                assert due == (owed > 0)
                sweep, owed = today, 0


def test_daily_is_due_at_every_run_and_manual_at_none() -> None:
    """Daily vendors are paid whenever there is a run, manual ones never by one."""
    daily, manual = PayoutSchedule.of("daily"), PayoutSchedule.of("manual")
    assert is_due(daily, MONDAY, served=MONDAY)
    assert not is_due(manual, MONDAY, served=date(2000, 1, 1))


def test_a_day_that_a_month_lacks_is_its_last() -> None:
    """A payout on the 31st is due on the last day of shorter months."""
    schedule = PayoutSchedule.of("monthly:31")
    assert last_due(schedule, date(2028, 2, 29)) == date(2028, 2, 29)
    assert last_due(schedule, date(2028, 2, 28)) == date(2028, 1, 31)
    assert last_due(schedule, date(2026, 1, 30)) == date(2025, 12, 31)


def test_a_pay_day_before_joining_is_nobodys() -> None:
    """A vendor that joins on a Wednesday is not owed the Monday before, one that joins on the Monday is."""
    weekly = PayoutSchedule.of("weekly:1")
    assert not is_due(weekly, MONDAY + timedelta(days=2), served=served_until(None, MONDAY + timedelta(days=2)))
    assert is_due(weekly, MONDAY + timedelta(days=2), served=served_until(None, MONDAY))


def decided(available: int, debt: int = 0, *, vendor: Vendor = ACME, **changes: Any) -> Decision:
    """Decide about a vendor that is due, without a minimum."""
    terms = {
        "minimum": Money(0, "EUR"),
        "schedule": PayoutSchedule(),
        "due": True,
        "methods": {"memory"},
        **changes,
    }
    return decide(vendor, Funds(Money(available, "EUR"), Money(debt, "EUR")), **terms)


def test_debt_is_netted() -> None:
    """What is owed is paid off before anything is paid out."""
    found = decided(10000, 2500)
    assert isinstance(found, Planned)
    assert (found.amount, found.netted, found.carried) == (Money(7500, "EUR"), Money(2500, "EUR"), Money(0, "EUR"))
    assert (found.method, found.account, found.holder) == ("memory", "acct_1", "Acme")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"available": 100, "debt": 101}, SkipReason.OWES),
        ({"available": 0, "debt": 1}, SkipReason.OWES),
        ({"available": 0}, SkipReason.NOTHING_AVAILABLE),
        ({"available": 100, "debt": 100}, SkipReason.NOTHING_AVAILABLE),
        ({"available": 100, "vendor": evolve(ACME, status=VendorStatus.SUSPENDED)}, SkipReason.NOT_APPROVED),
        ({"available": 100, "vendor": evolve(ACME, payout_account=None)}, SkipReason.ACCOUNT_NOT_VERIFIED),
        (
            {
                "available": 100,
                "vendor": evolve(ACME, payout_account=PayoutAccount(method="memory", reference="x", holder="y")),
            },
            SkipReason.ACCOUNT_NOT_VERIFIED,
        ),
        ({"available": 100, "methods": {"bank"}}, SkipReason.METHOD_NOT_CONFIGURED),
        ({"available": 100, "due": False}, SkipReason.NOT_DUE),
        ({"available": 100, "minimum": Money(101, "EUR")}, SkipReason.BELOW_MINIMUM),
        ({"available": 200, "debt": 100, "minimum": Money(101, "EUR")}, SkipReason.BELOW_MINIMUM),
    ],
)
def test_why_a_vendor_is_left_out(changes: dict[str, Any], reason: SkipReason) -> None:
    """Each reason is named, with the amount it is about and words that say what to do."""
    found = decided(**changes)
    assert isinstance(found, Skipped)
    assert found.reason is reason
    assert found.amount == Money(changes["available"] - changes.get("debt", 0), "EUR")
    assert found.detail


def test_at_the_minimum_is_paid() -> None:
    """The minimum itself is enough."""
    assert isinstance(decided(100, minimum=Money(100, "EUR")), Planned)


def test_less_than_a_unit_waits() -> None:
    """An amount that no provider can pay out is below the minimum, whatever that is."""
    found = decide(
        ACME,
        Funds(Money(99, "HUF"), Money(0, "HUF")),
        minimum=Money(0, "HUF"),
        schedule=PayoutSchedule(),
        due=True,
        methods={"memory"},
    )
    assert isinstance(found, Skipped)
    assert (found.reason, "1.00 HUF" in found.detail) == (SkipReason.BELOW_MINIMUM, True)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from(["EUR", "HUF", "KWD", "JPY"]))
def test_a_plan_accounts_for_everything(available: int, debt: int, currency: str) -> None:
    """What is available is paid out, nets the debt or is carried: nothing is lost and nothing made up."""
    funds = Funds(Money(available, currency), Money(debt, currency))
    if payable(funds.net):
        found = plan(ACME, funds, payable(funds.net))
        assert found.amount + found.netted + found.carried == funds.available
        assert found.netted == funds.debt


def test_a_vendors_own_schedule_comes_first() -> None:
    """A vendor is paid by its own schedule, or else by the one that the settings give."""
    inherited = PayoutSchedule.of("weekly:5")
    assert schedule_of(ACME, inherited) == inherited
    assert schedule_of(evolve(ACME, payout_schedule="monthly:31"), inherited) == PayoutSchedule.of("monthly:31")


@pytest.mark.parametrize(
    ("schedule", "served", "day"),
    [
        ("daily", -1, date(2026, 1, 5)),
        ("daily", 0, date(2026, 1, 6)),
        ("weekly:1", -1, date(2026, 1, 5)),
        ("weekly:1", 0, date(2026, 1, 12)),
        ("weekly:5", -1, date(2026, 1, 9)),
        ("weekly:5", -4, date(2026, 1, 5)),
        ("monthly:31", -1, date(2026, 1, 31)),
        ("monthly:1", -1, date(2026, 2, 1)),
        ("manual", -100, None),
    ],
)
def test_the_next_pay_day(schedule: str, served: int, day: date | None) -> None:
    """It is the next pay day, or today if an earlier one was not served; of a manual schedule there is none."""
    assert next_due(PayoutSchedule.of(schedule), MONDAY, served=MONDAY + timedelta(days=served)) == day


@given(
    st.sampled_from(["daily", *(f"weekly:{n}" for n in range(1, 8)), *(f"monthly:{n}" for n in range(1, 32))]),
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.integers(0, 100),
)
def test_the_next_pay_day_is_the_first_on_which_a_run_pays(text: str, today: date, since: int) -> None:
    """No run pays before it, and a run on it does."""
    schedule, served = PayoutSchedule.of(text), today - timedelta(days=since)
    day = next_due(schedule, today, served=served)
    assert day is not None
    is_paid = [last_due(schedule, today + timedelta(days=n)) for n in range((day - today).days + 1)]
    assert [at is not None and at > served for at in is_paid] == [False] * (len(is_paid) - 1) + [True]
