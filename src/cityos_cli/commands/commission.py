"""Commission: its rules, its decisions, its transactions."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import asdict

from cityos_cli.confirmation import confirm
from cityos_cli.failures import Stopped
from cityos_cli.importing import File
from cityos_cli.parameters import AsOf, Platform, Since, Until, Yes
from cityos_cli.progress import reading
from cityos_cli.session import Session
from cityos_core.commissions.lines import EntryStatus, GroupDecision
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import StoredRule
from cityos_core.exports.commissions import AMOUNTS, COLUMNS, record
from cityos_core.kernel.money import Money
from cityos_core.kernel.rendering import Record

if TYPE_CHECKING:
    from cityos_core.commissions.explaining import Explanation
    from cityos_core.commissions.replay import Change, ReplayReport

app = typer.Typer(help="What the market keeps of a sale, and why.")
rules = typer.Typer(help="The rules it is decided by: the tenant's, or the platform's.")
app.add_typer(rules, name="rules")

RULE_COLUMNS = ("name", "level", "reference", "group", "priority", "status", "version", "valid_from", "valid_until")
REPORT_COLUMNS = ("vendor", "currency", "orders", *AMOUNTS)
CHANGE_COLUMNS = ("of", "name", "currency", "lines", "before", "after", "change")

Name = Annotated[str, typer.Argument(help="The rule's name.")]
Vendor = Annotated[str | None, typer.Option(help="Of one vendor, by handle.")]
Order = Annotated[str | None, typer.Option(help="Of one order, by reference.")]
Status = Annotated[EntryStatus | None, typer.Option(help="In this state.")]


def _rule(stored: StoredRule) -> Record:
    from cityos_adapters.serialization import dump

    rule = stored.rule
    return {
        "name": rule.name,
        "level": rule.scope.level,
        "reference": rule.scope.reference,
        "group": rule.group,
        "priority": rule.priority,
        "status": stored.status,
        "version": stored.version,
        "valid_from": rule.valid_from,
        "valid_until": rule.valid_until,
        "recorded_at": stored.recorded_at,
        "superseded_at": stored.superseded_at,
        "rule": dump(rule),
    }


@rules.command("import")
def import_rules(
    ctx: typer.Context,
    file: File,
    *,
    draft: Annotated[bool, typer.Option("--draft", help="New and changed rules wait to be activated.")] = False,
    platform: Platform = False,
) -> None:
    """Import a JSON list of rules, all or none; a changed rule becomes a new version, what is not listed stays."""
    from cityos_adapters.files import read_rules

    session = Session.of(ctx)
    with reading(file) as stream:
        listed = read_rules(stream)
    imported = session.city.commissions.import_rules(session.scope_or_platform(platform=platform), listed, draft=draft)
    records = ({"name": one.name, "outcome": one.outcome, "version": one.version} for one in imported)
    session.output.rows(("name", "outcome", "version"), records)


@rules.command("list")
def list_rules(ctx: typer.Context, *, as_of: AsOf = None, platform: Platform = False) -> None:
    """List the rules that hold, the oldest first; the platform's with them."""
    session = Session.of(ctx)
    session.output.rows(
        RULE_COLUMNS,
        map(_rule, session.city.commissions.rules(session.scope_or_platform(platform=platform), as_of=as_of)),
    )


@rules.command()
def history(ctx: typer.Context, name: Name, *, platform: Platform = False) -> None:
    """List every version of a rule."""
    session = Session.of(ctx)
    columns = (*RULE_COLUMNS, "recorded_at", "superseded_at")
    session.output.rows(
        columns, map(_rule, session.city.commissions.history(session.scope_or_platform(platform=platform), name))
    )


@rules.command()
def activate(ctx: typer.Context, name: Name, *, platform: Platform = False, yes: Yes = False) -> None:
    """Put a draft in force."""
    session = Session.of(ctx)
    confirm(f"Charge by {name!r} from now on?", yes=yes)
    session.output.record(_rule(session.city.commissions.activate(session.scope_or_platform(platform=platform), name)))


@rules.command()
def retire(ctx: typer.Context, name: Name, *, platform: Platform = False, yes: Yes = False) -> None:
    """Take a rule out of force; what was sold under it stays as it is."""
    session = Session.of(ctx)
    confirm(f"Stop charging by {name!r}?", yes=yes)
    session.output.record(_rule(session.city.commissions.retire(session.scope_or_platform(platform=platform), name)))


