"""What collecting money needs from a payment gateway, in our words."""

from enum import StrEnum
from typing import Protocol

from attrs import frozen

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.terms import Subscriber


@frozen(kw_only=True)
class Charge:
    """What a gateway is to collect. It knows the charge by its key for ever: the same key is never two payments."""

    key: str
    amount: Money
    subscriber: Subscriber
    payment_method: str | None
    """The gateway's own reference of a card or mandate; its default for the subscriber if none is given."""
    subscription_id: SubscriptionId
    invoice_id: InvoiceId
    description: str


class ChargeState(StrEnum):
    """What a gateway says of a charge."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    PENDING = "pending"
    """It is under way; ask again later."""
    UNSEEN = "unseen"
    """It was never received."""


@frozen(kw_only=True)
class ChargeResult:
    """A gateway's answer. A success has its ``reference``, a decline its class and reason."""

    state: ChargeState
    amount: Money | None = None
    """What was collected, if the gateway says so; anything but what was asked for is not believed."""
    reference: str | None = None
    decline: DeclineClass | None = None
    reason: str | None = None


class PaymentGateway(Protocol):
    """Collects money from subscribers. Idempotent by key, for at least a day; asked before anything is repeated.

    Fails closed: whatever is not a clear answer is *unknown*, and the charge may have happened.
    """

    name: str

    def charge(self, charge: Charge) -> ChargeResult:
        """Collect. ``Unavailable`` says that nothing was sent; anything else that is raised leaves the outcome open."""
        ...

    def inquire(self, charge: Charge) -> ChargeResult:
        """Say what became of a charge, without collecting anything; ``UNSEEN`` only if it never can have been taken."""
        ...
