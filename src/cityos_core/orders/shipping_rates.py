"""Rate tables for shipping: what sending a vendor's part of an order to a region costs the buyer."""

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money, exponent
from cityos_core.kernel.tiers import Number, check_ascending, reached
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.setting_values import fields, listed, text, whole, words


@frozen(kw_only=True)
class WeightBand:
    """What a parcel costs up to and including a weight; the last band may be open."""

    up_to_g: int | None
    amount: Money


@frozen(kw_only=True)
class RateTable:
    """What shipping costs in some regions: a flat amount, one per item and one by weight, added up.

    No regions or vendors means all of them. From ``free_above`` on, inclusive, it costs nothing.
    """

    name: str
    currency: str
    regions: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    flat: Money
    per_item: Money
    by_weight: tuple[WeightBand, ...] = ()
    free_above: Money | None = None


@frozen(kw_only=True)
class Consignment:
    """One vendor's part of an order as a carrier sees it. ``weight_g`` is absent where a variant's weight is unknown."""

    vendor: str
    goods: Money
    """What the buyer pays for the goods: after all discounts, with tax."""
    items: int
    weight_g: int | None


@frozen(kw_only=True)
class ShippingQuote:
    """What shipping costs for one vendor's part, and the rate it comes from. ``tax`` is for the caller to add."""

    vendor: str
    amount: Money
    rate: str
    tax: Money | None = None


def quote(tables: Sequence[RateTable], consignment: Consignment, region: str | None) -> ShippingQuote:
    """Quote by the first table that fits the currency, the region, the vendor and the weight.

    ``Refused("no_shipping_rate")`` if none does.
    """
    for table in tables:
        if _fits(table, consignment, region):
            amount = _amount(table, consignment)
            if amount is not None:
                return ShippingQuote(vendor=consignment.vendor, amount=amount, rate=table.name)
    raise Refused(
        "no_shipping_rate",
        f"no rate in `shipping_rates` fits {consignment.goods.currency} from {consignment.vendor} to "
        f"{region or 'an unknown region'}; add one",
    )


def _fits(table: RateTable, consignment: Consignment, region: str | None) -> bool:
    return (
        table.currency == consignment.goods.currency
        and (not table.regions or (region is not None and region.lower() in table.regions))
        and (not table.vendors or consignment.vendor in table.vendors)
    )


def _amount(table: RateTable, consignment: Consignment) -> Money | None:
    by_weight = _by_weight(table, consignment)
    if by_weight is None:
        return None
    if table.free_above is not None and consignment.goods >= table.free_above:
        return Money.zero(table.currency)
    return Money(table.flat.minor + table.per_item.minor * consignment.items + by_weight.minor, table.currency)


def _by_weight(table: RateTable, consignment: Consignment) -> Money | None:
    if not table.by_weight:
        return Money.zero(table.currency)
    if consignment.weight_g is None:
        return None
    try:
        return table.by_weight[reached([band.up_to_g for band in table.by_weight], consignment.weight_g)].amount
    except Refused:
        return None


def rate_tables(value: Json) -> tuple[RateTable, ...]:
    """Read rate tables.

    ``[{"name": "standard", "currency": "EUR", "regions": ["de"], "vendors": [], "flat": "4.90", "per_item": "0.50",
    "by_weight": [{"up_to_g": 1000, "amount": "2.00"}, {"amount": "5.00"}], "free_above": "50.00"}]``; all but name and
    currency may be left out.
    """
    tables = tuple(_table(item) for item in listed(value))
    if len({table.name for table in tables}) != len(tables):
        raise Invalid("invalid_setting", "each rate table has a name of its own")
    return tables


_KEYS = ("name", "currency", "regions", "vendors", "flat", "per_item", "by_weight", "free_above")


def _table(value: Json) -> RateTable:
    found = fields(value, *_KEYS)
    currency = text(found.get("currency"))
    exponent(currency)
    bands = tuple(_band(item, currency) for item in listed(found.get("by_weight", [])))
    if bands:
        bounds: list[Number | None] = [None if band.up_to_g is None else Fraction(band.up_to_g) for band in bands]
        check_ascending(bounds, name="up_to_g")
    return RateTable(
        name=text(found.get("name")),
        currency=currency,
        regions=tuple(region.lower() for region in words(found.get("regions", []))),
        vendors=words(found.get("vendors", [])),
        flat=_money(found.get("flat", None), currency),
        per_item=_money(found.get("per_item", None), currency),
        by_weight=bands,
        free_above=None if found.get("free_above") is None else _money(found["free_above"], currency),
    )


def _band(value: Json, currency: str) -> WeightBand:
    found = fields(value, "up_to_g", "amount")
    up_to = found.get("up_to_g")
    return WeightBand(
        up_to_g=None if up_to is None else whole(1, 10**9)(up_to),
        amount=_money(text(found.get("amount")), currency),
    )


def _money(value: Json, currency: str) -> Money:
    if value is None:
        return Money.zero(currency)
    amount = Money.of(text(value), currency)
    if amount.minor < 0:
        raise Invalid("invalid_setting", f"{amount} is below zero; rates are zero or more")
    return amount
