"""What the levels of the tree decide about tenants and stores."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import exponent
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.setting_values import mapped, text
from cityos_core.tenancy.settings import Setting


def _currency(value: Json) -> str | None:
    if value is None:
        return None
    exponent(text(value))
    return text(value)


def _zone(value: Json) -> str:
    try:
        return ZoneInfo(text(value)).key
    except (KeyError, ValueError, OSError):
        raise Invalid("unknown_time_zone", f"{value!r} is not an IANA time zone such as Europe/Paris") from None


def _brand(value: Json) -> Mapping[str, Json]:
    return mapped(value)


BRANDING: Final = Setting(
    key="branding",
    doc="Logo, colours, fonts, favicon and description of a brand.",
    parse=_brand,
    default={},
)

DEFAULT_CURRENCY: Final = Setting(
    key="default_currency",
    doc="The currency of new tenants that are made without one.",
    parse=_currency,
)

DEFAULT_TIME_ZONE: Final = Setting(
    key="default_time_zone",
    doc="The time zone of new tenants that are made without one.",
    parse=_zone,
    default="UTC",
)

DEFAULT_LOCALE: Final = Setting(
    key="default_locale",
    doc="The locale of new tenants that are made without one.",
    parse=text,
    default="en",
)

DECLARED: Final = (BRANDING, DEFAULT_CURRENCY, DEFAULT_TIME_ZONE, DEFAULT_LOCALE)
