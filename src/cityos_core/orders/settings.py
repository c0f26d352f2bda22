"""What tenants decide about orders, refunds and the release of vendors' money."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.model import LegName
from cityos_core.orders.shipping_rates import rate_tables
from cityos_core.tenancy.model import Json, handle
from cityos_core.tenancy.setting_values import choice, mapped, percentage, text, whole, words
from cityos_core.tenancy.settings import Setting


class ChargebackBearer(StrEnum):
    """Who pays for a dispute that is lost."""

    VENDOR = "vendor"
    PLATFORM = "platform"


class Kept(StrEnum):
    """What a refund may leave with those who received it."""

    COMMISSION = LegName.COMMISSION.value
    COMMISSION_FIXED = LegName.COMMISSION_FIXED.value
    SHIPPING = LegName.SHIPPING.value


def _refund_policy(value: Json) -> Mapping[str, frozenset[LegName]]:
    kept = choice(Kept)
    return {
        text(reason): frozenset(LegName(kept(leg)) for leg in words(legs)) for reason, legs in mapped(value).items()
    }


def _gateway(value: Json) -> str:
    return handle(text(value), what="gateway")


SHIPPING_RECIPIENT: Final = Setting(
    key="shipping_recipient",
    doc="Who receives what buyers pay for shipping: vendor or tenant.",
    parse=choice(ShippingRecipient),
    default="vendor",
)

TAX_REMITTER: Final = Setting(
    key="tax_remitter",
    doc="Who receives tax and owes it to the authority: vendor or platform.",
    parse=choice(TaxRemitter),
    default="vendor",
)

PAYMENT_GATEWAY: Final = Setting(
    key="payment_gateway",
    doc="The gateway that a payment without one came through.",
    parse=_gateway,
    default="card",
)

HOLDING_DAYS: Final = Setting(
    key="holding_days",
    doc="How many days after fulfilment a vendor's money becomes available.",
    parse=whole(0, 3650),
    default=7,
)

RESERVE_PERCENTAGE: Final = Setting(
    key="reserve_percentage",
    doc="What part of released money is kept back as a rolling reserve.",
    parse=percentage,
    default="0",
)

RESERVE_DAYS: Final = Setting(
    key="reserve_days",
    doc="How many days the rolling reserve is kept back.",
    parse=whole(0, 3650),
    default=90,
)

REFUND_POLICY: Final = Setting(
    key="refund_policy",
    doc="What is kept at a refund, by reason: any of commission, commission_fixed, shipping; nothing unless listed.",
    parse=_refund_policy,
    default={},
)

CHARGEBACK_BEARER: Final = Setting(
    key="chargeback_bearer",
    doc="Who pays for a dispute that is lost: vendor or platform.",
    parse=choice(ChargebackBearer),
    default="vendor",
)

SHIPPING_RATES: Final = Setting(
    key="shipping_rates",
    doc="Rate tables for shipping quotes, the first that fits the region and currency wins.",
    parse=rate_tables,
    default=[],
)

DECLARED: Final = (
    SHIPPING_RECIPIENT,
    TAX_REMITTER,
    PAYMENT_GATEWAY,
    HOLDING_DAYS,
    RESERVE_PERCENTAGE,
    RESERVE_DAYS,
    REFUND_POLICY,
    CHARGEBACK_BEARER,
    SHIPPING_RATES,
)
