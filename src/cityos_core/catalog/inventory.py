"""Counting what vendors have."""

from attrs import evolve, frozen

from cityos_core.catalog.events import StockLow
from cityos_core.catalog.model import Stock
from cityos_core.catalog.records import ProductName, product_with, sku_of
from cityos_core.catalog.settings import BACKORDERS, LOW_STOCK_AT
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, NotFound, Refused
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class SetStock:
    """Say how many units of a variant are in the house; from then on they are counted."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        sku: ProductName,
        on_hand: int,
        *,
        low_at: int | None = None,
        backorders: bool | None = None,
    ) -> Stock:
        """Set the stock of a variant; what is ``None`` stays, or comes from the settings the first time.

        Raises ``Refused("stock_reserved")`` for fewer units than are set aside for orders, unless back-orders are allowed.
        """
        if on_hand < 0 or (low_at is not None and low_at < 0):
            raise Invalid("negative_stock", "stock and its threshold are zero or more")
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            product = product_with(uow, sku)
            sku = sku_of(product, sku)
            if all(variant.sku != sku for variant in product.variants):
                skus = ", ".join(variant.sku for variant in product.variants)
                raise NotFound("variant_not_found", f"{sku} is sold in variants; count {skus}")
            known = uow.inventory.lock([sku]).get(sku) or Stock(
                tenant_id=scope.tenant_id,
                vendor_id=product.vendor_id,
                sku=sku,
                on_hand=on_hand,
                low_at=configuration.value(LOW_STOCK_AT),
                backorders=configuration.value(BACKORDERS),
            )
            stock = evolve(
                known,
                on_hand=on_hand,
                low_at=known.low_at if low_at is None else low_at,
                backorders=known.backorders if backorders is None else backorders,
            )
            if stock.free < 0 and not stock.backorders:
                raise Refused(
                    "stock_reserved", f"{stock.reserved} units of {sku} are set aside for orders; cancel those first"
                )
            uow.inventory.save([stock])
            uow.commit([low_stock_event(stock, self.clock)] if stock.is_low else ())
        return stock


@frozen
class ListLowStock:
    """List the variants that are at or below their threshold, by sku."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope) -> list[Stock]:
        """List them."""
        with self.unit_of_work(scope) as uow:
            return uow.inventory.low()


def low_stock_event(stock: Stock, clock: Clock) -> StockLow:
    """Tell that a variant is low."""
    return StockLow(
        subject=stock.vendor_id, occurred_at=clock.now(), sku=stock.sku, free=stock.free, low_at=stock.low_at
    )
