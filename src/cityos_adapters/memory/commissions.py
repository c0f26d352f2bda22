"""Commission rules and transactions of one tenant."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from attrs import evolve, frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import require_own
from cityos_adapters.memory.tables import View
from cityos_adapters.memory.tenancy import MemoryRevisions
from cityos_core.commissions.lines import CommissionEntry, EntryKind, EntryStatus, VendorTotals
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import StoredRule
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import OrderId, OrderLineId, PayoutId, RuleId, TenantId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest


@frozen
class MemoryRules:
    """Every version of every rule of the tenant, read together with the platform's."""

    tenant: TenantId
    own: View[tuple[RuleId, int], StoredRule]
    shared: View[tuple[RuleId, int], StoredRule]
    revisions: MemoryRevisions

    def add(self, rules: Iterable[StoredRule]) -> None:
        with self.own.transaction.whole():
            for rule in rules:
                require_own(self.tenant, rule.tenant_id)
                if self.own.get((rule.id, rule.version)) is not None:
                    raise _stale(rule)
                self.own.put((rule.id, rule.version), rule)
        self.revisions.bump()

    def supersede(self, rules: Iterable[StoredRule]) -> None:
        with self.own.transaction.whole():
            for rule in rules:
                stored = self.own.get((rule.id, rule.version))
                if stored is None:
                    raise _stale(rule)
                self.own.put((rule.id, rule.version), evolve(stored, superseded_at=rule.superseded_at))
        self.revisions.bump()

    def current(self) -> list[StoredRule]:
        return self._latest(self._visible())

    def recorded(self, at: datetime) -> list[StoredRule]:
        return self._latest(
            rule
            for rule in self._visible()
            if rule.recorded_at <= at and (rule.superseded_at is None or at < rule.superseded_at)
        )

    def versions(self, rule: RuleId) -> list[StoredRule]:
        return sorted((found for found in self._visible() if found.id == rule), key=lambda found: found.version)

    def _visible(self) -> Iterator[StoredRule]:
        yield from self.shared.all()
        if self.own.table is not self.shared.table:
            yield from self.own.all()

    def _latest(self, rules: Iterable[StoredRule]) -> list[StoredRule]:
        latest = {rule.id: rule for rule in sorted(rules, key=lambda rule: rule.version)}
        return sorted(latest.values(), key=lambda rule: (rule.sequence, rule.id))


def _stale(rule: StoredRule) -> Conflict:
    return Conflict("stale", f"someone else changed rule {rule.rule.name!r}; read it again and repeat the change")


@frozen
class MemoryEntries:
    """Commission transactions, keyed by order of recording."""

    entries: View[int, CommissionEntry]

    def add(self, entries: Iterable[CommissionEntry]) -> None:
        for entry in entries:
            self.entries.put(len(self.entries), entry)

    def of_order(self, order_id: OrderId) -> list[CommissionEntry]:
        found = sorted(
            self.entries.found("order", order_id), key=lambda pair: (pair[1].kind is not EntryKind.SALE, pair[0])
        )
        return [entry for _, entry in found]

    def page(self, where: EntryFilter, request: PageRequest) -> Page[CommissionEntry]:
        return page(self._where(where), _words, request)

    def totals(self, where: EntryFilter, *, by_vendor: bool = True) -> list[VendorTotals]:
        groups: dict[tuple[str, str], list[CommissionEntry]] = {}
        for entry in self._where(where):
            groups.setdefault((entry.vendor if by_vendor else "", entry.currency), []).append(entry)
        return [_totals(vendor, currency, group) for (vendor, currency), group in sorted(groups.items())]

    def volume(
        self, vendors: Iterable[VendorId], currency: str, *, since: datetime, before: datetime
    ) -> Mapping[VendorId, int]:
        return {
            vendor: sum(
                entry.volume
                for entry in self.entries.find("vendor", (vendor, currency))
                if entry.kind is EntryKind.SALE and since <= entry.occurred_at <= before
            )
            for vendor in vendors
        }

    def mark(
        self,
        status: EntryStatus,
        *,
        vendor_order: VendorOrderId | None = None,
        line: OrderLineId | None = None,
        payout: PayoutId | None = None,
    ) -> None:
        given = {"vendor_order": vendor_order, "line": line, "payout": payout}
        chosen = [(index, value) for index, value in given.items() if value is not None]
        if len(chosen) != 1:
            raise Invalid("no_selection", "name one vendor order, line or payout whose transactions are marked")
        for index, value in chosen:
            for key, entry in self.entries.found(index, value):
                if entry.status is not EntryStatus.REVERSED:
                    self.entries.put(key, evolve(entry, status=status))

    def _where(self, where: EntryFilter) -> Iterator[CommissionEntry]:
        return (entry for entry in self.entries.all() if _matches(entry, where))


@frozen
class MemoryCoverage:
    """Which transactions a payout covers, written on the transactions."""

    entries: View[int, CommissionEntry]

    def cover(self, payout: PayoutId, vendor: VendorId, currency: str) -> None:
        for key, entry in self.entries.found("vendor", (vendor, currency)):
            if entry.status is EntryStatus.APPROVED and entry.payout_id is None:
                self.entries.put(key, evolve(entry, payout_id=payout))

    def uncover(self, payout: PayoutId) -> None:
        for key, entry in self.entries.found("payout", payout):
            status = EntryStatus.APPROVED if entry.status is EntryStatus.PAID else entry.status
            self.entries.put(key, evolve(entry, payout_id=None, status=status))


def _words(entry: CommissionEntry) -> Words:
    return moment(entry.occurred_at), str(entry.id)


def _matches(entry: CommissionEntry, where: EntryFilter) -> bool:
    return (
        where.vendor in (None, entry.vendor)
        and where.order in (None, entry.order_reference)
        and where.line in (None, entry.line_id)
        and where.status in (None, entry.status)
        and (where.since is None or where.since <= entry.occurred_at)
        and (where.until is None or entry.occurred_at < where.until)
    )


def _totals(vendor: str, currency: str, entries: list[CommissionEntry]) -> VendorTotals:
    def total(name: str) -> Money:
        return Money(sum(getattr(entry, name) for entry in entries), currency)

    return VendorTotals(
        vendor=vendor,
        currency=currency,
        orders=len({entry.order_id for entry in entries if entry.kind is EntryKind.SALE}),
        gross=total("gross"),
        discounts=total("discounts"),
        funding=total("funding"),
        shipping=total("shipping"),
        tax=total("tax"),
        commission=total("commission"),
        commission_tax=total("commission_tax"),
        net=total("net"),
    )
