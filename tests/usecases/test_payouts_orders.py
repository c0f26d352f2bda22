"""From an order to the bank: releases, payouts, refunds after payouts, and what everybody has in the end."""

import pytest
from attrs import frozen

from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_core.app import CityOS
from cityos_core.commissions.lines import EntryStatus
from cityos_core.commissions.ports import EntryFilter
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.model import SkipReason
from cityos_core.testing import SimulatedClock, city, line, market, order_draft
from usecases.treasury import eur


@frozen
class Town:
    """An application with a market, its clock and its payout provider."""

    app: CityOS
    scope: TenantScope
    clock: SimulatedClock
    provider: ScriptedTransfers

    def balance(self, vendor: str, state: str) -> str:
        """Tell what one of a vendor's accounts holds."""
        path = f"vendor:{self.app.vendors.get(self.scope, vendor).id}:{state}"
        return next((item.money.text for item in self.app.ledger.balances(self.scope, path)), "0.00")

    def statuses(self, vendor: str) -> list[EntryStatus]:
        """List what became of a vendor's commission transactions."""
        page = self.app.commissions.entries(self.scope, EntryFilter(vendor=vendor), PageRequest(limit=100))
        return [entry.status for entry in page.items]


@pytest.fixture
def town() -> Town:
    """Two vendors who are paid through a provider as soon as goods were sent."""
    clock, provider = SimulatedClock(), ScriptedTransfers()
    app = city(clock=clock, payout_methods={"memory": provider})
    scope = market(app).scope
    app.settings.set(scope, "holding_days", 0)
    for vendor in ("acme", "birch"):
        app.vendors.set_payout_account(scope, vendor, method="memory", reference=f"acct_{vendor}", holder=vendor)
        app.vendors.verify_payout_account(scope, vendor)
    return Town(app, scope, clock, provider)


def test_a_dry_run_releases_what_a_run_would(town: Town) -> None:
    """Money whose holding period is over is in the dry run, although nothing was released yet."""
    town.app.orders.place(town.scope, order_draft("A-1", fulfilled_at=town.clock.now()))
    dry = town.app.payouts.run(town.scope, dry_run=True)
    assert [(planned.vendor, planned.amount) for planned in dry.payouts] == [("acme", eur("100.00"))]
    assert (town.balance("acme", "pending"), town.balance("acme", "available")) == ("100.00", "0.00")
    wet = town.app.payouts.run(town.scope)
    assert (wet.payouts, wet.released.vendor_orders) == (dry.payouts, 1)
    assert town.statuses("acme") == [EntryStatus.PAID]


@pytest.mark.parametrize("point", ["orders.release.before_commit", "payouts.sweep.before_commit"])
def test_a_dry_run_that_is_disturbed_shows_nothing(town: Town, point: str) -> None:
    """What failed half-way in a dry run cannot be undone alone, so that nothing is shown that a run would not do."""
    for name in ("A-1", "A-2"):
        town.app.orders.place(town.scope, order_draft(name, fulfilled_at=town.clock.now()))
    lost = iter([Conflict("stale", "another transaction was first")])

    def race(name: str) -> None:
        if name == point and (conflict := next(lost, None)):
            raise conflict

    with faults.hooked(race), pytest.raises(Conflict, match="another transaction"):
        town.app.payouts.run(town.scope, dry_run=True)
    dry = town.app.payouts.run(town.scope, dry_run=True)
    assert (dry.count, dry.released.vendor_orders) == (1, 2)
    assert town.app.payouts.run(town.scope).payouts == dry.payouts


def test_a_refund_after_a_payout_is_owed_and_netted(town: Town) -> None:
    """A refund that finds nothing left becomes debt; the run says so, and the next sale pays it off."""
    town.app.orders.place(town.scope, order_draft("A-1", fulfilled_at=town.clock.now()))
    town.app.payouts.run(town.scope)
    town.app.orders.refund(town.scope, "A-1", amount=eur("30.00"))
    assert town.balance("acme", "debt") == "30.00"
    run = town.app.payouts.run(town.scope)
    assert [(skipped.vendor, skipped.reason, skipped.amount) for skipped in run.skipped] == [
        ("acme", SkipReason.OWES, eur("-30.00"))
    ]
    town.app.orders.place(town.scope, order_draft("A-2", fulfilled_at=town.clock.now()))
    town.app.payouts.run(town.scope)
    assert town.provider.paid("EUR") == eur("170.00")
    assert (town.balance("acme", "debt"), town.balance("acme", "available")) == ("0.00", "0.00")


def test_inv_15_a_lifetime_adds_up(town: Town) -> None:
    """Orders less refunds, commission and payouts are what the vendors' accounts hold, to the cent."""
    for number in range(6):
        lines = line(unit_price="33.33", quantity=3), line("2", vendor="birch", sku="table", unit_price="0.07")
        town.app.orders.place(town.scope, order_draft(f"A-{number}", *lines, fulfilled_at=town.clock.now()))
        if number % 2:
            town.app.payouts.run(town.scope)
        if number % 3 == 0:
            town.app.orders.refund(town.scope, f"A-{number}", amount=eur("11.11"))
    report = town.app.commissions.report(town.scope).vendors
    for vendor in ("acme", "birch"):
        net = sum(totals.net.minor for totals in report if totals.vendor == vendor)
        paid = sum(item.amount.minor for item in town.provider.payments() if item.account == f"acct_{vendor}")
        states = ("pending", "available", "reserve", "in_payout")
        held = sum(eur(town.balance(vendor, state)).minor for state in states)
        assert net - paid == held - eur(town.balance(vendor, "debt")).minor
    assert town.app.ledger.verify(town.scope).ok
