"""The orders of a tenant."""

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import UsageError
from cityos_cli.importing import Errors, File, FileFormat, Form, form_of, import_file
from cityos_cli.parameters import DryRun, IdempotencyKey, Limit, Since, Until, Yes
from cityos_cli.progress import reading
from cityos_cli.session import Session
from cityos_core.exports.orders import (
    COLUMNS,
    dispute_record,
    line_record,
    refund_lines,
    refund_record,
    summary,
    whole,
)
from cityos_core.kernel.clock import moment
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter

if TYPE_CHECKING:
    from cityos_core.orders.refunds import LineRefund

app = typer.Typer(help="What buyers bought.")
dispute = typer.Typer(help="Payments that buyers dispute.")
app.add_typer(dispute, name="dispute")

LINE_COLUMNS = ("line", "sku", "vendor", "quantity", "unit_price", "gross", "paid", "legs", "remaining")

Reference = Annotated[str, typer.Argument(help="The order's reference.")]
Part = Annotated[str | None, typer.Option("--vendor", help="Only this vendor's part, by handle.")]
At = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="When it happened; now by default.")]
DisputeReference = Annotated[str, typer.Argument(help="What the provider calls the dispute.")]


def _show(session: Session, order: Order) -> None:
    session.output.document(whole(order), LINE_COLUMNS, (line_record(order, line) for line in order.lines))


@app.command("import")
def import_(ctx: typer.Context, file: File, *, errors: Errors = None, format_: Form = None) -> None:
    """Import past orders, as JSON lines or as CSV with a row per line; importing them again changes nothing."""
    from cityos_adapters.files import read_orders_csv, read_orders_jsonl

    session = Session.of(ctx)
    read = read_orders_csv if form_of(file, format_) is FileFormat.CSV else read_orders_jsonl
    import_file(session, file, read, session.city.orders.import_rows, errors=errors)


@app.command()
def place(
    ctx: typer.Context,
    file: File,
    *,
    store: Annotated[str | None, typer.Option(help="The store it is placed in, by handle.")] = None,
) -> None:
    """Place one order from a JSON file; the same order again is answered with the one that stands."""
    from cityos_adapters.files import read_document
    from cityos_adapters.serialization import load, parse

    session = Session.of(ctx)
    with reading(file) as stream:
        draft = load(OrderDraft, parse(read_document(stream)))
    _show(session, session.city.orders.place(session.scope, draft, store=store))


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    vendor: Annotated[str | None, typer.Option(help="With a part of this vendor, by handle.")] = None,
    customer: Annotated[str | None, typer.Option(help="Of this buyer.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
) -> None:
    """List orders by time of placing."""
    session = Session.of(ctx)
    where = OrderFilter(vendor=vendor, customer=customer, since=since, until=until)
    found = islice(every(lambda request: session.city.orders.list(session.scope, where, request)), limit)
    session.output.rows(COLUMNS, map(summary, found))


@app.command()
def show(ctx: typer.Context, reference: Reference) -> None:
    """Show one order: its lines with everyone's part in them; in JSON all that happened to it."""
    session = Session.of(ctx)
    _show(session, session.city.orders.get(session.scope, reference))


@app.command()
def fulfil(
    ctx: typer.Context,
    reference: Reference,
    *,
    vendor: Part = None,
    item: Annotated[
        list[str] | None, typer.Option(metavar="LINE=UNITS", help="Only these units; repeat it for more lines.")
    ] = None,
    carrier: Annotated[str | None, typer.Option(help="Who carries it.")] = None,
    tracking: Annotated[str | None, typer.Option(help="The parcel's number.")] = None,
    at: At = None,
) -> None:
    """Send goods, in part or all that is outstanding, for one vendor or for all."""
    session = Session.of(ctx)
    items = dict(_units(text) for text in item) if item else None
    order = session.city.orders.fulfil(
        session.scope, reference, vendor=vendor, items=items, carrier=carrier, tracking=tracking, at=at
    )
    _show(session, order)


def _units(text: str) -> tuple[str, int]:
    line, _, units = text.rpartition("=")
    if not line or not units.isascii() or not units.isdigit():
        raise UsageError(f"{text!r} is not LINE=UNITS, such as 1=12")
    return line, int(units)


@app.command()
def deliver(ctx: typer.Context, reference: Reference, *, vendor: Part = None, at: At = None) -> None:
    """Record that what was sent arrived."""
    session = Session.of(ctx)
    _show(session, session.city.orders.deliver(session.scope, reference, vendor=vendor, at=at))


@app.command()
def cancel(
    ctx: typer.Context,
    reference: Reference,
    *,
    vendor: Part = None,
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    yes: Yes = False,
) -> None:
    """Cancel an order, or one vendor's part of it, before anything of it was sent; the buyer gets the money back."""
    session = Session.of(ctx)
    confirm(f"Cancel {reference}?", yes=yes)
    _show(session, session.city.orders.cancel(session.scope, reference, vendor=vendor, note=note))


@app.command()
def refund(
    ctx: typer.Context,
    reference: Reference,
    *,
    amount: Annotated[str | None, typer.Option(help="Of the order; without it, and without lines, all of it.")] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE[=UNITS]", help="All that remains of a line, or some units; repeat it for more."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Decides by the refund policy what is kept.")] = "other",
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Give a buyer money back: an amount, some lines, or everything that remains."""
    session = Session.of(ctx)
    if amount is not None and line:
        raise UsageError("refund by --amount or by --line, not both")
    order = session.city.orders.get(session.scope, reference)
    money = None if amount is None else Money.of(amount, order.currency)
    lines = [_line_refund(text) for text in line or ()]
    if not dry_run:
        what = money or (f"lines {', '.join(line)}" if line else f"all that remains, {order.total - order.refunded}")
        confirm(f"Refund {what} of order {reference}?", yes=yes)
    made = session.city.orders.refund(
        session.scope,
        reference,
        amount=money,
        lines=lines,
        reason=reason,
        note=note,
        key=idempotency_key,
        dry_run=dry_run,
    )
    document = {**refund_record(order, made), "dry_run": dry_run}
    session.output.document(document, ("line", "quantity", "amount", "legs", "kept"), refund_lines(order, made))


def _line_refund(text: str) -> "LineRefund":
    from cityos_core.orders.refunds import LineRefund

    if "=" not in text:
        return LineRefund(line=text)
    line, units = _units(text)
    return LineRefund(line=line, quantity=units)


@dispute.command("open")
def open_dispute(
    ctx: typer.Context,
    reference: Reference,
    dispute: DisputeReference,
    *,
    amount: Annotated[str | None, typer.Option(help="What is disputed; everything that remains by default.")] = None,
    reason: Annotated[str, typer.Option(help="What the buyer says.")] = "other",
) -> None:
    """Record that a buyer disputes a payment; the vendors' shares are held back."""
    session = Session.of(ctx)
    order = session.city.orders.get(session.scope, reference)
    money = None if amount is None else Money.of(amount, order.currency)
    opened = session.city.orders.open_dispute(session.scope, reference, dispute, amount=money, reason=reason)
    session.output.record(dispute_record(order, opened))


