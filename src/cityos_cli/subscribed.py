"""What a demonstration prints about subscriptions: who has which plan, what was billed, paid, and earned."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final

from cityos_core.app import CityOS
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.ledger.ports import JournalFilter
from cityos_core.subscriptions.attempts import AttemptStatus
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.journals import DEFERRED, REVENUE
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.mrr import MovementKind
from cityos_core.testing.simulation.building import Quarter
from cityos_core.testing.simulation.demonstration import Demonstration

GATEWAY: Final = "gateway:card:pending"
"""Where the card payments of buyers and subscribers are."""

SHOWN_FAILURES: Final = 5
YEAR: Final = timedelta(days=365)

Section = tuple[str, Sequence[str], list[Record]]
"""A title, columns, and rows."""

_PLANS: Final = ("tenant", "plan", "name", "period", *(status.value for status in SubscriptionStatus))
_INVOICES: Final = ("tenant", "invoices", "status", "currency", "total", "due")
_FAILURES: Final = ("tenant", "invoice", "subscriber", "currency", "total", "tries", "reason", "status", "subscription")
_BRIDGE: Final = ("tenant", "currency", "a_year_ago", *(kind.value for kind in MovementKind), "now")
_RUNS: Final = ("tenant", "runs", "due", "billed", "skipped", "failed", "last_run", "certificate")
_EARNED: Final = ("tenant", "currency", "recognised", "deferred")


def subscribed(app: CityOS, city: Demonstration) -> Iterator[Section]:
    """Give what is to be said about the tenant that has subscribers."""
    quarter = city.subscribed
    sections = (
        ("Who subscribes to what", _PLANS, _plans),
        ("What subscribers were invoiced", _INVOICES, _invoices),
        ("Payments that failed, and what became of them", _FAILURES, _failures),
        ("Monthly recurring revenue", _BRIDGE, _bridge),
        ("Billing, certified", _RUNS, _runs),
        ("What of it is earned", _EARNED, _earned),
    )
    for title, columns, rows in sections:
        yield title, columns, [{"tenant": quarter.plan.handle, **row} for row in rows(app, quarter)]


def paid_by_subscribers(app: CityOS, quarter: Quarter) -> Money:
    """Sum what subscribers paid by card."""
    where = JournalFilter(kind="subscription_paid", account=GATEWAY)
    found = (
        posting.amount
        for journal in app.ledger.export(quarter.tenant.scope, where)
        for posting in journal.postings
        if posting.account.path == GATEWAY
    )
    return Money(sum(found), quarter.plan.currency)


def _plans(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    scope = quarter.tenant.scope
    having = Counter((one.plan_id, one.status) for one in _subscriptions(app, quarter).values())
    for plan in every(lambda request: app.plans.list(scope, request)):
        states = {status.value: having[plan.id, status] for status in SubscriptionStatus}
        yield {"plan": plan.handle, "name": plan.name, "period": plan.interval, **states}


def _invoices(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    found = _issued(app, quarter)
    for status in InvoiceStatus:
        those, nothing = [one for one in found if one.status is status], Money.zero(quarter.plan.currency)
        if those:
            yield {
                "invoices": len(those),
                "status": status,
                "currency": nothing.currency,
                "total": sum((one.total for one in those), nothing),
                "due": sum((one.due for one in those), nothing),
            }


def _failures(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    """Tell of the latest invoices of which a payment was declined."""
    return islice(_declined(app, quarter), SHOWN_FAILURES)


def _declined(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    subscriptions = _subscriptions(app, quarter)
    for invoice in _issued(app, quarter):
        tried = app.invoices.attempts(quarter.tenant.scope, invoice.id)
        declined = [one for one in tried if one.status is AttemptStatus.DECLINED]
        if declined:
            yield {
                "invoice": f"{invoice.entity}/{invoice.number}",
                "subscriber": invoice.subscriber.reference,
                "currency": invoice.currency,
                "total": invoice.total,
                "tries": len(tried),
                "reason": declined[0].reason,
                "status": invoice.status,
                "subscription": subscriptions[invoice.subscription_id].status,
            }


def _bridge(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    scope = quarter.tenant.scope
    now = app.mrr.standings.clock.now()
    for currency, bridge in app.mrr.bridge(scope, now - YEAR).items():
        moved = {kind.value: bridge.moved[kind] for kind in MovementKind}
        yield {"currency": currency, "a_year_ago": bridge.start, **moved, "now": bridge.end}


def _runs(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    runs = list(every(lambda request: app.billing.runs(quarter.tenant.scope, request)))
    certificates = [run.certificate for run in runs]
    yield {
        "runs": len(runs),
        "due": sum(one.due for one in certificates),
        "billed": sum(one.billed + one.closed for one in certificates),
        "skipped": sum(sum(one.skipped.values()) for one in certificates),
        "failed": sum(sum(one.failed.values()) for one in certificates),
        "last_run": runs[0].finished_at if runs else None,
        "certificate": "ties" if all(one.ties for one in certificates) else "DOES NOT TIE",
    }


def _earned(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    held = {one.account.path: one.money for one in app.ledger.balances(quarter.tenant.scope)}
    nothing = Money.zero(quarter.plan.currency)
    yield {
        "currency": nothing.currency,
        "recognised": held.get(REVENUE, nothing),
        "deferred": held.get(DEFERRED, nothing),
    }


def _subscriptions(app: CityOS, quarter: Quarter) -> dict[object, Subscription]:
    found = every(lambda request: app.subscriptions.list(quarter.tenant.scope, None, request))
    return {one.id: one for one in found}


def _issued(app: CityOS, quarter: Quarter) -> list[Invoice]:
    return list(every(lambda request: app.invoices.list(quarter.tenant.scope, None, request)))
