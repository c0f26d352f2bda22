"""Puts the application together over real adapters; the one place that chooses them."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field, frozen
from typing_extensions import override

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.settings import Settings
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers, driver_url
from cityos_core.access.absent import NoTokens
from cityos_core.access.ports import Policy, Randomness, RateLimiter, Tokens
from cityos_core.access.roles import RoleTable
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.absent import NoBell
from cityos_core.jobs.ports import Bell, Wake
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Unavailable
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.tenancy.domains import NameSystem
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class SystemClock(Clock):
    """The machine's clock."""

    @override
    def now(self) -> datetime:
        """Give the present instant, in UTC."""
        return datetime.now(UTC)


@frozen
class SystemRandomness(Randomness):
    """What the operating system makes up."""

    @override
    def pick(self, alphabet: Sequence[str], count: int) -> str:
        """Choose characters independently and evenly."""
        return "".join(secrets.choice(alphabet) for _ in range(count))


@frozen
class SystemNames(NameSystem):
    """The DNS, loaded when something is asked of it, which few processes do."""

    servers: tuple[str, ...] = ()

    @override
    def texts(self, name: str) -> tuple[str, ...]:
        """Give the TXT records at a name."""
        from cityos_adapters.dns import DnsNames  # noqa: PLC0415  a fifth of a second

        return DnsNames(self.servers).texts(name)


@define(eq=False)
class SystemBell(Bell):
    """The queues in Redis, loaded when somebody is told of something, which few processes do."""

    url: str
    _bell: Bell | None = field(default=None, init=False)

    @override
    def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
        """Tell workers of jobs."""
        from cityos_adapters.dramatiq import DramatiqBell, redis_broker  # noqa: PLC0415  a quarter of a second

        if self._bell is None:
            self._bell = DramatiqBell(redis_broker(self.url))
        self._bell.ring(wakes, queues)


def bootstrap(settings: Settings, *, database: UnitOfWorkFactory | None = None) -> CityOS:
    """Assemble the application over what is configured, for as long as the process lives.

    Whoever passes the ``database`` closes it; :func:`open_city` closes everything. ``Unavailable`` if there is no
    database.
    """
    return _assembled(settings, database or SqlDatabase(settings.database_url), ExitStack())


@contextmanager
def open_city(settings: Settings, *, bell: Bell | None = None) -> Iterator[CityOS]:
    """Open the application over what is configured, and close its connections afterwards.

    A process with workers of its own gives the ``bell`` that they hear.
    """
    with ExitStack() as connections:
        database = connections.enter_context(SqlDatabase(settings.database_url))
        yield _assembled(settings, database, connections, bell)


def _assembled(
    settings: Settings, database: UnitOfWorkFactory, connections: ExitStack, bell: Bell | None = None
) -> CityOS:
    require_database(settings)
    clock = SystemClock()
    return CityOS.of(
        Dependencies(
            unit_of_work=database,
            clock=clock,
            identifiers=TimeOrderedIdentifiers(),
            payout_methods=payout_methods(settings, clock),
            gateways=gateways(settings, clock),
            policy=policy(settings, connections),
            tokens=tokens(settings, clock),
            limiter=limiter(settings, clock, connections),
            names=SystemNames(settings.dns_servers),
            bell=bell or (NoBell() if settings.redis_url is None else SystemBell(settings.redis_url)),
            randomness=SystemRandomness(),
            platform_domains=settings.platform_domains,
        )
    )


def require_database(settings: Settings) -> None:
    """Refuse a SQLite file that is not there: opening it would make an empty one."""
    url = driver_url(settings.database_url)
    if url.drivername.startswith("sqlite") and not Path(url.database or "").is_file():
        raise Unavailable("no_database", f"there is no database at {url.database}; run `cityos db migrate` to make it")


def require_schema(settings: Settings) -> None:
    """Refuse a database that was not migrated to this version; one that is away may come back."""
    from cityos_adapters.sql import migration  # noqa: PLC0415  Alembic is for those who ask for it

    require_database(settings)
    migration.require_schema(settings.database_url)


def migrate_database(settings: Settings) -> str:
    """Bring the configured database to the newest schema and give its revision."""
    from cityos_adapters.sql.migration import migrate  # noqa: PLC0415  Alembic is for those who migrate

    return migrate(settings.database_url)


def payout_methods(settings: Settings, clock: Clock) -> Mapping[str, PayoutMethod]:
    """Give the ways to pay vendors: by hand always, by bank file if a bank account is configured."""
    manual = ManualMethod()
    if settings.bank is None:
        return {manual.name: manual}
    from cityos_adapters.bank.transfer_file import BankFileMethod, Debtor  # noqa: PLC0415  half a second of XML schemas

    bank = settings.bank
    files = BankFileMethod(Path(bank.directory), Debtor(bank.name, bank.iban, bank.bic), clock)
    return {manual.name: manual, files.name: files}


def gateways(settings: Settings, clock: Clock) -> Mapping[str, PaymentGateway]:
    """Give who collects payments: nobody, or in test mode a gateway that charges nobody."""
    if settings.payment_gateway is None:
        return {}
    from cityos_adapters.memory.gateway import ScriptedGateway  # noqa: PLC0415  memory is not for those who pay

    test = ScriptedGateway(clock=clock, is_shared=False)
    return {test.name: test}


def policy(settings: Settings, connections: ExitStack) -> Policy:
    """Give who decides: Cerbos if it is configured, else the table of roles."""
    if settings.cerbos_url is None:
        return RoleTable()
    from cityos_adapters.cerbos import CerbosPolicy  # noqa: PLC0415  an HTTP client

    return connections.enter_context(CerbosPolicy(settings.cerbos_url))


def tokens(settings: Settings, clock: Clock) -> Tokens:
    """Give who proves access tokens: their issuer's keys if one is configured, else nobody."""
    if settings.identity is None:
        return NoTokens()
    from cityos_adapters.keycloak import KeycloakTokens, Realm  # noqa: PLC0415  an HTTP client and cryptography

    identity = settings.identity
    return KeycloakTokens(Realm(issuer=identity.issuer, audience=identity.audience, clients=identity.clients), clock)


def limiter(settings: Settings, clock: Clock, connections: ExitStack) -> RateLimiter:
    """Give who counts requests: Redis for all processes together if it is configured, else each process for itself."""
    if settings.redis_url is None:
        from cityos_adapters.memory.limiter import MemoryRateLimiter  # noqa: PLC0415  memory is not for those who share

        return MemoryRateLimiter(clock)
    from cityos_adapters.redis.limiter import RedisRateLimiter  # noqa: PLC0415  a fifth of a second

    return connections.enter_context(RedisRateLimiter(settings.redis_url))
