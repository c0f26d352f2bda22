"""Changes in the middle of a period: what they credit and debit, and that it never is too much."""

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.proration import Resolution, Span
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.billing import passed_over
from cityos_core.subscriptions.changes import (
    Present,
    cancel_later,
    cancel_now,
    change_later,
    change_now,
    expire,
    undo,
)
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.pausing import pause, recover, resume
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.previews import PREVIEW_LIFE, check_token, preview_token, previewed_at
from cityos_core.subscriptions.terms import Collection, Discount, TaxRate
from core.subscriptions.samples import (
    ACTIVE,
    DAYS,
    SECONDS,
    START,
    VAT,
    YEARLY,
    Book,
    at,
    fixed,
    metered,
    plan,
    seats,
    subscribe,
)

FEBRUARY_14 = at("2025-02-14T09:00")
INCLUDED = TaxRate(percentage=Percentage.of("21"), jurisdiction="nl", included=True)


def _lines(proposal: Any) -> list[tuple[str, str, int]]:
    return [(line.kind.value, line.item, line.net) for line in proposal.lines]


def _billed(*items: Any, terms: dict[str, Any] | None = None, **options: Any) -> Book:
    book = Book(plan(*items, **(terms or {})), **options)
    book.bill()
    return book


def test_an_upgrade_credits_the_rest_and_debits_the_rest() -> None:
    """From 28.00 to 56.00 half way: 14.00 back, 28.00 due, the anchor and the next cycle where they were."""
    book = _billed(fixed("28.00"))
    proposal = change_now(book.present, plan(fixed("56.00"), number=2), {}, at=FEBRUARY_14)
    assert _lines(proposal) == [("credit", "base", -1400), ("debit", "base", 2800)]
    assert (proposal.total, proposal.cycle, proposal.begins) == (1400, 0, None)
    assert proposal.subscription.due_at == book.subscription.due_at
    book.commit(proposal, plan(fixed("56.00"), number=2))
    assert book.bill().total == 5600


def test_a_downgrade_gives_back() -> None:
    """Half a period at half the price: the invoice is negative, and becomes credit."""
    book = _billed(fixed("28.00"))
    book.commit(change_now(book.present, plan(fixed("14.00"), number=2), {}, at=FEBRUARY_14))
    assert book.invoices[-1].to_credit.text == "7.00"
    assert not book.invoices[-1].due


def test_items_that_stay_keep_their_charge() -> None:
    """Another quantity credits and debits the seats only; an amount discounted off all lines moves all of them."""
    book = _billed(fixed("28.00"), seats("2.80"), quantities={"seats": 10})
    proposal = change_now(book.present, book.plan, {"seats": 5}, at=FEBRUARY_14)
    assert _lines(proposal) == [("credit", "seats", -1400), ("debit", "seats", 700)]
    off = [Discount(code="d", amount=Money.of("5.60", "EUR"))]
    discounted = _billed(fixed("28.00"), seats("2.80"), quantities={"seats": 10}, discounts=off)
    moved = change_now(discounted.present, discounted.plan, {"seats": 5}, at=FEBRUARY_14)
    assert [(kind, item) for kind, item, _ in _lines(moved)] == [
        ("credit", "base"), ("credit", "seats"), ("debit", "base"), ("debit", "seats"),
    ]  # fmt: skip
    assert moved.total == -700


def test_a_discount_of_the_cycle_holds_for_its_changes() -> None:
    """A percentage given once is given on what the same cycle is charged later, and not in the next one."""
    book = _billed(fixed("28.00"), discounts=[Discount(code="d", percentage=Percentage.of("50"), cycles=1)])
    dear = plan(fixed("56.00"), number=2)
    book.commit(change_now(book.present, dear, {}, at=FEBRUARY_14), dear)
    assert book.invoices[-1].total.minor == -700 + 1400
    assert book.bill().total == 5600


def test_a_period_in_its_last_hours_has_no_rest() -> None:
    """By days, nothing is left of a period on the day it ends, so that a change then has no lines."""
    book = _billed(fixed("28.00"))
    assert change_now(book.present, plan(fixed("56.00"), number=2), {}, at=at("2025-02-28T11:00")).lines == ()


def test_another_interval_begins_anew() -> None:
    """From a month to a year: the rest of the month comes back, and a whole year begins now, from a new anchor."""
    book = _billed(fixed("28.00"), metered())
    yearly = plan(fixed("300.00"), number=2, **YEARLY)
    window = Span(START, FEBRUARY_14)
    present = evolve(book.present, uses=(Use(item="calls", cycle=0, covers=window, quantity=4),))
    proposal = change_now(present, yearly, {}, at=FEBRUARY_14)
    assert _lines(proposal) == [("credit", "base", -1400), ("recurring", "base", 30000), ("usage", "calls", 400)]
    assert proposal.cycle == 1
    assert proposal.begins is not None
    assert (proposal.begins.start_utc, proposal.begins.end_utc) == (FEBRUARY_14, at("2026-02-14T09:00"))
    assert proposal.subscription.due_at == at("2026-02-14T09:00")


