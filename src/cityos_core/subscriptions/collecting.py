"""Collecting what is due: attempts that were committed are sent to their gateway, and what it said is recorded."""

from collections.abc import Mapping, Sequence
from typing import Final, Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.scope import TenantScope
from cityos_core.recording import is_part
from cityos_core.subscriptions.answering import Record, Recorded
from cityos_core.subscriptions.asking import Answer, Asked, Owing, ask, not_configured, owing
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, PaymentAttempt
from cityos_core.subscriptions.gateway import ChargeResult, ChargeState, PaymentGateway
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory

GROUP: Final = 25
"""How many attempts are made before their outcomes are recorded: what a crash leaves to be asked about."""

NOT_OWED: Final = ChargeResult(
    state=ChargeState.DECLINED,
    decline=DeclineClass.SOFT,
    reason="nothing was owed any more, and nothing was charged",
)
"""What is recorded of an attempt whose invoice was voided or paid before it was sent."""


@frozen(kw_only=True)
class Collect:
    """Send attempts, each committed as pending before, and record their outcomes, with nothing open while a gateway is asked.

    An attempt whose lease has run out is left alone: whoever finds it asks its gateway first. Inside a larger transaction
    nothing is committed yet, and nothing is sent: the next billing run does.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader
    gateways: Mapping[str, PaymentGateway]

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build it over its ports."""
        return cls(
            unit_of_work=dependencies.unit_of_work,
            clock=dependencies.clock,
            identifiers=dependencies.identifiers,
            configuration=dependencies.configuration,
            gateways=dependencies.gateways,
        )

    def __call__(self, scope: TenantScope, attempts: Sequence[PaymentAttempt]) -> list[PaymentAttempt]:
        """Give the attempts as they are afterwards."""
        done = self.each(scope, attempts)
        done.require_whole()
        return [done.attempts.get(one.key, one) for one in attempts]

    def each(self, scope: TenantScope, attempts: Sequence[PaymentAttempt]) -> Recorded:
        """Make attempts, and those that follow from their outcomes; what is wrong with one is told at the end."""
        done, waiting = Recorded(), list(attempts)
        while waiting:
            group, waiting = waiting[:GROUP], waiting[GROUP:]
            made = self._make(scope, group)
            waiting += made.new
            done += made
        return done

    def _make(self, scope: TenantScope, group: Sequence[PaymentAttempt]) -> Recorded:
        with self.unit_of_work(scope) as uow:
            if is_part(uow):
                return Recorded()
            found = owing(uow, group)
        attempts = [found.attempts[one.key] for one in group]
        answers = [(one, self._send(one, found)) for one in attempts]
        asked = [Asked(attempt=one, answer=answer) for one, answer in answers if answer is not None]
        return Recorded(attempts={one.key: one for one in attempts}) + self._record(scope, asked)

    def _send(self, attempt: PaymentAttempt, found: Owing) -> Answer | None:
        """Have an attempt made; none if it is somebody else's by now."""
        if attempt.status is not AttemptStatus.PENDING or _lapsed(attempt, self.clock):
            return None
        if not found.is_owed(attempt):
            return NOT_OWED
        gateway = self.gateways.get(attempt.gateway)
        if gateway is None:
            return not_configured(attempt.gateway)
        faults.point("billing.charge.before")
        answer = ask(gateway.charge, found.charge(attempt))
        faults.point("billing.charge.after")
        return answer

    @property
    def _record(self) -> Record:
        return Record(
            unit_of_work=self.unit_of_work,
            clock=self.clock,
            identifiers=self.identifiers,
            configuration=self.configuration,
        )


def _lapsed(attempt: PaymentAttempt, clock: Clock) -> bool:
    return attempt.next_at is None or attempt.next_at <= clock.now()
