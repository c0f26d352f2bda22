"""What can be subscribed to, for visitors and customers."""

from collections.abc import Iterable

from cityos_core.kernel.ids import PlanId
from cityos_core.subscriptions.plans import Plan
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.plans import PlanOfferView

routes = Routes("/store/plans", tag="Storefront")


def _on_sale(plans: Iterable[Plan]) -> list[Plan]:
    return [plan for plan in plans if plan.retired_at is None]


@routes.get("", action="plans:list")
def list_plan_offers(asked: Asked, query: Paged) -> Listed[PlanOfferView]:
    """List the plans on sale, by handle."""
    page = asked.some(query, lambda request: asked.city.plans.list(asked.scope, request), _on_sale)
    return asked.listed(query, page, PlanOfferView.of)


@routes.get("/{plan}", action="plans:read")
def get_plan_offer(asked: Asked, plan: PlanId) -> PlanOfferView:
    """Read one plan; also one that is sold no more, for those who have it keep it."""
    return PlanOfferView.of(asked.city.plans.get(asked.scope, plan))
