"""Roles of users, and acting as one of them."""

from cityos_core.access.placing import Where
from cityos_core.kernel.ids import AssignmentId, ImpersonationId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes, Steps
from cityos_http.schemas.access import (
    AssignmentRequest,
    AssignmentView,
    ImpersonationRequest,
    ImpersonationView,
)

routes = Routes("/admin", tag="Access")


@routes.get("/users", action="users:list")
def list_users(asked: Asked, query: Paged) -> Listed[AssignmentView]:
    """List who was given which role in the tenant, oldest first."""
    return asked.listed(query, asked.city.access.assignments(asked.scope, asked.page(query)), AssignmentView.of)


@routes.post("/users", action="users:add")
def add_user(asked: Asked, body: AssignmentRequest) -> AssignmentView:
    """Give a role to a user; nobody gives more than they hold."""
    made = asked.city.access.assign(asked.scope, asked.principal, body.user, body.role, Where(store=body.store))
    return AssignmentView.of(made)


@routes.delete("/users/{assignment}", action="users:remove")
def remove_user(asked: Asked, assignment: AssignmentId) -> None:
    """Take a role from a user."""
    asked.city.access.unassign(asked.scope, assignment)


@routes.get("/impersonations", action="impersonations:list")
def list_impersonations(asked: Asked, query: Paged) -> Listed[ImpersonationView]:
    """List who acted as whom in the tenant, newest first."""
    return asked.listed(query, asked.city.access.impersonations(asked.scope, asked.page(query)), ImpersonationView.of)


@routes.post("/impersonations", action="impersonations:start", steps=Steps.SEVERAL)
def start_impersonation(asked: Asked, body: ImpersonationRequest) -> ImpersonationView:
    """Act as a user for half an hour: send the id as X-Impersonation beside your own credentials."""
    grants = asked.city.access.grants_of(asked.scope, body.user)
    made = asked.city.access.start_impersonation(asked.scope, asked.principal, body.user, grants, reason=body.reason)
    return ImpersonationView.of(made)


@routes.post("/impersonations/{impersonation}/end", action="impersonations:end", status=200)
def end_impersonation(asked: Asked, impersonation: ImpersonationId) -> ImpersonationView:
    """Stop acting as a user."""
    return ImpersonationView.of(asked.city.access.end_impersonation(asked.scope, impersonation))
