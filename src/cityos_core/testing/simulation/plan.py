"""A made-up city: what exists before the first order. The same random source gives the same city."""

from random import Random
from typing import Final

from attrs import frozen

from cityos_core.commissions.rules import Rule
from cityos_core.kernel.money import UNIT_SCALE, UnitPrice
from cityos_core.tenancy.model import Json
from cityos_core.testing.simulation.rules import platform_rules, tenant_rules

CATEGORIES: Final = (
    "beverages/wine",
    "beverages/coffee",
    "dairy/cheese",
    "bakery/bread",
    "produce/fruit",
    "seafood",
    "condiments/spices",
    "confections",
)

_FIRST = (
    "Alder Birch Cedar Dune Ember Fern Grove Heron Iris Juniper Kestrel Linden Maple Nettle Orchard Pine Quay".split()
)
_SECOND = "Farms Traders Cellars Dairy Bakers Imports Foods Roasters Fisheries Provisions".split()
_THINGS = "Reserve Classic Organic Select Harvest Old-Town Island Mountain Garden Cask".split()


@frozen(kw_only=True)
class PlannedProduct:
    """A product to sell, with its price and the price band its orders move in."""

    sku: str
    title: str
    category: str
    unit_price: UnitPrice


@frozen(kw_only=True)
class PlannedVendor:
    """A vendor to onboard, with what it sells and how it wants to be paid."""

    handle: str
    name: str
    country: str
    payout_method: str
    products: tuple[PlannedProduct, ...]


@frozen(kw_only=True)
class PlannedTenant:
    """A tenant with its stores, vendors and commission rules."""

    handle: str
    name: str
    parent: str
    currency: str
    time_zone: str
    stores: tuple[str, ...]
    vendors: tuple[PlannedVendor, ...]
    rules: tuple[Rule, ...]
    tax_percentage: int
    settings: tuple[tuple[str, Json], ...]


@frozen(kw_only=True)
class CityPlan:
    """A platform with tenants in several countries."""

    tenants: tuple[PlannedTenant, ...]
    rules: tuple[Rule, ...]


@frozen
class _Place:
    """Where a tenant may be: its branch of the tree, money, clock and sales tax."""

    handle: str
    name: str
    parent: str
    currency: str
    time_zone: str
    tax_percentage: int


_PLACES: Final = (
    _Place("north", "North Market", "de/green-city/food/wholesale", "EUR", "Europe/Berlin", 19),
    _Place("harbour", "Harbour Halls", "fr/port-city/food/wholesale", "EUR", "Europe/Paris", 20),
    _Place("alpine", "Alpine Exchange", "ch/lake-city/food/specialities", "CHF", "Europe/Zurich", 8),
    _Place("sumida", "Sumida Bazaar", "jp/river-city/food/wholesale", "JPY", "Asia/Tokyo", 10),
    _Place("gulf", "Gulf Souk", "kw/bay-city/food/imports", "KWD", "Asia/Kuwait", 0),
)


def city_plan(random: Random, *, tenants: int, vendors: int, products: int, method: str) -> CityPlan:
    """Plan a city with so many tenants (at most five), vendors and products, paid out by one method."""
    places = _PLACES[:tenants]
    names = _vendor_names(random, vendors)
    shares = [vendors // tenants + (index < vendors % tenants) for index in range(tenants)]
    planned, first, sku = [], 0, 1
    for index, place in enumerate(places):
        own: list[PlannedVendor] = []
        for name in names[first : first + shares[index]]:
            number = first + len(own)
            count = products // vendors + (number < products % vendors)
            own.append(_vendor(random, name, place, sku, count, method))
            sku += count
        first += shares[index]
        planned.append(_tenant(random, place, tuple(own)))
    return CityPlan(tenants=tuple(planned), rules=platform_rules(random))


def _vendor_names(random: Random, count: int) -> list[str]:
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    return random.sample(names, count)


def _vendor(random: Random, name: str, place: _Place, sku: int, count: int, method: str) -> PlannedVendor:
    return PlannedVendor(
        handle=name.lower().replace(" ", "-"),
        name=name,
        country=place.parent[:2].upper(),
        payout_method=method,
        products=tuple(_product(random, f"{sku + offset:04d}", place.currency) for offset in range(count)),
    )


def _product(random: Random, sku: str, currency: str) -> PlannedProduct:
    category = random.choice(CATEGORIES)
    major = random.randint(200, 9000) if currency == "JPY" else random.randint(2, 90)
    finer = 0 if currency == "JPY" else random.choice([0, 500_000, 990_000, 250_000, 529_200])
    return PlannedProduct(
        sku=sku,
        title=f"{random.choice(_THINGS)} {category.rpartition('/')[2].title()} {sku}",
        category=category,
        unit_price=UnitPrice(major * UNIT_SCALE + finer, currency),
    )


def _tenant(random: Random, place: _Place, vendors: tuple[PlannedVendor, ...]) -> PlannedTenant:
    return PlannedTenant(
        handle=place.handle,
        name=place.name,
        parent=place.parent,
        currency=place.currency,
        time_zone=place.time_zone,
        stores=("main", "outlet"),
        vendors=vendors,
        rules=tenant_rules(random, place.currency, [vendor.handle for vendor in vendors], vendors[0].products[0].sku),
        tax_percentage=place.tax_percentage,
        settings=_settings(random),
    )


def _settings(random: Random) -> tuple[tuple[str, Json], ...]:
    weekly: Json = {"cadence": "weekly", "weekday": 1}
    return (
        ("holding_days", random.choice([2, 5, 7])),
        ("payout_schedule", random.choice(["daily", weekly])),
        ("reserve_percentage", random.choice(["0", "5"])),
        ("reserve_days", 21),
        ("tax_remitter", random.choice(["vendor", "platform"])),
        ("shipping_recipient", random.choice(["vendor", "tenant"])),
        ("refund_policy", {"changed_mind": ["commission_fixed"]}),
    )
