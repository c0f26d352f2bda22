"""An order as it arrives; the fields are those of the exchange format."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from attrs import Attribute, field, frozen

from cityos_core.kernel.clock import instant, instant_or_none
from cityos_core.kernel.errors import FieldError, Invalid, require_none
from cityos_core.kernel.money import LIMIT, Money, Percentage, UnitPrice


class Party(StrEnum):
    """Who pays for a discount, in the order in which funding is allocated."""

    VENDOR = "vendor"
    PLATFORM = "platform"
    TENANT = "tenant"


PARTIES: Final = tuple(Party)


class ShippingRecipient(StrEnum):
    """Who receives what buyers pay for shipping."""

    VENDOR = "vendor"
    TENANT = "tenant"


class TaxRemitter(StrEnum):
    """Who receives tax and owes it to the authority."""

    VENDOR = "vendor"
    PLATFORM = "platform"


LONGEST_REFERENCE: Final = 200


def _reference(_instance: object, _attribute: object, value: str) -> None:
    if not value.strip() or len(value) > LONGEST_REFERENCE:
        raise Invalid("reference", f"a reference has one to {LONGEST_REFERENCE} characters, and not only spaces")


def _not_negative(_instance: object, attribute: "Attribute[Any]", value: Money | None) -> None:
    if value is not None and value.minor < 0:
        raise Invalid.at(f"$.{attribute.name}", "negative_amount", f"`{attribute.name}` is zero or more")


def _funding(value: Mapping[Party, int | Fraction] | None) -> Mapping[Party, int | Fraction]:
    return dict(value) if value else {Party.VENDOR: 1}


@frozen(kw_only=True)
class Discount:
    """A percentage of what is left of the line, or an amount per line, and who funds it in which proportion."""

    percentage: Percentage | None = None
    amount: Money | None = field(default=None, validator=_not_negative)
    funding: Mapping[Party, int | Fraction] = field(default=None, converter=_funding)

    def __attrs_post_init__(self) -> None:
        if (self.percentage is None) == (self.amount is None):
            raise Invalid("discount_form", "a discount has either `percentage` or `amount`")
        if any(weight < 0 for weight in self.funding.values()):
            raise Invalid("negative_weight", "funding weights are zero or more")


@frozen(kw_only=True)
class LineDraft:
    """One line: how many of what, from whom, at which price. ``tax`` is the tax on what the buyer pays for it."""

    reference: str = field(validator=_reference)
    sku: str
    vendor: str
    quantity: int = field()
    unit_price: UnitPrice
    tax: Money | None = field(default=None, validator=_not_negative)
    discounts: tuple[Discount, ...] = ()
    tags: tuple[str, ...] = ()

    @quantity.validator
    def _check_quantity(self, _attribute: object, value: int) -> None:
        if not 1 <= value < LIMIT:
            raise Invalid.at("$.quantity", "quantity", "a line has a quantity of one or more, within 64 bits")


@frozen(kw_only=True)
class ShippingDraft:
    """A shipping charge of one vendor, or of the whole order. Never contains its tax."""

    amount: Money = field(validator=_not_negative)
    vendor: str | None = None
    tax: Money | None = field(default=None, validator=_not_negative)


@frozen(kw_only=True)
class OrderDraft:
    """An order to place. ``reference`` makes placing idempotent; what is absent is decided by the settings."""

    reference: str = field(validator=_reference)
    placed_at: datetime = field(converter=instant)
    currency: str
    lines: tuple[LineDraft, ...] = field()
    customer: str | None = None
    fulfilled_at: datetime | None = field(default=None, converter=instant_or_none)
    prices_include_tax: bool = False
    shipping_recipient: ShippingRecipient | None = None
    tax_remitter: TaxRemitter | None = None
    shipping: tuple[ShippingDraft, ...] = ()
    channel: str | None = None
    customer_group: str | None = None

    @lines.validator
    def _check_lines(self, _attribute: object, lines: tuple[LineDraft, ...]) -> None:
        if not lines:
            raise Invalid.at("$.lines", "no_lines", "an order has at least one line")
        require_none(_repeated(lines))

    def __attrs_post_init__(self) -> None:
        require_none(self._mistakes())

    def _mistakes(self) -> Iterator[FieldError]:
        vendors = {line.vendor for line in self.lines}
        for place, charge in enumerate(self.shipping):
            if charge.vendor is not None and charge.vendor not in vendors:
                detail = f"shipping names vendor {charge.vendor!r}, who has no line in the order"
                yield FieldError(f"$.shipping[{place}].vendor", "unknown_vendor", detail)
        if self.fulfilled_at and self.fulfilled_at < self.placed_at:
            yield FieldError("$.fulfilled_at", "fulfilled_before_placed", "`fulfilled_at` is not before `placed_at`")


def _repeated(lines: Sequence[LineDraft]) -> Iterator[FieldError]:
    seen = set()
    for place, line in enumerate(lines):
        if line.reference in seen:
            yield FieldError(
                f"$.lines[{place}].reference", "duplicate_line", "line references are unique within an order"
            )
        seen.add(line.reference)
