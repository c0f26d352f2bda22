"""What is to come: the next periods of one subscription, or of all of them, summed by month and currency."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated, Final

import typer

from cityos_cli.failures import UsageError
from cityos_cli.progress import note
from cityos_cli.session import Session
from cityos_core.exports.invoices import line_records
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.kernel.time import to_utc
from cityos_core.subscriptions.billing import Bill
from cityos_core.subscriptions.forecast import MOST_CYCLES
from cityos_core.subscriptions.model import BILLED, Subscription
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.stretches import local_time

MONTHS: Final = 12
"""How far ahead all subscriptions are forecast, the month that runs included; and how many periods one is."""

MOST: Final = 1000
"""How many subscriptions are forecast together unless told otherwise."""

COLUMNS: Final = ("cycle", "start", "end", "total", "currency")

Cycles = Annotated[int | None, typer.Option(help="How many periods ahead.", show_default="12")]
Expected = Annotated[
    list[str] | None,
    typer.Option("--usage", metavar="ITEM=QUANTITY", help="What is expected to be used in a period; repeat it."),
]


def show_forecast(
    session: Session, subscription: SubscriptionId, *, cycles: int | None, usage: Iterable[str] | None
) -> None:
    """Print what the next periods of a subscription will bill."""
    expected = dict(map(_expected, usage or ()))
    number = MONTHS if cycles is None else cycles
    bills = session.city.subscriptions.forecast(session.scope, subscription, number, expected)
    session.output.rows(COLUMNS, map(_record, bills))


def _expected(text: str) -> tuple[str, str]:
    item, _, quantity = text.rpartition("=")
    if not item:
        raise UsageError(f"--usage takes ITEM=QUANTITY, such as calls=2.5, not {text!r}")
    return item, quantity


def _record(bill: Bill) -> Record:
    currency = bill.subscription.currency
    return {
        "cycle": bill.cycle,
        "start": bill.period and bill.period.start_utc,
        "end": bill.period and bill.period.end_utc,
        "total": Money(bill.total, currency),
        "currency": currency,
        "lines": line_records(bill.lines, currency),
    }


def show_months(session: Session, *, cycles: int | None, limit: int | None) -> None:
    """Print what all subscriptions that are billed come to, by the month of the tenant's calendar in which they do."""
    sums: Counter[tuple[str, str]] = Counter()
    times: Counter[tuple[str, str]] = Counter()
    place = session.tenant.time_zone
    end = _end(session.now, place)
    held = _billed(session)
    for subscription in islice(held, limit or MOST):
        for bill in _bills(session, subscription, cycles, end):
            key = f"{local_time(_due(bill), place):%Y-%m}", subscription.currency
            sums[key] += bill.total
            times[key] += 1
    if next(held, None) is not None:
        note(f"cityos: these are the first {limit or MOST} subscriptions; --limit takes more")
    records = (
        {"month": month, "currency": currency, "cycles": times[month, currency], "total": Money(minor, currency)}
        for (month, currency), minor in sorted(sums.items())
    )
    session.output.rows(("month", "currency", "cycles", "total"), records)


def _end(now: datetime, place: str) -> datetime:
    local = local_time(now, place)
    month = 12 * local.year + local.month - 1 + MONTHS
    return to_utc(datetime(month // 12, month % 12 + 1, 1), place)  # noqa: DTZ001  a local time


def _billed(session: Session) -> Iterator[Subscription]:
    for where in (SubscriptionFilter(status=status) for status in sorted(BILLED)):
        yield from every(partial(session.city.subscriptions.list, session.scope, where))


def _bills(session: Session, subscription: Subscription, cycles: int | None, end: datetime) -> Iterator[Bill]:
    """Give the next periods, or all that fall due before the end; how many those are depends on what changes meanwhile."""
    number = MONTHS + 1 if cycles is None else cycles
    while True:
        bills = session.city.subscriptions.forecast(session.scope, subscription.id, number)
        if cycles is not None:
            yield from bills
            return
        if len(bills) < number or number == MOST_CYCLES or _due(bills[-1]) >= end:
            yield from (bill for bill in bills if _due(bill) < end)
            return
        number = min(4 * number, MOST_CYCLES)


def _due(bill: Bill) -> datetime:
    """Say when a period is billed; the last bill of a subscription that ends, when it does."""
    if bill.period is not None:
        return bill.period.start_utc
    return bill.subscription.ended_at or datetime.max.replace(tzinfo=UTC)
