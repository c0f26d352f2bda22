"""What subscribers were charged."""

from datetime import datetime
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import UsageError
from cityos_cli.parameters import DryRun, Limit, Reason, Yes
from cityos_cli.session import Session
from cityos_core.exports.invoices import (
    ATTEMPT_COLUMNS,
    COLUMNS,
    LINE_COLUMNS,
    NOTE_COLUMNS,
    attempt_record,
    line_records,
    note_record,
    summary,
)
from cityos_core.kernel.clock import moment
from cityos_core.kernel.decimals import scaled
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.ports import InvoiceFilter

app = typer.Typer(help="What subscribers were charged, how it was corrected, and how it was paid.")

Id = Annotated[UUID, typer.Argument(metavar="INVOICE", help="The invoice's id.")]


def _show(session: Session, invoice: Invoice, **more: object) -> None:
    told: Record = {**more, **summary(invoice)}
    lines = line_records(invoice.lines, invoice.currency)
    session.output.sheet({**told, "lines": lines}, told, "Lines", LINE_COLUMNS, lines)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    status: Annotated[InvoiceStatus | None, typer.Option(help="Those of this status.")] = None,
    subscriber: Annotated[str | None, typer.Option(help="Those of one customer or company, by reference.")] = None,
    subscription: Annotated[UUID | None, typer.Option(help="Those of one subscription, by id.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Those that should have been paid by now.")] = False,
    limit: Limit = None,
) -> None:
    """List invoices, newest first."""
    session = Session.of(ctx)
    where = InvoiceFilter(
        status=status,
        subscriber=subscriber,
        subscription=None if subscription is None else SubscriptionId(subscription),
        overdue_at=session.now if overdue else None,
    )
    found = islice(every(lambda request: session.city.invoices.list(session.scope, where, request)), limit)
    session.output.rows(COLUMNS, map(summary, found))


@app.command()
def show(ctx: typer.Context, invoice: Id) -> None:
    """Show one invoice with its lines; the first line is number 0."""
    session = Session.of(ctx)
    _show(session, session.city.invoices.get(session.scope, InvoiceId(invoice)))


@app.command()
def attempts(ctx: typer.Context, invoice: Id) -> None:
    """List the attempts to collect an invoice, in their order."""
    session = Session.of(ctx)
    found = session.city.invoices.attempts(session.scope, InvoiceId(invoice))
    session.output.rows(ATTEMPT_COLUMNS, map(attempt_record, found))


@app.command("credit-notes")
def credit_notes(ctx: typer.Context, invoice: Id) -> None:
    """List the credit notes that correct an invoice, in their order."""
    session = Session.of(ctx)
    found = session.city.invoices.credit_notes(session.scope, InvoiceId(invoice))
    session.output.rows(NOTE_COLUMNS, map(note_record, found))


@app.command()
def credit(
    ctx: typer.Context,
    invoice: Id,
    *,
    line: Annotated[
        list[str], typer.Option(metavar="LINE=AMOUNT", help="How much of a line, tax included; repeat it for more.")
    ],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Give some of an invoice back: what is not paid yet is owed no more, what was paid becomes credit."""
    session = Session.of(ctx)
    found = session.city.invoices.get(session.scope, InvoiceId(invoice))
    corrections = [_correction(text, found.currency) for text in line]
    total = sum((one.amount for one in corrections), Money.zero(found.currency))
    confirm(f"Credit {total} of invoice {_number(found)}?", yes=yes or dry_run)
    act = session.city.invoices.credit
    made = session.do(lambda: act(session.scope, found.id, corrections, reason=reason), dry_run=dry_run)
    told = {"id": None, "number": None} if dry_run else {}
    session.output.record({"dry_run": dry_run, **note_record(made), **told})


def _correction(text: str, currency: str) -> Correction:
    line, _, amount = text.partition("=")
    if not amount:
        raise UsageError(f"--line takes LINE=AMOUNT, such as 0=10.00, not {text!r}")
    return Correction(line=scaled(line, 0, what="the number of a line"), amount=Money.of(amount, currency))


def _number(invoice: Invoice) -> str:
    return f"{invoice.entity}/{invoice.number}"


@app.command()
def void(ctx: typer.Context, invoice: Id, *, reason: Reason, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Declare an invoice void that was not paid: it keeps its number, and nothing of it is owed."""
    session = Session.of(ctx)
    found = session.city.invoices.get(session.scope, InvoiceId(invoice))
    confirm(f"Declare invoice {_number(found)} of {found.total} void?", yes=yes or dry_run)
    act = session.city.invoices.void
    after = session.do(lambda: act(session.scope, found.id, reason=reason), dry_run=dry_run)
    _show(session, after, dry_run=dry_run)


@app.command("write-off")
def write_off(ctx: typer.Context, invoice: Id, *, reason: Reason, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Give up an open invoice: what is owed becomes an expense, and can still be paid."""
    session = Session.of(ctx)
    found = session.city.invoices.get(session.scope, InvoiceId(invoice))
    confirm(f"Give up {found.due} of invoice {_number(found)}?", yes=yes or dry_run)
    act = session.city.invoices.write_off
    after = session.do(lambda: act(session.scope, found.id, reason=reason), dry_run=dry_run)
    _show(session, after, dry_run=dry_run)


@app.command("mark-paid")
def mark_paid(
    ctx: typer.Context,
    invoice: Id,
    *,
    reference: Annotated[str, typer.Option(help="Of the payment, as the bank statement has it.")],
    amount: Annotated[str | None, typer.Option(help="What came; what is owed unless said.")] = None,
    at: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="When it came; now by default.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Record that an invoice was paid into the bank; the same reference again changes nothing."""
    session = Session.of(ctx)
    found = session.city.invoices.get(session.scope, InvoiceId(invoice))
    came = None if amount is None else Money.of(amount, found.currency)
    confirm(f"Record that {came or found.due} of invoice {_number(found)} came?", yes=yes or dry_run)
    act = session.city.invoices.mark_paid
    after = session.do(lambda: act(session.scope, found.id, reference=reference, amount=came, at=at), dry_run=dry_run)
    _show(session, after, dry_run=dry_run)
