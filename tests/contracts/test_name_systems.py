"""The contract of the DNS, held by the real one and by the one that tests script."""

from collections.abc import Iterator

import pytest

from cityos_adapters.dns import DnsNames
from cityos_adapters.memory.names import ScriptedNames
from cityos_core.tenancy.domains import NameSystem
from cityos_core.testing.contracts import NameSystemContract
from cityos_core.testing.contracts.name_system import Zone
from servers import name_server


class TestScripted(NameSystemContract):
    """No network."""

    @pytest.fixture
    def zone(self) -> ScriptedNames:
        return ScriptedNames()

    @pytest.fixture
    def names(self, zone: ScriptedNames) -> NameSystem:
        return zone


class TestDns(NameSystemContract):
    """A name server on this machine."""

    @pytest.fixture
    def zone(self) -> Iterator[Zone]:
        with name_server.serving() as server:
            yield server

    @pytest.fixture
    def names(self, zone: name_server.NameServer) -> NameSystem:
        return DnsNames(("127.0.0.1",), zone.port, timeout_s=2.0)
