"""Billing cycle by cycle: trials, scheduled changes, the end, catching up, and the forecast."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.money import Percentage
from cityos_core.kernel.proration import Span
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.billing import arrived, bill, passed_over
from cityos_core.subscriptions.catch_up import course, due_cycles
from cityos_core.subscriptions.changes import cancel_later, change_later
from cityos_core.subscriptions.forecast import forecast
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.pausing import pause
from cityos_core.subscriptions.plans import CatchUp
from cityos_core.subscriptions.terms import Collection, Discount
from cityos_core.subscriptions.trials import change_trial, convert
from core.subscriptions.samples import ACTIVE, START, YEARLY, Book, at, fixed, metered, plan, subscribe


def test_a_trial_is_free_and_then_billed() -> None:
    """After fourteen days the first period begins where the trial ended, and the subscription is active."""
    book = Book(plan(trial_days=14))
    assert book.subscription.status is SubscriptionStatus.TRIALING
    assert book.subscription.due_at == book.subscription.trial_ends_at == at("2025-02-14T12:00")
    first = book.bill()
    assert first.period is not None
    assert (first.period.start_utc, first.total) == (at("2025-02-14T12:00"), 3000)
    assert book.subscription.status is ACTIVE
    assert book.subscription.due_at == at("2025-03-14T12:00")


def test_trials_move() -> None:
    """A trial is extended, shortened, or converted now; the periods follow."""
    book = Book(plan(trial_days=14))
    longer = change_trial(book.subscription, ends_at=at("2025-03-01T12:00"), at=START)
    assert longer.due_at == at("2025-03-01T12:00")
    assert change_trial(longer, ends_at=at("2025-02-05T12:00"), at=START).due_at == at("2025-02-05T12:00")
    now = at("2025-02-03T08:00")
    converted = convert(longer, book.plan, at=now)
    assert (converted.total, converted.subscription.status, converted.cycle) == (3000, ACTIVE, 0)
    assert converted.subscription.due_at == at("2025-03-03T08:00")
    for ends_at in (START, START + timedelta(days=731)):
        with pytest.raises(Refused):
            change_trial(longer, ends_at=ends_at, at=START)
    with pytest.raises(Conflict):
        change_trial(converted.subscription, ends_at=at("2025-03-01T12:00"), at=now)
    with pytest.raises(Refused, match="undo that"):
        convert(cancel_later(longer, reason="x", at=now), book.plan, at=now)


def test_beginnings() -> None:
    """A charged subscription waits for its first payment, an invoiced one is active; trials have a limit."""
    assert subscribe(plan()).status is ACTIVE
    assert subscribe(plan(), collection=Collection()).status is SubscriptionStatus.INCOMPLETE
    assert subscribe(plan(trial_days=5), trial_days=0).status is ACTIVE
    with pytest.raises(Refused, match="730 days"):
        subscribe(plan(), trial_days=731)


def test_usage_is_billed_with_the_next_period() -> None:
    """A cycle's invoice has its period in advance, and the usage of the one before."""
    book = Book(plan(fixed(), metered()))
    book.bill()
    use = Use(item="calls", cycle=0, covers=Span(START, at("2025-02-28T12:00")), quantity=12)
    lines = book.bill(uses=[use]).lines
    assert [(line.kind.value, line.cycle, line.net) for line in lines] == [("recurring", 1, 3000), ("usage", 0, 1100)]


def test_the_end_of_a_period_ends_it() -> None:
    """Canceled at period end, the boundary bills what was used, and nothing more."""
    book = Book(plan(fixed(), metered()))
    book.bill()
    book.subscription = cancel_later(book.subscription, reason="x", at=START)
    use = Use(item="calls", cycle=0, covers=Span(START, at("2025-02-28T12:00")), quantity=12)
    last = book.bill(uses=[use])
    assert ([line.net for line in last.lines], last.period) == ([1100], None)
    assert (book.subscription.status, book.subscription.due_at) == (SubscriptionStatus.CANCELED, None)
    assert book.subscription.ended_at == at("2025-02-28T12:00")


def test_a_scheduled_change_arrives() -> None:
    """At the boundary the new plan is billed; usage before it at the old plan's price; a year counts from there."""
    book = Book(plan(fixed(), metered()))
    book.bill()
    yearly = plan(fixed("300.00"), number=2, **YEARLY)
    book.subscription = change_later(book.present, yearly, {}, at=START).subscription
    use = Use(item="calls", cycle=0, covers=Span(START, at("2025-02-28T12:00")), quantity=2)
    moved = arrived(book.subscription, yearly)
    assert moved.due_at == at("2025-02-28T12:00")
    found = bill(moved, yearly, uses=[use], used_under=book.plan)
    assert [(line.cycle, line.net) for line in found.lines] == [(1, 30000), (0, 200)]
    assert found.subscription.due_at == at("2026-02-28T12:00")
    assert arrived(found.subscription, yearly) == found.subscription


