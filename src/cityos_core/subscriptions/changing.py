"""Changing a subscription that runs: previewed or at once, and each exactly as it was previewed."""

from datetime import datetime

from attrs import frozen

from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.desk import Desk, Preview
from cityos_core.subscriptions.model import Quantities, Subscription
from cityos_core.subscriptions.records import PlanName
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


@frozen
class PreviewChange:
    """Say what a wish would come to: the invoice as it would be issued, the subscription after, and a token.

    Giving the token where the wish is fulfilled yields that invoice, or a refusal: ``preview_expired`` when it is too
    old, ``preview_outdated`` when anything it rests on changed.
    """

    desk: Desk

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId, wish: Wish) -> Preview:
        return self.desk.preview(scope, subscription_id, wish)


@frozen
class ChangeSubscription:
    """Change plan, quantities or both: at once, credited and debited for the rest of the period, or when it ends."""

    desk: Desk

    def __call__(
        self,
        scope: TenantScope,
        subscription_id: SubscriptionId,
        plan: PlanName | None = None,
        quantities: Quantities | None = None,
        *,
        when: When = When.NOW,
        token: str | None = None,
    ) -> Subscription:
        """Change what is given; quantities that are not named stay, as far as the plan has them."""
        wish = ChangePlan(plan=plan, quantities=quantities, when=when)
        return self.desk.fulfil(scope, subscription_id, wish, token=token)


@frozen
class UndoChange:
    """Take back a cancellation or a change that was to take place at the period's end."""

    desk: Desk

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, *, token: str | None = None
    ) -> Subscription:
        return self.desk.fulfil(scope, subscription_id, Undo(), token=token)


@frozen
class PauseSubscription:
    """Stop a subscription for a while; the rest of the period becomes credit, and nothing falls due meanwhile."""

    desk: Desk

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, *, token: str | None = None
    ) -> Subscription:
        return self.desk.fulfil(scope, subscription_id, Pause(), token=token)


@frozen
class ResumeSubscription:
    """Go on after a pause; what is left of the period is charged, and the next begins where it would have anyway."""

    desk: Desk

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, *, token: str | None = None
    ) -> Subscription:
        return self.desk.fulfil(scope, subscription_id, Resume(), token=token)


@frozen
class CancelSubscription:
    """End a subscription, at once or with its period, or trial; what it owes stays owed.

    Ended at once, what was used is billed, and with ``gives_back`` the rest of the period becomes credit. One that waits
    for its first payment owes nothing: its invoice is void.
    """

    desk: Desk

    def __call__(
        self,
        scope: TenantScope,
        subscription_id: SubscriptionId,
        reason: str,
        *,
        at_period_end: bool,
        gives_back: bool = False,
        token: str | None = None,
    ) -> Subscription:
        """Cancel it; until the period has ended, a cancellation that waits for that can be undone."""
        wish = CancelLater(reason=reason) if at_period_end else CancelNow(reason=reason, gives_back=gives_back)
        return self.desk.fulfil(scope, subscription_id, wish, token=token)


@frozen
class ChangeTrialEnd:
    """Let a trial end later or earlier; the first period begins then."""

    desk: Desk

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, ends_at: datetime, *, token: str | None = None
    ) -> Subscription:
        return self.desk.fulfil(scope, subscription_id, ChangeTrial(ends_at), token=token)


@frozen
class ConvertTrial:
    """End a trial now, and collect the first period, which begins now."""

    desk: Desk

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, *, token: str | None = None
    ) -> Subscription:
        return self.desk.fulfil(scope, subscription_id, Convert(), token=token)
