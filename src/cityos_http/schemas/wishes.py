"""What subscribers and administrators ask of subscriptions."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.subscriptions.terms import Collection, Subscriber, SubscriberKind, TaxRate
from cityos_core.subscriptions.trials import Agreement
from cityos_core.subscriptions.wishes import (
    LONGEST_REASON,
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
from cityos_http.schema import about
from cityos_http.schemas.plans import PLAN_HANDLE, TRIAL
from cityos_http.schemas.stores import STORE_HANDLE
from cityos_http.schemas.terms import METHOD, QUANTITIES, DiscountRequest, check_quantities

TOKEN = about("What a preview gave: what happens is exactly what it showed, or nothing.")
WHY = about("For the record.", example="too expensive", least=1, most=LONGEST_REASON)


def _check_reason(_instance: object, _attribute: object, value: str) -> None:
    if not value.strip() or len(value) > LONGEST_REASON:
        raise Invalid.at("$.reason", "no_reason", f"say why, in one to {LONGEST_REASON} characters")


@frozen(kw_only=True)
class OwnSubscriptionRequest:
    """What a customer subscribes to; the price and all other terms are the plan's."""

    plan: str = field(metadata=PLAN_HANDLE)
    quantities: Mapping[str, int] = field(factory=dict, metadata=QUANTITIES, validator=check_quantities)
    payment_method: str | None = field(default=None, metadata=METHOD)
    store: str | None = field(default=None, metadata=STORE_HANDLE)

    def agreement(self, customer: str) -> Agreement:
        """Give what the core knows."""
        subscriber = Subscriber(SubscriberKind.CUSTOMER, customer)
        return Agreement(subscriber=subscriber, quantities=self.quantities)


@frozen(kw_only=True)
class SubscriptionRequest:
    """A subscription as it was agreed."""

    plan: str = field(metadata=PLAN_HANDLE)
    subscriber: Subscriber
    quantities: Mapping[str, int] = field(factory=dict, metadata=QUANTITIES, validator=check_quantities)
    discounts: tuple[DiscountRequest, ...] = ()
    tax: TaxRate | None = None
    collection: Collection = field(factory=Collection)
    trial_days: int | None = field(default=None, metadata=TRIAL)
    payment_method: str | None = field(default=None, metadata=METHOD)
    store: str | None = field(default=None, metadata=STORE_HANDLE)

    def agreement(self) -> Agreement:
        """Give what the core knows."""
        return Agreement(
            subscriber=self.subscriber,
            quantities=self.quantities,
            discounts=tuple(one.discount() for one in self.discounts),
            tax=self.tax,
            collection=self.collection,
            trial_days=self.trial_days,
        )


@frozen(kw_only=True)
class ChangeWish:
    """Another plan, other quantities, or both; what is not named stays as it is, as far as the plan has it."""

    plan: str | None = field(default=None, metadata=PLAN_HANDLE)
    quantities: Mapping[str, int] | None = field(default=None, metadata=QUANTITIES, validator=check_quantities)
    when: When = When.NOW

    def wish(self) -> Wish:
        """Give what the core knows."""
        return ChangePlan(plan=self.plan, quantities=self.quantities, when=self.when)


@frozen(kw_only=True)
class OwnCancelWish:
    """To end it: with the period that is paid for, or at once."""

    reason: str = field(metadata=WHY, validator=_check_reason)
    when: When = When.PERIOD_END

    def wish(self) -> Wish:
        """Give what the core knows."""
        return CancelNow(reason=self.reason) if self.when is When.NOW else CancelLater(reason=self.reason)


@frozen(kw_only=True)
class CancelWish:
    """To end it: with the period that is paid for, or at once."""

    reason: str = field(metadata=WHY, validator=_check_reason)
    when: When = When.PERIOD_END
    gives_back: bool = field(
        default=False, metadata=about("Whether the rest of the period becomes credit, where it ends at once.")
    )

    def wish(self) -> Wish:
        """Give what the core knows."""
        if self.when is When.NOW:
            return CancelNow(reason=self.reason, gives_back=self.gives_back)
        return CancelLater(reason=self.reason)


@frozen(kw_only=True)
class TrialWish:
    """Another end of the trial."""

    ends_at: datetime = field(metadata=about("When the first period begins.", example="2026-02-01T00:00:00Z"))

    def wish(self) -> Wish:
        """Give what the core knows."""
        return ChangeTrial(self.ends_at)


@frozen(kw_only=True)
class PlainWish:
    """Nothing more to say."""


@frozen(kw_only=True)
class OwnPreviewRequest:
    """What is thought of: one of these."""

    change: ChangeWish | None = None
    cancel: OwnCancelWish | None = None
    pause: PlainWish | None = None
    resume: PlainWish | None = None
    undo: PlainWish | None = None

    def __attrs_post_init__(self) -> None:
        _require_one(self.change, self.cancel, self.pause, self.resume, self.undo)

    def wish(self) -> Wish:
        """Give what the core knows."""
        told = self.change or self.cancel
        if told is not None:
            return told.wish()
        return Pause() if self.pause else Resume() if self.resume else Undo()


@frozen(kw_only=True)
class PreviewRequest:
    """What is thought of: one of these."""

    change: ChangeWish | None = None
    cancel: CancelWish | None = None
    pause: PlainWish | None = None
    resume: PlainWish | None = None
    undo: PlainWish | None = None
    trial: TrialWish | None = None
    convert: PlainWish | None = None

    def __attrs_post_init__(self) -> None:
        _require_one(self.change, self.cancel, self.pause, self.resume, self.undo, self.trial, self.convert)

    def wish(self) -> Wish:
        """Give what the core knows."""
        told = self.change or self.cancel or self.trial
        if told is not None:
            return told.wish()
        if self.convert is not None:
            return Convert()
        return Pause() if self.pause else Resume() if self.resume else Undo()


def _require_one(*wishes: object) -> None:
    if sum(wish is not None for wish in wishes) != 1:
        raise Invalid("one_wish", "say one thing to preview, such as change, cancel or pause")


@frozen(kw_only=True)
class StepTokenRequest:
    """A step, as it was previewed or as it comes."""

    token: str | None = field(default=None, metadata=TOKEN)


@frozen(kw_only=True)
class SubscriptionChangeRequest(ChangeWish):
    """Another plan, other quantities, or both; what is not named stays as it is, as far as the plan has it."""

    token: str | None = field(default=None, metadata=TOKEN)


@frozen(kw_only=True)
class OwnSubscriptionCancelRequest(OwnCancelWish):
    """To end it: with the period that is paid for, or at once."""

    token: str | None = field(default=None, metadata=TOKEN)


@frozen(kw_only=True)
class SubscriptionCancelRequest(CancelWish):
    """To end it: with the period that is paid for, or at once."""

    token: str | None = field(default=None, metadata=TOKEN)


@frozen(kw_only=True)
class TrialRequest(TrialWish):
    """Another end of the trial."""

    token: str | None = field(default=None, metadata=TOKEN)


@frozen(kw_only=True)
class PaymentMethodRequest:
    """What is charged from now on."""

    payment_method: str | None = field(metadata=METHOD)
