"""What the buyer pays for each line of an order: gross, discounts and who funds them, shipping, tax.

:mod:`cityos_core.orders.settlement` goes on from here to what each party receives. Both are pure and public.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from cityos_core.commissions.lines import Sale, SaleLine, VolumeWindow
from cityos_core.commissions.rules import Hierarchy
from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.errors import FieldError, Invalid, Refused, require_none
from cityos_core.kernel.money import LIMIT, Money, UnitPrice, exponent
from cityos_core.orders.draft import PARTIES, Discount, LineDraft, OrderDraft, Party, ShippingRecipient, TaxRemitter
from cityos_core.orders.model import AppliedDiscount


@frozen(kw_only=True)
class Listing:
    """What the catalogue says of a sku, as far as commissions ask; ``product`` is the sku of the product it belongs to."""

    product: str | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()


@frozen(kw_only=True)
class PricedLine:
    """A line with everything the buyer pays for it; amounts in minor units of the order's currency."""

    draft: LineDraft
    gross: int
    discounts: tuple[AppliedDiscount, ...] = ()
    discount: int = 0
    """All discounts together; by whom they are funded stands in ``vendor_discount``, ``platform`` and ``tenant``."""
    vendor_discount: int = 0
    platform: int = 0
    tenant: int = 0
    tax: int = 0
    goods: int
    """What the buyer pays for the goods: after all discounts, with tax."""
    shipping: int = 0
    shipping_tax: int = 0

    @property
    def net(self) -> int:
        """The line's amount after all discounts, without tax: the weight by which shipping is laid on lines."""
        return self.goods - self.tax

    @property
    def paid(self) -> int:
        """What the buyer pays in all: goods, shipping and the tax on both."""
        return self.goods + self.shipping + self.shipping_tax


@frozen(kw_only=True)
class PricedOrder:
    """A priced order, with who receives shipping and who remits tax decided."""

    draft: OrderDraft
    shipping_recipient: ShippingRecipient
    tax_remitter: TaxRemitter
    lines: tuple[PricedLine, ...] = field()

    @lines.validator
    def _fits(self, _attribute: object, lines: tuple[PricedLine, ...]) -> None:
        if max(sum(line.paid for line in lines), sum(line.gross for line in lines)) >= LIMIT:
            raise Invalid("amount_too_large", "the order's total is beyond what the ledger holds (64 bits)")

    @property
    def total(self) -> Money:
        """What the buyer pays."""
        return Money(sum(line.paid for line in self.lines), self.draft.currency)


def price(
    draft: OrderDraft,
    *,
    shipping_recipient: ShippingRecipient = ShippingRecipient.VENDOR,
    tax_remitter: TaxRemitter = TaxRemitter.VENDOR,
    path: str = "$",
) -> PricedOrder:
    """Price an order; recipient and remitter hold where the draft leaves them open.

    ``Refused("discount_exceeds_line")`` names the line whose discounts come to more than it; ``Invalid`` names what is
    in another currency, or a contained tax larger than its line. ``path`` is where the order stands in its document.
    """
    exponent(draft.currency)
    lines = _lines(draft, f"{path}.lines")
    return PricedOrder(
        draft=draft,
        shipping_recipient=draft.shipping_recipient or shipping_recipient,
        tax_remitter=draft.tax_remitter or tax_remitter,
        lines=_with_shipping(lines, draft, path),
    )


def _lines(draft: OrderDraft, path: str) -> list[PricedLine]:
    lines: list[PricedLine] = []
    mistakes: list[FieldError] = []
    for index, line in enumerate(draft.lines):
        place = f"{path}[{index}]"
        try:
            lines.append(_line(line, draft, place))
        except Invalid as error:
            mistakes += error.errors or [FieldError(place, error.code, error.detail)]
    require_none(mistakes)
    return lines


def _line(line: LineDraft, draft: OrderDraft, path: str) -> PricedLine:
    _same_currency(line.unit_price, draft.currency, f"{path}.unit_price")
    gross = line.unit_price.times(line.quantity).minor
    applied = _discounts(line, gross, draft.currency, path) if line.discounts else ()
    discount = sum(one.amount for one in applied)
    tax = _minor(line.tax, draft.currency, f"{path}.tax")
    goods = gross - discount if draft.prices_include_tax else gross - discount + tax
    if tax > goods:
        detail = f"line {line.reference}: the price includes a tax that is more than the buyer pays for it"
        raise Invalid.at(f"{path}.tax", "tax_exceeds_line", detail)
    return PricedLine(
        draft=line,
        gross=gross,
        discounts=applied,
        discount=discount,
        vendor_discount=sum(one.vendor for one in applied),
        platform=sum(one.platform for one in applied),
        tenant=sum(one.tenant for one in applied),
        tax=tax,
        goods=goods,
    )


