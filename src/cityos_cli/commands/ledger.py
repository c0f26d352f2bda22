"""The books of a tenant."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import Stopped, UsageError
from cityos_cli.output import Format
from cityos_cli.parameters import Actor, AsOf, IdempotencyKey, Limit, Reason, Since, Until, Yes
from cityos_cli.session import Session
from cityos_core.exports.journals import COLUMNS, postings, record
from cityos_core.kernel.clock import moment
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.ledger.model import Balance
from cityos_core.ledger.ports import Difference, JournalFilter
from cityos_core.ledger.statements import STATES, Position, Section

app = typer.Typer(help="Balances, journals, statements, and the proof that they are right.")

STATEMENT_COLUMNS = ("occurred_at", "kind", "journal", "currency", *STATES, "total", "references")

Kind = Annotated[str | None, typer.Option(help="Journals of this kind.")]
Account = Annotated[str | None, typer.Option(help="Journals on this account, or on all that start with NAME:")]
Reference = Annotated[
    str | None, typer.Option(help="Journals that carry it, such as order=10248.", metavar="NAME=TEXT")
]
Amount = Annotated[str, typer.Option(help="With the currency's digits, such as 25.00.")]
Currency = Annotated[str, typer.Option(help="ISO 4217, such as EUR.")]


@app.command()
def balances(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(help="Accounts that start so, such as vendor: or revenue:.")] = "",
    *,
    vendor: Annotated[str | None, typer.Option(help="The accounts of one vendor, by handle.")] = None,
    as_of: AsOf = None,
) -> None:
    """Show what every account holds, from its own side: what a vendor is owed is positive."""
    session = Session.of(ctx)
    if vendor:
        prefix = f"vendor:{session.city.vendors.get(session.scope, vendor).id}:"
    found = session.city.ledger.balances(session.scope, prefix, as_of=as_of)
    session.output.rows(("account", "vendor", "balance", "currency"), _balances(session, found))


def _balances(session: Session, found: Iterable[Balance]) -> Iterator[Record]:
    handles = {str(vendor): handle for vendor, handle in session.vendor_handles.items()}
    for balance in found:
        head, _, rest = balance.account.path.partition(":")
        yield {
            "account": balance.account.path,
            "vendor": handles.get(rest.partition(":")[0]) if head == "vendor" else None,
            "balance": balance.money,
            "currency": balance.money.currency,
        }


def _where(kind: str | None, account: str | None, since: Since, until: Until, reference: str | None) -> JournalFilter:
    name, _, text = (reference or "").partition("=")
    return JournalFilter(
        kind=kind, account=account, since=since, until=until, reference=(name, text) if reference else None
    )


@app.command()
def journals(
    ctx: typer.Context,
    *,
    kind: Kind = None,
    account: Account = None,
    reference: Reference = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
) -> None:
    """List journals in order of recording."""
    session = Session.of(ctx)
    where = _where(kind, account, since, until, reference)
    found = islice(every(lambda request: session.city.ledger.journals(session.scope, where, request)), limit)
    session.output.rows(("journal", "kind", "occurred_at", "references", "reverses"), map(record, found))


@app.command()
def export(
    ctx: typer.Context,
    *,
    kind: Kind = None,
    account: Account = None,
    reference: Reference = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write every posting, one per row; in JSON and JSON lines, whole journals."""
    session = Session.of(ctx)
    found = session.city.ledger.export(session.scope, _where(kind, account, since, until, reference))
    if session.output.format in (Format.JSON, Format.JSONL):
        session.output.rows((), map(record, found))
    else:
        session.output.rows(COLUMNS, postings(found))


@app.command()
def verify(ctx: typer.Context) -> None:
    """Recompute every balance from its postings; exit with 1 and the first differences if the books are wrong."""
    session = Session.of(ctx)
    found = session.city.ledger.verify(session.scope)
    result = {"ok": found.ok, "accounts": found.accounts, "currencies": found.currencies}
    if found.ok:
        session.output.record(result)
        return
    differences = [_difference(difference) for difference in found.differences]
    document = {**result, "differences": differences}
    session.output.document(document, ("account", "currency", "stored", "recomputed"), differences)
    raise Stopped("the books are wrong: the accounts above do not hold what their postings sum to; post nothing more")


