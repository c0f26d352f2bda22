"""What tenants decide about billing."""

from typing import Final

from cityos_core.tenancy.model import Json, handle
from cityos_core.tenancy.setting_values import text
from cityos_core.tenancy.settings import Setting


def _gateway(value: Json) -> str:
    return handle(text(value), what="gateway")


def _entity(value: Json) -> str | None:
    return None if value is None else text(value)


LEGAL_ENTITY: Final = Setting(
    key="legal_entity",
    doc="Who issues invoices: each legal entity counts its own numbers, without gaps; the tenant's handle if none is set.",
    parse=_entity,
)

BILLING_GATEWAY: Final = Setting(
    key="billing_gateway",
    doc="The gateway that collects the payments of subscriptions.",
    parse=_gateway,
    default="card",
)

DECLARED: Final = (LEGAL_ENTITY, BILLING_GATEWAY)
