"""What another set of rules would have charged for past sales: the change per vendor, per category and in all."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from attrs import define, field, frozen

from cityos_core.commissions.decide import decide
from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.lines import Circumstances, CommissionEntry, CommissionLine, EntryKind, Sale, VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.volumes import RunningVolumes
from cityos_core.commissions.windows import windows
from cityos_core.kernel.ids import OrderId
from cityos_core.kernel.money import Money

MOST_REFUSALS: Final = 100
"""How many refused orders a replay names; it counts all."""


@frozen(kw_only=True)
class Change:
    """Commission before and after, of one vendor, one category or all, in one currency."""

    name: str
    currency: str
    lines: int
    before: Money
    after: Money
    tax_before: Money
    tax_after: Money

    @property
    def change(self) -> Money:
        """What the other rules would have charged more, without tax."""
        return self.after - self.before


@frozen
class Refusal:
    """An order that the other rules would have refused, and why."""

    order: str
    reason: str


@frozen(kw_only=True)
class ReplayReport:
    """What a replay found; refused orders, and lines whose facts were not kept, are in none of the sums."""

    vendors: tuple[Change, ...]
    categories: tuple[Change, ...]
    totals: tuple[Change, ...]
    orders: int
    refused: int
    refusals: tuple[Refusal, ...]
    unknown_lines: int


@frozen
class _Sums:
    """Growing sums by name and currency: lines, commission before and after, tax before and after."""

    rows: dict[tuple[str, str], list[int]] = field(factory=dict)

    def add(self, name: str, entry: CommissionEntry, line: CommissionLine) -> None:
        row = self.rows.setdefault((name, entry.currency), [0, 0, 0, 0, 0])
        for place, amount in enumerate((1, entry.commission, line.amount, entry.commission_tax, line.tax)):
            row[place] += amount

    def changes(self) -> tuple[Change, ...]:
        return tuple(
            Change(
                name=name,
                currency=currency,
                lines=lines,
                before=Money(before, currency),
                after=Money(after, currency),
                tax_before=Money(tax_before, currency),
                tax_after=Money(tax_after, currency),
            )
            for (name, currency), (lines, before, after, tax_before, tax_after) in sorted(self.rows.items())
        )


@define
class _Tally:
    """What a replay has found so far."""

    vendors: _Sums = field(factory=_Sums)
    categories: _Sums = field(factory=_Sums)
    totals: _Sums = field(factory=_Sums)
    orders: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(factory=list)
    unknown: int = 0

    def add(
        self, order: Sequence[CommissionEntry], known: Sequence[CommissionEntry], book: RuleBook, sale: Sale
    ) -> None:
        self.orders += 1
        self.unknown += len(order) - len(known)
        try:
            lines = decide(book, sale)
        except SaleRefused as refusal:
            self.refused += 1
            if len(self.refusals) < MOST_REFUSALS:
                self.refusals.append(Refusal(order[0].order_reference, refusal.detail))
            return
        for entry, line in zip(known, lines, strict=True):
            self.vendors.add(entry.vendor, entry, line)
            self.categories.add(entry.category or "", entry, line)
            self.totals.add("", entry, line)

    def report(self) -> ReplayReport:
        return ReplayReport(
            vendors=self.vendors.changes(),
            categories=self.categories.changes(),
            totals=self.totals.changes(),
            orders=self.orders,
            refused=self.refused,
            refusals=tuple(self.refusals),
            unknown_lines=self.unknown,
        )


def replay(
    book: RuleBook, entries: Iterable[CommissionEntry], *, zone: str = "UTC", since: datetime | None = None
) -> ReplayReport:
    """Decide past sales anew; entries come in order of occurrence, and nothing is kept of them but sums.

    Sales before ``since`` only count towards the volumes of periods. Memory holds the sales of one instant, one row per
    vendor and category, and the volume windows that the rules ask for. Refunds are left out: they never re-derive a
    commission.
    """
    tally, volumes = _Tally(), RunningVolumes(needed_windows(book), zone)
    for order in _orders(entries):
        if since is None or order[0].occurred_at >= since:
            known = [entry for entry in order if entry.sale is not None]
            tally.add(order, known, book, _sale(order[0], known, book, volumes))
        for entry in order:
            volumes.add(entry.vendor, entry.currency, entry.occurred_at, entry.volume)
    return tally.report()


def needed_windows(book: RuleBook) -> tuple[VolumeWindow, ...]:
    """List the windows of all rules that climb with a volume, whenever they are valid."""
    found = (rule.tiers.window for rule in book.by_volume if rule.tiers is not None)
    return tuple(dict.fromkeys(window for window in found if window is not None))


def _orders(entries: Iterable[CommissionEntry]) -> Iterator[Sequence[CommissionEntry]]:
    """Gather the sold lines of each order; orders of one instant may be interleaved."""
    sales = (entry for entry in entries if entry.kind is EntryKind.SALE)
    for _, together in groupby(sales, key=lambda entry: entry.occurred_at):
        orders: dict[OrderId, list[CommissionEntry]] = {}
        for entry in together:
            orders.setdefault(entry.order_id, []).append(entry)
        yield from orders.values()


def _sale(first: CommissionEntry, known: Sequence[CommissionEntry], book: RuleBook, volumes: RunningVolumes) -> Sale:
    place, at, currency = first.circumstances or Circumstances(), first.occurred_at, first.currency
    return Sale(
        at=at,
        currency=currency,
        prices_include_tax=place.prices_include_tax,
        lines=tuple(entry.sale for entry in known if entry.sale is not None),
        channel=place.channel,
        customer_group=place.customer_group,
        hierarchy=place.hierarchy,
        volumes={
            (vendor, window): volumes.before(vendor, currency, window, at)
            for window in windows(book, currency=currency, at=at)
            for vendor in {entry.vendor for entry in known}
        },
    )
