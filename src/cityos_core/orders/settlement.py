"""What each party receives of an order: the legs that refunds unwind, and the figures that reports show."""

from collections.abc import Sequence
from typing import Self

from attrs import frozen

from cityos_core.commissions.lines import CommissionLine
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.model import Legs
from cityos_core.orders.pricing import PricedLine, PricedOrder


@frozen(kw_only=True)
class Figures:
    """What a sale meant to its vendor, in minor units, as reports show it.

    ``gross`` is unit price times quantity and contains tax where prices do; ``funding`` is what others paid towards
    ``discounts``; ``shipping`` and ``tax`` are what the vendor receives of them. ``net`` is gross - discounts, less the
    tax contained in them where prices include it, + funding + shipping + tax - commission - commission_tax.
    """

    gross: int = 0
    discounts: int = 0
    funding: int = 0
    shipping: int = 0
    tax: int = 0
    commission: int = 0
    commission_tax: int = 0
    net: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            gross=self.gross + other.gross,
            discounts=self.discounts + other.discounts,
            funding=self.funding + other.funding,
            shipping=self.shipping + other.shipping,
            tax=self.tax + other.tax,
            commission=self.commission + other.commission,
            commission_tax=self.commission_tax + other.commission_tax,
            net=self.net + other.net,
        )


@frozen(kw_only=True)
class SettledLine:
    """A line divided among the parties to its sale: ``legs`` sum to what the buyer pays for it."""

    line: PricedLine
    commission: CommissionLine
    legs: Legs
    figures: Figures


@frozen(kw_only=True)
class Settlement:
    """An order divided among everyone who has a part in it."""

    priced: PricedOrder
    lines: tuple[SettledLine, ...]

    @property
    def vendors(self) -> dict[str, Figures]:
        """What the order meant to each of its vendors, in the order of their first lines."""
        totals: dict[str, Figures] = {}
        for line in self.lines:
            vendor = line.line.draft.vendor
            totals[vendor] = totals[vendor] + line.figures if vendor in totals else line.figures
        return totals


def settle(priced: PricedOrder, commissions: Sequence[CommissionLine]) -> Settlement:
    """Divide a priced order by the commission decided for each of its lines, given in their order."""
    return Settlement(
        priced=priced,
        lines=tuple(
            _settled(line, commission, priced) for line, commission in zip(priced.lines, commissions, strict=True)
        ),
    )


def _settled(line: PricedLine, commission: CommissionLine, priced: PricedOrder) -> SettledLine:
    tax = line.tax + line.shipping_tax
    vendor_remits = priced.tax_remitter is TaxRemitter.VENDOR
    vendor_ships = priced.shipping_recipient is ShippingRecipient.VENDOR
    others_tax = 0 if vendor_remits else tax
    others_shipping = 0 if vendor_ships else line.shipping
    funding = line.platform + line.tenant
    net = line.paid + funding - others_tax - others_shipping - commission.amount - commission.tax
    legs = (
        net,
        commission.amount - commission.fixed,
        commission.fixed,
        commission.tax,
        others_tax,
        others_shipping,
        -line.platform,
        -line.tenant,
    )
    figures = Figures(
        gross=line.gross,
        discounts=line.discount,
        funding=funding,
        shipping=line.shipping - others_shipping,
        tax=tax - others_tax,
        commission=commission.amount,
        commission_tax=commission.tax,
        net=net,
    )
    return SettledLine(line=line, commission=commission, legs=legs, figures=figures)
