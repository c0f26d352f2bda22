"""What billing does with a subscription that is due, in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import Percentage
from cityos_core.kernel.proration import Span
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.billing import bill
from cityos_core.subscriptions.cycles import CycleStatus, upcoming
from cityos_core.subscriptions.due_work import HALTED, MOST_BILLED, Leg, Work, merged
from cityos_core.subscriptions.invoices import Invoice, Line
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.metering import Measured
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, Plan
from cityos_core.subscriptions.terms import TaxRate
from core.subscriptions.samples import START, Book, fixed, invoice, metered, plan, seats, subscribe


def drafting(_subscription: Subscription, lines: Sequence[Line], cycle: int) -> Invoice:
    """Write an invoice."""
    return invoice(lines, number=cycle, cycle=cycle)


def work(book: Book, now: datetime, *, due_at: datetime | None = None) -> Work:
    """Begin to work on a subscription that is due."""
    row = upcoming(book.subscription)
    row = evolve(row, due_at=due_at or row.due_at).claimed("one", now=now)
    before = book.subscription.period(row.index - 1)
    return Work(
        claimed=row,
        before=book.subscription,
        plans={book.plan.id: book.plan},
        current=Span(before.start_utc, before.end_utc),
        now=now,
    )


def done(one: Work, measured: Measured | None = None) -> list[Leg]:
    """Work until nothing is due, or enough was done."""
    legs = []
    while (leg := one.next_leg()) is not None:
        one.take(leg, measured or Measured(), drafting)
        legs.append(leg)
    return legs


def weekly(policy: CatchUp) -> Book:
    """Somebody who pays by the week, with the first one billed."""
    book = Book(plan(fixed(), metered(), interval=Interval.WEEK, catch_up=policy))
    book.bill()
    return book


@given(st.sampled_from(CatchUp), st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_every_due_cycle_has_one_end(policy: CatchUp, outages: list[int]) -> None:
    """However long nobody worked, each cycle is billed or left out once, in order, in portions; or it is halted."""
    book, now, settled = weekly(policy), START, [0]
    for days in outages:
        now += timedelta(days=days)
        while (due_at := book.subscription.due_at) is not None and due_at <= now:
            one = work(book, now)
            done(one)
            ended = sorted([*one.rows, *(row for piece in one.pieces for row in piece.rows)], key=lambda row: row.index)
            assert one.begun == len(ended) > 0
            assert sum(len(piece.rows) for piece in one.pieces) <= MOST_BILLED or policy is CatchUp.MERGE
            assert ended[0].index == one.claimed.index
            settled += [row.index for row in ended]
            if one.codes:
                assert (policy, set(one.codes.values())) == (CatchUp.HALT, {HALTED})
                return
            following = one.following()
            assert following is not None
            assert following.index == settled[-1] + 1
            book.subscription = one.subscription
    assert settled == list(range(len(settled)))


def test_usage_that_is_needed() -> None:
    """Usage of the period before each cycle that is billed is asked for; the current one as it was laid out."""
    needed = {
        CatchUp.BILL_EACH: [0, 1, 2],
        CatchUp.MERGE: [0, 1, 2],
        CatchUp.BILL_CURRENT: [2],
        CatchUp.FORGIVE: [],
        CatchUp.HALT: [],
    }
    for policy, cycles in needed.items():
        leg = work(weekly(policy), START + timedelta(days=22)).next_leg()
        assert leg is not None
        assert sorted(leg.times) == cycles


def test_late_usage_is_billed_with_the_first() -> None:
    """What came late is on the first invoice of several, and noted as billed."""
    late = Use(item="calls", cycle=0, covers=Span(START, START + timedelta(days=7)), quantity=3, is_late=True)
    one = work(weekly(CatchUp.BILL_EACH), START + timedelta(days=22))
    done(one, Measured(late=(late,)))
    drafts = [piece.draft for piece in one.pieces]
    assert [[line.kind.value for line in draft.lines] for draft in drafts if draft] == [
        ["recurring", "late_usage"], ["recurring"], ["recurring"]
    ]  # fmt: skip
    assert one.settles_late
    left_out = work(weekly(CatchUp.FORGIVE), START + timedelta(days=22))
    done(left_out, Measured(late=(late,)))
    assert not left_out.settles_late


def test_a_cycle_that_cannot_be_drafted_fails() -> None:
    """What was billed before stays, the cycle that cannot be billed waits, and nothing follows it."""

    def refusing(subscription: Subscription, lines: Sequence[Line], cycle: int) -> Invoice:
        if cycle == 2:
            raise Invalid.at("$.lines", "amount_too_large", "too large")
        return drafting(subscription, lines, cycle)

    for policy, billed, failed in ((CatchUp.BILL_EACH, [1], 2), (CatchUp.MERGE, [1, 2, 3], None)):
        one = work(weekly(policy), START + timedelta(days=22))
        leg = one.next_leg()
        assert leg is not None
        one.take(leg, Measured(), refusing)
        assert [row.index for piece in one.pieces for row in piece.rows] == billed
        assert list(one.codes) == ([] if failed is None else [failed])
        if failed is not None:
            assert (one.rows[-1].index, one.rows[-1].status, one.next_leg(), one.following()) == (
                failed, CycleStatus.FAILED, None, None
            )  # fmt: skip
            assert one.rows[-1].reason == "$.lines: too large"
            assert one.subscription.next_cycle == failed


def test_nothing_is_due_after_all() -> None:
    """A subscription that is paused, or moved, by the time it is worked on has nothing to be done."""
    book = weekly(CatchUp.BILL_EACH)
    one = work(book, START + timedelta(days=8))
    one.subscription = one.before = evolve(book.subscription.step("pause"), paused_at=START)
    assert (one.next_leg(), one.begun) == (None, 0)


def test_what_a_person_had_billed() -> None:
    """Halted cycles that a person had billed are, each alone; those that fell due since are halted again."""
    book, looked_at = weekly(CatchUp.HALT), START + timedelta(days=22)
    one = work(book, START + timedelta(days=50), due_at=looked_at)
    done(one)
    assert [len(piece.rows) for piece in one.pieces] == [1, 1, 1]
    following = one.following()
    assert following is not None
    assert (following.index, following.due_at) == (4, following.starts_at)
    for days, looked in ((7 * 60, True), (7 * 20, False)):
        now = START + timedelta(days=7 * 60)
        one = work(weekly(CatchUp.HALT), now, due_at=START + timedelta(days=days))
        done(one)
        following = one.following()
        assert following is not None
        assert (following.due_at == now) is looked


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.integers(0, 3000),
    st.booleans(),
)
def test_merged_lines_sum(counts: list[int], rate: int, included: bool) -> None:
    """Merged cycles keep their prices; their tax is that of what they come to together, rounded once."""
    tax = TaxRate(percentage=Percentage.of(f"{rate / 100}"), jurisdiction="nl", included=included)
    sold: Plan = plan(fixed("0.33"), seats("0.17"))
    subscription, bills = subscribe(sold, tax=tax, quantities={"seats": counts[0]}), []
    for _ in counts:
        bills.append(bill(subscription, sold))
        subscription = bills[-1].subscription
    lines = merged(bills, tax)
    gross = sum(line.gross for line in lines)
    assert gross == sum(line.gross for one in bills for line in one.lines)
    assert sum(line.tax for line in lines) == tax.on(gross)
    assert all(line.total == line.gross + (0 if included else line.tax) for line in lines)
    assert merged(bills, None) == tuple(line for one in bills for line in one.lines)


@pytest.mark.parametrize("policy", CatchUp)
def test_one_due_cycle_is_billed_by_every_policy(policy: CatchUp) -> None:
    """Where nothing was missed the policy has nothing to say."""
    one = work(weekly(policy), START + timedelta(days=8))
    (leg,) = done(one)
    assert (leg.due, len(one.pieces), one.rows) == (range(1, 2), 1, [])
