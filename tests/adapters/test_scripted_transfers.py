"""The scripted provider keeps its word: one payment per key, whatever it was told to do."""

from uuid import UUID

import pytest

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.memory.transfers import Behaviour, ScriptedTransfers
from cityos_core.kernel.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Transfer, TransferResult, TransferState
from cityos_core.payouts.ports import PayoutMethod


def transfer(key: str = "k", minor: int = 100, account: str = "acct") -> Transfer:
    """Build a transfer."""
    return Transfer(
        key=key,
        payout_id=PayoutId(UUID(int=1)),
        batch_id=None,
        amount=Money(minor, "EUR"),
        account=account,
        holder="Acme",
        description="",
    )


def send(provider: PayoutMethod, item: Transfer) -> TransferResult:
    """Send one transfer."""
    (result,) = provider.send([item])
    return result


def test_pays_by_itself() -> None:
    """Without a script it pays at once and keeps count."""
    provider = ScriptedTransfers()
    assert send(provider, transfer()).state is TransferState.PAID
    assert provider.paid("EUR") == Money(100, "EUR")
    assert provider.paid("USD") == Money(0, "USD")


@pytest.mark.parametrize("behaviour", [Behaviour.PAY, Behaviour.ACCEPT, Behaviour.FAIL, Behaviour.DECLINE])
def test_the_same_key_twice_is_one_transfer(behaviour: Behaviour) -> None:
    """A repeated key gives the stored answer, and uses nothing of the script."""
    provider = ScriptedTransfers()
    provider.script(behaviour)
    assert send(provider, transfer()) == send(provider, transfer()) == provider.inquire(transfer())
    assert len(provider.sent) == 1


def test_a_key_has_one_content() -> None:
    """A known key with other content is refused."""
    provider = ScriptedTransfers()
    send(provider, transfer())
    with pytest.raises(Conflict):
        provider.send([transfer(minor=200)])


@pytest.mark.parametrize(
    ("behaviour", "raised", "known"),
    [
        (Behaviour.TIME_OUT_BEFORE, OutcomeUnknown, TransferState.ABSENT),
        (Behaviour.TIME_OUT_AFTER, OutcomeUnknown, TransferState.PAID),
        (Behaviour.UNAVAILABLE, Unavailable, TransferState.ABSENT),
    ],
)
def test_timing_out(behaviour: Behaviour, raised: type[Exception], known: TransferState) -> None:
    """It may answer nothing whether or not it acted; asked later, it tells."""
    provider = ScriptedTransfers()
    provider.script(behaviour)
    with pytest.raises(raised):
        send(provider, transfer())
    assert provider.inquire(transfer()).state is known
    assert send(provider, transfer()).state is TransferState.PAID
    assert provider.paid("EUR") == Money(100, "EUR")


def test_arriving_and_coming_back() -> None:
    """An accepted transfer counts once it arrives, and no more once the bank returns it."""
    provider = ScriptedTransfers()
    provider.script(Behaviour.ACCEPT)
    send(provider, transfer())
    assert provider.payments() == []
    provider.arrive("k")
    assert provider.payments() == [transfer()]
    provider.bring_back("k")
    assert provider.payments() == []
    with pytest.raises(NotFound):
        provider.arrive("nothing")


def test_breaking_down() -> None:
    """An accepted transfer may fail on its way."""
    provider = ScriptedTransfers()
    provider.script(Behaviour.ACCEPT)
    send(provider, transfer())
    provider.break_down("k")
    assert provider.inquire(transfer()).state is TransferState.DECLINED


def test_a_script_for_one_account() -> None:
    """What is scripted for an account happens to its transfers, whatever comes between."""
    provider = ScriptedTransfers()
    provider.script(Behaviour.DECLINE, account="bad")
    assert send(provider, transfer("a", account="good")).state is TransferState.PAID
    assert send(provider, transfer("b", account="bad")).state is TransferState.DECLINED


def test_silence() -> None:
    """A silent provider answers no question."""
    provider = ScriptedTransfers(is_silent=True)
    with pytest.raises(Unavailable):
        provider.inquire(transfer())


def test_manual_transfers_wait_for_a_person() -> None:
    """Manual transfers are accepted under their key, sent or not, and cost nobody anything."""
    manual = ManualMethod()
    assert send(manual, transfer()) == manual.inquire(transfer("k"))
    assert manual.inquire(transfer()).state is TransferState.ACCEPTED
    assert manual.inquire(transfer()).reference == "k"
