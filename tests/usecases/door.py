"""A platform with two tenants, and the door that requests come in by."""

from attrs import Factory, define, evolve, field, frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.names import ScriptedNames
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import Admission, ApiKey, Claims, KeyKind, Knock
from cityos_core.access.roles import part_of_the_system
from cityos_core.access.service import AccessUseCases
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.errors import Unauthenticated
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.tenancy.model import Tenant, TenantStatus
from cityos_core.tenancy.service import (
    DomainUseCases,
    SettingUseCases,
    StoreUseCases,
    TenantUseCases,
    TreeUseCases,
)
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.randomness import SequentialRandomness
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.service import VendorUseCases

PLATFORM = PlatformScope()
SYSTEM = part_of_the_system("tests")
WHOLESALE = "de/green-city/food/wholesale"
NORTH = f"{WHOLESALE}/north"


@define
class KnownTokens:
    """An identity provider that has issued these tokens and no others."""

    claims: dict[str, Claims] = field(factory=dict)

    def verify(self, token: str) -> Claims:
        """Give what a token says."""
        try:
            return self.claims[token]
        except KeyError:
            raise Unauthenticated("invalid_token", "that is no access token; sign in again") from None


@frozen
class Counted:
    """A database that remembers in which scopes it was asked."""

    inner: UnitOfWorkFactory
    scopes: list[Scope] = field(factory=list)

    def __call__(self, scope: Scope) -> UnitOfWork:
        """Make a unit of work."""
        self.scopes.append(scope)
        return self.inner(scope)


@frozen
class Door:
    """The use cases around admission, over one database."""

    database: Counted = Factory(lambda: Counted(MemoryDatabase()))
    clock: SimulatedClock = field(factory=SimulatedClock)
    tokens: KnownTokens = field(factory=KnownTokens)
    dns: ScriptedNames = field(factory=ScriptedNames)
    dependencies: Dependencies = field(init=False)
    access: AccessUseCases = field(init=False)
    domains: DomainUseCases = field(init=False)
    tree: TreeUseCases = field(init=False)
    tenants: TenantUseCases = field(init=False)
    stores: StoreUseCases = field(init=False)
    settings: SettingUseCases = field(init=False)
    vendors: VendorUseCases = field(init=False)

    @dependencies.default
    def _dependencies(self) -> Dependencies:
        return Dependencies(
            unit_of_work=self.database,
            clock=self.clock,
            identifiers=SequentialIdentifiers(),
            tokens=self.tokens,
            names=self.dns,
            randomness=SequentialRandomness(),
            platform_domains=("city.example",),
        )

    @access.default
    def _access(self) -> AccessUseCases:
        return AccessUseCases.of(self.dependencies)

    @domains.default
    def _domains(self) -> DomainUseCases:
        return DomainUseCases.of(self.dependencies)

    @tree.default
    def _tree(self) -> TreeUseCases:
        return TreeUseCases.of(self.dependencies)

    @tenants.default
    def _tenants(self) -> TenantUseCases:
        return TenantUseCases.of(self.dependencies)

    @stores.default
    def _stores(self) -> StoreUseCases:
        return StoreUseCases.of(self.dependencies)

    @settings.default
    def _settings(self) -> SettingUseCases:
        return SettingUseCases.of(self.dependencies)

    @vendors.default
    def _vendors(self) -> VendorUseCases:
        return VendorUseCases.of(self.dependencies)

    def tenant(self, handle: str, *, parent: str = WHOLESALE, domain: str | None = None) -> Tenant:
        """Create a tenant, with a domain of its own if one is named."""
        self.tree.add(parent)
        tenant = self.tenants.create(handle, parent=parent, name=handle.title(), currency="EUR")
        if domain is not None:
            added = self.domains.add(tenant.scope, domain)
            self.dns.publish(added.challenge, added.token)
            self.domains.verify(tenant.scope, added.id)
        return tenant

    def become(self, handle: str, status: TenantStatus) -> None:
        """Lead a tenant to a status, whatever its life would allow."""
        with self.dependencies.unit_of_work(PLATFORM) as uow:
            uow.tenants.save(evolve(uow.tenants.named(handle), status=status))
            uow.commit()

    def key(
        self,
        scope: Scope,
        kind: KeyKind = KeyKind.SECRET,
        *,
        role: str | None = "administrator",
        **words: object,
    ) -> tuple[ApiKey, str]:
        """Make a key; a publishable one has no role to say."""
        given = None if kind is KeyKind.PUBLISHABLE else role
        return self.access.create_key(scope, SYSTEM, KeyDraft(name="a key", kind=kind, role=given, **words))  # type: ignore[arg-type]

    def user(self, subject: str = "4711", **claims: object) -> str:
        """Let someone sign in, and give the access token."""
        token = f"token-{len(self.tokens.claims)}"
        self.tokens.claims[token] = Claims(subject=subject, **claims)  # type: ignore[arg-type]
        return token

    def knock(
        self,
        host: str | None = "north.city.example",
        bearer: str | None = None,
        *,
        administration: bool = False,
        **more: str | None,
    ) -> Admission:
        """Knock at the door."""
        return self.access.admit(Knock(host=host, bearer=bearer, **more), administration=administration)
