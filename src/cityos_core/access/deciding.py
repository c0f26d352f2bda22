"""Asking the policy. Whatever cannot be decided is a no."""

from attrs import evolve, frozen

from cityos_core.access.conditions import NOTHING, Condition
from cityos_core.access.model import Principal, Resource
from cityos_core.access.ports import Policy
from cityos_core.access.roles import grants_for
from cityos_core.kernel.errors import Forbidden
from cityos_core.tenancy.model import Audience

UNDECIDED = "the policy could not be asked"


@frozen
class Decide:
    """Insist that a principal may do something to a resource."""

    policy: Policy

    def __call__(self, principal: Principal, action: str, resource: Resource) -> None:
        """Do nothing if it may, else raise ``Forbidden("forbidden")`` and say why."""
        try:
            decision = self.policy.decide(principal, action, resource)
        except Exception as error:
            raise _refusal(action, UNDECIDED) from error
        if decision.allowed is not True:
            raise _refusal(action, decision.reason)


@frozen
class Plan:
    """Say for which resources of a kind a principal may do something."""

    policy: Policy

    def __call__(self, principal: Principal, action: str, resource: Resource) -> Condition:
        """Give a condition; raise ``Forbidden("forbidden")`` if there can be no such resource."""
        try:
            condition = self.policy.plan(principal, action, resource)
        except Exception as error:
            raise _refusal(action, UNDECIDED) from error
        if condition == NOTHING:
            raise _refusal(action, "")
        return condition


@frozen
class Enter:
    """Let a principal into a part of the platform, with what it holds there.

    The same action means different things in different parts: a visitor reads the products that are published, a vendor
    its own, staff all of them. So what someone holds as one of these does not count where they come as another.
    """

    def __call__(self, principal: Principal, audience: Audience) -> Principal:
        """Give the principal as it is in there, or raise ``Forbidden("forbidden")`` if it has no business there."""
        grants = grants_for(principal, audience)
        if not grants:
            raise Forbidden("forbidden", f"this is for {_FOR[audience]}; sign in as one, or ask for a role that is")
        return evolve(principal, grants=grants)


_FOR = {
    Audience.STOREFRONT: "visitors of a storefront, who show its publishable key",
    Audience.VENDOR: "members of a vendor's team",
    Audience.COMPANY: "members of a company",
    Audience.ADMIN: "the staff of a tenant or of the platform",
}


def _refusal(action: str, reason: str) -> Forbidden:
    why = f": {reason}" if reason else ""
    return Forbidden("forbidden", f"you may not do this ({action}){why}; ask an administrator for a role that may")
