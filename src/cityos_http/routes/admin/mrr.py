"""Monthly recurring revenue, for administrators."""

from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.mrr import (
    BridgeQuery,
    BridgesView,
    CohortsQuery,
    CohortsView,
    CohortView,
    RevenueMovementsQuery,
    RevenueMovementView,
    StandingsQuery,
    StandingsView,
    place,
)

routes = Routes("/admin/mrr", tag="Billing")


@routes.get("", action="mrr:read")
def get_recurring_revenue(asked: Asked, query: StandingsQuery) -> StandingsView:
    """Say where recurring revenue stands, or stood at an instant, by currency."""
    return StandingsView.of(asked.city.mrr.standings(asked.scope, query.at))


@routes.get("/bridge", action="mrr:read")
def get_revenue_bridge(asked: Asked, query: BridgeQuery) -> BridgesView:
    """Say how recurring revenue moved between two instants, by currency."""
    return BridgesView.of(asked.city.mrr.bridge(asked.scope, query.start, query.end))


@routes.get("/cohorts", action="mrr:read")
def get_revenue_cohorts(asked: Asked, query: CohortsQuery) -> CohortsView:
    """Group subscriptions by the month in which they first counted, and follow them month by month."""
    found = asked.city.mrr.cohorts(asked.scope, query.currency, query.until)
    return CohortsView(cohorts=tuple(map(CohortView.of, found)))


@routes.get("/movements", action="mrr:list")
def list_revenue_movements(asked: Asked, query: RevenueMovementsQuery) -> Listed[RevenueMovementView]:
    """List the movements of recurring revenue, oldest first."""
    found = asked.city.mrr.movements(asked.scope, since=query.since, until=query.until, currency=query.currency)
    return asked.part(query, found, place, RevenueMovementView.of)
