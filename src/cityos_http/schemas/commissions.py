"""Commission rules and decisions as the API shows and takes them; a rule is written as in the exchange format."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.commissions.explaining import Explanation
from cityos_core.commissions.lines import Component, GroupDecision, Verdict
from cityos_core.commissions.lint import Finding, FindingKind
from cityos_core.commissions.replay import Change, Refusal, ReplayReport
from cityos_core.commissions.rules import RULE_LIFE, Rule, RuleStatus, StoredRule
from cityos_core.commissions.writing import ImportedRule
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM, OrderId, OrderLineId, RuleId
from cityos_core.kernel.imports import Outcome
from cityos_core.kernel.money import Money
from cityos_core.orders.draft import LONGEST_REFERENCE
from cityos_http.asking import Paged
from cityos_http.schema import about

LONGEST = 2 * LONGEST_REFERENCE + 1
"""How long the references of an order and a line are at most, with the slash between them."""

NAME = about("The rule's name.", example="standard", least=1)


@frozen(kw_only=True)
class StoredRuleView:
    """One version of a rule."""

    id: RuleId
    is_platforms: bool = field(metadata=about("True for a rule of the platform, which a tenant only reads."))
    status: RuleStatus
    rule: Rule
    recorded_at: datetime
    superseded_at: datetime | None = field(metadata=about("When the next version took its place."))
    allowed_actions: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, stored: StoredRule) -> Self:
        """Show a rule."""
        return cls(
            id=stored.id,
            is_platforms=stored.tenant_id == PLATFORM,
            status=stored.status,
            rule=stored.rule,
            recorded_at=stored.recorded_at,
            superseded_at=stored.superseded_at,
            allowed_actions=RULE_LIFE.allowed(stored.status),
            version=stored.version,
        )


def age(stored: StoredRule) -> str:
    """Order rules by age, and the versions of one from the first on."""
    return f"{stored.sequence:020d} {stored.id} {stored.version:010d}"


@frozen(kw_only=True)
class RuleQuery(Paged):
    """Which rules."""

    as_of: datetime | None = field(
        default=None,
        metadata=about("Those that apply to a sale of that instant; all that are not retired unless said."),
    )


@frozen(kw_only=True)
class HistoryQuery(Paged):
    """Of which rule."""

    name: str = field(metadata=NAME)


@frozen(kw_only=True)
class RuleName:
    """A rule."""

    name: str = field(metadata=NAME)


@frozen(kw_only=True)
class RulesRequest:
    """Rules to bring to what the list says: a name is the key, and what is not listed stays."""

    rules: tuple[Rule, ...]
    draft: bool = field(default=False, metadata=about("True to have new and changed rules wait to be activated."))


@frozen(kw_only=True)
class ImportedRuleView:
    """What became of one rule."""

    name: str
    outcome: Outcome
    version: int


@frozen(kw_only=True)
class ImportView:
    """What became of the rules, in the order of the list."""

    rules: tuple[ImportedRuleView, ...]

    @classmethod
    def of(cls, imported: Iterable[ImportedRule]) -> Self:
        """Show an import."""
        shown = (ImportedRuleView(name=one.name, outcome=one.outcome, version=one.version) for one in imported)
        return cls(rules=tuple(shown))


@frozen(kw_only=True)
class ExplanationQuery:
    """Which sold line: by its id, or by the references of order and line."""

    line: OrderLineId | None = None
    reference: str | None = field(default=None, metadata=about("ORDER/LINE.", example="10248/1", least=1, most=LONGEST))

    @reference.validator
    def _check(self, _attribute: object, value: str | None) -> None:
        if value is not None and not 1 <= len(value) <= LONGEST:
            raise Invalid.at("$.reference", "reference", f"a sold line is named by 1 to {LONGEST} characters")

    def __attrs_post_init__(self) -> None:
        if (self.line is None) == (self.reference is None):
            raise Invalid.at("$.line", "line_form", "name the sold line by `line` or by `reference`")

    @property
    def subject(self) -> OrderLineId | str:
        """What the use case takes."""
        return self.line or self.reference or ""


@frozen(kw_only=True)
class DecisionView:
    """What one group charged: by which rule, on which base, and how it came about."""

    group: str
    rule: str
    rule_id: RuleId | None
    version: int | None
    base: Money
    built: str
    components: tuple[Component, ...]
    clamp: str
    amount: Money
    fixed: Money = field(metadata=about("The part of the amount that comes from fixed parts."))
    tax: Money

    @classmethod
    def of(cls, decision: GroupDecision, currency: str) -> Self:
        """Show a decision."""
        return cls(
            group=decision.group,
            rule=decision.rule,
            rule_id=None if decision.rule_id is None else RuleId(decision.rule_id),
            version=decision.version,
            base=Money(decision.base, currency),
            built=decision.built,
            components=decision.components,
            clamp=decision.clamp,
            amount=Money(decision.amount, currency),
            fixed=Money(decision.fixed, currency),
            tax=Money(decision.tax, currency),
        )


@frozen(kw_only=True)
class ExplanationView:
    """Why a sold line was charged its commission, from the record made at the sale."""

    order: OrderId
    order_reference: str
    line: OrderLineId
    line_reference: str
    vendor: str
    sku: str
    occurred_at: datetime
    commission: Money
    commission_tax: Money
    decisions: tuple[DecisionView, ...]
    trace: tuple[Verdict, ...] = field(metadata=about("Every rule that was considered, and what became of it."))
    words: tuple[str, ...]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """Show an explanation."""
        entry, line = explanation.entry, explanation.entry.line
        return cls(
            order=entry.order_id,
            order_reference=entry.order_reference,
            line=entry.line_id,
            line_reference=entry.line_reference,
            vendor=entry.vendor,
            sku=entry.sku,
            occurred_at=entry.occurred_at,
            commission=Money(entry.commission, entry.currency),
            commission_tax=Money(entry.commission_tax, entry.currency),
            decisions=tuple(DecisionView.of(one, entry.currency) for one in line.decisions) if line else (),
            trace=line.trace if line else (),
            words=explanation.words,
        )


@frozen(kw_only=True)
class LintQuery(Paged):
    """How far back to look for sales that no rule matched."""

    since: datetime | None = None


@frozen(kw_only=True)
class FindingView:
    """Something odd about a rule, in view of another one, or about sales that met no rule."""

    kind: FindingKind
    rule: str
    other: str
    detail: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Show a finding."""
        return cls(kind=finding.kind, rule=finding.rule, other=finding.other, detail=finding.detail)


