"""Roles of users, in a tenant or on the platform."""

from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.parameters import Limit, Platform, Yes
from cityos_cli.session import Session
from cityos_core.access.model import Assignment
from cityos_core.access.placing import Where
from cityos_core.kernel.ids import AssignmentId
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="Who has which role.")

COLUMNS = ("id", "user", "role", "reach", "path", "created_at", "created_by")


def _record(assignment: Assignment) -> Record:
    return {
        "id": assignment.id,
        "user": assignment.user,
        "role": assignment.grant.role,
        "reach": assignment.grant.reach,
        "path": assignment.grant.path,
        "created_at": assignment.created_at,
        "created_by": assignment.created_by,
    }


@app.command()
def assign(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="The subject of its access tokens, or its verified e-mail address.")],
    role: Annotated[str, typer.Argument(help="Such as administrator, operator, finance, support or auditor.")],
    *,
    store: Annotated[str | None, typer.Option(help="In one store only, by handle.")] = None,
    node: Annotated[str | None, typer.Option(help="With --platform: below this place of the tree only.")] = None,
    platform: Platform = False,
) -> None:
    """Give a role to a user."""
    session = Session.of(ctx)
    scope, where = session.scope_unless(platform=platform), Where(store=store, node=node)
    session.output.record(_record(session.city.access.assign(scope, session.principal, user, role, where)))


@app.command("list")
def list_(ctx: typer.Context, *, platform: Platform = False, limit: Limit = None) -> None:
    """List who was given which role, oldest first."""
    session = Session.of(ctx)
    scope = session.scope_unless(platform=platform)
    found = islice(every(lambda request: session.city.access.assignments(scope, request)), limit)
    session.output.rows(COLUMNS, map(_record, found))


@app.command()
def remove(
    ctx: typer.Context,
    assignment: Annotated[UUID, typer.Argument(help="Its id, as the list shows it.")],
    *,
    platform: Platform = False,
    yes: Yes = False,
) -> None:
    """Take a role from a user."""
    session = Session.of(ctx)
    scope = session.scope_unless(platform=platform)
    confirm("Take that role away?", yes=yes)
    session.city.access.unassign(scope, AssignmentId(assignment))
    session.output.record({"id": assignment, "removed": True})
