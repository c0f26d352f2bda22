"""Commands that change a subscription which runs: previewed, or done, and then as it was previewed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import UsageError
from cityos_cli.parameters import DryRun, Reason, Yes
from cityos_cli.session import Session
from cityos_cli.subscribing import Id, Quantities, newest, plan_name, quantities_of, show_begun, show_preview
from cityos_core.kernel.clock import moment
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.subscriptions.model import Subscription
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

app = typer.Typer()

Plan = Annotated[str | None, typer.Option(help="Another plan, by handle or id.")]
Timing = Annotated[When, typer.Option("--when", help="At once, or when the period ends.")]
GiveBack = Annotated[bool, typer.Option("--give-back", help="Ended at once, the rest of the period becomes credit.")]
Token = Annotated[str | None, typer.Option(help="Of a preview: it comes to exactly what was shown, or is refused.")]


class Action(StrEnum):
    """What can be previewed."""

    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    UNDO = "undo"
    TRIAL = "trial"
    CONVERT = "convert"


OPTIONS: Final = {
    Action.CHANGE: {"plan", "quantity", "when"},
    Action.CANCEL: {"reason", "when", "give_back"},
    Action.TRIAL: {"ends"},
}
"""What is said of those that are not plain."""

PLAIN: Final[Mapping[Action, Wish]] = {
    Action.PAUSE: Pause(),
    Action.RESUME: Resume(),
    Action.UNDO: Undo(),
    Action.CONVERT: Convert(),
}


def _change(plan: str | None, quantity: list[str] | None, when: When) -> ChangePlan:
    return ChangePlan(plan=plan and plan_name(plan), quantities=quantities_of(quantity), when=when)


def _cancel(reason: str, when: When, *, give_back: bool) -> CancelNow | CancelLater:
    if when is When.NOW:
        return CancelNow(reason=reason, gives_back=give_back)
    if give_back:
        raise UsageError("--give-back goes with --when now; until the period ends it is used up")
    return CancelLater(reason=reason)


def _done(session: Session, subscription: UUID, act: Callable[[SubscriptionId], Subscription]) -> None:
    """Do it, and show what came of it, with the invoice that was made if there is one."""
    held = SubscriptionId(subscription)
    before = newest(session, held)
    after, made = act(held), newest(session, held)
    is_new = made is not None and (before is None or made.id != before.id)
    show_begun(session, after, made if is_new else None)


@app.command()
def preview(
    ctx: typer.Context,
    action: Annotated[Action, typer.Argument(help="What is thought of.")],
    subscription: Id,
    *,
    plan: Plan = None,
    quantity: Quantities = None,
    when: Annotated[When | None, typer.Option(help="Of a change or a cancellation.")] = None,
    reason: Annotated[str | None, typer.Option(help="Of a cancellation, for the record.")] = None,
    give_back: GiveBack = False,
    ends: Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Of a trial.")] = None,
) -> None:
    """Show what a change would come to, to the cent, and a token: given with the change, it comes to that or is refused.

    The options are those of the command that makes the change.
    """
    session = Session.of(ctx)
    told = {"plan": plan, "quantity": quantity, "when": when, "reason": reason, "give_back": give_back, "ends": ends}
    stray = {name for name, value in told.items() if value} - OPTIONS.get(action, set())
    if stray:
        names = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in stray))
        raise UsageError(f"{names} says nothing about `{action.value}`")
    show_preview(session, subscription, _wish(action, plan, quantity, when, reason, ends, give_back=give_back))


def _wish(
    action: Action,
    plan: str | None,
    quantity: list[str] | None,
    when: When | None,
    reason: str | None,
    ends: datetime | None,
    *,
    give_back: bool,
) -> Wish:
    match action:
        case Action.CHANGE:
            return _change(plan, quantity, when or When.NOW)
        case Action.CANCEL:
            if reason is None:
                raise UsageError("say why: --reason TEXT")
            return _cancel(reason, when or When.PERIOD_END, give_back=give_back)
        case Action.TRIAL:
            if ends is None:
                raise UsageError("say when the trial is to end: --ends TIME")
            return ChangeTrial(ends)
        case _:
            return PLAIN[action]


@app.command()
def change(
    ctx: typer.Context,
    subscription: Id,
    *,
    plan: Plan = None,
    quantity: Quantities = None,
    when: Timing = When.NOW,
    token: Token = None,
    dry_run: DryRun = False,
) -> None:
    """Change plan, quantities or both; at once, the rest of the period is credited and charged anew."""
    session = Session.of(ctx)
    wish = _change(plan, quantity, when)
    if dry_run:
        show_preview(session, subscription, wish)
        return
    act = session.city.subscriptions.change
    _done(
        session,
        subscription,
        lambda held: act(session.scope, held, wish.plan, wish.quantities, when=wish.when, token=token),
    )


@app.command()
def pause(ctx: typer.Context, subscription: Id, *, token: Token = None, dry_run: DryRun = False) -> None:
    """Stop for a while; the rest of the period becomes credit, and nothing falls due meanwhile."""
    session = Session.of(ctx)
    if dry_run:
        show_preview(session, subscription, Pause())
        return
    act = session.city.subscriptions.pause
    _done(session, subscription, lambda held: act(session.scope, held, token=token))


@app.command()
def resume(ctx: typer.Context, subscription: Id, *, token: Token = None, dry_run: DryRun = False) -> None:
    """Go on after a pause; what is left of the period is charged."""
    session = Session.of(ctx)
    if dry_run:
        show_preview(session, subscription, Resume())
        return
    act = session.city.subscriptions.resume
    _done(session, subscription, lambda held: act(session.scope, held, token=token))


@app.command()
def cancel(
    ctx: typer.Context,
    subscription: Id,
    *,
    reason: Reason,
    when: Timing = When.PERIOD_END,
    give_back: GiveBack = False,
    token: Token = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """End it with the period, which can be undone until then, or at once; what it owes stays owed."""
    session = Session.of(ctx)
    wish = _cancel(reason, when, give_back=give_back)
    if dry_run:
        show_preview(session, subscription, wish)
        return
    is_later = isinstance(wish, CancelLater)
    if not is_later:
        confirm(f"End {subscription} now, for good?", yes=yes)
    act = session.city.subscriptions.cancel
    _done(
        session,
        subscription,
        lambda held: act(session.scope, held, reason, at_period_end=is_later, gives_back=give_back, token=token),
    )


@app.command()
def undo(ctx: typer.Context, subscription: Id, *, token: Token = None) -> None:
    """Take back a cancellation or a change that waits for the period's end."""
    session = Session.of(ctx)
    act = session.city.subscriptions.undo
    _done(session, subscription, lambda held: act(session.scope, held, token=token))


@app.command()
def trial(
    ctx: typer.Context,
    subscription: Id,
    *,
    ends: Annotated[datetime, typer.Option(parser=moment, metavar="TIME", help="When the first period begins.")],
    token: Token = None,
) -> None:
    """Let a trial end later or earlier."""
    session = Session.of(ctx)
    act = session.city.subscriptions.change_trial
    _done(session, subscription, lambda held: act(session.scope, held, ends, token=token))


@app.command()
def convert(
    ctx: typer.Context, subscription: Id, *, token: Token = None, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """End a trial now, and collect the first period, which begins now."""
    session = Session.of(ctx)
    if dry_run:
        show_preview(session, subscription, Convert())
        return
    confirm(f"End the trial of {subscription} and charge the first period now?", yes=yes)
    act = session.city.subscriptions.convert
    _done(session, subscription, lambda held: act(session.scope, held, token=token))
