"""The use cases of tenancy, grouped by subject."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.tenancy.deciding import ExplainSetting, ListDeclared, SetSetting, ShowSettings, UnsetSetting
from cityos_core.tenancy.hosts import Names
from cityos_core.tenancy.naming import AddDomain, GetDomain, ListDomains, MayIssue, RemoveDomain
from cityos_core.tenancy.proving import VerifyDomain, VerifyDueDomains
from cityos_core.tenancy.stores import ChangeStore, CreateStore, GetStore, ListStores
from cityos_core.tenancy.tenants import (
    ArchiveTenant,
    ChangeTenant,
    CreateTenant,
    GetTenant,
    ListTenants,
    SetParentTenant,
    StepTenant,
)
from cityos_core.tenancy.tree import AddNode, ArchiveNode, ChangeNode, ListTree, MoveNode, RestoreNode


@frozen(kw_only=True)
class TreeUseCases:
    """The upper tree: countries, scopes, categories and subcategories."""

    add: AddNode
    list: ListTree
    change: ChangeNode
    move: MoveNode
    archive: ArchiveNode
    restore: RestoreNode

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        return cls(
            add=AddNode(uow, dependencies.identifiers),
            list=ListTree(uow),
            change=ChangeNode(uow),
            move=MoveNode(uow, clock, dependencies.settings),
            archive=ArchiveNode(uow, clock),
            restore=RestoreNode(uow),
        )


@frozen(kw_only=True)
class TenantUseCases:
    """The register of tenants."""

    create: CreateTenant
    get: GetTenant
    list: ListTenants
    change: ChangeTenant
    set_parent: SetParentTenant
    activate: StepTenant
    suspend: StepTenant
    offboard: StepTenant
    archive: ArchiveTenant

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        return cls(
            create=CreateTenant(unit_of_work=uow, clock=clock, identifiers=dependencies.identifiers),
            get=GetTenant(uow),
            list=ListTenants(uow),
            change=ChangeTenant(uow),
            set_parent=SetParentTenant(uow),
            activate=StepTenant(uow, clock, "activate"),
            suspend=StepTenant(uow, clock, "suspend"),
            offboard=StepTenant(uow, clock, "offboard"),
            archive=ArchiveTenant(uow, clock),
        )


@frozen(kw_only=True)
class StoreUseCases:
    """The stores of a tenant."""

    create: CreateStore
    get: GetStore
    list: ListStores
    change: ChangeStore

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow = dependencies.unit_of_work
        return cls(
            create=CreateStore(unit_of_work=uow, clock=dependencies.clock, identifiers=dependencies.identifiers),
            get=GetStore(uow),
            list=ListStores(uow),
            change=ChangeStore(uow),
        )


@frozen(kw_only=True)
class DomainUseCases:
    """The names that tenants and their stores answer to."""

    add: AddDomain
    get: GetDomain
    list: ListDomains
    verify: VerifyDomain
    verify_due: VerifyDueDomains
    remove: RemoveDomain
    may_issue: MayIssue

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        names, verify = Names(dependencies.platform_domains), VerifyDomain(uow, clock, dependencies.names)
        return cls(
            add=AddDomain(
                unit_of_work=uow,
                clock=clock,
                identifiers=dependencies.identifiers,
                names=names,
                pick=dependencies.randomness.pick,
            ),
            get=GetDomain(uow),
            list=ListDomains(uow),
            verify=verify,
            verify_due=VerifyDueDomains(uow, clock, verify),
            remove=RemoveDomain(uow, clock),
            may_issue=MayIssue(uow, names),
        )


@frozen(kw_only=True)
class SettingUseCases:
    """What is decided at each place of the tree."""

    set: SetSetting
    unset: UnsetSetting
    explain: ExplainSetting
    show: ShowSettings
    declared: ListDeclared

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports and the declared settings."""
        uow, clock, settings = dependencies.unit_of_work, dependencies.clock, dependencies.settings
        return cls(
            set=SetSetting(uow, clock, settings),
            unset=UnsetSetting(uow, clock, settings),
            explain=ExplainSetting(uow, settings),
            show=ShowSettings(uow, settings),
            declared=ListDeclared(settings),
        )
