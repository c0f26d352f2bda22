"""Commission transactions of an order: what each line meant to its vendor, and what refunds take back of that."""

from collections.abc import Sequence
from datetime import datetime

from attrs import astuple, frozen

from cityos_core.commissions.facts import bases
from cityos_core.commissions.lines import (
    Circumstances,
    CommissionEntry,
    EntryKind,
    EntryStatus,
    Sale,
    SaleLine,
)
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.rounding import divide
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.journals import vendor_share
from cityos_core.orders.model import LEG_NAMES, LegName, Legs, Order, OrderLine, RefundPart, VendorOrder
from cityos_core.orders.settlement import Figures, SettledLine, Settlement


def sale_entries(
    order: Order, settlement: Settlement, sale: Sale, identifiers: Identifiers, *, journal_key: str
) -> list[CommissionEntry]:
    """Write one transaction per line, with the frozen decision and the facts it was made from."""
    circumstances = Circumstances(
        prices_include_tax=sale.prices_include_tax,
        channel=sale.channel,
        customer_group=sale.customer_group,
        hierarchy=sale.hierarchy,
    )
    parts = {part.vendor_id: part for part in order.vendor_orders}
    return [
        _sale_entry(order, line, settled, facts, parts[line.vendor_id], circumstances, identifiers, journal_key)
        for line, settled, facts in zip(order.lines, settlement.lines, sale.lines, strict=True)
    ]


def _sale_entry(
    order: Order,
    line: OrderLine,
    settled: SettledLine,
    facts: SaleLine,
    part: VendorOrder,
    circumstances: Circumstances,
    identifiers: Identifiers,
    journal_key: str,
) -> CommissionEntry:
    figures = settled.figures
    return CommissionEntry(
        id=identifiers.new(),
        order_id=order.id,
        order_reference=order.reference,
        vendor_order_id=part.id,
        line_id=line.id,
        line_reference=line.reference,
        vendor_id=line.vendor_id,
        vendor=line.vendor,
        sku=line.sku,
        category=line.category,
        kind=EntryKind.SALE,
        occurred_at=order.placed_at,
        currency=order.currency,
        gross=figures.gross,
        discounts=figures.discounts,
        funding=figures.funding,
        shipping=figures.shipping,
        tax=figures.tax,
        commission=figures.commission,
        commission_tax=figures.commission_tax,
        net=figures.net,
        volume=bases(facts, prices_include_tax=order.prices_include_tax)[0],
        journal_key=journal_key,
        line=settled.commission,
        sale=facts,
        circumstances=circumstances,
    )


def reversal_entries(
    order: Order, refunded: Sequence[RefundPart], identifiers: Identifiers, *, at: datetime, journal_key: str
) -> list[CommissionEntry]:
    """Write what a refund takes back of each line, as negative figures; ``order`` is as it was before the refund."""
    lines = {line.id: line for line in order.lines}
    parts = {part.vendor_id: part for part in order.vendor_orders}
    entries = []
    for taken in refunded:
        line = lines[taken.line_id]
        part = parts[line.vendor_id]
        figures = reversal_figures(order, line, taken)
        if not any(astuple(figures)):
            continue
        entries.append(
            CommissionEntry(
                id=identifiers.new(),
                order_id=order.id,
                order_reference=order.reference,
                vendor_order_id=part.id,
                line_id=line.id,
                line_reference=line.reference,
                vendor_id=line.vendor_id,
                vendor=line.vendor,
                sku=line.sku,
                category=line.category,
                kind=EntryKind.REVERSAL,
                status=EntryStatus.APPROVED if part.released_at else EntryStatus.PENDING,
                occurred_at=at,
                currency=order.currency,
                gross=figures.gross,
                discounts=figures.discounts,
                funding=figures.funding,
                shipping=figures.shipping,
                tax=figures.tax,
                commission=figures.commission,
                commission_tax=figures.commission_tax,
                net=figures.net,
                volume=0,
                journal_key=journal_key,
            )
        )
    return entries


@frozen
class _Share:
    """How much of a line was unwound before and after a refund, of how much; each figure moves by the difference."""

    before: int
    after: int
    whole: int

    def of(self, figure: int) -> int:
        return divide(figure * self.after, self.whole) - divide(figure * self.before, self.whole)


def reversal_figures(order: Order, line: OrderLine, taken: RefundPart) -> Figures:
    """Say what a refund takes back of a line's figures, negative; over all refunds they add up to the sale's.

    Commission, funding and net are those of the legs. Discounts, shipping and tax follow the share of the line that is
    unwound, and gross is what makes the sum right.
    """
    share = _share(order, line, taken)
    leg = dict(zip(LEG_NAMES, _moved(taken), strict=True))
    net = vendor_share(taken)
    commission = leg[LegName.COMMISSION] + leg[LegName.COMMISSION_FIXED]
    funding = -leg[LegName.FUNDING_PLATFORM] - leg[LegName.FUNDING_TENANT]
    to_vendor = order.shipping_recipient is ShippingRecipient.VENDOR
    shipping = share.of(line.shipping) if to_vendor else taken.kept[LEG_NAMES.index(LegName.SHIPPING)]
    remits = order.tax_remitter is TaxRemitter.VENDOR
    tax = share.of(line.tax + line.shipping_tax) if remits else 0
    contained = share.of(line.tax) if order.prices_include_tax else 0
    discounts = share.of(sum(discount.amount for discount in line.discounts))
    gross = net + commission + leg[LegName.COMMISSION_TAX] - funding - shipping - tax + discounts + contained
    return Figures(
        gross=-gross,
        discounts=-discounts,
        funding=-funding,
        shipping=-shipping,
        tax=-tax,
        commission=-commission,
        commission_tax=-leg[LegName.COMMISSION_TAX],
        net=-net,
    )


def _moved(taken: RefundPart) -> Legs:
    return tuple(leg - kept for leg, kept in zip(taken.legs, taken.kept, strict=True))


def _share(order: Order, line: OrderLine, taken: RefundPart) -> _Share:
    if line.paid:
        before = line.paid - sum(order.remaining(line))
        return _Share(before, before + taken.amount, line.paid)
    before = order.refunded_quantity(line)
    return _Share(before, before + taken.quantity, line.quantity)
