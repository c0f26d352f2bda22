"""Orders settled and placed without a database, for tests of what happens to their money."""

from uuid import UUID

from cityos_core.commissions.lines import CommissionLine
from cityos_core.kernel.ids import Identifiers, TenantId, VendorId
from cityos_core.orders.assembly import Circumstance, assemble
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import Order
from cityos_core.orders.pricing import price
from cityos_core.orders.settlement import Settlement, settle
from cityos_core.testing.ids import SequentialIdentifiers


def commission(amount: int, *, fixed: int = 0, tax: int = 0) -> CommissionLine:
    """Build the record of a commission in minor units, ``fixed`` of them from fixed parts."""
    return CommissionLine(reference="", currency="EUR", amount=amount, fixed=fixed, tax=tax)


def settled(draft: OrderDraft, *commissions: CommissionLine) -> Settlement:
    """Settle an order with a commission for each line, or none at all."""
    return settle(price(draft), commissions or [commission(0)] * len(draft.lines))


def placed(settlement: Settlement, identifiers: Identifiers | None = None) -> Order:
    """Place a settled order in a tenant in Germany, with one payment by card."""
    vendors = dict.fromkeys(line.vendor for line in settlement.priced.draft.lines)
    circumstance = Circumstance(
        tenant_id=TenantId(UUID(int=1)),
        tax_jurisdiction="de",
        gateway="card",
        digest="",
        vendors={vendor: VendorId(UUID(int=number)) for number, vendor in enumerate(vendors, 2)},
        listings={},
    )
    return assemble(settlement, circumstance, identifiers or SequentialIdentifiers())
