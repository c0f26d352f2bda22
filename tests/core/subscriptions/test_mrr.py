"""Monthly recurring revenue: what counts, how it moved, and the reports that are folded from movements."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.changes import cancel_later, cancel_now, change_now
from cityos_core.subscriptions.growth import Standings, bridges, cohorts, standings
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.mrr import Movement, MovementKind, monthly, movement, recurring_revenue
from cityos_core.subscriptions.pausing import pause, resume
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.terms import Discount, Subscriber, SubscriberKind, TaxRate
from core.subscriptions.samples import START, TENANT, VAT, Book, at, fixed, metered, plan, seats


@pytest.mark.parametrize(
    ("amount", "interval", "count", "expected"),
    [
        ("50.00", Interval.WEEK, 1, "216.67"),
        ("50.00", Interval.WEEK, 2, "108.33"),
        ("1.00", Interval.DAY, 1, "30.42"),
        ("30.00", Interval.MONTH, 1, "30.00"),
        ("100.00", Interval.QUARTER, 1, "33.33"),
        ("100.00", Interval.YEAR, 1, "8.33"),
        ("240.00", Interval.YEAR, 2, "10.00"),
    ],
)
def test_a_month_of_every_interval(amount: str, interval: Interval, count: int, expected: str) -> None:
    """52 weeks and 365 days are twelve months; rounded once."""
    assert monthly(Money.of(amount, "EUR"), interval, count).text == expected
    book = Book(plan(fixed(amount), interval=interval, count=count))
    book.bill()
    assert recurring_revenue(book.subscription, book.plan).text == expected


def test_what_counts() -> None:
    """Seats and lasting discounts count; tax, usage and a discount given once do not."""
    half = Discount(code="half", percentage=Percentage.of("50"), cycles=2)
    once = Discount(code="once", amount=Money.of("10.00", "EUR"), cycles=1)
    included = TaxRate(percentage=Percentage.of("21"), jurisdiction="nl", included=True)
    sold = plan(fixed("60.50"), seats("12.10"), metered())
    book = Book(sold, quantities={"seats": 5}, discounts=[half, once], tax=VAT)
    book.bill()
    assert recurring_revenue(book.subscription, sold).text == "60.50"
    inside = Book(sold, quantities={"seats": 5}, discounts=[half, once], tax=included)
    inside.bill()
    assert recurring_revenue(inside.subscription, sold).text == "50.00"
    book.bill()
    assert recurring_revenue(book.subscription, sold).text == "60.50"
    book.bill()
    assert recurring_revenue(book.subscription, sold).text == "121.00"


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_when_it_counts(status: SubscriptionStatus) -> None:
    """Active and past due count; a trial, a pause, what is unpaid, incomplete or over does not."""
    book = Book(plan())
    book.bill()
    counts = status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
    assert bool(recurring_revenue(evolve(book.subscription, status=status), book.plan)) == counts


def test_movements_of_a_life() -> None:
    """A trial counts nothing; then new, expansion, pause and return, contraction, and churn when it ends, not when asked."""
    book = Book(plan(seats()), quantities={"seats": 2}, trial_days=5)
    history: list[Movement] = []

    def note(when: datetime) -> None:
        found = movement(history[-1] if history else None, book.subscription, book.plan, at=when)
        history.extend([found] if found else [])

    note(START)
    book.bill()
    note(at("2025-02-05T12:00"))
    book.commit(change_now(book.present, book.plan, {"seats": 5}, at=at("2025-02-06T12:00")))
    note(at("2025-02-06T12:00"))
    book.commit(pause(book.present, at=at("2025-02-07T12:00")))
    note(at("2025-02-07T12:00"))
    book.commit(resume(book.present, at=at("2025-02-09T12:00")))
    note(at("2025-02-09T12:00"))
    book.commit(change_now(book.present, book.plan, {"seats": 1}, at=at("2025-02-10T12:00")))
    note(at("2025-02-10T12:00"))
    book.subscription = cancel_later(book.subscription, reason="x", at=at("2025-02-11T12:00"))
    note(at("2025-02-11T12:00"))
    book.bill()
    note(at("2025-03-05T12:00"))
    note(at("2025-03-06T12:00"))
    assert [(one.kind.value, one.change.text) for one in history] == [
        ("new", "20.00"),
        ("expansion", "30.00"),
        ("churn", "-50.00"),
        ("reactivation", "50.00"),
        ("contraction", "-40.00"),
        ("churn", "-10.00"),
    ]
    assert [one.number for one in history] == list(range(6))


PLANS: list[Plan] = [
    plan(fixed("30.00"), number=1),
    plan(fixed("50.00"), seats("3.33"), number=2, interval=Interval.WEEK),
    plan(fixed("99.99"), number=3, interval=Interval.YEAR),
    plan(seats("7.77"), number=4, interval=Interval.QUARTER, trial_days=20),
]
ACTS = st.tuples(
    st.integers(0, 2), st.integers(0, 20), st.sampled_from(["bill", "plan", "pause", "cancel"]), st.integers(0, 3)
)


def _history(acts: list[tuple[int, int, str, int]]) -> list[Movement]:
    """Live through a year of three subscriptions of two subscribers, noting every movement."""
    books: list[Book] = []
    history: list[list[Movement]] = [[], [], []]
    for number in range(3):
        who = Subscriber(SubscriberKind.CUSTOMER, "ada" if number else "bob")
        books.append(
            Book(PLANS[number], number=number + 1, subscriber=who, quantities={"seats": 2} if number == 1 else {})
        )
    now = START
    for number, days, action, choice in acts:
        now += timedelta(days=days)
        for mine, known in zip(books, history, strict=True):
            mine.bill_until(now)
            _note(mine, known, now)
        _act(books[number], action, choice, now)
        _note(books[number], history[number], now)
    return [one for known in history for one in known]


def _act(book: Book, action: str, choice: int, now: datetime) -> None:
    status = book.subscription.status
    if status is SubscriptionStatus.PAUSED:
        book.commit(resume(book.present, at=now))
    elif status is not SubscriptionStatus.ACTIVE or action == "bill":
        return
    elif action == "pause":
        book.commit(pause(book.present, at=now))
    elif action == "cancel":
        book.commit(cancel_now(book.present, reason="x", at=now))
    else:
        book.commit(change_now(book.present, PLANS[choice], {}, at=now), PLANS[choice])


def _note(book: Book, known: list[Movement], now: datetime) -> None:
    found = movement(known[-1] if known else None, book.subscription, book.plan, at=now)
    known.extend([found] if found else [])


@given(st.lists(ACTS, max_size=25), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_start_and_movements_are_the_end(acts: list[tuple[int, int, str, int]], one: int, other: int) -> None:
    """For any two dates of any history: start + movements = end, and both are what standings say of those dates."""
    history = _history(acts)
    start, end = (START + timedelta(days=days) for days in sorted((one, other)))
    before, after = standings(history, start), standings(history, end)
    for currency, bridge in bridges(history, start, end).items():
        assert sum(bridge.moved.values(), bridge.start) == bridge.end
        assert bridge.start == (before[currency].revenue if currency in before else Money.zero(currency))
        assert bridge.end == (after[currency].revenue if currency in after else Money.zero(currency))
        assert 0 <= bridge.subscriber_churn <= 1
        assert bridge.revenue_churn >= 0
        signs = {kind: amount.minor for kind, amount in bridge.moved.items()}
        assert signs[MovementKind.CHURN] <= 0 <= signs[MovementKind.NEW]
        assert (
            signs[MovementKind.CONTRACTION] <= 0 <= min(signs[MovementKind.EXPANSION], signs[MovementKind.REACTIVATION])
        )
    if end == START + timedelta(days=400) or not history:
        return
    grown = [*history, *_later(history)]
    assert standings(grown, end) == after


def _later(history: list[Movement]) -> list[Movement]:
    """Append a movement after everything: history before it must not change."""
    last = max(history, key=lambda one: one.at)
    newest = max((one for one in history if one.subscription_id == last.subscription_id), key=lambda one: one.number)
    far = START + timedelta(days=9999)
    return [evolve(newest, number=newest.number + 1, at=far, change=-newest.revenue, revenue=Money.zero("EUR"))]


@given(st.lists(ACTS, max_size=25))
@settings(max_examples=50, deadline=None)
def test_cohorts_sum_to_the_whole(acts: list[tuple[int, int, str, int]]) -> None:
    """At the end of the last month the cohorts together count what stands."""
    history = _history(acts)
    until = START + timedelta(days=600)
    rows = cohorts(history, currency="EUR", place="UTC", until=until)
    stands = standings(history, until).get("EUR")
    assert sum(row.revenue[-1].minor for row in rows) == (stands.revenue.minor if stands else 0)
    assert sum(row.subscriptions for row in rows) == len({one.subscription_id for one in history})


def _moved(subscription: int, when: str, kind: MovementKind, change: int, revenue: int, **more: Any) -> Movement:
    return Movement(
        tenant_id=TENANT,
        subscription_id=SubscriptionId(UUID(int=subscription)),
        at=at(when),
        kind=kind,
        change=Money(change, more.pop("currency", "EUR")),
        revenue=Money(revenue, more.pop("in_", "EUR")),
        subscriber=Subscriber(SubscriberKind.COMPANY, more.pop("who", f"s{subscription}")),
        plan_id=PLANS[0].id,
        **{"number": 0, **more},
    )


HISTORY = [
    _moved(1, "2025-01-10T00:00", MovementKind.NEW, 10000, 10000),
    _moved(2, "2025-01-31T23:30", MovementKind.NEW, 5000, 5000),
    _moved(3, "2025-02-05T00:00", MovementKind.NEW, 3000, 3000, who="s1"),
    _moved(2, "2025-03-02T00:00", MovementKind.CHURN, -5000, 0, number=1),
    _moved(1, "2025-03-03T00:00", MovementKind.CONTRACTION, -2000, 8000, number=1),
    _moved(4, "2025-03-04T00:00", MovementKind.NEW, 700, 700, currency="JPY", in_="JPY"),
]


def test_the_reports() -> None:
    """ARR, ARPA and churn, per currency."""
    found = standings(HISTORY, at("2025-04-01T00:00"))
    assert (found["EUR"].revenue.text, found["EUR"].annual.text) == ("110.00", "1320.00")
    assert (found["EUR"].subscriptions, found["EUR"].subscribers, found["EUR"].per_subscriber.text) == (2, 1, "110.00")
    assert found["JPY"].annual.text == "8400"
    march = bridges(HISTORY, at("2025-03-01T00:00"), at("2025-04-01T00:00"))["EUR"]
    assert (march.start.text, march.end.text) == ("180.00", "110.00")
    assert (march.subscriber_churn, march.revenue_churn) == (Fraction(1, 2), Fraction(70, 180))
    assert standings(HISTORY, at("2025-01-10T00:00")) == {}
    assert not Standings(revenue=Money(0, "EUR"), subscriptions=0, subscribers=0).per_subscriber
    with pytest.raises(Invalid, match="ends before"):
        bridges(HISTORY, at("2025-03-01T00:00"), at("2025-02-01T00:00"))


def test_the_cohort_table() -> None:
    """Subscriptions stand in the month, local, in which they first counted; each row says what is left month by month."""
    january, february = cohorts(HISTORY, currency="EUR", place="UTC", until=at("2025-03-31T00:00"))
    assert (january.month, january.subscriptions, january.retained) == (date(2025, 1, 1), 2, (2, 2, 1))
    assert [amount.text for amount in january.revenue] == ["150.00", "150.00", "80.00"]
    assert (february.month, february.retained) == (date(2025, 2, 1), (1, 1))
    in_paris = cohorts(HISTORY, currency="EUR", place="Europe/Paris", until=at("2025-03-31T00:00"))
    assert [row.subscriptions for row in in_paris] == [1, 2]
