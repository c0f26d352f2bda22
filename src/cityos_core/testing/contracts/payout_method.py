"""The contract of payout methods."""

from datetime import timedelta
from typing import ClassVar

from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Transfer, TransferState
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.testing.contracts.examples import uuid


class PayoutMethodContract:
    """One answer per transfer, one payment per key. The subclass brings the fixture ``payout_method``."""

    account: ClassVar[str] = "acct_1"
    """An account that the method can pay to."""

    currency: ClassVar[str] = "EUR"
    remembers: ClassVar[bool] = True
    """False for a method that keeps nothing: what it is asked about waits for a person, who knows what was paid."""

    def transfer(self, number: int, *, amount: int = 1050) -> Transfer:
        """Build a transfer."""
        return Transfer(
            key=f"{uuid(number)}:1",
            payout_id=PayoutId(uuid(number)),
            batch_id=uuid(99),
            amount=Money(amount, self.currency),
            account=self.account,
            holder="Acme & Söhne",
            description=f"Payout {number}",
        )

    def test_it_describes_itself(self, payout_method: PayoutMethod) -> None:
        """A method has a name, a ledger account that money leaves, a limit per call, and a time to ask after."""
        assert payout_method.name == payout_method.name.strip() != ""
        assert payout_method.account.partition(":")[0] in {"bank", "gateway"}
        assert payout_method.at_once >= 1
        assert payout_method.asks_after is None or payout_method.asks_after > timedelta(0)

    def test_every_transfer_is_answered(self, payout_method: PayoutMethod) -> None:
        """There is one answer for each transfer, in their order, and nothing asked is nothing answered."""
        wanted = [self.transfer(number, amount=number * 100) for number in range(1, min(payout_method.at_once, 3) + 1)]
        answers = payout_method.send(wanted)
        assert len(answers) == len(wanted)
        assert all(answer.state in {TransferState.PAID, TransferState.ACCEPTED} for answer in answers)
        assert list(payout_method.send([])) == []

    def test_the_same_key_is_paid_once(self, payout_method: PayoutMethod) -> None:
        """Sending a key again answers what the first sending did, under the same reference."""
        first = list(payout_method.send([self.transfer(1)]))
        again = list(payout_method.send([self.transfer(1)]))
        assert again == first

    def test_a_key_it_never_saw(self, payout_method: PayoutMethod) -> None:
        """A key that was not sent is absent, whatever else was sent, and asking does not send it."""
        payout_method.send([self.transfer(1)])
        unseen = TransferState.ABSENT if self.remembers else TransferState.ACCEPTED
        for _ in range(2):
            assert payout_method.inquire(self.transfer(2)).state is unseen

    def test_a_key_it_saw_is_known(self, payout_method: PayoutMethod) -> None:
        """What was sent can be asked about as often as one likes, and gives its reference."""
        (sent,) = payout_method.send([self.transfer(1)])
        answers = [payout_method.inquire(self.transfer(1)) for _ in range(2)]
        assert answers[0] == answers[1]
        assert answers[0].state is not TransferState.ABSENT
        assert answers[0].reference == sent.reference
