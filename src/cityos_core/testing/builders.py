"""Orders as they arrive, with sensible words for everything a test does not care about."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction

from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.orders.draft import (
    Discount,
    LineDraft,
    OrderDraft,
    Party,
    ShippingDraft,
    ShippingRecipient,
    TaxRemitter,
)
from cityos_core.testing.clock import START


def discount(
    percentage: str | None = None,
    *,
    amount: str | None = None,
    currency: str = "EUR",
    funding: Mapping[Party, int | Fraction] | None = None,
) -> Discount:
    """Build a discount of a percentage or an amount; the vendor funds it unless others are named."""
    return Discount(
        percentage=None if percentage is None else Percentage.of(percentage),
        amount=None if amount is None else Money.of(amount, currency),
        funding=funding,
    )


def line(
    reference: str = "1",
    *,
    vendor: str = "acme",
    sku: str = "chair",
    quantity: int = 1,
    unit_price: str = "100.00",
    currency: str = "EUR",
    tax: str | None = None,
    discounts: Iterable[Discount] = (),
    tags: Iterable[str] = (),
) -> LineDraft:
    """Build a line; amounts are decimal strings."""
    return LineDraft(
        reference=reference,
        sku=sku,
        vendor=vendor,
        quantity=quantity,
        unit_price=UnitPrice.of(unit_price, currency),
        tax=None if tax is None else Money.of(tax, currency),
        discounts=tuple(discounts),
        tags=tuple(tags),
    )


def shipping(amount: str, *, vendor: str | None = None, tax: str | None = None, currency: str = "EUR") -> ShippingDraft:
    """Build a shipping charge, of one vendor or of the whole order."""
    return ShippingDraft(
        amount=Money.of(amount, currency),
        vendor=vendor,
        tax=None if tax is None else Money.of(tax, currency),
    )


def order_draft(
    reference: str = "order-1",
    *lines: LineDraft,
    placed_at: datetime = START,
    fulfilled_at: datetime | None = None,
    currency: str = "EUR",
    customer: str | None = None,
    shipping: Iterable[ShippingDraft] = (),
    prices_include_tax: bool = False,
    shipping_recipient: ShippingRecipient | None = None,
    tax_remitter: TaxRemitter | None = None,
    channel: str | None = None,
    customer_group: str | None = None,
) -> OrderDraft:
    """Build an order, of one line of 100.00 unless lines are given."""
    return OrderDraft(
        reference=reference,
        placed_at=placed_at,
        currency=currency,
        lines=lines or (line(currency=currency),),
        customer=customer,
        fulfilled_at=fulfilled_at,
        prices_include_tax=prices_include_tax,
        shipping_recipient=shipping_recipient,
        tax_remitter=tax_remitter,
        shipping=tuple(shipping),
        channel=channel,
        customer_group=customer_group,
    )
