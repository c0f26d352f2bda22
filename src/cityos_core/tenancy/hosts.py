"""The names of hosts, as a Host header has them: one form to compare them in, and whose name each is.

International names count in their ASCII form only (``xn--...``), which is what browsers and proxies send. Nothing here
converts them: the standard library knows the IDNA of 2003 alone, which turns ``straße`` into ``strasse``, while
browsers ask for another name that someone else may own.
"""

import re
from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid

LONGEST_NAME: Final = 253
HIGHEST_PORT: Final = 65535

_HOST: Final = re.compile(r"([^:]*)(?::([0-9]{0,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ASCII_FORM: Final = "xn--"


def normalized(host: str) -> str:
    """Give the one form of a host's name: lower case, without port and trailing dot; ``Invalid("invalid_host")``.

    Addresses are no names, in whatever form programs read them: a name whose last label is a number, decimal or
    hexadecimal, is an address to them.
    """
    found = _HOST.fullmatch(host) if host.isascii() else None
    if found is None or int(found[2] or 0) > HIGHEST_PORT:
        raise _invalid(host)
    name = found[1].lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > LONGEST_NAME or not all(map(_is_label, labels)) or _NUMBER.fullmatch(labels[-1]):
        raise _invalid(host)
    return name


def _is_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None and (
        not label.startswith(_ASCII_FORM) or _is_ascii_form(label.removeprefix(_ASCII_FORM))
    )


def _is_ascii_form(code: str) -> bool:
    """Tell whether something is the Punycode of a text that needs it."""
    try:
        text = code.encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return not text.isascii() and text.encode("punycode").decode("ascii") == code


def _invalid(host: str) -> Invalid:
    return Invalid(
        "invalid_host",
        f"{host[:LONGEST_NAME]!r} is not the name of a host; use one such as shop.example.com, an international name in its xn-- form, never an address (localhost, not 127.0.0.1)",
    )


@frozen
class PlatformHost:
    """The platform's own name."""


@frozen
class TenantHost:
    """A tenant's name below the platform's; whether there is such a tenant is another question."""

    handle: str


@frozen
class OtherHost:
    """Any other name; a tenant may have proven that it is its own."""

    name: str


Host = PlatformHost | TenantHost | OtherHost


def _all_normalized(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(normalized, names))


@frozen
class Names:
    """Tells whose name a host's is, by the names of the platform."""

    platform_domains: frozenset[str] = field(converter=_all_normalized)

    def of(self, host: str) -> Host:
        """Say whose name it is. Exactly one label stands below the platform's; more are no tenant's name."""
        name = normalized(host)
        if name in self.platform_domains:
            return PlatformHost()
        first, _, rest = name.partition(".")
        return TenantHost(first) if rest in self.platform_domains else OtherHost(name)

    def are_above(self, name: str) -> bool:
        """Tell whether a normalised name is one of the platform's or anywhere below one."""
        return any(name == domain or name.endswith(f".{domain}") for domain in self.platform_domains)
