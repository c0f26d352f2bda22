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
from cityos_core.jobs.model import UNFINISHED, Job, Schedule
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import (
    ApiKeyId,
    AssignmentId,
    BatchId,
    BillingRunId,
    CreditNoteId,
    DomainId,
    ExportId,
    ImpersonationId,
    InvoiceId,
    JobId,
    NodeId,
    OrderId,
    PayoutId,
    PlanId,
    ProductId,
    RuleId,
    SubscriptionId,
    TenantId,
    VendorId,
)
from cityos_core.ledger.model import Account, Journal
from cityos_core.orders.model import Order, VendorOrder
from cityos_core.payouts.model import Payout, PayoutBatch
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import CreditNote, Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.usage import UsageRecord
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


@frozen(kw_only=True)
class Happening:
    """An event that was committed, as it waits to be told."""

    id: UUID
    tenant_id: TenantId
    event: Event


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


def _jobs() -> Table[JobId, Job]:
    return Table(
        Index("owner", lambda row: (row.tenant_id,)),
        Index("key", lambda row: () if row.key is None else ((row.tenant_id, row.key),)),
        Index("status", lambda row: (row.status,)),
        Index("line", lambda row: ((row.tenant_id, row.entity, row.entity_id),) if row.status in UNFINISHED else ()),
        Index("pending", lambda row: ((row.tenant_id, row.operation),) if row.status in UNFINISHED else ()),
    )


def _settings() -> Table[tuple[TenantId, NodeId, str], SettingEntry]:
    return Table(Index("node", lambda row: (row.node_id,)))


def _rules() -> Table[tuple[RuleId, int], StoredRule]:
    return Table(Index("name", lambda row: ((row.rule.name, row.version),), "stale"))


def _plans() -> Table[PlanId, Plan]:
    return Table(Index("handle", lambda row: (row.handle,), "handle_taken"))


def _subscriptions() -> Table[SubscriptionId, Subscription]:
    return Table(Index("status", lambda row: (row.status,)))


def _cycles() -> Table[tuple[SubscriptionId, int], BillingCycle]:
    return Table(
        Index("subscription", lambda row: (row.subscription_id,)),
        Index("status", lambda row: (row.status,)),
    )


def _invoices() -> Table[InvoiceId, Invoice]:
    return Table(
        Index("cycle", lambda row: ((row.subscription_id, row.cycle),)),
        Index("number", lambda row: () if row.number is None else ((row.entity, row.number),), "number_taken"),
    )


def _credit_notes() -> Table[CreditNoteId, CreditNote]:
    return Table(
        Index("invoice", lambda row: (row.invoice_id,)),
        Index("number", lambda row: ((row.entity, row.number),), "number_taken"),
    )


def _payment_attempts() -> Table[str, PaymentAttempt]:
    return Table(Index("invoice", lambda row: (row.invoice_id,)), Index("status", lambda row: (row.status,)))


def _dunning() -> Table[InvoiceId, DunningCase]:
    return Table(Index("subscription", lambda row: (row.subscription_id,)))


def _usage() -> Table[tuple[SubscriptionId, str], UsageRecord]:
    return Table(
        Index("subscription", lambda row: (row.subscription_id,)),
        Index("late", lambda row: (row.subscription_id,) if row.is_late else ()),
    )


def _movements() -> Table[tuple[SubscriptionId, int], Movement]:
    return Table(Index("subscription", lambda row: (row.subscription_id,)))


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
    plans: Table[PlanId, Plan] = field(factory=_plans)
    subscriptions: Table[SubscriptionId, Subscription] = field(factory=_subscriptions)
    cycles: Table[tuple[SubscriptionId, int], BillingCycle] = field(factory=_cycles)
    invoices: Table[InvoiceId, Invoice] = field(factory=_invoices)
    numbers: Table[str, int] = field(factory=Table)
    credit_notes: Table[CreditNoteId, CreditNote] = field(factory=_credit_notes)
    attempts: Table[str, PaymentAttempt] = field(factory=_payment_attempts)
    dunning: Table[InvoiceId, DunningCase] = field(factory=_dunning)
    usage: Table[tuple[SubscriptionId, str], UsageRecord] = field(factory=_usage)
    movements: Table[tuple[SubscriptionId, int], Movement] = field(factory=_movements)
    billing_runs: Table[BillingRunId, BillingRun] = field(factory=Table)


@frozen(kw_only=True, eq=False)
class Storage:
    """Everything that is stored. Revisions only ever rise: a rolled-back one is not used again.

    ``outbox`` remembers every event, ``untold`` those that were not relayed yet, by their place in it.
    """

    nodes: Table[NodeId, Node] = field(factory=_nodes)
    tenants: Table[TenantId, Tenant] = field(factory=_tenants)
    domains: Table[DomainId, Domain] = field(factory=_domains)
    settings: Table[tuple[TenantId, NodeId, str], SettingEntry] = field(factory=_settings)
    api_keys: Table[ApiKeyId, ApiKey] = field(factory=_api_keys)
    assignments: Table[AssignmentId, Assignment] = field(factory=_assignments)
    impersonations: Table[ImpersonationId, Impersonation] = field(factory=Table)
    heads: Table[TenantId, tuple[int, str]] = field(factory=Table)
    jobs: Table[JobId, Job] = field(factory=_jobs)
    schedules: Table[tuple[TenantId, str], Schedule] = field(factory=Table)
    untold: Table[int, Happening] = field(factory=Table)
    revisions: dict[TenantId, int] = field(factory=dict)
    outbox: list[Event] = field(factory=list)
    _owned: dict[TenantId, TenantTables] = field(factory=dict)

    def tell(self, tenant: TenantId, event: Event) -> None:
        """Remember an event that was committed, and let it wait to be told."""
        self.outbox.append(event)
        number = len(self.outbox)
        self.untold.swap(number, Happening(id=UUID(int=number), tenant_id=tenant, event=event))

    def of(self, tenant: TenantId) -> TenantTables:
        """Give the tables of one tenant."""
        tables = self._owned.get(tenant)
        return self._owned.setdefault(tenant, TenantTables()) if tables is None else tables
