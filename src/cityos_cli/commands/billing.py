"""Billing what is due, and looking after what could not be."""

from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli import revenue
from cityos_cli.confirmation import confirm
from cityos_cli.failures import FAILURE, PARTIAL, Stopped, UsageError
from cityos_cli.forecasting import MOST, Cycles, Expected, show_forecast, show_months
from cityos_cli.parameters import DryRun, Limit, Yes
from cityos_cli.progress import note
from cityos_cli.session import Session
from cityos_cli.subscribing import Id
from cityos_core.exports.subscriptions import (
    BILLED_COLUMNS,
    CYCLE_COLUMNS,
    RUN_COLUMNS,
    billed_record,
    cycle_record,
    run_record,
)
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import BillingRunId, SubscriptionId
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.cycles import CycleStatus
from cityos_core.subscriptions.tallying import Billed

app = typer.Typer(help="Billing runs and their certificates, retries, what is to come, and recurring revenue.")
app.add_typer(revenue.app)

Index = Annotated[int, typer.Argument(help="Which cycle, as it is listed; the first is 0.")]


@app.command()
def run(
    ctx: typer.Context,
    *,
    limit: Annotated[int | None, typer.Option(min=0, help="Print at most so many cycles; all are billed.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Bill every cycle that is due, collect what that comes to, and certify that nothing is missing.

    Exits with 10 if some cycles could not be billed, and with 1 if the certificate does not tie.
    """
    session = Session.of(ctx)
    if not (dry_run or yes):
        expected = session.city.billing.run(session.scope, dry_run=True).certificate
        sums = ", ".join(map(str, expected.invoiced)) or "nothing"
        confirm(f"Bill {expected.due} cycles, {sums} in {expected.invoices} invoices?", yes=yes)
    told: list[Billed] = []

    def keep(billed: Billed) -> None:
        if limit is None or len(told) < limit:
            told.append(billed)

    try:
        done = session.city.billing.run(session.scope, dry_run=dry_run, each=keep)
    except CityOSError:
        note(
            "cityos: stopped; what was billed stays billed, and the next run goes on: `cityos billing runs` lists them"
        )
        raise
    record = {"dry_run": dry_run, **run_record(done), **({"id": None} if dry_run else {})}
    cycles = [billed_record(one) for one in told]
    session.output.sheet({**record, "cycles": cycles}, {**record, **_readable(done)}, "Cycles", BILLED_COLUMNS, cycles)
    _end(done.certificate)


def _readable(run: BillingRun) -> Record:
    """Write for eyes what a certificate counts by reason and sums by currency."""
    found = run.certificate
    return {
        "skipped": [f"{count} {reason}" for reason, count in found.skipped.items()] or 0,
        "failed": [f"{count} {reason}" for reason, count in found.failed.items()] or 0,
        "invoiced": [str(amount) for amount in found.invoiced] or 0,
        "booked": [str(amount) for amount in found.booked] or 0,
        "ties": "yes" if found.ties else "no",
        "differences": "; ".join(found.differences),
    }


def _end(certificate: Certificate) -> None:
    if not certificate.ties:
        differences = "; ".join(certificate.differences)
        raise Stopped(f"the run does not tie: {differences}; find out why before the next one", FAILURE)
    failed = sum(certificate.failed.values())
    if failed:
        reasons = ", ".join(certificate.failed)
        advice = "`cityos billing cycles --status failed` says why; retry-cycle or skip-cycle each"
        raise Stopped(f"{failed} of {certificate.due} cycles could not be billed ({reasons}); {advice}", PARTIAL)


@app.command()
def retry(ctx: typer.Context, *, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Try payments again whose time has come, and give up where that is of no use."""
    session = Session.of(ctx)
    confirm("Try every payment again whose time has come?", yes=yes or dry_run)
    done = session.city.billing.retry(session.scope, dry_run=dry_run)
    session.output.record(
        {
            "dry_run": dry_run,
            "retried": done.retried,
            "ended": done.ended,
            "closed": done.closed,
            "waiting": done.waiting,
            "paid": done.collected.paid,
            "declined": done.collected.declined,
            "unknown": done.collected.unknown,
        }
    )


@app.command()
def inquire(ctx: typer.Context) -> None:
    """Ask gateways what became of payments whose outcome nobody knows; what never arrived is sent again."""
    session = Session.of(ctx)
    found = session.city.billing.inquire(session.scope)
    session.output.record({"paid": found.paid, "declined": found.declined, "unknown": found.unknown})


@app.command()
def recognise(ctx: typer.Context, *, dry_run: DryRun = False) -> None:
    """Book as revenue what was earned by now of what was charged in advance."""
    session = Session.of(ctx)
    done = session.city.billing.recognise(session.scope, dry_run=dry_run)
    session.output.record(
        {
            "dry_run": dry_run,
            "invoices": done.invoices,
            "journals": done.journals,
            "amounts": dict(done.amounts),
        }
    )


@app.command()
def runs(ctx: typer.Context, *, limit: Limit = None) -> None:
    """List past runs with their certificates, newest first."""
    session = Session.of(ctx)
    found = islice(every(lambda request: session.city.billing.runs(session.scope, request)), limit)
    session.output.rows(RUN_COLUMNS, map(run_record, found))


@app.command()
def show(ctx: typer.Context, run: Annotated[UUID, typer.Argument(help="The run's id.")]) -> None:
    """Show the certificate of a run."""
    session = Session.of(ctx)
    found = session.city.billing.get_run(session.scope, BillingRunId(run))
    record = run_record(found)
    session.output.sheet(record, {**record, **_readable(found)}, "", (), ())


@app.command()
def cycles(
    ctx: typer.Context,
    *,
    status: Annotated[CycleStatus | None, typer.Option(help="Those of this status.")] = None,
    limit: Limit = None,
) -> None:
    """List cycles by start, those to come included; those that failed without an invoice wait for a person."""
    session = Session.of(ctx)
    found = islice(every(lambda request: session.city.billing.cycles(session.scope, status, request)), limit)
    session.output.rows(CYCLE_COLUMNS, map(cycle_record, found))


@app.command("retry-cycle")
def retry_cycle(ctx: typer.Context, subscription: Id, index: Index) -> None:
    """Let the next run bill a cycle after all that failed before it was invoiced."""
    session = Session.of(ctx)
    found = session.city.billing.retry_cycle(session.scope, SubscriptionId(subscription), index)
    session.output.record(cycle_record(found))


@app.command("skip-cycle")
def skip_cycle(ctx: typer.Context, subscription: Id, index: Index, *, yes: Yes = False) -> None:
    """Leave a cycle unbilled for good that failed before it was invoiced; the next one falls due as it would have."""
    session = Session.of(ctx)
    confirm(f"Never bill cycle {index} of {subscription}?", yes=yes)
    found = session.city.billing.skip_cycle(session.scope, SubscriptionId(subscription), index)
    session.output.record(cycle_record(found))


@app.command()
def forecast(
    ctx: typer.Context,
    subscription: Annotated[UUID | None, typer.Argument(help="One subscription's id; without it, all of them.")] = None,
    *,
    cycles: Cycles = None,
    usage: Expected = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="At most so many subscriptions.", show_default=f"{MOST}")
    ] = None,
) -> None:
    """List the next periods of a subscription; or sum, by month and currency, what all that are billed come to in a year.

    With --cycles that is the next ones of each, in whatever month they fall.
    """
    session = Session.of(ctx)
    if subscription is not None:
        if limit is not None:
            raise UsageError("--limit is for all subscriptions; --cycles says how far ahead one of them is looked at")
        show_forecast(session, SubscriptionId(subscription), cycles=cycles, usage=usage)
    elif usage:
        raise UsageError("--usage is expected of one subscription; name it")
    else:
        show_months(session, cycles=cycles, limit=limit)
