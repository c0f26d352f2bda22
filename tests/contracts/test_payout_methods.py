"""The contract of payout methods, held by every one of them."""

from pathlib import Path
from typing import ClassVar

import pytest

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.bank.transfer_file import BankFileMethod, Debtor
from cityos_adapters.memory.transfers import Behaviour, ScriptedTransfers
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.testing import SimulatedClock
from cityos_core.testing.contracts import PayoutMethodContract


class TestScriptedTransfers(PayoutMethodContract):
    """The provider that stands in for one."""

    @pytest.fixture
    def payout_method(self) -> PayoutMethod:
        return ScriptedTransfers()


class TestAcceptingTransfers(PayoutMethodContract):
    """A provider that pays later."""

    @pytest.fixture
    def payout_method(self) -> PayoutMethod:
        provider = ScriptedTransfers()
        provider.script(*[Behaviour.ACCEPT] * 10)
        return provider


class TestManual(PayoutMethodContract):
    """A person at the bank."""

    remembers: ClassVar[bool] = False

    @pytest.fixture
    def payout_method(self) -> PayoutMethod:
        return ManualMethod()


class TestBankFile(PayoutMethodContract):
    """A file for the bank."""

    account: ClassVar[str] = "DE89370400440532013000"

    @pytest.fixture
    def payout_method(self, tmp_path: Path) -> PayoutMethod:
        return BankFileMethod(tmp_path, Debtor("Acme Market", "DE02120300000000202051"), SimulatedClock())
