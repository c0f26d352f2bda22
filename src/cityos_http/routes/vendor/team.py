"""Who is on a vendor's team."""

from cityos_core.kernel.errors import Forbidden
from cityos_core.vendors.team import member_of
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.team import InvitationRequest, JoiningRequest, MemberView, RoleRequest

routes = Routes("/vendor/team", tag="Vendor portal")


def _member(asked: Asked, email: str) -> MemberView:
    return MemberView.of(member_of(asked.city.vendors.get(asked.scope, asked.vendor), email))


@routes.get("", action="team:list")
def list_members(asked: Asked, query: Paged) -> Listed[MemberView]:
    """List the team, by e-mail address."""
    team = asked.city.vendors.get(asked.scope, asked.vendor).team
    return asked.part(query, team, lambda member: member.email, MemberView.of)


@routes.post("", action="team:add")
def invite_member(asked: Asked, body: InvitationRequest) -> MemberView:
    """Invite someone; they may do nothing until they join."""
    asked.require_may_invite(asked.vendor, body.role)
    asked.city.vendors.invite(asked.scope, asked.vendor, body.email, body.role)
    return _member(asked, body.email)


@routes.put("/{email}", action="team:change")
def change_member(asked: Asked, email: str, body: RoleRequest) -> MemberView:
    """Give a member another role; the last owner stays one."""
    asked.require_may_invite(asked.vendor, body.role)
    asked.city.vendors.change_role(asked.scope, asked.vendor, email, body.role)
    return _member(asked, email)


@routes.delete("/{email}", action="team:remove")
def remove_member(asked: Asked, email: str) -> None:
    """Take someone off the team, or take an invitation back."""
    asked.city.vendors.remove_member(asked.scope, asked.vendor, email)


@routes.post("/join", action="", status=200)
def join_team(asked: Asked, body: JoiningRequest) -> MemberView:
    """Accept an invitation; it is for whoever has proven the e-mail address that was invited."""
    email = asked.principal.email
    if email is None:
        raise Forbidden("forbidden", "sign in with the e-mail address that was invited, and verify it")
    return MemberView.of(member_of(asked.city.vendors.join(asked.scope, body.vendor, email), email))
