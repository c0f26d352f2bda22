"""What every use case is made from: the ports, chosen once by whoever assembles the application."""

from collections.abc import Callable, Iterable, Mapping

from attrs import field, frozen

from cityos_core.access.absent import NoNames, NoRandomness, NoTokens, Unlimited
from cityos_core.access.ports import Policy, Randomness, RateLimiter, Tokens
from cityos_core.access.roles import RoleTable
from cityos_core.closing import open_business
from cityos_core.declared import SETTINGS
from cityos_core.jobs.absent import NoBell
from cityos_core.jobs.ports import Bell, Listener
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.recording import Transactions
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.domains import NameSystem
from cityos_core.tenancy.settings import Setting
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor


@frozen(kw_only=True)
class Dependencies:
    """The outside world, as the core knows it. ``payout_methods`` is by name, such as ``manual`` or ``bank``.

    ``settings`` are all that are declared, ``open_business`` names what a vendor must settle before it leaves.
    ``configuration`` remembers what was read through this ``unit_of_work``; it is never carried over to another.
    Use cases get an audited form of what is given as ``unit_of_work``. ``platform_domains`` are the names under
    which tenants have a subdomain. ``gateways`` collect payments, by name, such as ``card``; ``listeners`` are told of
    events, and ``bell`` tells workers that there is work.
    """

    clock: Clock
    identifiers: Identifiers
    payout_methods: Mapping[str, PayoutMethod] = field(factory=dict)
    gateways: Mapping[str, PaymentGateway] = field(factory=dict)
    listeners: tuple[Listener, ...] = ()
    bell: Bell = field(factory=NoBell)
    settings: tuple[Setting[object], ...] = SETTINGS
    open_business: Callable[[UnitOfWork, Vendor], Iterable[str]] = open_business
    database: UnitOfWorkFactory = field(alias="unit_of_work")
    unit_of_work: Transactions = field(init=False)
    policy: Policy = field(factory=RoleTable)
    tokens: Tokens = field(factory=NoTokens)
    limiter: RateLimiter = field(factory=Unlimited)
    names: NameSystem = field(factory=NoNames)
    randomness: Randomness = field(factory=NoRandomness)
    platform_domains: tuple[str, ...] = ("localhost",)
    configuration: ConfigurationReader = field(factory=ConfigurationReader, init=False)

    @unit_of_work.default
    def _audited(self) -> Transactions:
        secrets = frozenset(setting.key for setting in self.settings if setting.secret)
        return Transactions(self.database, self.clock, self.identifiers, secrets)
