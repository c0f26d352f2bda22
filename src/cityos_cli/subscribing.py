"""What commands about subscriptions share: reading what was asked for, and telling what came of it."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.failures import DECLINED, UNAVAILABLE, Stopped, UsageError
from cityos_cli.session import Session
from cityos_core.exports import invoices, subscriptions
from cityos_core.kernel.decimals import scaled
from cityos_core.kernel.ids import PlanId, SubscriptionId
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.rendering import Record
from cityos_core.subscriptions.attempts import UNSETTLED, AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.records import PlanName
from cityos_core.subscriptions.terms import Discount
from cityos_core.subscriptions.wishes import Wish

Id = Annotated[UUID, typer.Argument(metavar="SUBSCRIPTION", help="The subscription's id.")]
Quantities = Annotated[
    list[str] | None, typer.Option("--quantity", metavar="ITEM=NUMBER", help="Of a per-seat item; repeat it for more.")
]


def plan_name(text: str) -> PlanName:
    """Take a plan by its handle, or by its id as it is printed."""
    try:
        found = UUID(text)
    except ValueError:
        return text
    return PlanId(found) if str(found) == text else text


def quantities_of(texts: Iterable[str] | None) -> dict[str, int] | None:
    """Read ``ITEM=NUMBER`` of several items; nothing is nothing."""
    return None if texts is None else dict(map(_quantity, texts))


def _quantity(text: str) -> tuple[str, int]:
    item, _, number = text.rpartition("=")
    if not item:
        raise UsageError(f"--quantity takes ITEM=NUMBER, such as seats=3, not {text!r}")
    return item, scaled(number, 0, what="a whole number")


def discount_of(text: str, currency: str) -> Discount:
    """Read ``CODE=10%`` or ``CODE=5.00``, with the number of periods behind an ``x`` unless it is given for ever."""
    code, _, value = text.rpartition("=")
    amount, _, cycles = value.partition("x")
    if not code or not amount:
        raise UsageError(f"--discount takes CODE=10% or CODE=5.00, with x3 behind it for three periods, not {text!r}")
    is_percentage = amount.endswith("%")
    return Discount(
        code=code,
        percentage=Percentage.of(amount.removesuffix("%")) if is_percentage else None,
        amount=None if is_percentage else Money.of(amount, currency),
        cycles=scaled(cycles, 0, what="a whole number") if cycles else None,
    )


def newest(session: Session, subscription: SubscriptionId) -> Invoice | None:
    """Give the newest invoice of a subscription, if it has one."""
    where = InvoiceFilter(subscription=subscription)
    page = session.city.invoices.list(session.scope, where, PageRequest(limit=1))
    return next(iter(page.items), None)


def _lines(invoice: Invoice | None) -> list[Record]:
    return [] if invoice is None else invoices.line_records(invoice.lines, invoice.currency)


def show_begun(session: Session, subscription: Subscription, made: Invoice | None) -> None:
    """Print a subscription with the invoice that was just made, and end by what became of its payment."""
    record = subscriptions.whole(subscription, session.plan_handles)
    lines = _lines(made)
    document = {**record, "invoice": made and {**invoices.summary(made), "lines": lines}}
    summary = {**record, "invoice": made and made.id, "total": made and made.total, "due": made and made.due}
    session.output.sheet(document, summary, "The invoice", invoices.LINE_COLUMNS, lines)
    attempts = session.city.invoices.attempts(session.scope, made.id) if made else ()
    for attempt in attempts[-1:]:
        end(attempt)


def show_rehearsed(session: Session, subscription: Subscription, made: Invoice | None) -> None:
    """Print a subscription as it would begin, and what would be invoiced."""
    record = {**subscriptions.whole(subscription, session.plan_handles), "id": None, "dry_run": True}
    told, lines = made and invoices.previewed(made), _lines(made)
    document = {**record, "invoice": told and {**told, "lines": lines}}
    summary = {**record, "total": made and made.total, "due": made and made.due}
    session.output.sheet(document, summary, "The invoice", invoices.LINE_COLUMNS, lines)


def show_preview(session: Session, subscription: UUID, wish: Wish) -> None:
    """Print what a wish would come to, and the token that stands for exactly that."""
    found = session.city.subscriptions.preview(session.scope, SubscriptionId(subscription), wish)
    after = subscriptions.whole(found.subscription, session.plan_handles)
    told, lines = found.invoice and invoices.previewed(found.invoice), _lines(found.invoice)
    token = {"token": found.token, "expires_at": found.expires_at}
    document = {**token, "invoice": told and {**told, "lines": lines}, "subscription": after}
    shown = {name: after[name] for name in ("plan", "quantities", "status", "due_at", "ends_at")}
    session.output.sheet(document, {**token, **shown, **(told or {})}, "The invoice", invoices.LINE_COLUMNS, lines)


def end(attempt: PaymentAttempt) -> None:
    """End with 3 if a payment was declined, with 9 if nobody knows what became of it."""
    if attempt.status is AttemptStatus.DECLINED:
        remedy = "give another one with `cityos subscriptions method`, and collect it with `cityos subscriptions pay"
        raise Stopped(f"{attempt.amount} was declined: {attempt.reason}; {remedy} {attempt.invoice_id}`", DECLINED)
    if attempt.status in UNSETTLED:
        detail = f"nobody knows yet whether {attempt.amount} was collected: {attempt.reason}"
        raise Stopped(f"{detail}; `cityos billing inquire` asks the gateway", UNAVAILABLE)
