"""The DNS as the world has it: broken, refusing, unreachable."""

from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import dns.resolver
import pytest
from dns.rcode import Rcode

from cityos_adapters.dns import DnsNames
from servers import name_server
from servers.name_server import NameServer
from usecases.town import code, detail

NAME = "_cityos-challenge.shop.example"


@pytest.fixture
def server() -> Iterator[NameServer]:
    """A name server that knows one name."""
    with name_server.serving() as running:
        running.publish(NAME, "one")
        yield running


PATIENT_S = 10.0
"""Long enough for an answer that comes."""


def _asking(server: NameServer, *, timeout_s: float = 0.3) -> DnsNames:
    return DnsNames(("127.0.0.1",), server.port, timeout_s)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR])
def test_a_server_that_cannot_say(server: NameServer, rcode: Rcode) -> None:
    """Any answer but records or a clear no proves nothing."""
    server.rcode = rcode
    assert code(lambda: _asking(server).texts(NAME)) == "dns_unavailable"


@pytest.mark.parametrize("noise", [b"", b"x", b"\x00" * 12, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_an_answer_that_is_no_dns(server: NameServer, noise: bytes) -> None:
    """Bytes that are not an answer to the question prove nothing."""
    server.noise = noise
    assert code(lambda: _asking(server).texts(NAME)) == "dns_unavailable"


def test_nobody_there() -> None:
    """A server that does not exist proves nothing, and the message says about which name and what to do."""
    with name_server.serving() as gone:
        asking = _asking(gone)
    assert code(lambda: asking.texts(NAME)) == "dns_unavailable"
    assert NAME in detail(lambda: asking.texts(NAME))
    assert detail(lambda: asking.texts(NAME)).endswith("try again later")


def test_a_second_server_answers(server: NameServer) -> None:
    """If one server fails, the next is asked."""
    assert DnsNames(("127.0.0.2", "127.0.0.1"), server.port, PATIENT_S).texts(NAME) == ("one",)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "..", "a." * 200])
def test_what_is_no_name(server: NameServer, name: str) -> None:
    """What cannot be asked about gets no answer."""
    assert code(lambda: _asking(server).texts(name)) == "dns_unavailable"


def test_bytes_that_are_no_text(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may hold any bytes; what is not UTF-8 is replaced."""
    monkeypatch.setattr(name_server, "_cut", lambda _text: [b"\xff\x00"])
    assert _asking(server, timeout_s=PATIENT_S).texts(NAME) == ("\ufffd\x00",)


def test_the_servers_of_the_machine(server: NameServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unless some are given, those that the machine is set up with are asked; without any there is no answer."""
    settings = tmp_path / "resolv.conf"
    settings.write_text("nameserver 127.0.0.1\nsearch example\n")

    class OfTheMachine(dns.resolver.Resolver):
        def __init__(self) -> None:
            super().__init__(str(settings))
            self.port = server.port

    monkeypatch.setattr("cityos_adapters.dns.names.Resolver", OfTheMachine)
    names = DnsNames(timeout_s=PATIENT_S)
    assert names.texts(NAME) == ("one",)
    assert names.texts("_cityos-challenge.shop") == ()
    settings.write_text("")
    assert code(lambda: names.texts(NAME)) == "dns_unavailable"
