"""What tenants decide about the catalogue."""

from typing import Final

from cityos_core.tenancy.setting_values import flag, whole
from cityos_core.tenancy.settings import Setting

LOW_STOCK_AT: Final = Setting(
    key="low_stock_at",
    doc="How many units left count as low stock, where a variant has no threshold of its own.",
    parse=whole(0, 1_000_000),
    default=0,
)

BACKORDERS: Final = Setting(
    key="backorders",
    doc="Whether more may be sold than is in stock, where a variant has no word of its own.",
    parse=flag,
    default=False,
)

DECLARED: Final = (LOW_STOCK_AT, BACKORDERS)
