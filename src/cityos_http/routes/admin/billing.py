"""Billing runs and the cycles they bill, for administrators."""

from cityos_core.kernel.ids import BillingRunId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes, Steps
from cityos_http.schemas.billing import BilledRunView, BillingRunView, CycleRequest, SeenCycles
from cityos_http.schemas.subscriptions import BillingCyclesQuery, BillingCycleView

routes = Routes("/admin", tag="Billing")


@routes.get("/billing-runs", action="billing-runs:list")
def list_billing_runs(asked: Asked, query: Paged) -> Listed[BillingRunView]:
    """List past runs with their certificates, newest first."""
    return asked.listed(query, asked.city.billing.runs(asked.scope, asked.page(query)), BillingRunView.of)


@routes.post("/billing-runs", action="billing-runs:run", steps=Steps.SEVERAL, moves_money=True)
def run_billing(asked: Asked) -> BilledRunView:
    """Bill every cycle that is due, collect what that comes to, and certify that nothing is missing."""
    seen = SeenCycles()
    run = asked.city.billing.run(asked.scope, dry_run=asked.is_rehearsal, each=seen.add)
    return BilledRunView.of(run, seen, is_dry=asked.is_rehearsal)


@routes.get("/billing-runs/{run}", action="billing-runs:read")
def get_billing_run(asked: Asked, run: BillingRunId) -> BillingRunView:
    """Read a run with its certificate."""
    return BillingRunView.of(asked.city.billing.get_run(asked.scope, run))


@routes.get("/billing-cycles", action="billing-cycles:list")
def list_billing_cycles(asked: Asked, query: BillingCyclesQuery) -> Listed[BillingCycleView]:
    """List the cycles that have started, by start; those that failed wait for a person."""
    page = asked.city.billing.cycles(asked.scope, query.status, asked.page(query))
    return asked.listed(query, page, BillingCycleView.of)


@routes.post("/billing-cycles/retry", action="billing-cycles:retry", status=200)
def retry_billing_cycle(asked: Asked, body: CycleRequest) -> BillingCycleView:
    """Let the next run bill a cycle after all that failed before it was invoiced."""
    return BillingCycleView.of(asked.city.billing.retry_cycle(asked.scope, body.subscription, body.index))


@routes.post("/billing-cycles/skip", action="billing-cycles:skip", status=200)
def skip_billing_cycle(asked: Asked, body: CycleRequest) -> BillingCycleView:
    """Leave a cycle unbilled that failed before it was invoiced; the next one falls due as it would have."""
    return BillingCycleView.of(asked.city.billing.skip_cycle(asked.scope, body.subscription, body.index))