@app.command()
def explain(
    ctx: typer.Context, line: Annotated[str, typer.Argument(help="ORDER/LINE such as 10248/1, or the line's id.")]
) -> None:
    """Say why a sold line was charged what it was charged, from the record made at the sale."""
    session = Session.of(ctx)
    explanation = session.city.commissions.explain(session.scope, line)
    session.output.text(_explanation(explanation), explanation.words)


def _explanation(explanation: "Explanation") -> Record:
    entry, line = explanation.entry, explanation.entry.line
    currency = entry.currency
    return {
        "order": entry.order_reference,
        "line": entry.line_reference,
        "vendor": entry.vendor,
        "sku": entry.sku,
        "occurred_at": entry.occurred_at,
        "currency": currency,
        "commission": Money(entry.commission, currency),
        "commission_tax": Money(entry.commission_tax, currency),
        "decisions": [_decision(decision, currency) for decision in line.decisions] if line else [],
        "trace": [asdict(verdict) for verdict in line.trace] if line else [],
        "words": explanation.words,
    }


def _decision(decision: GroupDecision, currency: str) -> Record:
    return {
        "group": decision.group,
        "rule": decision.rule,
        "version": decision.version,
        "base": Money(decision.base, currency),
        "built": decision.built,
        "components": [asdict(component) for component in decision.components],
        "clamp": decision.clamp,
        "amount": Money(decision.amount, currency),
        "fixed": Money(decision.fixed, currency),
        "tax": Money(decision.tax, currency),
    }


@app.command()
def lint(
    ctx: typer.Context,
    *,
    since: Since = None,
    platform: Platform = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if anything is found.")] = False,
) -> None:
    """Find rules that never count, rules that compete, and sales that no rule matched."""
    session = Session.of(ctx)
    found = session.city.commissions.lint(session.scope_or_platform(platform=platform), since=since)
    session.output.rows(("kind", "rule", "other", "detail"), map(asdict, found))
    if strict and found:
        raise Stopped(f"{len(found)} findings")


@app.command()
def replay(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A JSON list of rules; without it the drafts count too.")] = None,
    *,
    vendor: Vendor = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Charge past sales by other rules, and show the difference; nothing is written."""
    from cityos_adapters.files import read_rules

    session = Session.of(ctx)
    listed = None
    if file is not None:
        with reading(file) as stream:
            listed = read_rules(stream)
    report = session.city.commissions.replay(session.scope, listed, since=since, until=until, vendor=vendor)
    session.output.document(_replayed(report), CHANGE_COLUMNS, _changes(report))


def _replayed(report: "ReplayReport") -> Record:
    return {
        "vendors": [_change(change) for change in report.vendors],
        "categories": [_change(change) for change in report.categories],
        "totals": [_change(change) for change in report.totals],
        "orders": report.orders,
        "refused": report.refused,
        "refusals": [asdict(refusal) for refusal in report.refusals],
        "unknown_lines": report.unknown_lines,
    }


def _change(change: "Change") -> dict[str, object]:
    return {**asdict(change, recurse=False), "change": change.change}


def _changes(report: "ReplayReport") -> Iterator[Record]:
    for of, changes in (("vendor", report.vendors), ("category", report.categories), ("total", report.totals)):
        for change in changes:
            yield {"of": of, **_change(change)}


def _where(
    vendor: str | None, order: str | None, status: EntryStatus | None, since: datetime | None, until: datetime | None
) -> EntryFilter:
    return EntryFilter(vendor=vendor, order=order, status=status, since=since, until=until)


@app.command()
def report(
    ctx: typer.Context,
    *,
    vendor: Vendor = None,
    order: Order = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Sum sales, commission and net per vendor and currency, refunds taken off; in JSON with totals."""
    session = Session.of(ctx)
    made = session.city.commissions.report(session.scope, _where(vendor, order, status, since, until))
    vendors = [asdict(totals, recurse=False) for totals in made.vendors]
    document = {"vendors": vendors, "totals": [asdict(totals, recurse=False) for totals in made.totals]}
    session.output.document(document, REPORT_COLUMNS, vendors)


@app.command()
def transactions(
    ctx: typer.Context,
    *,
    vendor: Vendor = None,
    order: Order = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List commission transactions in order of occurrence: sales, and what was given back of them."""
    session = Session.of(ctx)
    found = session.city.commissions.export(session.scope, _where(vendor, order, status, since, until))
    session.output.rows(COLUMNS, map(record, found))
