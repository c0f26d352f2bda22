"""A tenant with vendors and commission rules of several kinds, and orders of three vendors each."""

from fractions import Fraction
from typing import Final

from cityos_core.app import CityOS
from cityos_core.commissions.rules import (
    Basis,
    Bounds,
    CommissionTax,
    FixedPart,
    FlatRate,
    Per,
    RateBand,
    Rule,
    RuleScope,
    ScopeLevel,
    TieredRate,
)
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.scope import PlatformScope
from cityos_core.orders.draft import OrderDraft, Party
from cityos_core.tenancy.model import Tenant
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.market import market

VENDORS: Final = 24
SELLERS: Final = 3
"""How many vendors an order is from."""


def shop(app: CityOS) -> Tenant:
    """Open a tenant whose vendors sell one product each, under rules of the platform, the tenant, vendors and products."""
    app.commissions.import_rules(PlatformScope(), _platform_rules())
    tenant = market(app, wares={f"vendor-{n}": {f"sku-{n}": "100.00"} for n in range(VENDORS)})
    app.commissions.import_rules(tenant.scope, _tenant_rules())
    return tenant


def draft(number: int) -> OrderDraft:
    """Make up an order: a line of each of three vendors, one of them discounted at shared cost, and shipping for all."""
    first, second, third = (f"{(number * SELLERS + n) % VENDORS}" for n in range(SELLERS))
    shared = discount("12.5", funding={Party.VENDOR: 2, Party.PLATFORM: 1, Party.TENANT: 1})
    return order_draft(
        f"order-{number}",
        line("1", vendor=f"vendor-{first}", sku=f"sku-{first}", quantity=3, unit_price="19.99", tax="12.59"),
        line("2", vendor=f"vendor-{second}", sku=f"sku-{second}", unit_price="250.00", tax="45.94", discounts=[shared]),
        line("3", vendor=f"vendor-{third}", sku=f"sku-{third}", quantity=50, unit_price="0.5292", tax="5.56"),
        shipping=[shipping("9.95", tax="2.09")],
        customer="hotel-7",
        channel="web",
    )


def _platform_rules() -> list[Rule]:
    return [
        Rule(
            name="Default",
            scope=RuleScope(ScopeLevel.PLATFORM),
            rate=FlatRate(percentage=Percentage.of("10")),
            bounds=Bounds(min_percentage=Percentage.of("3"), max_percentage=Percentage.of("25")),
            tax=CommissionTax(percentage=Percentage.of("21")),
        ),
        Rule(
            name="Service fee",
            scope=RuleScope(ScopeLevel.PLATFORM),
            group="service",
            rate=FlatRate(fixed=(FixedPart(Money.of("0.25", "EUR"), Per.LINE),)),
        ),
    ]


def _tenant_rules() -> list[Rule]:
    flat = FlatRate(percentage=Percentage.of("8.5"), fixed=(FixedPart(Money.of("0.10", "EUR"), Per.UNIT),))
    bands = ((Fraction(100), "12"), (Fraction(1000), "9"), (None, "7"))
    tiers = TieredRate(
        tiers=tuple(RateBand(up_to=top, percentage=Percentage.of(rate)) for top, rate in bands),
        basis=Basis.ORDER,
        currency="EUR",
    )
    every_third = range(0, VENDORS, SELLERS)
    return [
        *(Rule(name=f"Vendor {n}", scope=RuleScope(ScopeLevel.VENDOR, f"vendor-{n}"), rate=flat) for n in every_third),
        *(
            Rule(name=f"Sku {n + 1}", scope=RuleScope(ScopeLevel.PRODUCT, f"sku-{n + 1}"), rate=tiers)
            for n in every_third
        ),
    ]
