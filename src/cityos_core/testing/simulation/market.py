"""What buyers do on a day: random orders over a planned tenant's vendors."""

from datetime import datetime
from random import Random

from cityos_core.kernel.money import Money, Percentage, exponent
from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, Party, ShippingDraft
from cityos_core.testing.simulation.plan import PlannedTenant, PlannedVendor

_FUNDING = (
    {Party.VENDOR: 1},
    {Party.VENDOR: 1},
    {Party.PLATFORM: 1},
    {Party.TENANT: 1},
    {Party.VENDOR: 1, Party.PLATFORM: 1},
    {Party.VENDOR: 2, Party.PLATFORM: 1, Party.TENANT: 1},
)


def order_draft(random: Random, tenant: PlannedTenant, reference: str, placed_at: datetime) -> OrderDraft:
    """Make up an order of one to three vendors and one to five lines."""
    sellers = random.sample(tenant.vendors, k=min(len(tenant.vendors), random.choice([1, 1, 2, 3])))
    includes_tax = random.randrange(10) < 3
    count = max(len(sellers), random.randint(1, 5))
    lines = tuple(
        _line(random, tenant, sellers[index % len(sellers)], str(index + 1), includes_tax=includes_tax)
        for index in range(count)
    )
    return OrderDraft(
        reference=reference,
        placed_at=placed_at,
        currency=tenant.currency,
        customer=f"{random.choice(['cafe', 'hotel', 'canteen', 'bistro'])}-{random.randint(1, 40)}",
        channel=random.choice(["web", "app", "phone"]),
        prices_include_tax=includes_tax,
        lines=lines,
        shipping=_shipping(random, tenant, sellers),
    )


def _line(
    random: Random, tenant: PlannedTenant, vendor: PlannedVendor, reference: str, *, includes_tax: bool
) -> LineDraft:
    product = random.choice(vendor.products)
    quantity = random.choice([1, 2, 3, 6, 12, 24])
    gross = product.unit_price.times(quantity)
    discounts, paid = _discounts(random, gross)
    rate = tenant.tax_percentage
    tax = paid * rate // (100 + rate) if includes_tax else paid * rate // 100
    return LineDraft(
        reference=reference,
        sku=product.sku,
        vendor=vendor.handle,
        quantity=quantity,
        unit_price=product.unit_price,
        tax=Money(tax, tenant.currency),
        discounts=discounts,
    )


def _discounts(random: Random, gross: Money) -> tuple[tuple[Discount, ...], int]:
    """Make up discounts, and tell what the buyer still pays for the goods."""
    if random.randrange(10) < 7:
        return (), gross.minor
    percentage = Percentage.of(random.choice(["5", "10", "12.5", "33.333333", "100"]))
    first = Discount(percentage=percentage, funding=random.choice(_FUNDING))
    left = gross.minor - percentage.on(gross.minor)
    if left < 2 or random.randrange(10) < 7:
        return (first,), left
    amount = random.randint(1, left)
    return (first, Discount(amount=Money(amount, gross.currency), funding=random.choice(_FUNDING))), left - amount


def _shipping(random: Random, tenant: PlannedTenant, sellers: list[PlannedVendor]) -> tuple[ShippingDraft, ...]:
    if random.randrange(10) < 4:
        return ()
    owner = random.choice([None, random.choice(sellers).handle])
    amount = random.randint(0, 2_500) * (10 if exponent(tenant.currency) == 3 else 1)
    tax = amount * tenant.tax_percentage // 100
    return (ShippingDraft(amount=Money(amount, tenant.currency), vendor=owner, tax=Money(tax, tenant.currency)),)
