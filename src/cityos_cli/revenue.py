"""Commands about monthly recurring revenue: where it stands, how it got there, and who stays."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Annotated

import typer

from cityos_cli.parameters import AsOf, Since, Until
from cityos_cli.session import Session
from cityos_core.kernel.clock import moment
from cityos_core.kernel.decimals import unscaled
from cityos_core.kernel.rendering import Record
from cityos_core.kernel.rounding import half_up
from cityos_core.subscriptions.growth import Bridge, Cohort
from cityos_core.subscriptions.mrr import Movement, MovementKind

app = typer.Typer()

STANDING_COLUMNS = ("currency", "revenue", "annual", "per_subscriber", "subscriptions", "subscribers")
BRIDGE_COLUMNS = (
    *("currency", "start", *(kind.value for kind in MovementKind), "end"),
    *("subscribers", "lost", "subscriber_churn", "revenue_churn"),
)
COHORT_COLUMNS = ("month", "after", "revenue", "currency", "retained", "subscriptions")
MOVEMENT_COLUMNS = ("at", "subscription", "kind", "change", "revenue", "currency", "subscriber", "plan")

Currency = Annotated[str | None, typer.Option(help="ISO 4217; the tenant's own by default.")]


@app.command()
def mrr(ctx: typer.Context, *, as_of: AsOf = None) -> None:
    """Show monthly recurring revenue by currency: with the year it makes, and what a subscriber pays on average."""
    session = Session.of(ctx)
    found = session.city.mrr.standings(session.scope, as_of)
    records = (
        {
            "currency": currency,
            "revenue": one.revenue,
            "annual": one.annual,
            "per_subscriber": one.per_subscriber,
            "subscriptions": one.subscriptions,
            "subscribers": one.subscribers,
        }
        for currency, one in found.items()
    )
    session.output.rows(STANDING_COLUMNS, records)


@app.command()
def bridge(
    ctx: typer.Context,
    *,
    since: Annotated[datetime, typer.Option(parser=moment, metavar="TIME", help="From then on, inclusive.")],
    until: Until = None,
) -> None:
    """Show how recurring revenue moved from then to now, or until a time: start and movements sum to the end.

    Churn is in percent: of the subscribers at the start, and of their revenue.
    """
    session = Session.of(ctx)
    found = session.city.mrr.bridge(session.scope, since, until)
    session.output.rows(BRIDGE_COLUMNS, (_bridge(currency, one) for currency, one in found.items()))


def _bridge(currency: str, bridge: Bridge) -> Record:
    return {
        "currency": currency,
        "start": bridge.start,
        **{kind.value: bridge.moved[kind] for kind in MovementKind},
        "end": bridge.end,
        "subscribers": bridge.subscribers,
        "lost": bridge.lost,
        "subscriber_churn": _percent(bridge.subscriber_churn),
        "revenue_churn": _percent(bridge.revenue_churn),
    }


def _percent(part: Fraction) -> str:
    """Write a part of one as a percentage with two decimals."""
    return unscaled(half_up(part * 10_000), 2, keep=2)


@app.command()
def cohorts(ctx: typer.Context, *, currency: Currency = None, until: Until = None) -> None:
    """Follow the subscriptions that began in each month: what they count after so many months, and how many of them do."""
    session = Session.of(ctx)
    wanted = currency or session.tenant.currency
    found = session.city.mrr.cohorts(session.scope, wanted, until)
    session.output.rows(COHORT_COLUMNS, (row for one in found for row in _cohort(one, wanted)))


def _cohort(cohort: Cohort, currency: str) -> Iterator[Record]:
    for after, (revenue, retained) in enumerate(zip(cohort.revenue, cohort.retained, strict=True)):
        yield {
            "month": f"{cohort.month:%Y-%m}",
            "after": after,
            "revenue": revenue,
            "currency": currency,
            "retained": retained,
            "subscriptions": cohort.subscriptions,
        }


@app.command()
def movements(
    ctx: typer.Context,
    *,
    currency: Annotated[str | None, typer.Option(help="Those in one currency, ISO 4217.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List the movements of recurring revenue, oldest first."""
    session = Session.of(ctx)
    found = session.city.mrr.movements(session.scope, since=since, until=until, currency=currency)
    session.output.rows(MOVEMENT_COLUMNS, (_movement(session, one) for one in found))


def _movement(session: Session, movement: Movement) -> Record:
    return {
        "at": movement.at,
        "subscription": movement.subscription_id,
        "number": movement.number,
        "kind": movement.kind,
        "change": movement.change,
        "revenue": movement.revenue,
        "currency": movement.revenue.currency,
        "subscriber": movement.subscriber.reference,
        "subscriber_kind": movement.subscriber.kind,
        "plan": session.plan_handles[movement.plan_id],
    }