@dispute.command("close")
def close_dispute(
    ctx: typer.Context,
    reference: Reference,
    dispute: DisputeReference,
    *,
    won: Annotated[bool, typer.Option("--won/--lost", help="Who was right, from the vendors' side.")],
    yes: Yes = False,
) -> None:
    """Record how a dispute ended; lost, the buyer's bank takes the money."""
    from cityos_core.orders.disputes import DisputeOutcome

    session = Session.of(ctx)
    outcome = DisputeOutcome.WON if won else DisputeOutcome.LOST
    confirm(f"Close dispute {dispute} of order {reference} as {outcome}?", yes=yes)
    order = session.city.orders.get(session.scope, reference)
    closed = session.city.orders.close_dispute(session.scope, reference, dispute, outcome)
    session.output.record(dispute_record(order, closed))


@app.command("release-due")
def release_due(ctx: typer.Context) -> None:
    """Make vendors' money available whose holding period is over."""
    session = Session.of(ctx)
    released = session.city.orders.release_due(session.scope)
    session.output.record({"vendor_orders": released.vendor_orders, "reserves": released.reserves})


@app.command("quote-shipping")
def quote_shipping(
    ctx: typer.Context,
    file: File,
    *,
    region: Annotated[str | None, typer.Option(help="Where to, such as a country code.")] = None,
    store: Annotated[str | None, typer.Option(help="Whose rates, by handle.")] = None,
) -> None:
    """Say what shipping would cost for each vendor of an order, from a JSON file."""
    from cityos_adapters.files import read_document
    from cityos_adapters.serialization import load, parse

    session = Session.of(ctx)
    with reading(file) as stream:
        draft = load(OrderDraft, parse(read_document(stream)))
    quotes = session.city.orders.quote_shipping(session.scope, draft, region=region, store=store)
    records = (
        {"vendor": quote.vendor, "amount": quote.amount, "currency": quote.amount.currency, "rate": quote.rate}
        for quote in quotes
    )
    session.output.rows(("vendor", "amount", "currency", "rate"), records)
