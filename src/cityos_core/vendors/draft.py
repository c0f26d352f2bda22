"""A vendor as it arrives in a file; the fields are the columns of the exchange format."""

from typing import Final

from attrs import field, frozen

from cityos_core.kernel.countries import country_code
from cityos_core.kernel.errors import Invalid
from cityos_core.tenancy.model import handle
from cityos_core.vendors.model import VendorStatus

LONGEST_EMAIL: Final = 254
"""As long as an address may be that mail reaches (RFC 5321)."""


def email_or_none(value: str | None) -> str | None:
    """Check that an address could be one: something before and after a single ``@``, without spaces, not too long."""
    if value is None:
        return None
    name, _, domain = value.partition("@")
    if not name or not domain or "@" in domain or any(letter.isspace() for letter in value):
        raise Invalid("invalid_email", f"{value!r} is not an e-mail address")
    if len(value) > LONGEST_EMAIL:
        raise Invalid("invalid_email", f"an e-mail address has at most {LONGEST_EMAIL} characters")
    return value


def country_or_none(value: str | None) -> str | None:
    """Turn a country's code or English name into its code."""
    return None if value is None else country_code(value)


def stated(value: str) -> str:
    """Check that a name says something."""
    if not value.strip():
        raise Invalid("missing_name", "a vendor has a name")
    return value.strip()


@frozen(kw_only=True)
class VendorDraft:
    """A vendor to import; a country is a code or an English name. What is absent stays as it is, a new one is pending."""

    handle: str = field(validator=lambda _i, _a, value: handle(value))
    name: str = field(converter=stated)
    email: str | None = field(default=None, converter=email_or_none)
    country: str | None = field(default=None, converter=country_or_none)
    tax_id: str | None = None
    status: VendorStatus | None = None
