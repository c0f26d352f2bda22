"""The DNS, by dnspython."""

from cityos_adapters.dns.names import DnsNames

__all__ = ["DnsNames"]
