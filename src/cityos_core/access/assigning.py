"""Roles given to users, in a tenant or on the platform."""

from typing import Final

from attrs import frozen

from cityos_core.access.granting import require_may_grant
from cityos_core.access.model import Assignment, Principal
from cityos_core.access.placing import EVERYWHERE, Where, placed, role_named
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, NotFound
from cityos_core.kernel.ids import AssignmentId, Identifiers
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import Scope
from cityos_core.tenancy.model import Audience
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.draft import email_or_none

LONGEST_USER: Final = 255


def user_name(text: str) -> str:
    """Check what a user is known by: the subject of its tokens as it is, or an e-mail address in lower case."""
    if not 1 <= len(text) <= LONGEST_USER or not text.isprintable() or any(letter.isspace() for letter in text):
        raise Invalid.at(
            "$.user", "invalid_user", "a user is the subject of an access token, or an e-mail address; without spaces"
        )
    return (email_or_none(text) or "").lower() if "@" in text else text


@frozen(kw_only=True)
class Assign:
    """Give a role to a user; members of a vendor's team are invited to it instead."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self, scope: Scope, principal: Principal, user: str, role: str, where: Where = EVERYWHERE
    ) -> Assignment:
        """Assign a role, or raise ``Conflict("assigned")`` if the user has it there.

        ``Forbidden("beyond_own_access")`` if it allows more than the principal may do itself.
        """
        name = user_name(user)
        given = role_named(role)
        if given.audience is not Audience.ADMIN:
            raise Invalid.at(
                "$.role",
                "unassignable_role",
                f"{role} is not assigned: invite the user to the vendor's team, or leave it",
            )
        with self.unit_of_work(scope) as uow:
            assignment = Assignment(
                id=AssignmentId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                user=name,
                grant=placed(uow, scope, role, where),
                created_at=self.clock.now(),
                created_by=principal.label,
            )
            require_may_grant(principal, assignment.grant)
            uow.assignments.add(assignment)
            uow.commit()
        return assignment


@frozen
class Unassign:
    """Take a role from a user."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, assignment_id: AssignmentId) -> None:
        """Remove an assignment of the scope's own, or raise ``NotFound("assignment_not_found")``."""
        with self.unit_of_work(scope) as uow:
            if uow.assignments.get(assignment_id).tenant_id != scope.tenant_id:
                raise NotFound("assignment_not_found", f"there is no assignment {assignment_id}")
            uow.assignments.remove(assignment_id)
            uow.commit()


@frozen
class ListAssignments:
    """List who was given which role in a tenant, or on the platform, oldest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, request: PageRequest | None = None) -> Page[Assignment]:
        """List assignments."""
        with self.unit_of_work(scope) as uow:
            return uow.assignments.page(request or PageRequest())