def test_another_interval_in_the_second_hour_of_a_fold() -> None:
    """A period that begins where the clock shows a time for the second time does not begin an hour ago."""
    book = _billed(start=at("2025-10-01T00:00"), place="Europe/Paris")
    second = at("2025-10-26T01:30")
    proposal = change_now(book.present, plan(number=2, **YEARLY), {}, at=second)
    assert proposal.begins is not None
    assert proposal.begins.start_utc == second


def test_a_change_waits_for_the_period_to_end() -> None:
    """A change for later charges nothing; a decision for now takes its place; what is due is billed first."""
    book = _billed(fixed("28.00"))
    cheap = plan(fixed("14.00"), number=2)
    later = change_later(book.present, cheap, {}, at=FEBRUARY_14)
    assert (later.lines, later.subscription.plan_id) == ((), book.plan.id)
    assert later.subscription.scheduled is not None
    book.commit(later)
    assert change_now(book.present, cheap, {}, at=FEBRUARY_14).subscription.scheduled is None
    for when in (at("2025-02-28T12:00"), at("2025-03-05T12:00")):
        with pytest.raises(Conflict, match="due and billed first"):
            change_now(book.present, cheap, {}, at=when)


def test_a_trial_changes_without_charge() -> None:
    """Before anything was billed a change has no lines, and another interval counts from the trial's end."""
    book = Book(plan(trial_days=14))
    proposal = change_now(book.present, plan(number=2, **YEARLY), {}, at=FEBRUARY_14 - timedelta(days=9))
    assert proposal.lines == ()
    assert proposal.subscription.due_at == at("2025-02-14T12:00")
    assert proposal.subscription.period(0).end_utc == at("2026-02-14T12:00")
    same = change_now(book.present, plan(number=3), {}, at=FEBRUARY_14 - timedelta(days=9)).subscription
    assert (same.anchor, same.due_at) == (book.subscription.anchor, at("2025-02-14T12:00"))


@pytest.mark.parametrize(
    ("target", "quantities", "kind"),
    [
        (plan(fixed(), number=2, retired_at=START), {}, Refused),
        (plan(number=2), {"seats": 3}, NotFound),
        (plan(number=2), {"base": 3}, Invalid),
    ],
)
def test_changes_are_checked(target: Plan, quantities: dict[str, int], kind: type[CityOSError]) -> None:
    """Nobody changes to a plan that is retired, or to seats it does not have."""
    for change in (change_now, change_later):
        with pytest.raises(kind):
            change(_billed().present, target, quantities, at=FEBRUARY_14)


def test_a_plan_in_another_currency_is_refused() -> None:
    """Nothing converts between currencies, and whoever has a retired plan may change their seats of it."""
    book = _billed(seats(), quantities={"seats": 2})
    yen = plan(metered(), number=2, currency="JPY")
    with pytest.raises(Refused, match="sold in JPY"):
        change_now(book.present, yen, {}, at=FEBRUARY_14)
    kept = evolve(book.present, plan=evolve(book.plan, retired_at=START))
    assert change_now(kept, kept.plan, {"seats": 3}, at=FEBRUARY_14).total > 0


def test_pausing_is_not_billed() -> None:
    """Paused from the 7th to the 21st of a 28-day month: 21.00 back, then 7.00 for the last week."""
    book = _billed(fixed("28.00"))
    assert book.commit(pause(book.present, at=at("2025-02-07T18:00"))).total == -2100
    assert (book.subscription.status, book.subscription.due_at) == (SubscriptionStatus.PAUSED, None)
    resumed = book.commit(resume(book.present, at=at("2025-02-21T08:00")))
    assert (resumed.total, resumed.begins, resumed.skipped) == (700, None, range(1, 1))
    assert book.subscription.due_at == at("2025-02-28T12:00")


def test_resuming_periods_later_keeps_the_alignment() -> None:
    """Resumed two months on, the cycles between pass unbilled, and the running one is billed from now to its end."""
    book = _billed(fixed("30.00"))
    book.commit(pause(book.present, at=at("2025-02-07T18:00")))
    resumed = book.commit(resume(book.present, at=at("2025-04-15T08:00")))
    assert (resumed.cycle, resumed.skipped, resumed.total) == (2, range(1, 2), 1500)
    assert resumed.begins is not None
    assert book.subscription.due_at == at("2025-04-30T12:00")


