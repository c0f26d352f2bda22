"""A city behind its HTTP API, with an identity provider that issues whatever a test asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from attrs import field, frozen
from litestar import Litestar

from callers.wire import Wire
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.memory.names import ScriptedNames
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import Claims, KeyKind, RateLimit
from cityos_core.access.placing import EVERYWHERE, Where
from cityos_core.access.ports import Allowance, RateLimiter
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.scope import Scope
from cityos_core.testing import SimulatedClock, city
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_http import HttpOptions, create_app
from usecases.door import KnownTokens

SYSTEM = part_of_the_system("tests")
SECRET = "cursors of a test"
OPTIONS = HttpOptions(secret_key=SECRET)

Heads = dict[str, str]


class Unlimited:
    """Lets everyone go on."""

    def take(self, key: str, limit: RateLimit) -> Allowance:
        """Count nothing."""
        return Allowance(allowed=True, limit=limit.requests, remaining=limit.requests, reset_after_s=0)


@frozen(kw_only=True)
class House:
    """What stands behind the API, and the API."""

    city: CityOS
    clock: SimulatedClock
    app: Litestar
    tokens: KnownTokens
    gateway: ScriptedGateway
    names: ScriptedNames = field(factory=ScriptedNames)

    @classmethod
    def of(
        cls,
        database: UnitOfWorkFactory | None = None,
        *,
        limiter: RateLimiter | None = None,
        options: HttpOptions = OPTIONS,
    ) -> Self:
        """Build one over a database."""
        clock, tokens, names = SimulatedClock(), KnownTokens(), ScriptedNames()
        gateway = ScriptedGateway(clock=clock)
        built = city(
            unit_of_work=database,
            clock=clock,
            tokens=tokens,
            names=names,
            limiter=limiter or Unlimited(),
            gateways={gateway.name: gateway},
        )
        app = create_app(built, options)
        return cls(city=built, clock=clock, app=app, tokens=tokens, gateway=gateway, names=names)

    @contextmanager
    def open(self) -> Iterator[Wire]:
        """Answer requests."""
        with Wire(self.app) as wire:
            yield wire

    def key(self, scope: Scope, role: str = "administrator", where: Where = EVERYWHERE, *scopes: str) -> Heads:
        """Make a key, and give the headers that show it."""
        kind = KeyKind.RESTRICTED if scopes else KeyKind.SECRET
        draft = KeyDraft(name="a key", kind=kind, role=role, where=where, scopes=frozenset(scopes))
        return {"authorization": f"Bearer {self.city.access.create_key(scope, SYSTEM, draft)[1]}"}

    def publishable_key(self, scope: Scope) -> Heads:
        """Make a publishable key, and give the headers that show it."""
        draft = KeyDraft(name="a storefront", kind=KeyKind.PUBLISHABLE)
        return {"x-publishable-key": self.city.access.create_key(scope, SYSTEM, draft)[1]}

    def token(self, subject: str, email: str | None = None, *organizations: str) -> Heads:
        """Let someone sign in, and give the headers that show it."""
        text = f"token-{len(self.tokens.claims)}"
        self.tokens.claims[text] = Claims(subject=subject, email=email, organizations=frozenset(organizations) or None)
        return {"authorization": f"Bearer {text}"}
