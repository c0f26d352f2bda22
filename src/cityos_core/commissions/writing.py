"""Writing commission rules: a list of them at once, and the steps of one rule's life. Versions are never overwritten."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from cityos_core.commissions.rules import RULE_LIFE, Rule, RuleStatus, StoredRule
from cityos_core.commissions.validation import mistakes_in_list
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import FieldError, Invalid, NotFound
from cityos_core.kernel.ids import Identifiers, RuleId, TenantId
from cityos_core.kernel.imports import Outcome
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWorkFactory

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class ImportedRule:
    """What became of one rule of an imported list."""

    name: str
    outcome: Outcome
    version: int


@frozen(kw_only=True)
class ImportRules:
    """Bring the owner's rules to what a list says; a name is the key, a changed rule becomes a new version.

    New rules are younger than all known ones, and of each other the earlier in the list is older. Rules that the list
    does not name stay as they are. ``Invalid("invalid_rules")`` names every mistake; nothing is then written. With
    ``draft`` new and changed rules wait for activation.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(self, scope: Scope, rules: Iterable[Rule], *, draft: bool = False) -> tuple[ImportedRule, ...]:
        listed, at = list(rules), self.clock.now()
        with self.unit_of_work(scope) as uow:
            current = uow.rules.current()
            known = own(current, scope.tenant_id)
            _require_writable(listed, known, draft=draft)
            ages = _ages(current, at)
            brought = [self._brought(rule, known.get(rule.name), scope.tenant_id, ages, at, draft) for rule in listed]
            changed = [(before, after) for before, after in brought if after is not before]
            uow.rules.supersede(evolve(before, superseded_at=at) for before, _ in changed if before)
            uow.rules.add(after for _, after in changed)
            uow.commit()
        return tuple(_imported(before, after) for before, after in brought)

    def _brought(
        self, rule: Rule, before: StoredRule | None, owner: TenantId, ages: Iterator[int], at: datetime, draft: bool
    ) -> tuple[StoredRule | None, StoredRule]:
        status = RuleStatus.DRAFT if draft else RuleStatus.ACTIVE
        if before is None:
            identifier = RuleId(self.identifiers.new())
            new = StoredRule(
                id=identifier, tenant_id=owner, rule=rule, sequence=next(ages), status=status, recorded_at=at
            )
            return None, new
        if before.rule == rule and before.status is status:
            return before, before
        return before, evolve(before, rule=rule, status=status, version=before.version + 1, recorded_at=at)


@frozen(kw_only=True)
class ChangeRule:
    """Take one of the owner's rules a step through its life, as a new version: ``activate`` or ``retire``."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    action: str

    def __call__(self, scope: Scope, name: str) -> StoredRule:
        at = self.clock.now()
        with self.unit_of_work(scope) as uow:
            before = own(uow.rules.current(), scope.tenant_id).get(name)
            if before is None:
                raise NotFound(
                    "rule_not_found", f"there is no commission rule {name!r}; list the rules to see their names"
                )
            status = RULE_LIFE.next(before.status, self.action)
            after = evolve(before, status=status, version=before.version + 1, recorded_at=at)
            uow.rules.supersede([evolve(before, superseded_at=at)])
            uow.rules.add([after])
            uow.commit()
        return after


def own(rules: Iterable[StoredRule], owner: TenantId) -> dict[str, StoredRule]:
    """Give the rules of one owner by name."""
    return {stored.rule.name: stored for stored in rules if stored.tenant_id == owner}


def _require_writable(rules: Sequence[Rule], known: Mapping[str, StoredRule], *, draft: bool) -> None:
    mistakes, seen = mistakes_in_list(rules), dict[str, int]()
    for place, rule in enumerate(rules):
        first = seen.setdefault(rule.name, place)
        if first != place:
            detail = f"rule {first + 1} of the list is already called {rule.name!r}; names are unique"
            mistakes.append(FieldError(f"$[{place}].name", "duplicate_name", detail))
        if draft and rule.name in known and known[rule.name].status is RuleStatus.ACTIVE:
            detail = f"{rule.name!r} is in force and a draft would end that; give the draft another name, or replay it"
            mistakes.append(FieldError(f"$[{place}].name", "rule_in_force", detail))
    if mistakes:
        raise Invalid("invalid_rules", f"{len(mistakes)} mistakes in the commission rules", mistakes)


def _ages(current: Iterable[StoredRule], at: datetime) -> Iterator[int]:
    """Count upwards from the moment, in microseconds since 1970, so that ages compare across owners."""
    age = max([(at - _EPOCH) // timedelta(microseconds=1), *(stored.sequence for stored in current)])
    while True:
        age += 1
        yield age


def _imported(before: StoredRule | None, after: StoredRule) -> ImportedRule:
    outcome = Outcome.CREATED if before is None else Outcome.UNCHANGED if after is before else Outcome.UPDATED
    return ImportedRule(name=after.rule.name, outcome=outcome, version=after.version)