@pytest.mark.parametrize(
    ("policy", "skipped", "billed"),
    [
        (CatchUp.BILL_EACH, range(4, 4), range(4, 8)),
        (CatchUp.BILL_CURRENT, range(4, 7), range(7, 8)),
        (CatchUp.MERGE, range(4, 4), range(4, 8)),
        (CatchUp.FORGIVE, range(4, 8), range(8, 8)),
        (CatchUp.HALT, range(4, 4), range(4, 4)),
    ],
)
def test_catching_up(policy: CatchUp, skipped: range, billed: range) -> None:
    """After four missed boundaries the policy says which cycles are billed; after one, it is billed by every policy."""
    found = course(policy, range(4, 8))
    assert (found.skipped, found.billed) == (skipped, billed)
    assert (found.is_merged, found.is_halted) == (policy is CatchUp.MERGE, policy is CatchUp.HALT)
    assert course(policy, range(4, 5)).billed == range(4, 5)
    assert not course(policy, range(4, 4)).billed


@given(st.sampled_from(CatchUp), st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_every_due_cycle_is_settled_once(policy: CatchUp, outages: list[int]) -> None:
    """Over outages of any length each due cycle is billed or skipped, once, in order, and none before it is due."""
    book = Book(plan(interval=Interval.WEEK, catch_up=policy))
    settled: list[int] = []
    now = START
    for days in outages:
        now += timedelta(days=days)
        due = due_cycles(book.subscription, now)
        found = course(policy, due)
        if found.is_halted:
            found = course(CatchUp.BILL_EACH, due)
        book.subscription = passed_over(book.subscription, found.skipped.stop)
        for cycle in found.billed:
            assert book.bill().cycle == cycle
        settled += [*found.skipped, *found.billed]
        assert not due_cycles(book.subscription, now)
    assert settled == list(range((now - START).days // 7 + 1))


def test_what_happens_at_the_boundary_limits_what_is_due() -> None:
    """A cancellation ends at the first boundary, however late the run; paused, nothing is due."""
    book = Book(plan())
    book.bill()
    year_later = START + timedelta(days=365)
    assert due_cycles(book.subscription, year_later) == range(1, 13)
    leaving = cancel_later(book.subscription, reason="x", at=START)
    assert due_cycles(leaving, year_later) == range(1, 2)
    assert not due_cycles(pause(book.present, at=START).subscription, year_later)
    assert not due_cycles(book.subscription, at("2025-02-28T11:59"))


def test_passing_over_a_trial_ends_it() -> None:
    """If the cycle after a trial is forgiven, the trial is over all the same."""
    book = Book(plan(trial_days=14))
    passed = passed_over(book.subscription, 2)
    assert (passed.status, passed.next_cycle) == (ACTIVE, 2)
    assert passed_over(passed, 1).next_cycle == 2


def test_a_forecast_is_what_is_billed() -> None:
    """The next cycles on paper are those that are billed, discounts running out included."""
    book = Book(plan(), discounts=[Discount(code="d", percentage=Percentage.of("50"), cycles=2)])
    ahead = forecast(book.subscription, {book.plan.id: book.plan}, 4)
    assert [found.total for found in ahead] == [1500, 1500, 3000, 3000]
    assert [found.period and found.period.start_utc for found in ahead] == [
        START, at("2025-02-28T12:00"), at("2025-03-31T12:00"), at("2025-04-30T12:00"),
    ]  # fmt: skip
    assert ahead == tuple(book.bill() for _ in range(4))


def test_a_forecast_knows_what_is_to_come() -> None:
    """A scheduled change takes place, expected usage is priced by the plan it falls under, a cancellation ends it."""
    book = Book(plan(fixed(), metered()))
    book.bill()
    dear = plan(fixed("60.00"), number=2)
    plans: dict[Any, Any] = {one.id: one for one in (book.plan, dear)}
    changing = change_later(book.present, dear, {}, at=START).subscription
    ahead = forecast(changing, plans, 2, usage={"calls": Fraction(4)})
    assert [found.total for found in ahead] == [6400, 6000]
    leaving = cancel_later(book.subscription, reason="x", at=START)
    assert [found.total for found in forecast(leaving, plans, 9, usage={"calls": Fraction(4)})] == [400]
    assert forecast(pause(book.present, at=START).subscription, plans, 9) == ()
    for number in (0, 367):
        with pytest.raises(Invalid):
            forecast(evolve(changing), plans, number)
