"""The facade: one frozen object that holds every use case, and is all that callers need."""

from typing import Self

from attrs import frozen

from cityos_core.access.service import AccessUseCases
from cityos_core.audit.service import AuditUseCases
from cityos_core.catalog.service import ProductUseCases
from cityos_core.commissions.service import CommissionUseCases
from cityos_core.dependencies import Dependencies
from cityos_core.exports.service import ExportUseCases
from cityos_core.idempotency.service import RequestUseCases
from cityos_core.jobs.service import JobUseCases
from cityos_core.ledger.service import LedgerUseCases
from cityos_core.orders.service import OrderUseCases
from cityos_core.payouts.service import PayoutUseCases
from cityos_core.readiness import Ready
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.invoice_service import InvoiceUseCases
from cityos_core.subscriptions.mrr_service import MrrUseCases
from cityos_core.subscriptions.subscription_service import PlanUseCases, SubscriptionUseCases
from cityos_core.tenancy.service import (
    DomainUseCases,
    SettingUseCases,
    StoreUseCases,
    TenantUseCases,
    TreeUseCases,
)
from cityos_core.vendors.service import VendorUseCases
from cityos_core.working import works


@frozen(kw_only=True)
class CityOS:
    """Everything a marketplace does, by subject; each attribute of a group is one use case and one transaction."""

    tree: TreeUseCases
    tenants: TenantUseCases
    stores: StoreUseCases
    domains: DomainUseCases
    settings: SettingUseCases
    access: AccessUseCases
    vendors: VendorUseCases
    products: ProductUseCases
    orders: OrderUseCases
    commissions: CommissionUseCases
    ledger: LedgerUseCases
    payouts: PayoutUseCases
    plans: PlanUseCases
    subscriptions: SubscriptionUseCases
    invoices: InvoiceUseCases
    billing: BillingUseCases
    mrr: MrrUseCases
    exports: ExportUseCases
    audit: AuditUseCases
    requests: RequestUseCases
    jobs: JobUseCases
    ready: Ready

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Assemble the application over its ports."""
        return cls(
            tree=TreeUseCases.of(dependencies),
            tenants=TenantUseCases.of(dependencies),
            stores=StoreUseCases.of(dependencies),
            domains=DomainUseCases.of(dependencies),
            settings=SettingUseCases.of(dependencies),
            access=AccessUseCases.of(dependencies),
            vendors=VendorUseCases.of(dependencies),
            products=ProductUseCases.of(dependencies),
            orders=OrderUseCases.of(dependencies),
            commissions=CommissionUseCases.of(dependencies),
            ledger=LedgerUseCases.of(dependencies),
            payouts=PayoutUseCases.of(dependencies),
            plans=PlanUseCases.of(dependencies),
            subscriptions=SubscriptionUseCases.of(dependencies),
            invoices=InvoiceUseCases.of(dependencies),
            billing=BillingUseCases.of(dependencies),
            mrr=MrrUseCases.of(dependencies),
            exports=ExportUseCases.of(dependencies),
            audit=AuditUseCases.of(dependencies),
            requests=RequestUseCases.of(dependencies.unit_of_work, dependencies.clock),
            jobs=JobUseCases.of(dependencies, works(dependencies)),
            ready=Ready(dependencies.unit_of_work),
        )
