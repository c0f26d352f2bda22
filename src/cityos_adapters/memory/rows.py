"""What every repository asks of a row: that its tenant may write it, and that nobody changed it in between."""

from collections.abc import Hashable
from typing import TypeVar

from attrs import evolve

from cityos_adapters.memory.tables import View
from cityos_core.access.model import ApiKey, Impersonation
from cityos_core.catalog.model import Product
from cityos_core.exports.model import Export
from cityos_core.jobs.model import Job
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import TenantId
from cityos_core.orders.model import Order
from cityos_core.payouts.model import Payout
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import Plan
from cityos_core.tenancy.domains import Domain
from cityos_core.tenancy.model import Node, Store, Tenant
from cityos_core.vendors.model import Vendor

K = TypeVar("K", bound=Hashable)
Versioned = TypeVar(
    "Versioned",
    Node,
    Tenant,
    Store,
    Domain,
    Vendor,
    Product,
    Order,
    Payout,
    ApiKey,
    Impersonation,
    Export,
    Job,
    Plan,
    Subscription,
    BillingCycle,
    Invoice,
    PaymentAttempt,
    DunningCase,
)


def require_own(scope: TenantId, owner: TenantId) -> None:
    """Refuse to write what belongs to someone else."""
    if owner != scope:
        raise Invalid("foreign_tenant", "this belongs to another tenant; open a unit of work in that tenant's scope")


def save(rows: View[K, Versioned], key: K, row: Versioned) -> None:
    """Store a changed row one version up; ``Conflict("stale")`` if it is not the one that was read."""
    stored = rows.get(key)
    if stored is None or stored.version != row.version:
        raise Conflict("stale", "someone else changed this since it was read; read it again and repeat the change")
    rows.put(key, evolve(row, version=row.version + 1))
