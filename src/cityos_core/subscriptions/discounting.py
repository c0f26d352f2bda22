"""Discounts: as they are agreed at the beginning, or given later."""

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.reading import plans_of
from cityos_core.subscriptions.terms import Discount

LONGEST_CODE: Final = 100

MOST_DISCOUNTS: Final = 20
"""Discounts a subscription may have at a time."""


@frozen
class AddDiscount:
    """Give a discount on the cycles that are billed from now on; what was invoiced stays as it is."""

    desk: Desk

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId, discount: Discount) -> Subscription:
        """Add a discount; ``Refused("discount_given")`` while one of the same code has not run out."""
        with self.desk.unit_of_work(scope) as uow:
            docket = self.desk.open(uow, scope, self.desk.clock.now())
            before = uow.subscriptions.get(subscription_id, lock=True)
            if before.status in OVER:
                detail = f"a subscription that is {before.status.value} is not billed any more; begin another one"
                raise Conflict("invalid_state", detail, current_state=before.status.value)
            added = evolve(discount, first_cycle=before.next_cycle, used=0, last_cycle=None)
            running = [one for one in before.discounts if one.cycles is None or one.used < one.cycles]
            check_discounts([*running, added], before.currency)
            docket.plans |= plans_of(uow, [before])
            docket.save(before, evolve(before, discounts=(*before.discounts, added)))
            commit(uow, docket.write(), "subscriptions.add_discount")
        return self.desk.collected(scope, docket, subscription_id)


def agreed(discounts: Sequence[Discount], currency: str) -> tuple[Discount, ...]:
    """Take discounts that are agreed at the beginning as not used yet."""
    check_discounts(discounts, currency)
    return tuple(evolve(one, used=0, last_cycle=None) for one in discounts)


def check_discounts(discounts: Sequence[Discount], currency: str) -> None:
    """Refuse discounts that do not fit together, or not the subscription's currency."""
    for one in discounts:
        if not one.code.strip() or len(one.code) > LONGEST_CODE:
            detail = f"a discount's code has one to {LONGEST_CODE} characters, and not only spaces"
            raise Invalid.at("$.code", "discount_code", detail)
        if one.amount is not None and one.amount.currency != currency:
            detail = f"{one.amount} is discounted in a subscription in {currency}; nothing converts it"
            raise Invalid.at("$.amount", "currency_mismatch", detail)
    if len({one.code for one in discounts}) < len(discounts):
        raise Refused("discount_given", "a discount of that code is given already; use another code, or let it run out")
    if len(discounts) > MOST_DISCOUNTS:
        raise Refused("too_many_discounts", f"a subscription has at most {MOST_DISCOUNTS} discounts at a time")
