"""What is odd about a set of rules: rules that never count, rules that compete, sales that no rule matches."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from cityos_core.commissions.choosing import SETTING
from cityos_core.commissions.coverage import binds_wherever, contains, contradiction, covers, empty_band, meets
from cityos_core.commissions.lines import CommissionEntry, EntryKind
from cityos_core.commissions.rivals import Rivals
from cityos_core.commissions.rules import Bounds, Hierarchy, Rule, RuleScope, RuleStatus, StoredRule
from cityos_core.commissions.wording import validity_text
from cityos_core.kernel.ids import PLATFORM


class FindingKind(StrEnum):
    """What is odd."""

    EXPIRED = "expired"
    EMPTY_BAND = "empty_band"
    UNREACHABLE = "unreachable"
    OVERLAP = "overlap"
    NO_RULE = "no_rule"


@frozen
class Finding:
    """Something odd about a rule, in view of another one, or about sales that met no rule."""

    kind: FindingKind
    rule: str
    detail: str
    other: str = ""


@frozen
class _Candidate:
    """A rule that may count, with what its file does not say."""

    rule: Rule
    is_tenants: bool
    age: int

    @property
    def precedence(self) -> tuple[int, int]:
        return -self.rule.priority, self.age


def lint_rules(
    rules: Iterable[Rule | StoredRule],
    *,
    at: datetime,
    hierarchy: Hierarchy | None = None,
    bounds: Bounds | None = None,
) -> list[Finding]:
    """Find what is odd about rules given oldest first, for sales from ``at`` on below ``hierarchy``.

    A rule is unreachable if another one certainly wins wherever it matches, or if it stands under a lock. Two rules
    overlap if they have scope and group in common and both may match; each is reported against the first that beats it.
    """
    findings: list[Finding] = []
    standing = [one for one in _candidates(rules) if not _never_counts(one.rule, at, findings)]
    locks = [one.rule for one in standing if one.rule.bounds.locked]
    reachable = []
    for one in standing:
        lock = _lock(one, locks, hierarchy or {}, bounds)
        if lock is None:
            reachable.append(one)
        else:
            findings.append(Finding(FindingKind.UNREACHABLE, one.rule.name, f"{lock} locks what is narrower", lock))
    for rivals in _rivals(reachable):
        findings += _compared(rivals)
    return findings


def lint_sales(entries: Iterable[CommissionEntry]) -> list[Finding]:
    """Find the sold lines that no rule matched, by vendor and product category."""
    counts: dict[tuple[str, str], tuple[int, str]] = {}
    for entry in entries:
        if entry.kind is EntryKind.SALE and entry.line is not None and not entry.line.decisions:
            key = (entry.vendor, entry.category or "")
            count, first = counts.get(key, (0, f"{entry.order_reference}/{entry.line_reference}"))
            counts[key] = (count + 1, first)
    return [
        Finding(FindingKind.NO_RULE, "", f"{count} sold lines of vendor {vendor}{place} met no rule, first {first}")
        for (vendor, category), (count, first) in sorted(counts.items())
        for place in (f" in {category}" if category else "",)
    ]


def _candidates(rules: Iterable[Rule | StoredRule]) -> Iterator[_Candidate]:
    for age, one in enumerate(rules):
        if isinstance(one, Rule):
            yield _Candidate(one, is_tenants=True, age=age)
        elif one.status is RuleStatus.ACTIVE:
            yield _Candidate(one.rule, is_tenants=one.tenant_id != PLATFORM, age=age)


def _never_counts(rule: Rule, at: datetime, findings: list[Finding]) -> bool:
    if rule.valid_until is not None and rule.valid_until <= at:
        findings.append(Finding(FindingKind.EXPIRED, rule.name, validity_text(rule)))
    elif reason := empty_band(rule):
        findings.append(Finding(FindingKind.EMPTY_BAND, rule.name, reason))
    elif reason := contradiction(rule):
        findings.append(Finding(FindingKind.UNREACHABLE, rule.name, reason))
    else:
        return False
    return True


def _lock(one: _Candidate, locks: Sequence[Rule], hierarchy: Hierarchy, bounds: Bounds | None) -> str | None:
    if bounds is not None and bounds.locked and one.is_tenants:
        return SETTING
    rule = one.rule
    for lock in locks:
        if lock.group == rule.group and contains(lock.scope, rule.scope, hierarchy) and binds_wherever(lock, rule):
            return lock.name
    return None


def _rivals(candidates: Iterable[_Candidate]) -> Iterator[list[Rule]]:
    """Give the rules that have scope and group in common, in precedence."""
    together: dict[tuple[RuleScope, str], list[_Candidate]] = {}
    for one in candidates:
        together.setdefault((one.rule.scope, one.rule.group), []).append(one)
    for found in together.values():
        if len(found) > 1:
            yield [one.rule for one in sorted(found, key=lambda one: one.precedence)]


def _compared(rivals: Sequence[Rule]) -> Iterator[Finding]:
    """Hold every rule against those that beat it, looking only at those whose conditions do not exclude it at once."""
    winners = Rivals()
    for rule in rivals:
        finding = _against(rule, winners.of(rule))
        if finding is not None:
            yield finding
        winners.add(rule)


def _against(rule: Rule, winners: Iterable[Rule]) -> Finding | None:
    first: Rule | None = None
    for winner in winners:
        if covers(winner, rule) and rule.bounds == Bounds():
            detail = f"{winner.name} wins wherever it matches: {_why(winner, rule)}"
            return Finding(FindingKind.UNREACHABLE, rule.name, detail, winner.name)
        if first is None and meets(winner, rule):
            first = winner
    if first is None:
        return None
    detail = f"{first.name} may match the same sale and wins: {_why(first, rule)}"
    return Finding(FindingKind.OVERLAP, rule.name, detail, first.name)


def _why(winner: Rule, loser: Rule) -> str:
    if winner.priority > loser.priority:
        return f"its priority is {winner.priority}, this one's {loser.priority}"
    return "it is older"
