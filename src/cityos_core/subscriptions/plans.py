"""Plans: what is sold by the period, at which price, and by which rules it is billed.

A plan's prices and rules never change; a new price is a new plan, and subscriptions change over to it.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

from attrs import field, frozen

from cityos_core.kernel.errors import FieldError, Invalid, NotFound, require_none
from cityos_core.kernel.ids import PlanId, TenantId
from cityos_core.kernel.money import UNIT_SCALE, UnitPrice, exponent
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.rounding import half_up
from cityos_core.kernel.tiers import Pricing
from cityos_core.kernel.time import Interval
from cityos_core.tenancy.model import handle

LONGEST_TRIAL: Final = 730
"""Days a trial may last."""

MOST_ITEMS: Final = 50
"""Items a plan may have; an invoice stays readable."""

MOST_RETRIES: Final = 10
"""Retries a dunning policy may ask for."""

MOST_INTERVALS: Final = 1000
"""Intervals a period may last."""


class ItemKind(StrEnum):
    """How an item is charged: once a period, per seat, or by what was used."""

    FIXED = "fixed"
    PER_SEAT = "per_seat"
    METERED = "metered"


class CatchUp(StrEnum):
    """Which of several due cycles are billed after an outage.

    Each on its own invoice; only the current one; all on one invoice; none, the current one included; or none before a
    person has looked.
    """

    BILL_EACH = "bill_each"
    BILL_CURRENT = "bill_current"
    MERGE = "merge"
    FORGIVE = "forgive"
    HALT = "halt"


class LateUsage(StrEnum):
    """What becomes of usage reported after its period was billed.

    Its period is priced again and the difference billed; or it counts as used now; or it is refused.
    """

    REPRICE = "reprice"
    CURRENT = "current"
    REFUSE = "refuse"


class DunningEnd(StrEnum):
    """What a subscription becomes when the last retry failed."""

    UNPAID = "unpaid"
    CANCELED = "canceled"


@frozen(kw_only=True)
class DunningPolicy:
    """On which days after the first failure payment is tried again, and how it ends."""

    days: tuple[int, ...] = field(default=(1, 3, 7))
    end: DunningEnd = DunningEnd.UNPAID

    @days.validator
    def _check_days(self, _attribute: object, value: tuple[int, ...]) -> None:
        if len(value) > MOST_RETRIES or any(day <= before for before, day in pairwise((0, *value))):
            raise Invalid.at("$.days", "retry_days", f"at most {MOST_RETRIES} rising days after the first failure")


@frozen(kw_only=True)
class PlanItem:
    """One thing a plan charges for: a ``price`` per period or seat, in advance, or ``pricing`` of usage, in arrears."""

    key: str = field(validator=lambda _i, _a, value: handle(value, what="plan item's key"))
    name: str
    kind: ItemKind = ItemKind.FIXED
    price: UnitPrice | None = None
    pricing: Pricing | None = None

    def __attrs_post_init__(self) -> None:
        require_none(self._mistakes())

    def _mistakes(self) -> Iterator[FieldError]:
        if (self.price is not None) == self.is_metered:
            yield FieldError("$.price", "item_form", "fixed and per-seat items have a `price`, metered ones have none")
        if (self.pricing is not None) != self.is_metered:
            yield FieldError("$.pricing", "item_form", "metered items have a `pricing` in bands, others have none")

    @property
    def is_metered(self) -> bool:
        """True if it is charged by what was used."""
        return self.kind is ItemKind.METERED

    def cost(self, quantity: int | Fraction, currency: str) -> Fraction:
        """Give the exact price of a quantity for one period, in minor units."""
        units = Fraction(10 ** exponent(currency))
        if self.pricing is not None:
            return self.pricing.price(quantity) * units
        micro = self.price.micro if self.price else 0
        return Fraction(micro, UNIT_SCALE) * quantity * units

    def gross(self, quantity: int | Fraction, currency: str) -> int:
        """Give the price of a quantity for one period, in minor units, rounded once."""
        return half_up(self.cost(quantity, currency))


@frozen(kw_only=True)
class Plan:
    """What is sold by the period."""

    id: PlanId
    tenant_id: TenantId
    handle: str = field(validator=lambda _i, _a, value: handle(value, what="plan's handle"))
    name: str
    currency: str = field(validator=lambda _i, _a, value: exponent(value))
    interval: Interval = Interval.MONTH
    count: int = field(default=1)
    items: tuple[PlanItem, ...] = field()
    trial_days: int = field(default=0)
    catch_up: CatchUp = CatchUp.BILL_EACH
    late_usage: LateUsage = LateUsage.REPRICE
    dunning: DunningPolicy = DunningPolicy()
    proration: Resolution = Resolution.DAY
    created_at: datetime
    retired_at: datetime | None = None
    """Since when nobody can subscribe to it any more; those who have it keep it."""
    version: int = 1

    @count.validator
    def _check_count(self, _attribute: object, value: int) -> None:
        if type(value) is not int or not 1 <= value <= MOST_INTERVALS:
            raise Invalid.at("$.count", "count", f"`count` is a whole number from 1 to {MOST_INTERVALS}")

    @items.validator
    def _check_items(self, _attribute: object, value: tuple[PlanItem, ...]) -> None:
        require_none(_item_mistakes(value, self.currency))

    @trial_days.validator
    def _check_trial(self, _attribute: object, value: int) -> None:
        if type(value) is not int or not 0 <= value <= LONGEST_TRIAL:
            raise Invalid.at("$.trial_days", "trial_days", f"a trial lasts 0 to {LONGEST_TRIAL} days")

    def item(self, key: str) -> PlanItem:
        """Give an item by its key; ``NotFound("no_such_item")`` names those there are."""
        for item in self.items:
            if item.key == key:
                return item
        known = ", ".join(item.key for item in self.items)
        raise NotFound("no_such_item", f"plan {self.handle} has no item {key!r}; it has {known}")

    @property
    def recurring(self) -> tuple[PlanItem, ...]:
        """The items charged in advance."""
        return tuple(item for item in self.items if not item.is_metered)

    @property
    def metered(self) -> tuple[PlanItem, ...]:
        """The items charged by what was used."""
        return tuple(item for item in self.items if item.is_metered)


def _item_mistakes(items: tuple[PlanItem, ...], currency: str) -> Iterator[FieldError]:
    if not 1 <= len(items) <= MOST_ITEMS:
        yield FieldError("$.items", "items", f"a plan has 1 to {MOST_ITEMS} items")
    seen = set()
    for index, item in enumerate(items):
        if item.key in seen:
            yield FieldError(f"$.items[{index}].key", "duplicate_item", "item keys are unique within a plan")
        seen.add(item.key)
        if item.price is not None and item.price.currency != currency:
            detail = f"{item.price} stands in a plan in {currency}; nothing converts it"
            yield FieldError(f"$.items[{index}].price", "currency_mismatch", detail)
