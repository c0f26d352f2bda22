"""What a payout does next, for every state and every answer; its life never leaves the table."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import PayoutId, TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.payouts.answers import Answer, Unanswered, heed, lose_track, submit, trusted
from cityos_core.payouts.events import EVENTS, entered
from cityos_core.payouts.model import (
    ASK_AFTER,
    ASK_AGAIN,
    BACK_OFF,
    LEASE,
    PAYOUT_LIFE,
    UNRESOLVED,
    Payout,
    PayoutStatus,
    TransferResult,
    TransferState,
)

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW = Payout(
    id=PayoutId(UUID(int=1)),
    tenant_id=TenantId(UUID(int=2)),
    batch_id=None,
    vendor_id=VendorId(UUID(int=3)),
    vendor="acme",
    amount=Money(100, "EUR"),
    method="memory",
    account="acct_1",
    holder="Acme",
    next_attempt_at=NOW,
    created_at=NOW,
)
SENT = submit(NEW, now=NOW)
LOST = heed(SENT, Unanswered("timed out"), now=NOW, asks_after=None)


def said(state: TransferState, **changes: Any) -> TransferResult:
    """Build a good answer."""
    return TransferResult(state=state, **{"reference": "tr_1", "reason": "because", **changes})


ON_ITS_WAY = heed(SENT, said(TransferState.ACCEPTED), now=NOW, asks_after=HOUR)


def after(payout: Payout, answer: Answer, *, asks_after: timedelta | None = HOUR) -> Payout:
    """Let a payout heed an answer."""
    return heed(payout, answer, now=NOW, asks_after=asks_after)


def test_submitting_leases_and_names_the_attempt() -> None:
    """An attempt gets the next number and a key of its own, and the worker a lease."""
    assert (SENT.status, SENT.next_attempt_at) == (PayoutStatus.PROCESSING, NOW + LEASE)
    assert [(attempt.number, attempt.key) for attempt in SENT.attempts] == [(1, f"{NEW.id}:1")]


@pytest.mark.parametrize(
    ("payout", "state", "status", "wait"),
    [
        (SENT, TransferState.PAID, PayoutStatus.PAID, None),
        (SENT, TransferState.ACCEPTED, PayoutStatus.IN_TRANSIT, HOUR),
        (SENT, TransferState.FAILED, PayoutStatus.PENDING, BACK_OFF[0]),
        (SENT, TransferState.DECLINED, PayoutStatus.FAILED, None),
        (SENT, TransferState.ABSENT, PayoutStatus.UNKNOWN, ASK_AFTER),
        (LOST, TransferState.PAID, PayoutStatus.PAID, None),
        (LOST, TransferState.ACCEPTED, PayoutStatus.IN_TRANSIT, HOUR),
        (LOST, TransferState.FAILED, PayoutStatus.PENDING, BACK_OFF[0]),
        (LOST, TransferState.DECLINED, PayoutStatus.FAILED, None),
        (LOST, TransferState.ABSENT, PayoutStatus.PROCESSING, LEASE),
        (ON_ITS_WAY, TransferState.PAID, PayoutStatus.PAID, None),
        (ON_ITS_WAY, TransferState.ACCEPTED, PayoutStatus.IN_TRANSIT, HOUR),
        (ON_ITS_WAY, TransferState.FAILED, PayoutStatus.PENDING, BACK_OFF[0]),
        (ON_ITS_WAY, TransferState.DECLINED, PayoutStatus.FAILED, None),
        (ON_ITS_WAY, TransferState.ABSENT, PayoutStatus.IN_TRANSIT, ASK_AGAIN),
    ],
)
def test_the_next_step(payout: Payout, state: TransferState, status: PayoutStatus, wait: timedelta | None) -> None:
    """Every answer in every state that hears one."""
    found = after(payout, said(state))
    assert (found.status, found.next_attempt_at) == (status, None if wait is None else NOW + wait)


@pytest.mark.parametrize(
    ("payout", "status", "wait"),
    [
        (NEW, PayoutStatus.PENDING, ASK_AGAIN),
        (SENT, PayoutStatus.UNKNOWN, ASK_AFTER),
        (LOST, PayoutStatus.UNKNOWN, ASK_AGAIN),
        (ON_ITS_WAY, PayoutStatus.IN_TRANSIT, ASK_AGAIN),
    ],
)
def test_no_answer_sends_nothing(payout: Payout, status: PayoutStatus, wait: timedelta) -> None:
    """Without an answer a payout waits to be asked about; nothing is sent again."""
    found = after(payout, Unanswered("timed out"))
    assert (found.status, found.next_attempt_at, found.reason) == (status, NOW + wait, "timed out")
    assert len(found.attempts) == len(payout.attempts)


def test_a_resend_keeps_the_key() -> None:
    """A transfer that the provider never saw is sent again under the same key."""
    found = after(LOST, said(TransferState.ABSENT, reference=None, reason=None))
    assert [attempt.key for attempt in found.attempts] == [attempt.key for attempt in SENT.attempts]


def test_backing_off() -> None:
    """After 1, 2, 4, 8 and 16 hours it is tried again, under a new key each time; the sixth failure is final."""
    payout, now, waits = NEW, NOW, []
    while payout.status is PayoutStatus.PENDING:
        payout = heed(submit(payout, now=now), said(TransferState.FAILED), now=now, asks_after=None)
        if payout.next_attempt_at is not None:
            waits.append(payout.next_attempt_at - now)
            now = payout.next_attempt_at
    assert waits == [timedelta(hours=hours) for hours in (1, 2, 4, 8, 16)]
    assert (payout.status, payout.reason, payout.settled_at) == (PayoutStatus.FAILED, "because", now)
    assert len({attempt.key for attempt in payout.attempts}) == 6


def test_a_person_confirms_what_a_method_cannot_tell() -> None:
    """Where a person has to say whether money arrived, no worker looks at it again."""
    assert after(SENT, said(TransferState.ACCEPTED), asks_after=None).next_attempt_at is None


def test_an_attempt_keeps_what_was_said() -> None:
    """The provider's reference, outcome and reason are on the attempt."""
    attempt = after(SENT, said(TransferState.DECLINED)).attempts[-1]
    assert (attempt.outcome, attempt.reference, attempt.reason, attempt.finished_at) == (
        "declined",
        "tr_1",
        "because",
        NOW,
    )
    assert LOST.attempts[-1].outcome == "unknown"
    assert after(LOST, said(TransferState.PAID)).attempts[-1].outcome == "paid"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "paid",
        said(TransferState.PAID, reference=None),
        said(TransferState.PAID, reference=" "),
        said(TransferState.ACCEPTED, reference=None),
        TransferResult(state="paid", reference="tr_1"),  # type: ignore[arg-type]
        TransferResult(state="settled", reference="tr_1"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_trusted(answer: object) -> None:
    """An answer that is none, of no known state, or without a reference for moving money, counts as no answer."""
    assert isinstance(trusted(answer), Unanswered)


@pytest.mark.parametrize("state", list(TransferState))
def test_what_can_be_trusted(state: TransferState) -> None:
    """A known state with a reference is taken as it is; failures need no reference."""
    assert trusted(said(state)) == said(state)
    assert isinstance(trusted(said(state, reference=None)), Unanswered) == (
        state in (TransferState.PAID, TransferState.ACCEPTED)
    )


def test_a_reason_is_never_missing() -> None:
    """A vendor can read why a payout failed even if the provider did not say."""
    assert after(SENT, said(TransferState.DECLINED, reason=None)).reason


def test_a_dead_worker_leaves_an_unknown_outcome() -> None:
    """A payout taken over from a worker that died is unknown, and asked about."""
    found = lose_track(SENT, now=NOW + LEASE)
    assert (found.status, found.attempts[-1].outcome) == (PayoutStatus.UNKNOWN, "unknown")


actions = sorted({action for _, action in PAYOUT_LIFE.table})


@given(st.lists(st.sampled_from(actions), max_size=30))
def test_a_life_never_leaves_the_table(path: list[str]) -> None:
    """Whatever is tried, a payout is in a state of the table; what is not allowed changes nothing and says what is."""
    payout = NEW
    for action in path:
        allowed = PAYOUT_LIFE.allowed(payout.status)
        if action in allowed:
            payout = payout.step(action, at=None)
            continue
        with pytest.raises(Conflict) as refused:
            payout.step(action, at=None)
        assert refused.value.allowed_actions == allowed


def test_money_is_on_its_way_until_the_end() -> None:
    """Payouts end paid, failed, returned or canceled; in every other state their money is in ``in_payout``."""
    ends = {PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELED}
    assert set(PayoutStatus) - UNRESOLVED == ends
    assert [PAYOUT_LIFE.allowed(end) for end in sorted(ends)] == [(), (), ("return",), ()]


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_every_state_has_an_event(status: PayoutStatus) -> None:
    """Entering any state tells so, under a name of its own."""
    event = entered(evolve(NEW, status=status), NOW)
    assert (event.name, event.subject, event.amount) == (f"payout.{status.value}", NEW.id, NEW.amount)
    assert len({kind.name for kind in EVENTS.values()}) == len(PayoutStatus)
