"""A whole city with nothing around it."""

from collections.abc import Mapping

from cityos_core.access.absent import NoTokens
from cityos_core.access.ports import Policy, Randomness, RateLimiter, Tokens
from cityos_core.access.roles import RoleTable
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.absent import NoBell
from cityos_core.jobs.ports import Bell, Listener
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.tenancy.domains import NameSystem
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.randomness import SequentialRandomness
from cityos_core.unit_of_work import UnitOfWorkFactory


def city(
    *,
    unit_of_work: UnitOfWorkFactory | None = None,
    clock: Clock | None = None,
    identifiers: Identifiers | None = None,
    payout_methods: Mapping[str, PayoutMethod] | None = None,
    gateways: Mapping[str, PaymentGateway] | None = None,
    policy: Policy | None = None,
    tokens: Tokens | None = None,
    limiter: RateLimiter | None = None,
    names: NameSystem | None = None,
    randomness: Randomness | None = None,
    platform_domains: tuple[str, ...] = ("localhost",),
    listeners: tuple[Listener, ...] = (),
    bell: Bell | None = None,
) -> CityOS:
    """Assemble an application in memory, with simulated time and the same identifiers and secrets in every run.

    Whatever is given takes the place of what would be made: pass the clock to turn it, a database to look into it.
    Payouts are made by hand (``manual``) or by a provider that pays at once (``memory``), and payments are collected by
    one that approves (``card``); the built-in table of roles decides, no access token is accepted, and the DNS is empty. Jobs wait for ``jobs.drain()`` or a worker.
    """
    clock = clock or SimulatedClock()
    return CityOS.of(
        Dependencies(
            unit_of_work=unit_of_work or _memory(),
            clock=clock,
            identifiers=identifiers or SequentialIdentifiers(),
            payout_methods=_methods() if payout_methods is None else payout_methods,
            gateways=_gateways(clock) if gateways is None else gateways,
            policy=policy or RoleTable(),
            tokens=tokens or NoTokens(),
            limiter=limiter or _limiter(clock),
            names=names or _names(),
            randomness=randomness or SequentialRandomness(),
            platform_domains=platform_domains,
            listeners=listeners,
            bell=bell or NoBell(),
        )
    )


def _memory() -> UnitOfWorkFactory:
    from cityos_adapters.memory.unit_of_work import MemoryDatabase  # noqa: PLC0415  the core knows no adapter until asked

    return MemoryDatabase()


def _methods() -> dict[str, PayoutMethod]:
    from cityos_adapters.bank.manual import ManualMethod  # noqa: PLC0415  as above
    from cityos_adapters.memory.transfers import ScriptedTransfers  # noqa: PLC0415

    return {"manual": ManualMethod(), "memory": ScriptedTransfers()}


def _gateways(clock: Clock) -> dict[str, PaymentGateway]:
    from cityos_adapters.memory.gateway import ScriptedGateway  # noqa: PLC0415  as above

    return {"card": ScriptedGateway(clock=clock)}


def _limiter(clock: Clock) -> RateLimiter:
    from cityos_adapters.memory.limiter import MemoryRateLimiter  # noqa: PLC0415  as above

    return MemoryRateLimiter(clock)


def _names() -> NameSystem:
    from cityos_adapters.memory.names import ScriptedNames  # noqa: PLC0415  as above

    return ScriptedNames()
