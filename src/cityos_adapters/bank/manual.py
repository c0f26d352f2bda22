"""Payouts that a person makes at the bank, and confirms."""

from collections.abc import Sequence

from attrs import frozen

from cityos_core.payouts.model import Transfer, TransferResult, TransferState


@frozen
class ManualMethod:
    """Accepts every transfer and moves nothing: somebody pays it by hand, then confirms the payout."""

    name: str = "manual"
    account: str = "bank"
    at_once: int = 1000
    asks_after: None = None

    def send(self, transfers: Sequence[Transfer]) -> Sequence[TransferResult]:
        """Accept the transfers, each under its own key."""
        return [self.inquire(transfer) for transfer in transfers]

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Say that a transfer waits to be made by hand, which is true whether or not it was sent before."""
        return TransferResult(state=TransferState.ACCEPTED, reference=transfer.key)
