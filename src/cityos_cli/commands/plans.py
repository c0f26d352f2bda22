"""What is sold by the period."""

from functools import partial
from itertools import islice
from typing import Annotated, Any, cast

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.importing import Errors, File, import_file
from cityos_cli.parameters import Limit, Yes
from cityos_cli.session import Session
from cityos_cli.subscribing import plan_name
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.drafts import PlanDraft
from cityos_core.subscriptions.plans import CatchUp, ItemKind, Plan, PlanItem

app = typer.Typer(help="What is sold by the period: at a fixed price, per seat, or by what was used.")

COLUMNS = ("handle", "name", "currency", "interval", "count", "trial_days", "retired_at", "id")
ITEM_COLUMNS = ("key", "name", "kind", "price", "pricing")

Name = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's handle, or its id.")]


def _record(plan: Plan) -> dict[str, Any]:
    """Give a plan as it is written in files, and what became of it since."""
    from cityos_adapters.serialization import dump

    written = cast("dict[str, Any]", dump(PlanDraft.of(plan)))
    return {
        "id": plan.id,
        **written,
        "created_at": plan.created_at,
        "retired_at": plan.retired_at,
        "version": plan.version,
    }


def _show(session: Session, plan: Plan) -> None:
    record = _record(plan)
    items: list[Record] = record["items"]
    dunning = [f"day {day}" for day in plan.dunning.days]
    summary = {
        **record,
        "items": [item["key"] for item in items],
        "dunning": [*dunning, f"then {plan.dunning.end.value}"],
    }
    session.output.sheet(record, summary, "Items", ITEM_COLUMNS, items)


@app.command("import")
def import_(ctx: typer.Context, file: File, *, errors: Errors = None) -> None:
    """Import plans from a JSON list, or JSON lines; importing them again changes nothing.

    What a plan costs never changes: other terms under a handle that is taken are rejected.
    """
    from cityos_adapters.files import read_plans

    session = Session.of(ctx)
    read = partial(read_plans, currency=session.tenant.currency)
    import_file(session, file, read, session.city.plans.import_rows, errors=errors)


@app.command("list")
def list_(ctx: typer.Context, *, limit: Limit = None) -> None:
    """List plans by handle, those that are retired included."""
    session = Session.of(ctx)
    found = islice(every(lambda request: session.city.plans.list(session.scope, request)), limit)
    session.output.rows(COLUMNS, map(_record, found))


@app.command()
def show(ctx: typer.Context, plan: Name) -> None:
    """Show a plan with its items; in JSON as it is written in files."""
    session = Session.of(ctx)
    _show(session, session.city.plans.get(session.scope, plan_name(plan)))


@app.command()
def create(
    ctx: typer.Context,
    handle: Annotated[str, typer.Argument(help="The plan's handle, such as team.")],
    *,
    name: Annotated[str, typer.Option(help="What people call it.")],
    price: Annotated[str, typer.Option(help="For a period, or for each seat: up to six decimals, such as 30.00.")],
    per_seat: Annotated[bool, typer.Option("--per-seat", help="The price is for each seat.")] = False,
    item: Annotated[
        str | None, typer.Option(metavar="KEY", help="What the price is for; base, or seats, unless said.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217; the tenant's own by default.")] = None,
    interval: Annotated[Interval, typer.Option(help="What a period is counted in.")] = Interval.MONTH,
    count: Annotated[int, typer.Option(help="How many of these it lasts.")] = 1,
    trial_days: Annotated[int, typer.Option(help="Days before the first period that cost nothing.")] = 0,
    catch_up: Annotated[
        CatchUp, typer.Option(help="What is billed after an outage over several periods.")
    ] = CatchUp.BILL_EACH,
) -> None:
    """Put a plan with one price on sale; `plans import` takes those with several items, or usage."""
    session = Session.of(ctx)
    wanted = currency or session.tenant.currency
    key = item or ("seats" if per_seat else "base")
    priced = PlanItem(
        key=key,
        name=key.replace("-", " ").capitalize(),
        kind=ItemKind.PER_SEAT if per_seat else ItemKind.FIXED,
        price=UnitPrice.of(price, wanted),
    )
    plan = session.city.plans.create(
        session.scope,
        handle,
        name=name,
        items=[priced],
        currency=wanted,
        interval=interval,
        count=count,
        trial_days=trial_days,
        catch_up=catch_up,
    )
    _show(session, plan)


@app.command()
def retire(ctx: typer.Context, plan: Name, *, yes: Yes = False) -> None:
    """Take a plan off sale for good; those who have it keep it."""
    session = Session.of(ctx)
    confirm(f"Sell {plan} no more?", yes=yes)
    _show(session, session.city.plans.retire(session.scope, plan_name(plan)))
