"""A vendor's accounts as a unit of work holds them, and the ways in which orders move money between them."""

from collections.abc import Iterable, Mapping
from typing import Final, Self

from attrs import evolve, frozen

from cityos_core.kernel.money import Percentage
from cityos_core.ledger.model import Account, vendor_account
from cityos_core.ledger.policy import waterfall
from cityos_core.orders.model import Held, Order, VendorOrder, VendorOrderStatus
from cityos_core.orders.standing import vendor_net

_STATES: Final = ("available", "pending", "reserve", "debt")

Movement = tuple[Account, int]


def purse_accounts(order: Order, part: VendorOrder) -> tuple[Account, ...]:
    """List the accounts of a vendor that an order may move money on, in the order of :class:`Purse`."""
    return tuple(vendor_account(order.tenant_id, part.vendor_id, state, order.currency) for state in _STATES)


@frozen(kw_only=True)
class Purse:
    """What a vendor holds, and how much of its pending money is one vendor order's own.

    Every step gives the purse as it is afterwards; ``movements`` are the debits and credits that led there, and
    ``drawn`` is what the vendor order must remember of its own pending money.
    """

    available: Account
    pending: Account
    reserve: Account
    debt: Account
    balances: Mapping[Account, int]
    own: int
    drawn: int
    is_open: bool
    """True until the vendor order's money is released, or the vendor order is cancelled."""
    movements: tuple[Movement, ...] = ()

    @classmethod
    def of(cls, order: Order, part: VendorOrder, balances: Mapping[Account, int]) -> Self:
        """Open a vendor's purse at one of its vendor orders, with balances that are locked."""
        available, pending, reserve, debt = purse_accounts(order, part)
        is_open = part.released_at is None and part.status is not VendorOrderStatus.CANCELLED
        unreleased = max(vendor_net(order, part), 0) - part.drawn if is_open else 0
        return cls(
            available=available,
            pending=pending,
            reserve=reserve,
            debt=debt,
            balances=balances,
            own=max(min(unreleased, balances[pending]), 0),
            drawn=part.drawn,
            is_open=is_open,
        )

    def take(self, amount: int) -> Self:
        """Take what a refund costs the vendor: available, own pending, other pending, reserve, and the rest is debt.

        A negative amount is given: it pays debt first and then joins the vendor order's own money.
        """
        if amount < 0:
            return self._give(-amount)
        return self.moved(waterfall(amount, self._pockets(self.available, self.pending, self.reserve), self.debt))

    def close(self, amount: int) -> Self:
        """Take the last amount of a vendor order that is not coming: from its own pending money first.

        What is left of that, because earlier refunds took available money instead, becomes available.
        """
        own = min(self.own, max(amount, 0))
        after = self.moved([(self.pending, own)]).take(amount - own)
        return after.moved([(self.pending, after.own), (self.available, -after.own)])

    def hold(self, amount: int) -> Self:
        """Move a disputed share to the reserve, as far as there is money: own pending, available, other pending."""
        pockets = [(self.pending, self.own), *self._pockets(self.available)]
        pockets.append((self.pending, self.balances[self.pending] - self.own))
        held = min(max(amount, 0), sum(balance for _, balance in pockets))
        return self.moved([*waterfall(held, pockets, self.debt), (self.reserve, -held)])

    def let_go(self, held: Held) -> Self:
        """Move what a dispute held back to where it came from, or to available money if that was released since."""
        amount = min(held.amount, self.balances[self.reserve])
        own = min(held.pending, amount) if self.is_open else 0
        return self.moved([(self.reserve, amount), (self.pending, -own), (self.available, own - amount)])

    def release(self, percentage: Percentage) -> Self:
        """Make the vendor order's own pending money available, less the rolling reserve."""
        kept = percentage.on(self.own)
        return self.moved([(self.pending, self.own), (self.available, kept - self.own), (self.reserve, -kept)])

    def let_reserve_go(self, reserved: int) -> Self:
        """Make the rolling reserve available, or what refunds left of it."""
        amount = min(reserved, self.balances[self.reserve])
        return self.moved([(self.reserve, amount), (self.available, -amount)])

    def gained(self, account: Account) -> int:
        """Say by how much an account of the vendor grew."""
        return account.sign * sum(amount for moved, amount in self.movements if moved == account)

    def _give(self, amount: int) -> Self:
        owed = min(amount, max(self.balances[self.debt], 0))
        return self.moved([(self.debt, -owed), (self.pending if self.is_open else self.available, owed - amount)])

    def _pockets(self, *accounts: Account) -> list[Movement]:
        return [(account, self.balances[account]) for account in accounts]

    def moved(self, movements: Iterable[Movement]) -> Self:
        """Give the purse after debits and credits; what leaves pending money leaves the vendor order's own first."""
        balances, own, real = dict(self.balances), self.own, [one for one in movements if one[1]]
        for account, amount in real:
            balances[account] += account.sign * amount
            if account == self.pending:
                own -= min(own, amount)
        return evolve(
            self, balances=balances, own=own, drawn=self.drawn + self.own - own, movements=(*self.movements, *real)
        )
