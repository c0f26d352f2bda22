"""Sending what is due: intent committed first, then the method called, then what it said recorded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from attrs import frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import CityOSError, Conflict, Unavailable
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.answers import Answer, Unanswered, heed, lose_track, submit, trusted
from cityos_core.payouts.booking import Register, commit
from cityos_core.payouts.model import Payout, PayoutStatus, Transfer, TransferResult, TransferState
from cityos_core.payouts.policy import doubt
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 1000
"""How many payouts are looked at before the next are read."""


@frozen
class Processed:
    """What sending came to: how many payouts went into which state, a payout counting once for each step."""

    steps: Mapping[PayoutStatus, int]


@frozen
class Process:
    """Act on every payout that is due: send it, ask what became of it, or take it over from a worker that died.

    Any number of workers may run at once. Each payout is a few small units of work: one commits the intent with its key
    and a lease, then the method is called with nothing open, then another records the answer. Whoever finds that
    somebody else was first lets go. One payout's trouble never stops the others.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    methods: Mapping[str, PayoutMethod]
    register: Register

    def __call__(self, scope: TenantScope) -> Processed:
        steps: Counter[PayoutStatus] = Counter()
        start = self.clock.now()
        while True:
            with self.unit_of_work(scope) as uow:
                due = [uow.payouts.get(payout_id) for payout_id in uow.payouts.due(start, limit=AT_ONCE)]
            before = steps.total()
            for payout in due:
                if payout.status is not PayoutStatus.PENDING:
                    steps.update(self._follow_up(scope, payout))
            for group in _together([payout for payout in due if payout.status is PayoutStatus.PENDING]):
                steps.update(self._send_group(scope, group))
            if steps.total() == before:
                return Processed(steps)

    def _send_group(self, scope: TenantScope, group: Sequence[Payout]) -> Iterator[PayoutStatus]:
        method = self.methods.get(group[0].method)
        if method is None:
            for payout in group:
                yield from self._record(scope, payout, _not_configured(payout))
            return
        for start in range(0, len(group), method.at_once):
            claimed = []
            for payout in group[start : start + method.at_once]:
                taken = self._claim(scope, payout.id)
                if taken is not None and taken.status is PayoutStatus.PROCESSING:
                    claimed.append(taken)
                elif taken is not None:
                    yield taken.status
            if claimed:
                yield from self._send(scope, method, claimed)

    def _claim(self, scope: TenantScope, payout_id: PayoutId) -> Payout | None:
        """Commit the intent to send a payout, or hold it for review; none if it is no longer there to be sent."""
        now = self.clock.now()
        try:
            with self.unit_of_work(scope) as uow:
                payout = uow.payouts.get(payout_id)
                if payout.status is not PayoutStatus.PENDING or not _has_come(payout.next_attempt_at, now):
                    return None
                reason = doubt(payout, uow.vendors.get(payout.vendor_id))
                after = payout.step("hold", at=None, reason=reason) if reason else submit(payout, now=now)
                after, events = self.register.save(uow, payout, after, now)
                commit(uow, events, "payouts.claim")
                return after
        except Conflict as lost:
            _require_stale(lost)
            return None

    def _send(self, scope: TenantScope, method: PayoutMethod, payouts: Sequence[Payout]) -> Iterator[PayoutStatus]:
        """Hand payouts to their method, except those whose lease ran out meanwhile: another worker has them."""
        faults.point("payouts.send.before")
        now = self.clock.now()
        leased = [payout for payout in payouts if not _has_come(payout.next_attempt_at, now)]
        answers = _ask_to_send(method, leased) if leased else []
        faults.point("payouts.send.after")
        for payout, answer in zip(leased, answers, strict=True):
            yield from self._record(scope, payout, answer)

    def _follow_up(self, scope: TenantScope, payout: Payout) -> Iterator[PayoutStatus]:
        """Ask what became of a payout that may have been sent; send it again, under the same key, if it was not."""
        if payout.status is PayoutStatus.PROCESSING:
            taken = self._take_over(scope, payout)
            if taken is None:
                return
            payout = taken
        method = self.methods.get(payout.method)
        if method is None:
            yield from self._record(scope, payout, _not_configured(payout))
            return
        faults.point("payouts.inquire.before")
        answer = _inquire(method, payout)
        faults.point("payouts.inquire.after")
        yield from self._record(scope, payout, answer)

    def _take_over(self, scope: TenantScope, payout: Payout) -> Payout | None:
        now = self.clock.now()
        try:
            with self.unit_of_work(scope) as uow:
                after, events = self.register.save(uow, payout, lose_track(payout, now=now), now)
                commit(uow, events, "payouts.take_over")
                return after
        except Conflict as lost:
            _require_stale(lost)
            return None

    def _record(self, scope: TenantScope, payout: Payout, answer: Answer) -> Iterator[PayoutStatus]:
        """Record an answer, unless the payout has moved on since; then whoever moved it asks for itself."""
        now, method = self.clock.now(), self.methods.get(payout.method)
        after = heed(payout, answer, now=now, asks_after=_asks_after(method))
        try:
            with self.unit_of_work(scope) as uow:
                after, events = self.register.save(uow, payout, after, now)
                commit(uow, events, "payouts.record")
        except Conflict as lost:
            _require_stale(lost)
            return
        yield after.status
        if after.status is PayoutStatus.PROCESSING and method is not None:
            yield from self._send(scope, method, [after])


def _together(payouts: Sequence[Payout]) -> list[list[Payout]]:
    """Group payouts that may be sent in one call: same method, same batch."""

    def words(payout: Payout) -> tuple[str, str]:
        return payout.method, str(payout.batch_id or payout.id)

    return [list(group) for _, group in groupby(sorted(payouts, key=words), key=words)]


def _ask_to_send(method: PayoutMethod, payouts: Sequence[Payout]) -> list[Answer]:
    try:
        answers = list(method.send([_transfer(payout) for payout in payouts]))
    except Unavailable as nothing:
        return [TransferResult(state=TransferState.FAILED, reason=nothing.detail)] * len(payouts)
    except Exception as unclear:  # noqa: BLE001  whatever went wrong, the money may be on its way
        return [_lost(unclear)] * len(payouts)
    if len(answers) != len(payouts):
        return [Unanswered("the payout method answered for another number of transfers than it was given")] * len(
            payouts
        )
    return [trusted(answer) for answer in answers]


def _inquire(method: PayoutMethod, payout: Payout) -> Answer:
    try:
        return trusted(method.inquire(_transfer(payout)))
    except Exception as unclear:  # noqa: BLE001  one method's trouble never stops the others
        return _lost(unclear)


def _lost(error: Exception) -> Unanswered:
    return Unanswered(error.detail if isinstance(error, CityOSError) else f"unexpected {type(error).__name__}")


def _transfer(payout: Payout) -> Transfer:
    return Transfer(
        key=payout.attempts[-1].key,
        payout_id=payout.id,
        batch_id=payout.batch_id,
        amount=payout.amount,
        account=payout.account,
        holder=payout.holder,
        description=f"Payout {payout.id}",
    )


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _asks_after(method: PayoutMethod | None) -> timedelta | None:
    return None if method is None else method.asks_after


def _not_configured(payout: Payout) -> Unanswered:
    return Unanswered(f"payout method {payout.method!r} is not configured here; configure it, or cancel the payout")


def _require_stale(lost: Conflict) -> None:
    """Let go of what another worker took; any other conflict is no race and must be seen."""
    if lost.code != "stale":
        raise lost
