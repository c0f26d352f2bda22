"""Making a planned city real, through the same use cases that everybody uses."""

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.catalog.draft import ProductDraft
from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant
from cityos_core.testing.market import numbered, require_all
from cityos_core.testing.simulation.plan import CityPlan, PlannedTenant, PlannedVendor
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.model import VendorStatus


@frozen
class Quarter:
    """A tenant as planned and as it was made."""

    plan: PlannedTenant
    tenant: Tenant


def build(app: CityOS, plan: CityPlan) -> tuple[Quarter, ...]:
    """Make the tree, the tenants with their stores, vendors and products, all rules and settings."""
    app.commissions.import_rules(PlatformScope(), plan.rules)
    return tuple(_quarter(app, tenant) for tenant in plan.tenants)


def _quarter(app: CityOS, plan: PlannedTenant) -> Quarter:
    app.tree.add(plan.parent)
    tenant = app.tenants.create(
        plan.handle, parent=plan.parent, name=plan.name, currency=plan.currency, time_zone=plan.time_zone
    )
    for store in plan.stores:
        app.stores.create(tenant.scope, store, name=f"{plan.name} {store}")
    for key, value in plan.settings:
        app.settings.set(tenant.scope, key, value)
    require_all(app.vendors.import_rows(tenant.scope, numbered(map(_vendor, plan.vendors))))
    for vendor in plan.vendors:
        set_account(app, tenant, vendor, f"{vendor.payout_method}-{vendor.handle}")
        products = (_product(vendor, index) for index in range(len(vendor.products)))
        require_all(app.products.import_rows(tenant.scope, numbered(products)))
    app.commissions.import_rules(tenant.scope, plan.rules)
    return Quarter(plan, tenant)


def set_account(app: CityOS, tenant: Tenant, vendor: PlannedVendor, reference: str) -> None:
    """Say where a vendor's payouts go, and vouch for it."""
    app.vendors.set_payout_account(
        tenant.scope, vendor.handle, method=vendor.payout_method, reference=reference, holder=vendor.name
    )
    app.vendors.verify_payout_account(tenant.scope, vendor.handle)


def _vendor(vendor: PlannedVendor) -> VendorDraft:
    return VendorDraft(
        handle=vendor.handle,
        name=vendor.name,
        email=f"office@{vendor.handle}.example",
        country=vendor.country,
        status=VendorStatus.APPROVED,
    )


def _product(vendor: PlannedVendor, index: int) -> ProductDraft:
    product = vendor.products[index]
    return ProductDraft(
        sku=product.sku,
        title=product.title,
        vendor=vendor.handle,
        category=product.category,
        unit_price=product.unit_price,
        currency=product.unit_price.currency,
        status=ProductStatus.PUBLISHED,
    )
