"""Reports over recurring revenue, folded from movements: the same answer whenever a past is asked about."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock, instant
from cityos_core.kernel.money import exponent
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.growth import Bridge, Cohort, Standings, bridges, cohorts, standings
from cityos_core.subscriptions.mrr import Movement
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class GiveStandings:
    """Say where recurring revenue stands now, or stood at an instant, per currency that has any."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, at: datetime | None = None) -> dict[str, Standings]:
        before = _before(at, self.clock)
        with self.unit_of_work(scope) as uow:
            return standings(uow.movements.until(before), before)


@frozen
class GiveBridge:
    """Say how recurring revenue moved from an instant until a later one, or now, per currency.

    Start and movements sum to the end. What moved at ``start`` itself is part of the movements, what moved at ``end`` is
    not: bridges that follow each other leave nothing out and count nothing twice.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, start: datetime, end: datetime | None = None) -> dict[str, Bridge]:
        before = _before(end, self.clock)
        with self.unit_of_work(scope) as uow:
            return bridges(uow.movements.until(before), instant(start), before)


@frozen
class GiveCohorts:
    """Group subscriptions by the month, in the tenant's time zone, in which they first counted, and follow them."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope, currency: str, until: datetime | None = None) -> tuple[Cohort, ...]:
        exponent(currency)
        before = _before(until, self.clock)
        with self.unit_of_work(scope) as uow:
            place = self.configuration(uow, scope.tenant_id).tenant.time_zone
            found = uow.movements.until(before, currency=currency)
        return cohorts(found, currency=currency, place=place, until=before)


@frozen
class ListMovements:
    """List the movements of ``[since, until)``, all of them unless told otherwise, by time."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self,
        scope: TenantScope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        currency: str | None = None,
    ) -> list[Movement]:
        before = _before(until, self.clock)
        with self.unit_of_work(scope) as uow:
            return _since(uow.movements.until(before, currency=currency), since)


def _since(movements: Iterable[Movement], since: datetime | None) -> list[Movement]:
    first = None if since is None else instant(since)
    return [one for one in movements if first is None or one.at >= first]


def _before(at: datetime | None, clock: Clock) -> datetime:
    """What moved before an instant counts; asked about now, what moves this very instant does as well."""
    return clock.now() + datetime.resolution if at is None else instant(at)


@frozen(kw_only=True)
class MrrUseCases:
    """What recurring revenue is, how it got there, and who stays."""

    standings: GiveStandings
    bridge: GiveBridge
    cohorts: GiveCohorts
    movements: ListMovements

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        unit_of_work, clock = dependencies.unit_of_work, dependencies.clock
        return cls(
            standings=GiveStandings(unit_of_work, clock),
            bridge=GiveBridge(unit_of_work, clock),
            cohorts=GiveCohorts(unit_of_work, clock, dependencies.configuration),
            movements=ListMovements(unit_of_work, clock),
        )
