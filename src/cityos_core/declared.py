"""Every setting there is."""

from typing import Final

from cityos_core.access.settings import DECLARED as ACCESS
from cityos_core.catalog.settings import DECLARED as CATALOG
from cityos_core.commissions.settings import DECLARED as COMMISSIONS
from cityos_core.orders.settings import DECLARED as ORDERS
from cityos_core.payouts.settings import DECLARED as PAYOUTS
from cityos_core.subscriptions.settings import DECLARED as SUBSCRIPTIONS
from cityos_core.tenancy.declared import DECLARED as TENANCY
from cityos_core.tenancy.settings import Setting
from cityos_core.vendors.settings import DECLARED as VENDORS

SETTINGS: Final[tuple[Setting[object], ...]] = (
    *TENANCY,
    *ACCESS,
    *VENDORS,
    *CATALOG,
    *ORDERS,
    *COMMISSIONS,
    *PAYOUTS,
    *SUBSCRIPTIONS,
)
"""The declarations of all contexts; a context that gains a setting adds it to its own tuple."""
