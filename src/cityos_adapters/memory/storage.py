"""Which tables there are: one set per tenant, so that no repository can reach another's, and the shared ones."""

from uuid import UUID

from attrs import field, frozen

from cityos_adapters.memory.tables import Index, Table
from cityos_adapters.serialization.audit import Columns
from cityos_core.access.model import ApiKey, Assignment, Impersonation
from cityos_core.catalog.model import Category, Product, Stock
from cityos_core.commissions.lines import CommissionEntry
from cityos_core.commissions.rules import StoredRule
from cityos_core.exports.model import Export
from cityos_core.idempotency.model import Answered
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import (
    ApiKeyId,
    AssignmentId,
    BatchId,
    DomainId,
    ExportId,
    ImpersonationId,
    NodeId,
    OrderId,
    PayoutId,
    ProductId,
    RuleId,
    TenantId,
    VendorId,
)
from cityos_core.ledger.model import Account, Journal
from cityos_core.orders.model import Order, VendorOrder
from cityos_core.payouts.model import Payout, PayoutBatch
from cityos_core.tenancy.domains import Domain, DomainStatus
from cityos_core.tenancy.model import Node, SettingEntry, Store, Tenant
from cityos_core.vendors.model import Vendor


@frozen
class AuditRow:
    """A link of a chain, and what it is found by."""

    sequence: int
    previous: str
    body: str
    hash: str
    columns: Columns


def skus(product: Product) -> frozenset[str]:
    """List the skus a product answers to: its own and its variants'."""
    return frozenset((product.sku, *(variant.sku for variant in product.variants)))


def awaits_release(part: VendorOrder) -> bool:
    """True while a vendor order has money or a reserve that time will let go."""
    return (part.release_due_at is not None and part.released_at is None) or (
        part.reserve_due_at is not None and part.reserved > 0
    )


def _stores() -> Table[NodeId, Store]:
    return Table(Index("handle", lambda row: (row.handle,), "handle_taken"))


def _vendors() -> Table[VendorId, Vendor]:
    return Table(
        Index("handle", lambda row: (row.handle,), "handle_taken"),
        Index("member", lambda row: {member.email.lower() for member in row.team}),
    )


def _products() -> Table[ProductId, Product]:
    return Table(Index("sku", skus, "sku_taken"), Index("vendor", lambda row: (row.vendor_id,)))


def _orders() -> Table[OrderId, Order]:
    return Table(
        Index("reference", lambda row: (row.reference,), "reference_taken"),
        Index("awaits_release", lambda row: {awaits_release(part) for part in row.vendor_orders}),
    )


def _entries() -> Table[int, CommissionEntry]:
    return Table(
        Index("order", lambda row: (row.order_id,)),
        Index("vendor_order", lambda row: (row.vendor_order_id,)),
        Index("line", lambda row: (row.line_id,)),
        Index("payout", lambda row: (row.payout_id,)),
        Index("vendor", lambda row: ((row.vendor_id, row.currency),)),
    )


def _journals() -> Table[int, Journal]:
    return Table(
        Index("key", lambda row: (row.key,)),
        Index("reverses", lambda row: (row.reverses,) if row.reverses else ()),
        Index("account", lambda row: {posting.account for posting in row.postings}),
    )


def _nodes() -> Table[NodeId, Node]:
    return Table(
        Index("handle", lambda row: ((row.parent_id, row.handle),), "handle_taken"),
        Index("path", lambda row: (row.path,)),
    )


def _tenants() -> Table[TenantId, Tenant]:
    return Table(Index("handle", lambda row: (row.handle,), "handle_taken"))


def _domains() -> Table[DomainId, Domain]:
    return Table(
        Index("name", lambda row: (row.name,)),
        Index("domain", lambda row: (row.name,) if row.status is DomainStatus.ACTIVE else (), "domain_taken"),
    )


def _api_keys() -> Table[ApiKeyId, ApiKey]:
    return Table(Index("hash", lambda row: (row.hash,)))


def _assignments() -> Table[AssignmentId, Assignment]:
    return Table(Index("user", lambda row: (row.user,)))


def _settings() -> Table[tuple[TenantId, NodeId, str], SettingEntry]:
    return Table(Index("node", lambda row: (row.node_id,)))


def _rules() -> Table[tuple[RuleId, int], StoredRule]:
    return Table(Index("name", lambda row: ((row.rule.name, row.version),), "stale"))


@frozen(kw_only=True, eq=False)
class TenantTables:
    """The tables of one tenant, or of the platform. Commission entries and journals are keyed by order of recording."""

    stores: Table[NodeId, Store] = field(factory=_stores)
    vendors: Table[VendorId, Vendor] = field(factory=_vendors)
    products: Table[ProductId, Product] = field(factory=_products)
    categories: Table[str, Category] = field(factory=Table)
    stock: Table[str, Stock] = field(factory=Table)
    orders: Table[OrderId, Order] = field(factory=_orders)
    rules: Table[tuple[RuleId, int], StoredRule] = field(factory=_rules)
    entries: Table[int, CommissionEntry] = field(factory=_entries)
    journals: Table[int, Journal] = field(factory=_journals)
    balances: Table[Account, int] = field(factory=Table)
    payouts: Table[PayoutId, Payout] = field(factory=Table)
    batches: Table[BatchId, PayoutBatch] = field(factory=Table)
    exports: Table[ExportId, Export] = field(factory=Table)
    files: Table[tuple[UUID, int], str] = field(factory=Table)
    answers: Table[tuple[str, str], Answered] = field(factory=Table)
    audit: Table[int, AuditRow] = field(factory=Table)


@frozen(kw_only=True, eq=False)
class Storage:
    """Everything that is stored. Revisions only ever rise: a rolled-back one is not used again."""

    nodes: Table[NodeId, Node] = field(factory=_nodes)
    tenants: Table[TenantId, Tenant] = field(factory=_tenants)
    domains: Table[DomainId, Domain] = field(factory=_domains)
    settings: Table[tuple[TenantId, NodeId, str], SettingEntry] = field(factory=_settings)
    api_keys: Table[ApiKeyId, ApiKey] = field(factory=_api_keys)
    assignments: Table[AssignmentId, Assignment] = field(factory=_assignments)
    impersonations: Table[ImpersonationId, Impersonation] = field(factory=Table)
    heads: Table[TenantId, tuple[int, str]] = field(factory=Table)
    revisions: dict[TenantId, int] = field(factory=dict)
    outbox: list[Event] = field(factory=list)
    _owned: dict[TenantId, TenantTables] = field(factory=dict)

    def of(self, tenant: TenantId) -> TenantTables:
        """Give the tables of one tenant."""
        tables = self._owned.get(tenant)
        return self._owned.setdefault(tenant, TenantTables()) if tables is None else tables
