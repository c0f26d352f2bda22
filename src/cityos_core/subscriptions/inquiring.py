"""Asking gateways what became of attempts whose outcome nobody knows, before anything is sent again."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, Self

from attrs import evolve, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.answering import Collected, Record, Recorded
from cityos_core.subscriptions.asking import Answer, Asked, Owing, ask, not_configured, owing
from cityos_core.subscriptions.attempts import AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.collecting import GROUP, Collect
from cityos_core.subscriptions.in_sets import TRIES

STOPPED: Final = "whoever made this attempt stopped before its outcome was known"


@frozen
class Inquire:
    """Ask about every attempt whose time has come: those whose maker died, and those that got no answer.

    However old an attempt is, its gateway is asked first. What it never saw is sent again, under the same key; while it
    gives no answer nothing is sent, and it is asked again later, at growing intervals.
    """

    dependencies: Dependencies
    collect: Collect

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build it over its ports."""
        return cls(dependencies, Collect.of(dependencies))

    def __call__(self, scope: TenantScope) -> Collected:
        """Count what became of them."""
        counted, whole = Collected(), Recorded()
        for found in self.each(scope):
            counted += Collected.of(found.attempts.values())
            whole += Recorded(troubles=found.troubles)
        whole.require_whole()
        return counted

    def each(self, scope: TenantScope) -> Iterator[Recorded]:
        """Ask group by group, and give what came of each."""
        start, left = self.dependencies.clock.now(), set[str]()
        while due := self._due(scope, start, left):
            found = self._ask(scope, due)
            left |= {one.key for one in due if _is_due(found.attempts[one.key], start)}
            yield found

    def _due(self, scope: TenantScope, start: datetime, left: Collection[str]) -> list[PaymentAttempt]:
        """Give the next group; what a worker stopped in the middle of is taken over."""
        for _ in range(TRIES):
            try:
                return self._take_over(scope, start, left)
            except Conflict as lost:
                if lost.code != "stale":
                    raise
        return []

    def _take_over(self, scope: TenantScope, start: datetime, left: Collection[str]) -> list[PaymentAttempt]:
        now = self.dependencies.clock.now()
        with self.dependencies.unit_of_work(scope) as uow:
            found = [one for one in uow.attempts.due(start, limit=GROUP + len(left)) if one.key not in left]
            stopped = [one.lost(reason=STOPPED, at=now) for one in found if one.status is AttemptStatus.PENDING]
            if stopped:
                uow.attempts.save(stopped)
                commit(uow, (), "billing.take_over")
        taken = {one.key: evolve(one, version=one.version + 1) for one in stopped}
        return [taken.get(one.key, one) for one in found]

    def _ask(self, scope: TenantScope, due: list[PaymentAttempt]) -> Recorded:
        """Ask about a group, record the answers, and send again what never arrived."""
        with self.dependencies.unit_of_work(scope) as uow:
            found = owing(uow, due)
        asked = [Asked(attempt=one, answer=self._inquire(one, found)) for one in due]
        done = Recorded(attempts={one.key: one for one in due}) + Record.of(self.dependencies)(scope, asked)
        again = [one for one in done.attempts.values() if one.status is AttemptStatus.PENDING]
        return done + self.collect.each(scope, [*again, *done.new])

    def _inquire(self, attempt: PaymentAttempt, found: Owing) -> Answer:
        gateway = self.dependencies.gateways.get(attempt.gateway)
        if gateway is None:
            return not_configured(attempt.gateway)
        faults.point("billing.inquire.before")
        answer = ask(gateway.inquire, found.charge(attempt))
        faults.point("billing.inquire.after")
        return answer


def _is_due(attempt: PaymentAttempt, now: datetime) -> bool:
    return attempt.next_at is not None and attempt.next_at <= now
