"""What must be settled before a vendor can leave; it looks at every context that could still owe or expect something."""

from collections.abc import Iterator
from typing import Final

from cityos_core.kernel.paging import PageRequest, every
from cityos_core.orders.model import VendorOrderStatus
from cityos_core.orders.ports import OrderFilter
from cityos_core.payouts.model import UNRESOLVED
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.model import Vendor

_DONE: Final = frozenset({VendorOrderStatus.DELIVERED, VendorOrderStatus.CANCELLED})


def open_business(uow: UnitOfWork, vendor: Vendor) -> Iterator[str]:
    """Name what is owed or open with a vendor: money in any of its accounts, unresolved payouts, undelivered orders."""
    for balance in uow.books.balances(f"vendor:{vendor.id}:"):
        if balance.money:
            yield f"{balance.money} in {balance.account.path.rpartition(':')[2]}"
    for status in sorted(UNRESOLVED):
        for payout in uow.payouts.page(PayoutFilter(vendor=vendor.handle, status=status), PageRequest(1)).items:
            yield f"payout {payout.id} is {status.value}"
    yield from _undelivered(uow, vendor)


def _undelivered(uow: UnitOfWork, vendor: Vendor) -> Iterator[str]:
    where = OrderFilter(vendor=vendor.handle)
    for order in every(lambda request: uow.orders.page(where, request)):
        for part in order.vendor_orders:
            if part.vendor_id == vendor.id and part.status not in _DONE:
                yield f"order {order.reference} is {part.status.value}"