def _difference(difference: Difference) -> Record:
    return {
        "account": difference.account.path,
        "currency": difference.account.currency,
        "stored": difference.stored,
        "recomputed": difference.recomputed,
    }


@app.command()
def statement(
    ctx: typer.Context,
    vendor: Annotated[str, typer.Argument(help="The vendor's handle.")],
    *,
    since: Annotated[datetime, typer.Option(parser=moment, metavar="TIME", help="From then on, inclusive.")],
    until: Annotated[datetime, typer.Option(parser=moment, metavar="TIME", help="Up to then, exclusive.")],
) -> None:
    """Tell a vendor what it was owed, what moved, and what it is owed at the end of a period."""
    from attrs import asdict

    from cityos_core.ledger.statements import statement_rows

    session = Session.of(ctx)
    made = session.city.ledger.statement(session.scope, vendor, since, until)
    rows = ({**asdict(row, recurse=False), "currency": row.total.currency} for row in statement_rows(made))
    sections = [_section(section) for section in made.sections]
    document = {"vendor": vendor, "since": since, "until": until, "sections": sections}
    session.output.document(document, STATEMENT_COLUMNS, rows)


def _section(section: Section) -> Record:
    currency = section.currency
    return {
        "currency": currency,
        "opening": _position(section.opening, currency),
        "movements": [
            {
                "occurred_at": movement.occurred_at,
                "kind": movement.kind,
                "journal": movement.journal,
                "references": movement.references,
                **_position(movement.change, currency),
            }
            for movement in section.movements
        ],
        "closing": _position(section.closing, currency),
    }


def _position(position: Position, currency: str) -> Record:
    amounts = {state: Money(getattr(position, state), currency) for state in STATES}
    return {**amounts, "total": Money(position.total, currency)}


@app.command()
def adjust(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help="fee, adjustment or write_off.")],
    *,
    amount: Amount,
    currency: Currency,
    debit: Annotated[str, typer.Option(help="The account that is debited.")],
    credit: Annotated[str, typer.Option(help="The account that is credited.")],
    reason: Reason,
    actor: Actor,
    idempotency_key: IdempotencyKey = None,
    yes: Yes = False,
) -> None:
    """Post a fee, an adjustment or a write-off by hand."""
    from cityos_core.ledger.by_hand import AdjustmentKind

    if kind not in list(AdjustmentKind):
        raise UsageError(f"{kind!r} is not one of {', '.join(AdjustmentKind)}")
    session = Session.of(ctx)
    money = Money.of(amount, currency)
    confirm(f"Post {money}: debit {debit}, credit {credit}?", yes=yes)
    journal = session.city.ledger.adjust(
        session.scope,
        kind=AdjustmentKind(kind),
        amount=money,
        debit=debit,
        credit=credit,
        actor=actor,
        reason=reason,
        key=idempotency_key,
    )
    session.output.record(record(journal))


@app.command()
def reverse(
    ctx: typer.Context,
    journal: Annotated[str, typer.Argument(help="The key of a journal posted by hand.")],
    *,
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
) -> None:
    """Undo a journal that was posted by hand, once."""
    session = Session.of(ctx)
    confirm(f"Reverse {journal}?", yes=yes)
    session.output.record(record(session.city.ledger.reverse(session.scope, journal, reason=reason, actor=actor)))


@app.command()
def receive(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="Where it came from.")],
    *,
    amount: Amount,
    currency: Currency,
    reference: Annotated[str, typer.Option(help="What it is known by there; the same again records nothing.")],
) -> None:
    """Put money that nobody can explain yet into suspense."""
    session = Session.of(ctx)
    money = Money.of(amount, currency)
    journal = session.city.ledger.receive_unknown(session.scope, source=source, amount=money, reference=reference)
    session.output.record(record(journal))


@app.command()
def resolve(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="Where it came from.")],
    *,
    reference: Annotated[str, typer.Option(help="What it is known by there.")],
    to: Annotated[str, typer.Option(help="The account it belongs to.")],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
) -> None:
    """Move money out of suspense to where it belongs."""
    session = Session.of(ctx)
    confirm(f"Move what came from {source} as {reference} to {to}?", yes=yes)
    journal = session.city.ledger.resolve_suspense(
        session.scope, source=source, reference=reference, to=to, actor=actor, reason=reason
    )
    session.output.record(record(journal))
