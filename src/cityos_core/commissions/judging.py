"""Judging rules before anyone is charged: what is odd about them, and what others would have charged."""

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, frozen

from cityos_core.commissions.lint import Finding, lint_rules, lint_sales
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.reading import stream
from cityos_core.commissions.replay import ReplayReport, needed_windows, replay
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Rule, RuleStatus, StoredRule
from cityos_core.commissions.settings import COMMISSION_BOUNDS
from cityos_core.commissions.validation import require_sound
from cityos_core.commissions.windows import interval
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.scope import Scope, TenantScope
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class LintRules:
    """Find what is odd about the rules a scope sees, and the sold lines since an instant that no rule matched."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader

    def __call__(self, scope: Scope, *, since: datetime | None = None) -> list[Finding]:
        with self.unit_of_work(scope) as uow:
            rules = uow.rules.current()
            found = self.configuration(uow, scope.tenant_id) if isinstance(scope, TenantScope) else None
        findings = lint_rules(
            rules,
            at=self.clock.now(),
            hierarchy=found.hierarchy if found else None,
            bounds=found.value(COMMISSION_BOUNDS) if found else None,
        )
        if isinstance(scope, TenantScope):
            findings += lint_sales(stream(self.unit_of_work, scope, EntryFilter(since=since)))
        return findings


@frozen(kw_only=True)
class ReplayRules:
    """Charge past sales by other rules, in place of the tenant's own, and tell the difference; nothing is written.

    The platform's rules and the tenant's commission bounds stay in force. Without rules the tenant's drafts are taken
    together with the rules that are active.
    """

    unit_of_work: UnitOfWorkFactory
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        rules: Iterable[Rule] | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        vendor: str | None = None,
    ) -> ReplayReport:
        listed = None if rules is None else list(rules)
        require_sound(listed or ())
        with self.unit_of_work(scope) as uow:
            current = uow.rules.current()
            configuration = self.configuration(uow, scope.tenant_id)
        book = RuleBook.of(_in_force(current, listed), bounds=configuration.value(COMMISSION_BOUNDS))
        zone = configuration.tenant.time_zone
        warm = since and min([since, *(interval(window, since, zone)[0] for window in needed_windows(book))])
        where = EntryFilter(since=warm, until=until, vendor=vendor)
        return replay(book, stream(self.unit_of_work, scope, where), zone=zone, since=since)


def _in_force(current: Iterable[StoredRule], rules: Iterable[Rule] | None) -> list[Rule | StoredRule]:
    if rules is not None:
        return [*(stored for stored in current if stored.tenant_id == PLATFORM), *rules]
    return [
        evolve(stored, status=RuleStatus.ACTIVE) if stored.status is RuleStatus.DRAFT else stored for stored in current
    ]
