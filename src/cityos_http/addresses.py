"""Where a request comes from: the peer, or whom a trusted proxy says it speaks for."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self

from attrs import frozen


@frozen
class Proxies:
    """The networks whose word is taken for where a request began."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, networks: Iterable[str]) -> Self:
        """Read networks in CIDR form."""
        return cls(tuple(ip_network(text) for text in networks))

    def client(self, peer: str | None, forwarded: str) -> str | None:
        """Give the address of the client by ``X-Forwarded-For``: the last one on the way that is not a trusted proxy; none if it is no address."""
        way = [part.strip() for part in forwarded.split(",") if part.strip()]
        address = peer
        while way and address is not None and self._trusts(address):
            address = way.pop()
        return address if address is not None and _is_address(address) else None

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self.networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
