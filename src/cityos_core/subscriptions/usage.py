"""Usage as it is reported: each report once, and into the period it belongs to."""

from datetime import datetime
from fractions import Fraction
from typing import Final

from attrs import field, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import SubscriptionId, TenantId
from cityos_core.kernel.money import LIMIT
from cityos_core.subscriptions.plans import LateUsage, Plan

LONGEST_KEY: Final = 200


@frozen(kw_only=True)
class UsageRecord:
    """So much was used of an item at an instant. (subscription, key) is unique: a report repeated counts once."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    key: str = field()
    item: str
    quantity: Fraction = field(converter=Fraction)
    used_at: datetime = field(converter=instant)
    recorded_at: datetime = field(converter=instant)
    counts_at: datetime = field(converter=instant)
    """The instant whose period it is priced in: when it was used, unless that period is closed to it."""

    is_late: bool = False
    """True while it counts in a period that was billed before it came, and was not billed since."""

    @key.validator
    def _check_key(self, _attribute: object, value: str) -> None:
        if not value.strip() or len(value) > LONGEST_KEY:
            raise Invalid.at("$.key", "key", f"a usage key has one to {LONGEST_KEY} characters, and not only spaces")

    @quantity.validator
    def _check_quantity(self, _attribute: object, value: Fraction) -> None:
        if not 0 <= value < LIMIT:
            raise Invalid.at("$.quantity", "negative_quantity", "usage is zero or more, and fits 64 bits")

    def check_same(self, repeated: "UsageRecord") -> None:
        """Refuse another report under the same key; ``Conflict("usage_key_reused")``."""
        if (self.item, self.quantity, self.used_at) != (repeated.item, repeated.quantity, repeated.used_at):
            raise Conflict("usage_key_reused", f"{self.key!r} was reported before, with another content; use a new key")


@frozen(kw_only=True)
class Used:
    """How much of an item was used by a subscription in a span that was asked for."""

    subscription_id: SubscriptionId
    start: datetime
    end: datetime
    item: str
    quantity: Fraction


def counts_at(plan: Plan, item: str, *, used_at: datetime, now: datetime, open_since: datetime) -> datetime:
    """Say in which period usage is priced; ``open_since`` is where the period that is not billed yet begins.

    What belongs to a billed period follows the plan's policy. ``Refused("usage_late")`` if that is to refuse it.
    """
    if not plan.item(item).is_metered:
        raise Refused("not_metered", f"{item!r} is not charged by usage")
    used_at, now = instant(used_at), instant(now)
    if used_at > now:
        raise Invalid.at("$.used_at", "usage_in_future", "usage is reported once it happened")
    if used_at >= open_since or plan.late_usage is LateUsage.REPRICE:
        return used_at
    if plan.late_usage is LateUsage.CURRENT:
        return max(now, open_since)
    raise Refused("usage_late", "the period of this usage has been billed, and the plan takes no late usage")
