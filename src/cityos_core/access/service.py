"""The use cases of access: keys, roles, impersonations, and the decisions that all others wait for."""

from typing import Self

from attrs import frozen

from cityos_core.access.admission import Admit
from cityos_core.access.assigning import Assign, ListAssignments, Unassign
from cityos_core.access.deciding import Decide, Enter, Plan
from cityos_core.access.grants import GrantsOf
from cityos_core.access.impersonating import EndImpersonation, ListImpersonations, StartImpersonation
from cityos_core.access.keys import CreateKey, GetKey, ListKeys, RevokeKey, RotateKey
from cityos_core.access.limits import LimitOf, Take
from cityos_core.dependencies import Dependencies
from cityos_core.tenancy.hosts import Names


@frozen(kw_only=True)
class AccessUseCases:
    """Who may come in and what they may do."""

    admit: Admit
    create_key: CreateKey
    rotate_key: RotateKey
    revoke_key: RevokeKey
    key: GetKey
    keys: ListKeys
    assign: Assign
    unassign: Unassign
    assignments: ListAssignments
    grants_of: GrantsOf
    start_impersonation: StartImpersonation
    end_impersonation: EndImpersonation
    impersonations: ListImpersonations
    enter: Enter
    decide: Decide
    plan: Plan
    rate_limit: LimitOf
    take: Take

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock, identifiers = dependencies.unit_of_work, dependencies.clock, dependencies.identifiers
        randomness, policy = dependencies.randomness, dependencies.policy
        return cls(
            admit=Admit(
                unit_of_work=uow,
                clock=clock,
                names=Names(dependencies.platform_domains),
                tokens=dependencies.tokens,
                configuration=dependencies.configuration,
            ),
            create_key=CreateKey(unit_of_work=uow, clock=clock, identifiers=identifiers, randomness=randomness),
            rotate_key=RotateKey(unit_of_work=uow, clock=clock, identifiers=identifiers, randomness=randomness),
            revoke_key=RevokeKey(unit_of_work=uow, clock=clock),
            key=GetKey(uow),
            keys=ListKeys(uow),
            assign=Assign(unit_of_work=uow, clock=clock, identifiers=identifiers),
            unassign=Unassign(uow),
            assignments=ListAssignments(uow),
            grants_of=GrantsOf(uow),
            start_impersonation=StartImpersonation(unit_of_work=uow, clock=clock, identifiers=identifiers),
            end_impersonation=EndImpersonation(uow),
            impersonations=ListImpersonations(uow),
            enter=Enter(),
            decide=Decide(policy),
            plan=Plan(policy),
            rate_limit=LimitOf(uow, dependencies.configuration, clock),
            take=Take(dependencies.limiter),
        )
