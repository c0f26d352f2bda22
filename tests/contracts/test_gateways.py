"""The contract of payment gateways, held by every one of them."""

from typing import ClassVar

import pytest

from cityos_adapters.memory.gateway import Behaviour, ScriptedGateway
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.testing import SimulatedClock
from cityos_core.testing.contracts import PaymentGatewayContract


class TestScriptedGateway(PaymentGatewayContract):
    """The gateway that stands in for one."""

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        return ScriptedGateway()


class TestPendingGateway(PaymentGatewayContract):
    """A gateway that collects later."""

    payment_method: ClassVar[str | None] = "mandate"

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        provider = ScriptedGateway(clock=SimulatedClock())
        provider.methods["mandate"] = Behaviour.PEND
        return provider


class TestTestGateway(PaymentGatewayContract):
    """The gateway of the test mode, of which each process has its own."""

    payment_method: ClassVar[str | None] = "card_1"

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        return ScriptedGateway(clock=SimulatedClock(), is_shared=False)
