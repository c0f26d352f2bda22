"""What a payout does next, given what its method says."""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from cityos_core.payouts.model import (
    ASK_AFTER,
    ASK_AGAIN,
    BACK_OFF,
    LEASE,
    Attempt,
    Payout,
    PayoutStatus,
    TransferResult,
    TransferState,
)


@frozen
class Unanswered:
    """No answer, or none that can be trusted: ``reason`` says which. The money may be on its way."""

    reason: str


Answer = TransferResult | Unanswered


def trusted(answer: object) -> Answer:
    """Take a method's answer only if it is one: a known state, and a reference for money that moves."""
    if not isinstance(answer, TransferResult) or not isinstance(answer.state, TransferState):
        return Unanswered("the payout method gave an answer that means nothing")
    if answer.state in (TransferState.PAID, TransferState.ACCEPTED) and not (answer.reference or "").strip():
        return Unanswered("the payout method says that money moves, but under no reference")
    return answer


def submit(payout: Payout, *, now: datetime) -> Payout:
    """Begin the next attempt, under a key of its own, and lease the payout to the worker that makes it."""
    number = len(payout.attempts) + 1
    attempt = Attempt(number=number, key=f"{payout.id}:{number}", started_at=now)
    return evolve(payout.step("submit", at=now + LEASE), attempts=(*payout.attempts, attempt))


def lose_track(payout: Payout, *, now: datetime) -> Payout:
    """Take a payout over from a worker that died in the middle: nobody knows whether it was sent."""
    reason = "the worker that was sending it stopped"
    return _noted(payout.step("lose_track", at=now + ASK_AGAIN, reason=reason), Unanswered(reason), now)


def heed(payout: Payout, answer: Answer, *, now: datetime, asks_after: timedelta | None) -> Payout:
    """Take the step that an answer calls for; a transfer that is under way is asked about again after ``asks_after``.

    Nothing is ever sent again while the outcome is unknown. A transfer that the method never saw is sent again under
    the same key, a failure that can heal is retried under a new one, five times at growing intervals.
    """
    if isinstance(answer, Unanswered):
        return _unanswered(payout, answer, now)
    if answer.state is TransferState.ABSENT:
        return _absent(payout, now)
    if answer.state in (TransferState.FAILED, TransferState.DECLINED):
        return _failed(payout, answer, now)
    noted = _noted(payout, answer, now)
    if answer.state is TransferState.PAID:
        return evolve(noted.step("pay", at=None), settled_at=now)
    following = None if asks_after is None else now + asks_after
    if payout.status is PayoutStatus.IN_TRANSIT:
        return evolve(noted, reason=None, next_attempt_at=following)
    return noted.step("accept", at=following)


def _failed(payout: Payout, answer: TransferResult, now: datetime) -> Payout:
    noted, failures = _noted(payout, answer, now), len(payout.attempts)
    reason = answer.reason or "the payout method gave no reason"
    if answer.state is TransferState.FAILED and failures <= len(BACK_OFF):
        return noted.step("retry_later", at=now + BACK_OFF[failures - 1], reason=reason)
    return evolve(noted.step("decline", at=None, reason=reason), settled_at=now)


def _absent(payout: Payout, now: datetime) -> Payout:
    if payout.status is PayoutStatus.UNKNOWN:
        return payout.step("resend", at=now + LEASE)
    return _unanswered(payout, Unanswered("the payout method knows nothing of a transfer it was given"), now)


def _unanswered(payout: Payout, answer: Unanswered, now: datetime) -> Payout:
    if payout.status is PayoutStatus.PROCESSING:
        return _noted(payout.step("lose_track", at=now + ASK_AFTER, reason=answer.reason), answer, now)
    return evolve(payout, reason=answer.reason, next_attempt_at=now + ASK_AGAIN)


def _noted(payout: Payout, answer: Answer, now: datetime) -> Payout:
    *earlier, last = payout.attempts
    if isinstance(answer, Unanswered):
        last = evolve(last, outcome="unknown", reason=answer.reason)
    else:
        last = evolve(
            last,
            outcome=answer.state.value,
            reference=answer.reference or last.reference,
            reason=answer.reason,
            finished_at=now,
        )
    return evolve(payout, attempts=(*earlier, last))