def _discounts(line: LineDraft, gross: int, currency: str, path: str) -> tuple[AppliedDiscount, ...]:
    applied, left = [], gross
    for index, discount in enumerate(line.discounts):
        amount = _amount(discount, left, currency, f"{path}.discounts[{index}]")
        if amount > left:
            raise Refused(
                "discount_exceeds_line",
                f"{path}.discounts[{index}]: line {line.reference} is {Money(gross, currency)}; its discounts "
                "together come to more than that, lower them",
            )
        left -= amount
        applied.append(AppliedDiscount(amount, *_funding(amount, discount)))
    return tuple(applied)


def _amount(discount: Discount, left: int, currency: str, path: str) -> int:
    if discount.percentage is not None:
        return discount.percentage.on(left)
    return _minor(discount.amount, currency, f"{path}.amount")


def _funding(amount: int, discount: Discount) -> Sequence[int]:
    if list(discount.funding) == [Party.VENDOR]:
        return amount, 0, 0
    parties = [party for party in PARTIES if party in discount.funding]
    shares = dict(zip(parties, allocate(amount, [discount.funding[party] for party in parties]), strict=True))
    return [shares.get(party, 0) for party in PARTIES]


def _with_shipping(lines: list[PricedLine], draft: OrderDraft, path: str) -> tuple[PricedLine, ...]:
    if not draft.shipping:
        return tuple(lines)
    shipping, tax = [0] * len(lines), [0] * len(lines)
    for number, charge in enumerate(draft.shipping):
        amount = _minor(charge.amount, draft.currency, f"{path}.shipping[{number}].amount")
        charge_tax = _minor(charge.tax, draft.currency, f"{path}.shipping[{number}].tax")
        mine = [i for i, line in enumerate(lines) if charge.vendor is None or line.draft.vendor == charge.vendor]
        weights = [lines[i].net for i in mine]
        for i, part, tax_part in zip(mine, allocate(amount, weights), allocate(charge_tax, weights), strict=True):
            shipping[i] += part
            tax[i] += tax_part
    return tuple(
        evolve(line, shipping=part, shipping_tax=tax_part)
        for line, part, tax_part in zip(lines, shipping, tax, strict=True)
    )


def _minor(money: Money | None, currency: str, path: str) -> int:
    if money is None:
        return 0
    _same_currency(money, currency, path)
    return money.minor


def _same_currency(value: Money | UnitPrice, currency: str, path: str) -> None:
    if value.currency != currency:
        detail = f"{value} stands in an order in {currency}; nothing converts it"
        raise Invalid.at(path, "currency_mismatch", detail)


def sale(
    priced: PricedOrder,
    *,
    at: datetime | None = None,
    listings: Mapping[str, Listing] | None = None,
    hierarchy: Hierarchy | None = None,
    volumes: Mapping[tuple[str, VolumeWindow], int] | None = None,
) -> Sale:
    """State the facts a commission decision is made from; ``listings`` is what the catalogue says of each sku."""
    draft, listings, unlisted = priced.draft, listings or {}, Listing()
    return Sale(
        at=at or draft.placed_at,
        currency=draft.currency,
        prices_include_tax=draft.prices_include_tax,
        lines=tuple(_sale_line(line, priced, listings.get(line.draft.sku, unlisted)) for line in priced.lines),
        channel=draft.channel,
        customer_group=draft.customer_group,
        hierarchy=hierarchy or {},
        volumes=volumes or {},
    )


def _sale_line(line: PricedLine, priced: PricedOrder, listing: Listing) -> SaleLine:
    draft = line.draft
    to_vendor = priced.shipping_recipient is ShippingRecipient.VENDOR
    return SaleLine(
        reference=draft.reference,
        sku=draft.sku,
        product=listing.product,
        vendor=draft.vendor,
        quantity=draft.quantity,
        unit_price=draft.unit_price,
        gross=line.gross,
        vendor_discount=line.vendor_discount,
        tax=line.tax,
        paid=line.goods,
        shipping=line.shipping if to_vendor else 0,
        shipping_tax=line.shipping_tax if to_vendor else 0,
        category=listing.category,
        tags=tuple(dict.fromkeys((*draft.tags, *listing.tags))) if listing.tags else draft.tags,
    )