def test_nothing_is_paused_that_is_about_to_change() -> None:
    """A cancellation or a change at the period's end is undone before a pause."""
    book = _billed()
    book.subscription = cancel_later(book.subscription, reason="moving", at=FEBRUARY_14)
    with pytest.raises(Refused, match="undo that"):
        pause(book.present, at=FEBRUARY_14)
    with pytest.raises(Refused, match="undo that"):
        change_later(book.present, plan(number=2), {}, at=FEBRUARY_14)


def test_paying_what_was_owed_keeps_the_anchor() -> None:
    """Past due recovers without a charge; unpaid for periods, only the rest of the running one is billed."""
    book = _billed(fixed("30.00"))
    due_at = book.subscription.due_at
    book.subscription = book.subscription.step("fail_payment")
    assert recover(book.present, at=at("2025-02-10T12:00")).subscription.due_at == due_at
    book.subscription = book.subscription.step("give_up")
    soon = recover(book.present, at=at("2025-02-10T12:00"))
    assert (soon.lines, soon.subscription.due_at, soon.subscription.status) == ((), due_at, ACTIVE)
    late = recover(book.present, at=at("2025-04-15T12:00"))
    assert (late.total, late.skipped, late.subscription.due_at) == (1500, range(1, 2), at("2025-04-30T12:00"))


def test_a_cycle_left_unbilled_stays_free() -> None:
    """In a cycle that was forgiven a change or a pause charges nothing, and the next one is billed as it is then."""
    book = _billed(fixed("28.00"))
    dear = plan(fixed("56.00"), number=2)
    book.subscription, present = passed_over(book.subscription, 2), book.present
    free = Present(subscription=book.subscription, plan=present.plan, is_skipped=True)
    changed = change_now(free, dear, {}, at=at("2025-03-10T12:00"))
    assert (changed.lines, changed.subscription.plan_id) == ((), dear.id)
    paused = pause(free, at=at("2025-03-10T12:00"))
    resumed = resume(evolve(free, subscription=paused.subscription), at=at("2025-03-20T12:00"))
    assert (paused.lines, resumed.lines, resumed.subscription.due_at) == ((), (), at("2025-03-31T12:00"))


def test_canceling_and_undoing() -> None:
    """Canceled at period end it goes on until then and can be undone; canceled now it ends, and gives back if asked."""
    book = _billed(fixed("28.00"), metered())
    leaving = cancel_later(book.subscription, reason="price", at=FEBRUARY_14)
    assert (leaving.status, leaving.ends_at) == (ACTIVE, at("2025-02-28T12:00"))
    assert undo(leaving, at=FEBRUARY_14).cancellation is None
    with pytest.raises(Refused, match="has ended"):
        undo(leaving, at=at("2025-02-28T12:00"))
    with pytest.raises(Refused, match="nothing is to happen"):
        undo(book.subscription, at=FEBRUARY_14)
    assert cancel_now(book.present, reason="now", at=FEBRUARY_14).lines == ()
    use = Use(item="calls", cycle=0, covers=Span(START, FEBRUARY_14), quantity=Fraction(4))
    gone = cancel_now(evolve(book.present, uses=(use,)), reason="now", at=FEBRUARY_14, gives_back=True)
    assert _lines(gone) == [("credit", "base", -1400), ("usage", "calls", 400)]
    assert (gone.subscription.status, gone.subscription.ends_at) == (SubscriptionStatus.CANCELED, FEBRUARY_14)
    with pytest.raises(Conflict):
        undo(gone.subscription, at=FEBRUARY_14)


def test_an_incomplete_subscription_expires() -> None:
    """A first payment that never comes ends it, and it is never billed again."""
    waiting = subscribe(plan(), collection=Collection())
    assert (waiting.status, waiting.due_at) == (SubscriptionStatus.INCOMPLETE, None)
    expired = expire(waiting, at=FEBRUARY_14)
    assert (expired.status, expired.ended_at) == (SubscriptionStatus.EXPIRED, FEBRUARY_14)


@pytest.mark.parametrize("terms", [DAYS, SECONDS])
@pytest.mark.parametrize("tax", [None, VAT, INCLUDED])
def test_ten_pauses_of_a_year(terms: dict[str, Any], tax: TaxRate | None) -> None:
    """An annual plan paused and resumed ten times still bills, for the time it ran, and never credits too much."""
    book = _billed(fixed("365.00"), terms={**terms, **YEARLY}, tax=tax)
    for month in range(2, 12):
        book.commit(pause(book.present, at=datetime.fromisoformat(f"2025-{month:02}-05T12:00+00:00")))
        book.commit(resume(book.present, at=datetime.fromisoformat(f"2025-{month:02}-15T12:00+00:00")))
        assert 0 <= book.credited < book.charged
    expected = Fraction(26500) * (Fraction(121, 100) if tax is VAT else 1)
    assert abs(book.total - expected) <= 40
    assert book.subscription.due_at == at("2026-01-31T12:00")
    book.bill_until(at("2026-02-01T00:00"))
    assert book.begun == [0, 1]


