"""A transfer provider with moods, over the scripted one that ships with the memory adapters."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from cityos_adapters.memory.transfers import ScriptedTransfers

_MOODS: Final = {
    "PAY": 60,
    "ACCEPT": 20,
    "FAIL": 6,
    "DECLINE": 2,
    "TIME_OUT_BEFORE": 4,
    "TIME_OUT_AFTER": 4,
    "UNAVAILABLE": 4,
}
"""Of a hundred transfers, how many meet which behaviour."""


@frozen
class MoodyProvider:
    """Sets the mood of scripted transfers, and lets those that were accepted arrive or fail."""

    transfers: "ScriptedTransfers"
    is_calm: bool = False

    def upset(self, random: Random) -> None:
        """Decide what happens to the next transfers."""
        from cityos_adapters.memory.transfers import Behaviour  # noqa: PLC0415  the core knows no adapter until asked

        if not self.is_calm:
            moods = random.choices(list(_MOODS), weights=list(_MOODS.values()), k=10)
            self.transfers.script(*(Behaviour[mood] for mood in moods))

    def settle(self, random: Random) -> None:
        """Let accepted transfers arrive, and a few of them fail."""
        from cityos_core.payouts.model import TransferState  # noqa: PLC0415

        for key, sent in self.transfers.sent.items():
            if sent.result.state is TransferState.ACCEPTED:
                if random.randrange(10):
                    self.transfers.arrive(key)
                else:
                    self.transfers.break_down(key, TransferState.FAILED)

    def payments(self) -> Counter[str]:
        """Count how often each payout was paid."""
        return Counter(str(payment.payout_id) for payment in self.transfers.payments())
