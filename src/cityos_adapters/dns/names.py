"""TXT records as the name servers of this machine, or others, give them."""

from typing import Final

import dns.name
from attrs import frozen
from dns.exception import DNSException
from dns.rdatatype import RdataType
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from cityos_core.kernel.errors import Unavailable

PORT: Final = 53

TIMEOUT_S: Final = 5.0
"""How long all name servers together have to answer."""


@frozen
class DnsNames:
    """Asks name servers, those of the machine unless some are given by address; fails closed."""

    servers: tuple[str, ...] = ()
    port: int = PORT
    timeout_s: float = TIMEOUT_S

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the TXT records at a name; ``Unavailable`` for anything but records or a clear no."""
        try:
            answer = self._resolver().resolve(dns.name.from_text(name), RdataType.TXT, lifetime=self.timeout_s)
        except (NXDOMAIN, NoAnswer):
            return ()
        except (DNSException, OSError) as error:
            raise Unavailable(
                "dns_unavailable", f"the DNS gave no answer about {name} ({type(error).__name__}); try again later"
            ) from error
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)

    def _resolver(self) -> Resolver:
        """Read the machine's name servers each time: they change, and may not be there when a process starts."""
        if not self.servers:
            return Resolver()
        resolver = Resolver(configure=False)
        resolver.nameservers = list(self.servers)
        resolver.port = self.port
        return resolver
