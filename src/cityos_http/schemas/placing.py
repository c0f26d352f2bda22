"""Orders as administrators place them and move them on."""

from datetime import datetime

from attrs import field, fields, frozen

from cityos_core.kernel.money import Money
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import Payment
from cityos_core.tenancy.model import LONGEST_HANDLE
from cityos_http.schema import about
from cityos_http.schemas.orders import FulfilmentRequest
from cityos_http.schemas.stores import STORE_HANDLE

PART = about("Only this vendor's part, by handle; every part unless said.", example="acme")
WHEN = about("When it happened; now unless said.")


@frozen(kw_only=True)
class PaymentRequest:
    """What the buyer paid through one gateway."""

    gateway: str = field(
        metadata=about("Its handle.", example="card", pattern="^[a-z0-9]+(-[a-z0-9]+)*$", most=LONGEST_HANDLE)
    )
    amount: Money = field(metadata=about("In the order's currency.", inside=True))
    reference: str | None = field(default=None, metadata=about("What the gateway calls it."))

    def payment(self) -> Payment:
        """Give what the core knows; inside an order no amount is in another currency than the order's."""
        return Payment(self.gateway, self.amount.minor, self.reference)


@frozen(kw_only=True)
class OrderRequest(OrderDraft):
    """An order in the exchange format, how it was paid and in which store. Its reference makes placing idempotent."""

    payments: tuple[PaymentRequest, ...] | None = field(
        default=None,
        metadata=about("They sum to the total; all of it through the gateway of the settings unless said."),
    )
    store: str | None = field(default=None, metadata=STORE_HANDLE)

    def draft(self) -> OrderDraft:
        """Give what the core knows."""
        return OrderDraft(**{attribute.name: getattr(self, attribute.name) for attribute in fields(OrderDraft)})

    def paid(self) -> tuple[Payment, ...] | None:
        """Give the payments that the core knows."""
        return None if self.payments is None else tuple(one.payment() for one in self.payments)


@frozen(kw_only=True)
class ShipmentRequest(FulfilmentRequest):
    """A parcel; without items everything that has not gone out yet."""

    vendor: str | None = field(default=None, metadata=PART)
    at: datetime | None = field(default=None, metadata=WHEN)


@frozen(kw_only=True)
class DeliveryRequest:
    """That what was sent arrived."""

    vendor: str | None = field(default=None, metadata=PART)
    at: datetime | None = field(default=None, metadata=WHEN)


@frozen(kw_only=True)
class CancellationRequest:
    """What is not going to be sent."""

    vendor: str | None = field(default=None, metadata=PART)
    note: str = field(default="", metadata=about("For the record."))
