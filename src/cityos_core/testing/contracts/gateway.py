"""The contract of payment gateways."""

from typing import ClassVar

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState, PaymentGateway
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.testing.contracts.examples import uuid
from cityos_core.testing.contracts.world import at_once


class PaymentGatewayContract:
    """One payment per key, and a clear answer about each. The subclass brings the fixture ``gateway``."""

    payment_method: ClassVar[str | None] = None
    """One that the gateway does not decline; its default for the subscriber if it has one."""

    currency: ClassVar[str] = "EUR"

    def charge(self, number: int, *, amount: int = 1050) -> Charge:
        """Build a charge."""
        return Charge(
            key=f"{uuid(number)}:0:1",
            amount=Money(amount, self.currency),
            subscriber=Subscriber(SubscriberKind.CUSTOMER, "4711"),
            payment_method=self.payment_method,
            subscription_id=SubscriptionId(uuid(number)),
            invoice_id=InvoiceId(uuid(1000 + number)),
            description=f"Invoice {number} of Acme & Söhne",
        )

    def test_it_has_a_name(self, gateway: PaymentGateway) -> None:
        """A gateway has a name that can be part of an account."""
        assert gateway.name == gateway.name.strip() != ""
        assert ":" not in gateway.name

    def test_the_answer_is_clear(self, gateway: PaymentGateway) -> None:
        """A charge succeeds or is under way, with a reference, and if an amount is named it is what was asked for."""
        for number, amount in enumerate((1, 1050, 99_999_999)):
            answer = gateway.charge(self.charge(number, amount=amount))
            assert answer.state in {ChargeState.SUCCEEDED, ChargeState.PENDING}
            assert answer.reference
            assert answer.amount in {None, Money(amount, self.currency)}
            assert (answer.decline, answer.reason) == (None, None)

    def test_the_same_key_is_charged_once(self, gateway: PaymentGateway) -> None:
        """Sending a key again answers what the first sending did, under the same reference."""
        first = gateway.charge(self.charge(1))
        assert gateway.charge(self.charge(1)) == first

    def test_the_same_key_at_once_is_charged_once(self, gateway: PaymentGateway) -> None:
        """All who send the same key at once hear of one payment, unless they are refused."""
        answers = at_once(lambda _: gateway.charge(self.charge(1)), times=4)
        assert len({answer.reference for answer in answers if isinstance(answer, ChargeResult)}) == 1

    def test_other_keys_are_other_payments(self, gateway: PaymentGateway) -> None:
        """Two keys are two payments, even of the same amount by the same subscriber."""
        first, second = (gateway.charge(self.charge(number)) for number in (1, 2))
        assert first.reference != second.reference

    def test_a_key_it_never_saw(self, gateway: PaymentGateway) -> None:
        """A key that was not sent is unseen, whatever else was sent, and asking does not send it."""
        gateway.charge(self.charge(1))
        for _ in range(2):
            assert gateway.inquire(self.charge(2)).state is ChargeState.UNSEEN

    def test_a_key_it_saw_is_known(self, gateway: PaymentGateway) -> None:
        """What was sent can be asked about as often as one likes, and gives the same reference."""
        sent = gateway.charge(self.charge(1))
        answers = [gateway.inquire(self.charge(1)) for _ in range(2)]
        assert answers[0] == answers[1]
        assert answers[0].state is not ChargeState.UNSEEN
        assert answers[0].reference == sent.reference
        assert gateway.charge(self.charge(1)).reference == sent.reference
