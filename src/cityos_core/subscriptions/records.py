"""Reading one plan, by handle or by id."""

from uuid import UUID

from cityos_core.kernel.ids import PlanId
from cityos_core.subscriptions.plans import Plan
from cityos_core.unit_of_work import UnitOfWork

PlanName = str | PlanId
"""What tells a tenant's plan from its others: its handle or its id."""


def plan_named(uow: UnitOfWork, name: PlanName) -> Plan:
    """Give the plan with a handle or an id, or ``NotFound("plan_not_found")``."""
    return uow.plans.get(name) if isinstance(name, UUID) else uow.plans.named(name)
