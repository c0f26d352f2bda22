"""A small name server on this machine, by UDP and TCP, that says what a test tells it to."""

import socketserver
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any, Final

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from attrs import define, field
from dns.rcode import Rcode
from dns.rdatatype import RdataType

DATAGRAM: Final = 1232
"""How large an answer by UDP may be."""


@define
class NameServer:
    """What it says about names; those that it does not know are not there."""

    is_silent: bool = False
    rcode: Rcode = dns.rcode.NOERROR
    """What it answers in place of records, unless all is well."""
    noise: bytes | None = None
    """What it answers in place of DNS."""
    port: int = field(default=0, init=False)
    _texts: dict[str, tuple[str, ...]] = field(factory=dict, init=False)

    def publish(self, name: str, *texts: str) -> None:
        """Put TXT records at a name; without any, the name has an address only."""
        self._texts[name.lower()] = texts

    def withdraw(self, name: str) -> None:
        """Let a name be gone."""
        self._texts.pop(name.lower(), None)

    def answer(self, wire: bytes) -> bytes | None:
        """Answer a question, however long it takes to say."""
        if self.is_silent:
            return None
        if self.noise is not None:
            return self.noise
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        texts = self._texts.get(question.name.to_text(omit_final_dot=True).lower())
        if self.rcode is not dns.rcode.NOERROR:
            response.set_rcode(self.rcode)
        elif texts is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif texts and question.rdtype is RdataType.TXT:
            lines = [" ".join(map(_quoted, _cut(text.encode()))) for text in texts]
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "TXT", lines))
        return response.to_wire(max_size=65535)


def _cut(text: bytes) -> list[bytes]:
    return [text[start : start + 255] for start in range(0, len(text), 255)]


def _quoted(text: bytes) -> str:
    return '"' + "".join(f"\\{byte:03}" for byte in text) + '"'


def _truncated(wire: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.flags |= dns.flags.TC
    return response.to_wire()


@contextmanager
def serving() -> Iterator[NameServer]:
    """Serve names while the block runs."""
    names = NameServer()

    class Datagrams(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            answer = names.answer(wire)
            if answer is not None:
                socket.sendto(answer if len(answer) <= DATAGRAM else _truncated(wire), self.client_address)

    class Streams(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            answer = names.answer(self.rfile.read(length))
            if answer is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with ExitStack() as stack:
        for server in _bound(Datagrams, Streams):
            names.port = server.server_address[1]
            stack.enter_context(server)
            stack.enter_context(_running(server))
        yield names


def _bound(datagrams: Any, streams: Any) -> tuple[Any, Any]:
    """Listen to both at one port, which only one of them can choose."""
    while True:
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), datagrams)
        try:
            return udp, socketserver.ThreadingTCPServer(udp.server_address[:2], streams)
        except OSError:
            udp.server_close()


@contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
