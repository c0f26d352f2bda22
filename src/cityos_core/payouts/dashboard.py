"""What a vendor sees first: its money, its work and what is still asked of it."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from attrs import frozen

from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.statements import Position, positions
from cityos_core.payouts.policy import next_due, schedule_of, served_until
from cityos_core.payouts.settings import PAYOUT_SCHEDULE
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Requirement, VendorStatus
from cityos_core.vendors.policy import asked
from cityos_core.vendors.records import VendorName, vendor_named
from cityos_core.vendors.settings import VENDOR_REQUIREMENTS


@frozen(kw_only=True)
class Dashboard:
    """How a vendor stands. ``balances`` are by currency, ``to_send`` counts its parts of orders still to be sent.

    ``next_payout`` is the next day in the tenant's time zone on which it is paid by its schedule, whatever else may
    stand in the way; none if it is paid by hand only.
    """

    vendor: str
    status: VendorStatus
    balances: Mapping[str, Position]
    to_send: int
    payout_schedule: str
    next_payout: date | None
    requirements: tuple[Requirement, ...]
    products: Mapping[ProductStatus, int]


@frozen
class ShowDashboard:
    """Show how a vendor stands, or raise ``NotFound("vendor_not_found")``."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope, vendor: VendorName) -> Dashboard:
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            seller = asked(vendor_named(uow, vendor), configuration.value(VENDOR_REQUIREMENTS), now)
            balances = positions(seller.id, uow.payables.of(seller.id))
            to_send, products = uow.orders.to_send(seller.id), uow.products.count(seller.id)
            last_sweep = uow.batches.last_sweep()
        zone, schedule = (
            ZoneInfo(configuration.tenant.time_zone),
            schedule_of(seller, configuration.value(PAYOUT_SCHEDULE)),
        )
        swept = None if last_sweep is None else last_sweep.astimezone(zone).date()
        served = served_until(swept, seller.created_at.astimezone(zone).date())
        return Dashboard(
            vendor=seller.handle,
            status=seller.status,
            balances=balances,
            to_send=to_send,
            payout_schedule=schedule.text,
            next_payout=next_due(schedule, now.astimezone(zone).date(), served=served),
            requirements=seller.open_requirements,
            products=products,
        )
