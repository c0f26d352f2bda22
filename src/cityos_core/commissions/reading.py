"""Reading commission rules and transactions: lists, versions, explanations, reports, exports."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from attrs import frozen

from cityos_core.commissions.explaining import Explanation
from cityos_core.commissions.lines import CommissionEntry, EntryKind, VendorTotals
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import RuleStatus, StoredRule
from cityos_core.commissions.writing import own
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import PLATFORM, OrderLineId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest, every
from cityos_core.kernel.scope import Scope, TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class ListRules:
    """List the rules that a scope sees, the oldest first: its own, and for a tenant those of the platform.

    Without a date: every rule that is not retired, drafts and ended ones too. With one: the versions that apply to a
    sale of that instant. What was written down only later counts with what it says now about that time.
    """

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, *, as_of: datetime | None = None) -> list[StoredRule]:
        with self.unit_of_work(scope) as uow:
            current = uow.rules.current()
            recorded = [] if as_of is None else uow.rules.recorded(as_of)
        if as_of is None:
            return [stored for stored in current if stored.status is not RuleStatus.RETIRED]
        then = {stored.id: stored for stored in recorded}
        versions = (then.get(stored.id, stored) for stored in current)
        return [one for one in versions if one.status is RuleStatus.ACTIVE and one.rule.holds_at(as_of)]


@frozen
class RuleHistory:
    """List every version of a rule, the first one first: the owner's own by that name, or else the platform's."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, name: str) -> list[StoredRule]:
        with self.unit_of_work(scope) as uow:
            current = uow.rules.current()
            found = own(current, scope.tenant_id).get(name) or own(current, PLATFORM).get(name)
            if found is None:
                raise NotFound(
                    "rule_not_found", f"there is no commission rule {name!r}; list the rules to see their names"
                )
            return uow.rules.versions(found.id)


@frozen
class ExplainLine:
    """Explain the commission of one sold line, named by its id or as ``order/line`` by their references.

    It reads the frozen decision and derives nothing anew. ``NotFound("line_not_found")`` if there is no such sale.
    """

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, line: OrderLineId | str) -> Explanation:
        for where, reference in _ways_to_find(line):
            for entry in stream(self.unit_of_work, scope, where):
                if entry.kind is EntryKind.SALE and reference in (None, entry.line_reference):
                    return Explanation(entry=entry)
        raise NotFound(
            "line_not_found", f"there is no sold line {line}; name it by its id, or as ORDER/LINE such as 10248/1"
        )


def _ways_to_find(line: OrderLineId | str) -> Iterator[tuple[EntryFilter, str | None]]:
    if isinstance(line, UUID):
        yield EntryFilter(line=line), None
        return
    parts = line.split("/")
    for cut in range(len(parts) - 1, 0, -1):
        yield EntryFilter(order="/".join(parts[:cut])), "/".join(parts[cut:])
    if len(parts) == 1 and (identifier := _identifier(line)) is not None:
        yield EntryFilter(line=identifier), None


def _identifier(text: str) -> OrderLineId | None:
    try:
        return OrderLineId(UUID(text))
    except ValueError:
        return None


@frozen(kw_only=True)
class CurrencyTotals:
    """What all vendors' sales came to in one currency; ``orders`` counts each order once."""

    currency: str
    orders: int
    gross: Money
    discounts: Money
    funding: Money
    shipping: Money
    tax: Money
    commission: Money
    commission_tax: Money
    net: Money

    @classmethod
    def of(cls, totals: VendorTotals) -> "CurrencyTotals":
        """Take the sums over all vendors."""
        return cls(
            currency=totals.currency,
            orders=totals.orders,
            gross=totals.gross,
            discounts=totals.discounts,
            funding=totals.funding,
            shipping=totals.shipping,
            tax=totals.tax,
            commission=totals.commission,
            commission_tax=totals.commission_tax,
            net=totals.net,
        )


@frozen(kw_only=True)
class CommissionReport:
    """Sales, commission and net per vendor and currency, and in all per currency, refunds taken off."""

    vendors: tuple[VendorTotals, ...]
    totals: tuple[CurrencyTotals, ...]


@frozen
class Report:
    """Sum the commission transactions that a filter leaves."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, where: EntryFilter | None = None) -> CommissionReport:
        where = where or EntryFilter()
        with self.unit_of_work(scope) as uow:
            vendors = uow.entries.totals(where)
            totals = uow.entries.totals(where, by_vendor=False)
        return CommissionReport(vendors=tuple(vendors), totals=tuple(CurrencyTotals.of(total) for total in totals))


@frozen
class ListEntries:
    """List commission transactions by page, in order of occurrence."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: EntryFilter | None = None, request: PageRequest | None = None
    ) -> Page[CommissionEntry]:
        with self.unit_of_work(scope) as uow:
            return uow.entries.page(where or EntryFilter(), request or PageRequest())


@frozen(kw_only=True)
class EntryRow:
    """A commission transaction as a file has it."""

    occurred_at: datetime
    order: str
    line: str
    vendor: str
    sku: str
    category: str
    kind: str
    status: str
    rules: str
    gross: Money
    discounts: Money
    funding: Money
    shipping: Money
    tax: Money
    commission: Money
    commission_tax: Money
    net: Money
    journal: str
    payout: str


@frozen
class ExportEntries:
    """Stream commission transactions as rows, in order of occurrence, in bounded memory."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, where: EntryFilter | None = None) -> Iterator[EntryRow]:
        return map(entry_row, stream(self.unit_of_work, scope, where or EntryFilter()))


def entry_row(entry: CommissionEntry) -> EntryRow:
    """Write a transaction as a row."""

    def money(minor: int) -> Money:
        return Money(minor, entry.currency)

    return EntryRow(
        occurred_at=entry.occurred_at,
        order=entry.order_reference,
        line=entry.line_reference,
        vendor=entry.vendor,
        sku=entry.sku,
        category=entry.category or "",
        kind=entry.kind.value,
        status=entry.status.value,
        rules="; ".join(decision.rule for decision in entry.line.decisions) if entry.line else "",
        gross=money(entry.gross),
        discounts=money(entry.discounts),
        funding=money(entry.funding),
        shipping=money(entry.shipping),
        tax=money(entry.tax),
        commission=money(entry.commission),
        commission_tax=money(entry.commission_tax),
        net=money(entry.net),
        journal=entry.journal_key,
        payout=str(entry.payout_id) if entry.payout_id else "",
    )


def stream(unit_of_work: UnitOfWorkFactory, scope: TenantScope, where: EntryFilter) -> Iterator[CommissionEntry]:
    """Read transactions page by page, each in a unit of work of its own."""

    def page(request: PageRequest) -> Page[CommissionEntry]:
        with unit_of_work(scope) as uow:
            return uow.entries.page(where, request)

    return every(page)
