"""Recording what gateways said about attempts: a group of them in one transaction, with all that follows."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Self

from attrs import evolve, field, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers, SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.asking import Asked
from cityos_core.subscriptions.attempts import AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.holding import Held, hold, open_docket
from cityos_core.subscriptions.in_sets import Trouble, in_sets
from cityos_core.subscriptions.outcomes import go_on, heard
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class Collected:
    """How many attempts succeeded, were declined, or are of an outcome that is not known yet."""

    paid: int = 0
    declined: int = 0
    unknown: int = 0

    def __add__(self, other: "Collected") -> "Collected":
        return Collected(
            paid=self.paid + other.paid,
            declined=self.declined + other.declined,
            unknown=self.unknown + other.unknown,
        )

    @classmethod
    def of(cls, attempts: Iterable[PaymentAttempt]) -> Self:
        """Count attempts."""
        states = [one.status for one in attempts]
        paid, declined = states.count(AttemptStatus.SUCCEEDED), states.count(AttemptStatus.DECLINED)
        return cls(paid=paid, declined=declined, unknown=len(states) - paid - declined)


@frozen(kw_only=True)
class Recorded:
    """What came of recording: the attempts as they are now, new ones that follow, and what could not be recorded."""

    attempts: dict[str, PaymentAttempt] = field(factory=dict)
    new: tuple[PaymentAttempt, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(
            attempts=self.attempts | other.attempts,
            new=self.new + other.new,
            troubles=self.troubles + other.troubles,
        )

    def require_whole(self) -> None:
        """Raise the first trouble, now that everything else is recorded."""
        for trouble in self.troubles:
            raise trouble


@frozen(kw_only=True)
class Record:
    """Record answers. Who loses a race leaves the attempt as it is: it is asked about again when its time comes."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build it over its ports."""
        return cls(
            unit_of_work=dependencies.unit_of_work,
            clock=dependencies.clock,
            identifiers=dependencies.identifiers,
            configuration=dependencies.configuration,
        )

    def __call__(self, scope: TenantScope, answers: Sequence[Asked]) -> Recorded:
        done = Recorded()
        for _, came in in_sets(answers, partial(self._record, scope)) if answers else ():
            if isinstance(came, Recorded):
                done += came
            elif came.code != "stale":
                done += Recorded(troubles=(came,))
        return done

    def _record(self, scope: TenantScope, answers: Sequence[Asked]) -> Recorded:
        with self.unit_of_work(scope) as uow:
            docket = open_docket(self, uow, scope)
            held = hold(docket, _places(answers))
            moved = {asked.attempt.key for asked in answers if heard(held[asked.attempt.subscription_id], asked)}
            if moved:
                go_on(docket, held.values())
                commit(uow, docket.write(), "billing.record")
        keys = {asked.attempt.key: held[asked.attempt.subscription_id] for asked in answers}
        return Recorded(
            attempts={key: _stored(one, key, is_moved=key in moved) for key, one in keys.items()},
            new=tuple(docket.attempts),
        )


def _places(answers: Sequence[Asked]) -> dict[SubscriptionId, set[int]]:
    found: dict[SubscriptionId, set[int]] = {}
    for asked in answers:
        found.setdefault(asked.attempt.subscription_id, set()).add(asked.attempt.cycle)
    return found


def _stored(held: Held, key: str, *, is_moved: bool) -> PaymentAttempt:
    attempt = held.attempts[key]
    return evolve(attempt, version=attempt.version + 1) if is_moved else attempt
