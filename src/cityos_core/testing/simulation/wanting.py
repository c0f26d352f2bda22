"""What subscribers want in a simulated city: other plans and quantities, pauses, ends; previewed first or not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.paging import every
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.desk import Preview
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.wishes import (
    CancelLater,
    CancelNow,
    ChangePlan,
    ChangeTrial,
    Convert,
    Pause,
    Resume,
    Undo,
    When,
    Wish,
)
from cityos_core.testing.simulation.laws import LawBroken
from cityos_core.testing.simulation.membership import Member, Membership

MINUTES: Final = (0, 0, 5, 20, 45)
"""How long somebody looks at a preview; it is good for half an hour."""

_S = SubscriptionStatus

UNDECIDED: Final = frozenset({_S.TRIALING, _S.PAUSED})
"""Who is on trial or has paused decides something more often."""


@frozen
class Wants:
    """What subscribers of one tenant want."""

    those: Membership

    def want(self) -> None:
        """Let somebody want something; who is gone may come again."""
        those = self.those
        found = self._found()
        if not found:
            return
        member, subscription = next((one for one in found if one[1].status in UNDECIDED), found[0])
        if subscription.status in OVER:
            those.members.remove(member)
            those.join(member.subscriber)
        elif not those.random.randrange(12):
            self._discount(member)
        else:
            self._fulfil(subscription, those.random.choice(self._sensible(subscription)))

    def _found(self) -> list[tuple[Member, Subscription]]:
        """Draw some of those who are there, and look where their subscriptions stand."""
        those = self.those
        drawn = those.random.sample(those.members, k=min(len(those.members), 3))
        return [(one, those.app.subscriptions.get(those.scope, one.subscription_id)) for one in drawn]

    def _sensible(self, subscription: Subscription) -> list[Callable[[], Wish]]:
        """List what somebody may want, most of it possible where the subscription stands."""
        anything: list[Callable[[], Wish]] = [
            self._change, self._change, Pause, Resume, Undo, self._cancel, Convert, self._trial
        ]  # fmt: skip
        if not self.those.random.randrange(10):
            return anything
        if subscription.cancellation is not None or subscription.scheduled is not None:
            return [Undo, Undo, self._change, self._cancel]
        match subscription.status:
            case _S.TRIALING:
                return [self._change, Convert, Convert, self._trial, self._trial, self._cancel]
            case _S.PAUSED:
                return [Resume, Resume, Resume, self._cancel]
            case _:
                return [*[self._change] * 4, Pause, self._cancel]

    def _change(self) -> Wish:
        random, plans = self.those.random, self.those.plans
        plan = plans[random.choice(list(plans))]
        when = random.choice([When.NOW, When.NOW, When.PERIOD_END])
        return ChangePlan(plan=plan.handle, quantities=self.those.quantities(plan), when=when)

    def _cancel(self) -> Wish:
        reason = "closing down"
        if self.those.random.randrange(3):
            return CancelLater(reason=reason)
        return CancelNow(reason=reason, gives_back=bool(self.those.random.randrange(2)))

    def _trial(self) -> Wish:
        return ChangeTrial(self.those.clock.now() + timedelta(days=self.those.random.randint(1, 30)))

    def _discount(self, member: Member) -> None:
        those = self.those
        discount = those.discount(those.random.choice(["spring", "autumn"]))
        give = those.app.subscriptions.add_discount
        those.chance.allowed("discounts", lambda: give(those.scope, member.subscription_id, discount))

    def _fulfil(self, subscription: Subscription, make: Callable[[], Wish]) -> None:
        wish, those = make(), self.those
        shown = self._preview(subscription, wish) if those.random.randrange(2) else None
        if shown is not None:
            those.clock.advance(timedelta(minutes=those.random.choice(MINUTES)))
        token = None if shown is None else shown.token
        done = those.chance.allowed(_NAMES[type(wish)], lambda: self._do(subscription, wish, token))
        if done and shown is not None:
            self._compare(subscription, shown)

    def _preview(self, subscription: Subscription, wish: Wish) -> Preview | None:
        try:
            return self.those.app.subscriptions.preview(self.those.scope, subscription.id, wish)
        except (Refused, Conflict):
            return None

    def _do(self, subscription: Subscription, wish: Wish, token: str | None) -> Subscription:
        use, words = self.those.app.subscriptions, dict[str, Any]()
        do: Callable[..., Subscription]
        match wish:
            case ChangePlan():
                do, words = use.change, {"plan": wish.plan, "quantities": wish.quantities, "when": wish.when}
            case CancelNow():
                do, words = use.cancel, {"reason": wish.reason, "at_period_end": False, "gives_back": wish.gives_back}
            case CancelLater():
                do, words = use.cancel, {"reason": wish.reason, "at_period_end": True}
            case ChangeTrial():
                do, words = use.change_trial, {"ends_at": wish.ends_at}
            case Undo():
                do = use.undo
            case Pause():
                do = use.pause
            case Resume():
                do = use.resume
            case Convert():
                do = use.convert
        return do(self.those.scope, subscription.id, **words, token=token)

    def _compare(self, subscription: Subscription, shown: Preview) -> None:
        """Prove that what was shown is what came."""
        wanted = shown.invoice
        if wanted is None:
            return
        where = InvoiceFilter(subscription=subscription.id)
        for one in every(lambda request: self.those.app.invoices.list(self.those.scope, where, request)):
            if (one.cycle, one.change) == (wanted.cycle, wanted.change):
                if (one.lines, one.from_credit) == (wanted.lines, wanted.from_credit):
                    return
                raise LawBroken(f"invoice {one.entity}/{one.number} is not what its preview showed: {evolve(one)}")
        raise LawBroken(f"subscription {subscription.id}: a preview showed an invoice, and there is none")


_NAMES: Final = {
    ChangePlan: "changes",
    CancelNow: "endings",
    CancelLater: "endings later",
    ChangeTrial: "trials moved",
    Undo: "changes undone",
    Pause: "pauses",
    Resume: "resumptions",
    Convert: "trials converted",
}
"""What is counted when a wish is fulfilled."""
