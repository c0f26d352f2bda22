"""Work that falls due, for whoever keeps the time: calling twice does it once."""

from attrs import field, frozen

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.money import Money
from cityos_core.tenancy.model import TenantStatus
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
class CronView:
    """What was done, by tenant."""

    tenants: tuple[TenantRunView, ...]


@routes.post("/payouts", action="cron:run", status=200, needs=Needs.PLATFORM, steps=Steps.SEVERAL, key=Key.REQUIRED)
def run_due_payouts(asked: Asked) -> CronView:
    """Release what is due and pay every vendor whose turn it is, in every active tenant.

    A tenant whose run fails does not keep the others from being paid.
    """
    active = (tenant for tenant in asked.city.tenants.list() if tenant.status is TenantStatus.ACTIVE)
    found = []
    for tenant in active:
        try:
            done = asked.city.payouts.run(tenant.scope, each=lambda _: None)
            found.append(TenantRunView(tenant=tenant.handle, payouts=done.count, totals=done.totals, problem=None))
        except CityOSError as error:
            found.append(TenantRunView(tenant=tenant.handle, payouts=0, totals=(), problem=error.detail))
    return CronView(tenants=tuple(found))
