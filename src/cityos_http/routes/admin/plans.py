"""Plans, for administrators."""

from cityos_core.kernel.ids import PlanId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.plans import PlanRequest, PlanView

routes = Routes("/admin/plans", tag="Subscriptions")


@routes.get("", action="plans:list")
def list_plans(asked: Asked, query: Paged) -> Listed[PlanView]:
    """List all plans, by handle."""
    return asked.listed(query, asked.city.plans.list(asked.scope, asked.page(query)), PlanView.of)


@routes.post("", action="plans:create")
def create_plan(asked: Asked, body: PlanRequest) -> PlanView:
    """Put a plan on sale."""
    made = asked.city.plans.create(
        asked.scope,
        body.handle,
        name=body.name,
        items=body.items,
        currency=body.currency,
        interval=body.interval,
        count=body.count,
        trial_days=body.trial_days,
        catch_up=body.catch_up,
        late_usage=body.late_usage,
        dunning=body.dunning,
        proration=body.proration,
    )
    return PlanView.of(made)


@routes.get("/{plan}", action="plans:read")
def get_plan(asked: Asked, plan: PlanId) -> PlanView:
    """Read a plan."""
    return PlanView.of(asked.city.plans.get(asked.scope, plan))


@routes.post("/{plan}/retire", action="plans:retire", status=200)
def retire_plan(asked: Asked, plan: PlanId) -> PlanView:
    """Take a plan off sale; those who have it keep it."""
    return PlanView.of(asked.city.plans.retire(asked.scope, plan))
