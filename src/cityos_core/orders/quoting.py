"""Quoting shipping before an order is placed."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from cityos_core.catalog.model import Product
from cityos_core.catalog.records import offer
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.pricing import PricedLine, price
from cityos_core.orders.settings import SHIPPING_RATES
from cityos_core.orders.shipping_rates import Consignment, RateTable, ShippingQuote, quote
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class QuoteShipping:
    """Quote shipping for each vendor of an order to a region (a country code, say), by the tenant's rate tables.

    Hand the quotes to placing: their amounts are charged, and which rates they came from is kept on the order.
    ``Refused("no_shipping_rate")`` if no table fits, ``Refused("unknown_sku")`` for what is not in the catalogue.
    """

    unit_of_work: UnitOfWorkFactory
    configuration: ConfigurationReader

    def __call__(
        self, scope: TenantScope, draft: OrderDraft, *, region: str | None = None, store: str | None = None
    ) -> tuple[ShippingQuote, ...]:
        with self.unit_of_work(scope) as uow:
            tables = self.configuration(uow, scope.tenant_id, store).value(SHIPPING_RATES)
            products = uow.products.by_sku({line.sku for line in draft.lines})
        return quotes(tables, draft, products, region)


def quotes(
    tables: Sequence[RateTable], draft: OrderDraft, products: Mapping[str, Product], region: str | None
) -> tuple[ShippingQuote, ...]:
    """Quote shipping for each vendor of an order; ``products`` are those of its lines, by sku."""
    lines: dict[str, list[PricedLine]] = {}
    for line in price(draft).lines:
        lines.setdefault(line.draft.vendor, []).append(line)
    return tuple(
        quote(tables, _consignment(vendor, mine, products, draft.currency), region) for vendor, mine in lines.items()
    )


def _consignment(vendor: str, lines: list[PricedLine], products: Mapping[str, Product], currency: str) -> Consignment:
    weights = [_weight(line, products) for line in lines]
    known = [weight for weight in weights if weight is not None]
    return Consignment(
        vendor=vendor,
        goods=Money(sum(line.goods for line in lines), currency),
        items=sum(line.draft.quantity for line in lines),
        weight_g=sum(known) if len(known) == len(weights) else None,
    )


def _weight(line: PricedLine, products: Mapping[str, Product]) -> int | None:
    _, variant = offer(products, line.draft.sku)
    return None if variant.weight_g is None else variant.weight_g * line.draft.quantity