PLANS = [
    plan(fixed("29.99"), seats("3.333"), number=number, interval=interval, **terms)
    for number, (interval, terms) in enumerate(
        [(Interval.MONTH, DAYS), (Interval.MONTH, SECONDS), (Interval.YEAR, DAYS), (Interval.WEEK, SECONDS)], start=1
    )
] + [plan(fixed("0.01"), seats("100.00"), number=5), plan(seats("7.77"), number=6, proration=Resolution.SECOND)]

STEPS = st.tuples(
    st.integers(0, 60 * 24 * 50), st.sampled_from(["plan", "pause", "plan"]), st.sampled_from(PLANS), st.integers(0, 9)
)
DISCOUNTS = st.lists(
    st.sampled_from(
        [
            Discount(code="half", percentage=Percentage.of("50")),
            Discount(code="third", percentage=Percentage.of("33.333"), cycles=2),
            Discount(code="five", amount=Money.of("5.00", "EUR")),
            Discount(code="once", amount=Money.of("100.00", "EUR"), cycles=1),
        ]
    ),
    max_size=2,
)


@given(STEPS.map(lambda step: step[2]), st.lists(STEPS, max_size=15), DISCOUNTS, st.sampled_from([None, VAT, INCLUDED]))
@settings(max_examples=200, deadline=None)
def test_no_sequence_credits_more_than_was_charged(
    first: Plan, steps: list[tuple[int, str, Plan, int]], discounts: list[Discount], tax: TaxRate | None
) -> None:
    """Whatever is changed, paused and resumed, and when: no line is credited beyond itself, no cycle billed twice."""
    book = Book(first, discounts=discounts, tax=tax, quantities={"seats": 3}, place="America/New_York")
    now = START
    for minutes, action, target, count in steps:
        now += timedelta(minutes=minutes)
        book.bill_until(now)
        if book.subscription.status is SubscriptionStatus.PAUSED:
            book.commit(resume(book.present, at=now))
        elif action == "pause":
            book.commit(pause(book.present, at=now))
        else:
            book.commit(change_now(book.present, target, {"seats": count}, at=now), target)
        assert all(min(one.net, one.tax) >= 0 for one in book.present.charged)
        assert 0 <= book.credited <= book.charged
    assert len(set(book.begun)) == len(book.begun)
    for one in book.invoices:
        assert one.net + one.tax_total == one.total
        assert sum(line.total for line in one.lines) == one.total.minor


def _seats(count: int) -> Callable[[Present, datetime], Any]:
    return lambda present, when: change_now(present, present.plan, {"seats": count}, at=when)


def test_a_preview_is_what_is_invoiced() -> None:
    """The token of a preview yields, minutes later, the very lines that were shown, by the second too."""
    book = _billed(fixed(), seats(), terms=SECONDS, quantities={"seats": 2}, tax=VAT)
    shown = _seats(5)(book.present, FEBRUARY_14)
    token = preview_token(book.subscription, shown, at=FEBRUARY_14)
    when = previewed_at(token, now=FEBRUARY_14 + timedelta(minutes=7))
    assert when == FEBRUARY_14
    again = _seats(5)(book.present, when)
    check_token(token, book.subscription, again, at=when)
    assert again == shown


def test_anything_else_is_refused() -> None:
    """Another change, another version, a line charged meanwhile or a tampered token commits nothing."""
    book = _billed(fixed(), seats(), quantities={"seats": 2})
    token = preview_token(book.subscription, _seats(5)(book.present, FEBRUARY_14), at=FEBRUARY_14)
    other = _seats(6)(book.present, FEBRUARY_14)
    newer = evolve(book.subscription, version=2)
    for subscription, proposal in ((book.subscription, other), (newer, _seats(5)(book.present, FEBRUARY_14))):
        with pytest.raises(Refused) as refused:
            check_token(token, subscription, proposal, at=FEBRUARY_14)
        assert refused.value.code == "preview_outdated"
    for wrong in ("", "x", "1f-", f"zz-{token}", token.partition("-")[2]):
        with pytest.raises(Invalid):
            previewed_at(wrong, now=FEBRUARY_14)
    for now in (FEBRUARY_14 + PREVIEW_LIFE + timedelta(seconds=1), FEBRUARY_14 - timedelta(seconds=1)):
        with pytest.raises(Refused) as expired:
            previewed_at(token, now=now)
        assert expired.value.code == "preview_expired"