@frozen(kw_only=True)
class ReplayRequest:
    """Which past sales to charge, and by which rules in place of the tenant's own."""

    rules: tuple[Rule, ...] | None = field(
        default=None, metadata=about("Unless said, the tenant's drafts are taken together with its active rules.")
    )
    vendor: str | None = field(default=None, metadata=about("By handle."))
    since: datetime | None = None
    until: datetime | None = None


@frozen(kw_only=True)
class ChangeView:
    """Commission before and after, of one vendor, one category or all, in one currency."""

    name: str
    lines: int
    before: Money
    after: Money
    change: Money
    tax_before: Money
    tax_after: Money

    @classmethod
    def of(cls, change: Change) -> Self:
        """Show a change."""
        return cls(
            name=change.name,
            lines=change.lines,
            before=change.before,
            after=change.after,
            change=change.change,
            tax_before=change.tax_before,
            tax_after=change.tax_after,
        )


@frozen(kw_only=True)
class ReplayView:
    """What other rules would have charged; nothing was written."""

    vendors: tuple[ChangeView, ...]
    categories: tuple[ChangeView, ...]
    totals: tuple[ChangeView, ...]
    orders: int
    refused: int = field(
        metadata=about("Orders that the other rules would have refused; they are in none of the sums.")
    )
    refusals: tuple[Refusal, ...] = field(metadata=about("The first hundred of them."))
    unknown_lines: int = field(metadata=about("Lines whose facts were not kept."))

    @classmethod
    def of(cls, report: ReplayReport) -> Self:
        """Show a replay."""
        return cls(
            vendors=tuple(map(ChangeView.of, report.vendors)),
            categories=tuple(map(ChangeView.of, report.categories)),
            totals=tuple(map(ChangeView.of, report.totals)),
            orders=report.orders,
            refused=report.refused,
            refusals=report.refusals,
            unknown_lines=report.unknown_lines,
        )
