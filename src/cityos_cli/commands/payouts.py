"""Paying vendors."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import DECLINED, PARTIAL, Stopped
from cityos_cli.parameters import DryRun, IdempotencyKey, Limit, Reason, Yes
from cityos_cli.session import Session
from cityos_core.exports.payouts import summary, whole
from cityos_core.kernel.ids import BatchId, PayoutId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.payouts.model import PayoutBatch, PayoutStatus, Planned, Skipped
from cityos_core.payouts.ports import PayoutFilter

if TYPE_CHECKING:
    from cityos_core.payouts.running import PayoutRun
    from cityos_core.payouts.sending import Processed

app = typer.Typer(help="Money leaving for vendors.")

COLUMNS = ("id", "vendor", "amount", "currency", "method", "status", "reason", "created_at")
RUN_COLUMNS = ("vendor", "amount", "currency", "decision", "detail")

Id = Annotated[UUID, typer.Argument(help="The payout's id.")]


def _planned(planned: Planned) -> Record:
    carried = f"{planned.carried} stays" if planned.carried else ""
    netted = f"{planned.netted} of debt is paid off" if planned.netted else ""
    return {
        "vendor": planned.vendor,
        "amount": planned.amount,
        "currency": planned.amount.currency,
        "decision": "pay",
        "method": planned.method,
        "netted": planned.netted,
        "carried": planned.carried,
        "detail": "; ".join(filter(None, (netted, carried))),
    }


def _skipped(skipped: Skipped) -> Record:
    return {
        "vendor": skipped.vendor,
        "amount": skipped.amount,
        "currency": skipped.amount.currency,
        "decision": skipped.reason,
        "detail": skipped.detail,
    }


def _run(run: "PayoutRun") -> Record:
    return {
        "dry_run": run.is_dry,
        "batch": run.batch_id,
        "count": run.count,
        "totals": [{"currency": total.currency, "amount": total} for total in run.totals],
        "payouts": [_planned(planned) for planned in run.payouts],
        "skipped": [_skipped(skipped) for skipped in run.skipped],
        "processed": run.processed and run.processed.steps,
    }


@app.command()
def run(
    ctx: typer.Context,
    *,
    vendor: Annotated[list[str] | None, typer.Option(help="Only this vendor; repeat it for more.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Release what is due, pay every vendor whose turn it is, and say why the others are not paid.

    Exits with 10 if some payouts failed, and with 3 if all were declined.
    """
    session = Session.of(ctx)
    if not (dry_run or yes):
        expected = session.city.payouts.run(session.scope, dry_run=True, vendors=vendor)
        totals = ", ".join(map(str, expected.totals)) or "nothing"
        confirm(f"Pay {totals} to {expected.count} vendors?", yes=yes)
    done = session.city.payouts.run(session.scope, dry_run=dry_run, vendors=vendor)
    rows = [*map(_planned, done.payouts), *map(_skipped, done.skipped)]
    session.output.document(_run(done), RUN_COLUMNS, rows)
    _end(done.processed)


@app.command()
def process(ctx: typer.Context, *, yes: Yes = False) -> None:
    """Send the payouts that are due, and ask what became of those nobody knows about."""
    session = Session.of(ctx)
    confirm("Send every payout that is due?", yes=yes)
    processed = session.city.payouts.process(session.scope)
    session.output.record({status.value: count for status, count in processed.steps.items()})
    _end(processed)


def _end(processed: "Processed | None") -> None:
    steps = processed.steps if processed else {}
    failed, unknown = steps.get(PayoutStatus.FAILED, 0), steps.get(PayoutStatus.UNKNOWN, 0)
    if not failed and not unknown:
        return
    went = sum(steps.get(status, 0) for status in (PayoutStatus.PAID, PayoutStatus.IN_TRANSIT))
    detail = f"{failed} payouts failed and {unknown} are of unknown outcome; `payouts list` says which and why"
    raise Stopped(detail, DECLINED if not went and not unknown else PARTIAL)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    vendor: Annotated[str | None, typer.Option(help="Those of one vendor, by handle.")] = None,
    status: Annotated[PayoutStatus | None, typer.Option(help="Those of this status.")] = None,
    batch: Annotated[UUID | None, typer.Option(help="Those of one run.")] = None,
    limit: Limit = None,
) -> None:
    """List payouts, oldest first."""
    session = Session.of(ctx)
    where = PayoutFilter(vendor=vendor, status=status, batch=BatchId(batch) if batch else None)
    found = islice(every(lambda request: session.city.payouts.list(session.scope, where, request)), limit)
    session.output.rows(COLUMNS, map(summary, found))


