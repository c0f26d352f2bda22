"""A payout method that moves no money but remembers every transfer, and misbehaves on demand."""

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto
from threading import Lock

from attrs import define, evolve, field, frozen

from cityos_core.kernel.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Transfer, TransferResult, TransferState


class Behaviour(Enum):
    """What happens to the next transfer."""

    PAY = auto()
    """It is paid at once."""

    ACCEPT = auto()
    """It is accepted; it arrives or fails later, when the test says so."""

    FAIL = auto()
    """It fails, but may succeed if tried again."""

    DECLINE = auto()
    """It is refused for good."""

    TIME_OUT_BEFORE = auto()
    """No answer comes, and nothing was done."""

    TIME_OUT_AFTER = auto()
    """No answer comes, but it was paid."""

    UNAVAILABLE = auto()
    """The method cannot be reached."""


@frozen(kw_only=True)
class Sent:
    """A transfer as the provider has it; ``came_back`` if the bank returned it after it was paid."""

    transfer: Transfer
    result: TransferResult
    came_back: bool = False


@define
class ScriptedTransfers:
    """Pays everything at once, unless a script says what happens to the next transfers.

    It stands for a provider: it outlives whoever calls it, and the same key is never two payments.
    """

    name: str = "memory"
    account: str = "gateway:memory:available"
    at_once: int = 1
    asks_after: timedelta | None = timedelta(hours=1)
    is_silent: bool = False
    """True while it answers no question about earlier transfers."""
    calls: int = 0
    """How often it was asked to send."""
    _scripts: defaultdict[str | None, deque[Behaviour]] = field(factory=lambda: defaultdict(deque), init=False)
    _sent: dict[str, Sent] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def script(self, *behaviours: Behaviour, account: str | None = None) -> None:
        """Say what happens to the next transfers that it has not seen, to one account or to any, one behaviour each."""
        self._scripts[account].extend(behaviours)

    def send(self, transfers: Sequence[Transfer]) -> Sequence[TransferResult]:
        """Make the transfers, those with a known key not again."""
        with self._lock:
            self.calls += 1
            return [self._one(transfer) for transfer in transfers]

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Tell what became of a transfer."""
        with self._lock:
            if self.is_silent:
                raise Unavailable("provider_unavailable", "the provider does not answer; ask again later")
            sent = self._sent.get(transfer.key)
            return TransferResult(state=TransferState.ABSENT) if sent is None else sent.result

    def arrive(self, key: str) -> None:
        """Let a transfer that was accepted be paid."""
        self._settle(key, TransferState.PAID)

    def break_down(self, key: str, state: TransferState = TransferState.DECLINED) -> None:
        """Let a transfer that was accepted fail."""
        self._settle(key, state)

    def bring_back(self, key: str) -> None:
        """Let the bank return a transfer that was paid; whoever was told it was paid must be told."""
        with self._lock:
            self._sent[key] = evolve(self._known(key), came_back=True)

    @property
    def sent(self) -> dict[str, Sent]:
        """Every transfer that it has on record, by key."""
        with self._lock:
            return dict(self._sent)

    def payments(self) -> list[Transfer]:
        """List the transfers that were paid and did not come back."""
        return [
            item.transfer
            for item in self.sent.values()
            if item.result.state is TransferState.PAID and not item.came_back
        ]

    def paid(self, currency: str) -> Money:
        """Sum the payments of a currency."""
        amounts = (payment.amount for payment in self.payments() if payment.amount.currency == currency)
        return sum(amounts, Money.zero(currency))

    def _one(self, transfer: Transfer) -> TransferResult:
        known = self._sent.get(transfer.key)
        if known is not None:
            if known.transfer != transfer:
                raise Conflict("key_reused", f"transfer {transfer.key} was given with other content before")
            return known.result
        script = self._scripts[transfer.account] or self._scripts[None]
        behaviour = script.popleft() if script else Behaviour.PAY
        match behaviour:
            case Behaviour.UNAVAILABLE:
                raise Unavailable("provider_unavailable", "the provider does not answer; try again later")
            case Behaviour.TIME_OUT_BEFORE:
                raise OutcomeUnknown("provider_timed_out", "the provider did not answer in time; ask it first")
            case Behaviour.TIME_OUT_AFTER:
                self._keep(transfer, TransferState.PAID)
                raise OutcomeUnknown("provider_timed_out", "the provider did not answer in time; ask it first")
            case Behaviour.FAIL:
                return self._keep(transfer, TransferState.FAILED, "the provider's balance is too low")
            case Behaviour.DECLINE:
                return self._keep(transfer, TransferState.DECLINED, "the account is closed; name another one")
            case Behaviour.ACCEPT:
                return self._keep(transfer, TransferState.ACCEPTED)
            case Behaviour.PAY:
                return self._keep(transfer, TransferState.PAID)

    def _keep(self, transfer: Transfer, state: TransferState, reason: str | None = None) -> TransferResult:
        result = TransferResult(state=state, reference=f"tr_{transfer.key}", reason=reason)
        self._sent[transfer.key] = Sent(transfer=transfer, result=result)
        return result

    def _settle(self, key: str, state: TransferState) -> None:
        with self._lock:
            sent = self._known(key)
            self._sent[key] = evolve(sent, result=evolve(sent.result, state=state))

    def _known(self, key: str) -> Sent:
        try:
            return self._sent[key]
        except KeyError:
            raise NotFound("transfer_not_found", f"no transfer was made under {key}") from None
