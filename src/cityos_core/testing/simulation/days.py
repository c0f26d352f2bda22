"""What happens in a city on one day: orders, shipments, cancellations, refunds, disputes, payouts and what befalls them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final, Protocol

from attrs import define, field, frozen

from cityos_core.app import CityOS
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.model import Order, VendorOrderStatus
from cityos_core.orders.refunds import LineRefund
from cityos_core.payouts.model import PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.testing.simulation.building import Quarter
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.market import order_draft
from cityos_core.testing.simulation.trouble import Trouble

REASONS: Final = ("changed_mind", "damaged", "late", "goodwill")


class Provider(Protocol):
    """A transfer provider whose mood can be set, and that settles accepted transfers when told to."""

    def upset(self, random: Random) -> None:
        """Decide what happens to the next transfers."""
        ...

    def settle(self, random: Random) -> None:
        """Let accepted transfers arrive or fail."""
        ...


@frozen(kw_only=True)
class Habits:
    """How much happens: orders a day over all tenants, and of a thousand orders how many take which turn."""

    orders_per_day: int = 6
    cancelled: int = 40
    unshipped: int = 30
    refunded: int = 150
    disputed: int = 30
    returned_payouts: int = 25


@define
class Days:
    """Runs a city by the day."""

    app: CityOS
    quarters: tuple[Quarter, ...]
    provider: Provider
    chance: Chance
    habits: Habits
    placed: int = 0
    _plans: dict[datetime, list[Callable[[datetime], object]]] = field(factory=dict)

    def live(self, now: datetime) -> None:
        """Live one day from its midnight: what was planned for it, new orders, and in the evening the payouts."""
        for action in self._plans.pop(now, []):
            action(now)
        for _ in range(self.chance.so_many(self.habits.orders_per_day)):
            self._order(self.random.choice(self.quarters), now)
        for quarter in self.quarters:
            self._pay_out(quarter)

    @property
    def random(self) -> Random:
        """Where all chance comes from."""
        return self.chance.random

    @property
    def trouble(self) -> Trouble:
        """Carries everything out, whatever goes wrong."""
        return self.chance.trouble

    def _later(self, now: datetime, days: int, action: Callable[[datetime], object]) -> None:
        self._plans.setdefault(now + timedelta(days=days), []).append(action)

    def _order(self, quarter: Quarter, now: datetime) -> None:
        self.placed += 1
        reference = f"{quarter.plan.handle}-{self.placed:05d}"
        draft = order_draft(self.random, quarter.plan, reference, now)
        scope = quarter.tenant.scope
        order = self.trouble(lambda: self.app.orders.place(scope, draft))
        self.chance.count("orders")
        if self.chance.is_one_of(self.habits.cancelled):
            self._later(now, 1, lambda _day: self._cancel(quarter, order.reference))
            return
        if not self.chance.is_one_of(self.habits.unshipped):
            for part in order.vendor_orders:
                self._later(
                    now,
                    self.random.randint(1, 3),
                    partial(self._ship, quarter, order.reference, part.vendor),
                )
        self._perhaps_complain(quarter, order, now)

    def _perhaps_complain(self, quarter: Quarter, order: Order, now: datetime) -> None:
        if self.chance.is_one_of(self.habits.refunded):
            for turn in range(self.random.randint(1, 3)):
                key = f"{order.reference}-refund-{turn}"
                self._later(now, self.random.randint(2, 25), partial(self._refund, quarter, order, key))
        if self.chance.is_one_of(self.habits.disputed):
            self._later(now, self.random.randint(4, 20), lambda day: self._dispute(quarter, order, day))

    def _ship(self, quarter: Quarter, reference: str, vendor: str, _day: datetime) -> None:
        def ship() -> None:
            try:
                self.app.orders.fulfil(quarter.tenant.scope, reference, vendor=vendor, carrier="city-bike")
            except Conflict as over:
                if over.code != "invalid_state":  # it was refunded, or sent before a crash
                    raise

        self.trouble(ship)
        self.chance.count("shipments")

    def _cancel(self, quarter: Quarter, reference: str) -> None:
        def cancel() -> None:
            order = self.app.orders.get(quarter.tenant.scope, reference)
            if any(part.status is VendorOrderStatus.PLACED for part in order.vendor_orders):
                self.app.orders.cancel(quarter.tenant.scope, reference)

        self.trouble(cancel)
        self.chance.count("cancellations")

    def _refund(self, quarter: Quarter, order: Order, key: str, _day: datetime) -> None:
        """Refund an amount, a line, some units or everything; what is refused moves nothing."""
        scope, reason, line = quarter.tenant.scope, self.random.choice(REASONS), self.random.choice(order.lines)
        amount, lines = None, tuple[LineRefund, ...]()
        match self.random.randrange(4):
            case 0:
                amount = Money(self.random.randint(1, max(order.total.minor, 1)), order.currency)
            case 1:
                lines = (LineRefund(line=line.reference),)
            case 2:
                lines = (LineRefund(line=line.reference, quantity=self.random.randint(1, line.quantity)),)
        self.chance.allowed(
            "refunds",
            lambda: self.app.orders.refund(scope, order.reference, key=key, reason=reason, amount=amount, lines=lines),
        )

    def _dispute(self, quarter: Quarter, order: Order, now: datetime) -> None:
        scope, name = quarter.tenant.scope, f"dp-{order.reference}"
        amount = Money(self.random.randint(1, max(order.total.minor, 1)), order.currency)
        opened = self.chance.allowed(
            "disputes", lambda: self.app.orders.open_dispute(scope, order.reference, name, amount=amount)
        )
        if opened:
            outcome = self.random.choice(list(DisputeOutcome))
            close = self.app.orders.close_dispute
            self._later(
                now,
                self.random.randint(2, 20),
                lambda _day: self.trouble(lambda: close(scope, order.reference, name, outcome)),
            )

    def _pay_out(self, quarter: Quarter) -> None:
        """Let two runners make and send payouts, and the provider and the bank do what they like with them."""
        scope = quarter.tenant.scope
        self.provider.upset(self.random)
        run = self.trouble(lambda: self.app.payouts.run(scope), rival=lambda: self.app.payouts.run(scope))
        self.chance.count("payout runs")
        self.provider.settle(self.random)
        self.trouble(lambda: self.app.payouts.process(scope), rival=lambda: self.app.payouts.process(scope))
        made = PayoutFilter(batch=run.batch_id)
        for payout in list(every(lambda request: self.app.payouts.list(scope, made, request))):
            if self.chance.is_one_of(self.habits.returned_payouts):
                self._return(quarter, payout.id)

    def _return(self, quarter: Quarter, payout_id: PayoutId) -> None:
        scope = quarter.tenant.scope
        payout = self.app.payouts.get(scope, payout_id)
        if payout.status is PayoutStatus.PAID:
            self.trouble(lambda: self.app.payouts.returned(scope, payout_id, reason="the account is closed"))
            self.chance.count("returned payouts")
