"""What happens to products and their stock."""

from typing import ClassVar

from attrs import frozen

from cityos_core.kernel.events import Event


@frozen(kw_only=True)
class ProductChanged(Event):
    """A product was created or changed; ``action`` is ``create``, ``change`` or the step it took."""

    name: ClassVar[str] = "product.changed"
    sku: str
    action: str
    status: str


@frozen(kw_only=True)
class StockLow(Event):
    """A variant is at or below its threshold; the subject is its vendor."""

    name: ClassVar[str] = "inventory.low"
    sku: str
    free: int
    low_at: int