@app.command()
def batches(ctx: typer.Context, *, limit: Limit = None) -> None:
    """List past runs, oldest first."""
    session = Session.of(ctx)
    found = islice(every(lambda request: session.city.payouts.batches(session.scope, request)), limit)
    session.output.rows(("id", "created_at", "payouts", "left_out"), map(_batch, found))


def _batch(batch: PayoutBatch) -> Record:
    return {
        "id": batch.id,
        "created_at": batch.created_at,
        "payouts": batch.payouts,
        "left_out": len(batch.skipped),
        "skipped": [_skipped(skipped) for skipped in batch.skipped],
    }


@app.command()
def show(ctx: typer.Context, payout: Id) -> None:
    """Show one payout with every attempt at it."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.payouts.get(session.scope, PayoutId(payout))))


@app.command()
def request(
    ctx: typer.Context,
    vendor: Annotated[str, typer.Argument(help="The vendor's handle.")],
    amount: Annotated[str, typer.Argument(help="With the currency's digits, such as 25.00.")],
    *,
    currency: Annotated[str | None, typer.Option(help="ISO 4217; the tenant's own by default.")] = None,
    idempotency_key: IdempotencyKey = None,
    yes: Yes = False,
) -> None:
    """Make a payout that a vendor asked for, whatever its schedule."""
    session = Session.of(ctx)
    money = Money.of(amount, currency or session.tenant.currency)
    confirm(f"Pay {money} to {vendor}?", yes=yes)
    payout = session.city.payouts.request(session.scope, vendor, money, key=idempotency_key)
    session.output.record(whole(payout))


@app.command()
def retry(ctx: typer.Context, payout: Id, *, yes: Yes = False) -> None:
    """Try a payout again: at once if it waits, as a new one if it failed."""
    session = Session.of(ctx)
    confirm(f"Try {payout} again?", yes=yes)
    session.output.record(whole(session.city.payouts.retry(session.scope, PayoutId(payout))))


@app.command()
def hold(ctx: typer.Context, payout: Id, *, reason: Reason) -> None:
    """Stop a payout for review."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.payouts.hold(session.scope, PayoutId(payout), reason=reason)))


@app.command()
def release(ctx: typer.Context, payout: Id) -> None:
    """Let a held payout go on."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.payouts.release(session.scope, PayoutId(payout))))


@app.command("approve-account")
def approve_account(ctx: typer.Context, payout: Id, *, yes: Yes = False) -> None:
    """Let a held payout go to the account that the vendor has now."""
    session = Session.of(ctx)
    confirm(f"Let {payout} go to the vendor's new account?", yes=yes)
    session.output.record(whole(session.city.payouts.approve_account(session.scope, PayoutId(payout))))


@app.command()
def cancel(ctx: typer.Context, payout: Id, *, reason: Reason, yes: Yes = False) -> None:
    """Call a payout off before it is sent; the vendor has the money available again."""
    session = Session.of(ctx)
    confirm(f"Cancel {payout}?", yes=yes)
    session.output.record(whole(session.city.payouts.cancel(session.scope, PayoutId(payout), reason=reason)))


@app.command("confirm")
def confirm_payout(
    ctx: typer.Context,
    payout: Id,
    *,
    reference: Annotated[str, typer.Option(help="Of the payment, as the bank statement has it.")],
    yes: Yes = False,
) -> None:
    """Record that a payout arrived."""
    session = Session.of(ctx)
    confirm(f"Record that {payout} was paid?", yes=yes)
    session.output.record(whole(session.city.payouts.confirm(session.scope, PayoutId(payout), reference=reference)))


@app.command()
def fail(ctx: typer.Context, payout: Id, *, reason: Reason, yes: Yes = False) -> None:
    """Record that a payout will not arrive; the vendor has the money available again."""
    session = Session.of(ctx)
    confirm(f"Record that {payout} failed?", yes=yes)
    session.output.record(whole(session.city.payouts.fail(session.scope, PayoutId(payout), reason=reason)))


@app.command()
def returned(ctx: typer.Context, payout: Id, *, reason: Reason, yes: Yes = False) -> None:
    """Record that the bank sent a paid payout back."""
    session = Session.of(ctx)
    confirm(f"Record that {payout} was returned?", yes=yes)
    session.output.record(whole(session.city.payouts.returned(session.scope, PayoutId(payout), reason=reason)))
