"""Work that falls due, for whoever keeps the time: calling twice does it once."""

from attrs import field, frozen

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.money import Money
from cityos_core.tenancy.model import Tenant, TenantStatus
from cityos_http.asking import Asked
from cityos_http.endpoint import Key, Needs, Routes, Steps
from cityos_http.schema import about

routes = Routes("/api/cron", tag="Machines")


@frozen(kw_only=True)
class TenantRunView:
    """What a payout run came to in one tenant."""

    tenant: str
    payouts: int
    totals: tuple[Money, ...]
    problem: str | None = field(metadata=about("Why the run did not end; null if it did."))


@frozen(kw_only=True)
class TenantBillingView:
    """What billing came to in one tenant."""

    tenant: str
    due: int
    billed: int
    invoiced: tuple[Money, ...]
    retried: int = field(metadata=about("How many failed payments were tried again."))
    recognised: int = field(metadata=about("Of how many invoices it was looked at what has become revenue."))
    ties: bool = field(metadata=about("Whether every due cycle is accounted for, and invoices and ledger agree."))
    problem: str | None = field(metadata=about("Why it did not end; null if it did."))


@frozen(kw_only=True)
class BillingCronView:
    """What was billed, by tenant."""

    tenants: tuple[TenantBillingView, ...]


@frozen(kw_only=True)
class CronView:
    """What was done, by tenant."""

    tenants: tuple[TenantRunView, ...]


@routes.post("/payouts", action="cron:run", status=200, needs=Needs.PLATFORM, steps=Steps.SEVERAL, key=Key.REQUIRED)
def run_due_payouts(asked: Asked) -> CronView:
    """Release what is due and pay every vendor whose turn it is, in every active tenant.

    A tenant whose run fails does not keep the others from being paid.
    """
    found = []
    for tenant in _active(asked):
        try:
            done = asked.city.payouts.run(tenant.scope, each=lambda _: None)
            found.append(TenantRunView(tenant=tenant.handle, payouts=done.count, totals=done.totals, problem=None))
        except CityOSError as error:
            found.append(TenantRunView(tenant=tenant.handle, payouts=0, totals=(), problem=error.detail))
    return CronView(tenants=tuple(found))


@routes.post("/billing", action="cron:run", status=200, needs=Needs.PLATFORM, steps=Steps.SEVERAL, key=Key.REQUIRED)
def run_due_billing(asked: Asked) -> BillingCronView:
    """Bill what is due, try failed payments again on their days, and book what was earned, in every active tenant.

    A tenant whose run fails does not keep the others from being billed.
    """
    return BillingCronView(tenants=tuple(_billed(asked, tenant) for tenant in _active(asked)))


def _active(asked: Asked) -> list[Tenant]:
    return [tenant for tenant in asked.city.tenants.list() if tenant.status is TenantStatus.ACTIVE]


def _billed(asked: Asked, tenant: Tenant) -> TenantBillingView:
    billing = asked.city.billing
    try:
        certificate = billing.run(tenant.scope).certificate
        retried, recognised = billing.retry(tenant.scope).retried, billing.recognise(tenant.scope).invoices
    except CityOSError as error:
        return TenantBillingView(
            tenant=tenant.handle,
            due=0,
            billed=0,
            invoiced=(),
            retried=0,
            recognised=0,
            ties=False,
            problem=error.detail,
        )
    return TenantBillingView(
        tenant=tenant.handle,
        due=certificate.due,
        billed=certificate.billed,
        invoiced=certificate.invoiced,
        retried=retried,
        recognised=recognised,
        ties=certificate.ties,
        problem=None,
    )
