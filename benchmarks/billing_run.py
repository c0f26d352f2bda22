"""A billing run on PostgreSQL, against hand-written SQL that writes the same rows; and how it grows with the subscriptions.

Every subscription ends its trial: its first cycle is claimed, invoiced, charged at a gateway that says yes at once, and
recorded. The floor knows everything already and only writes: the claims and bills of a hundred cycles in one
transaction each, the payments of twenty-five, as the run does, each statement sent for all rows in one go.
``CITYOS_BENCH_SUBSCRIPTIONS`` says how many there are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from os import environ
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from attrs import frozen
from uuid_utils.compat import uuid7

from benchmarks.order_floor import Connection, connected
from benchmarks.ratios import Ratio, show
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.migration import migrate
from cityos_adapters.sql.tables.billing import billing_cycles
from cityos_adapters.sql.tables.subscriptions import subscriptions
from cityos_core.app import CityOS
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.plans import PlanItem
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.subscriptions.trials import Agreement
from cityos_core.testing.assembly import city
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.market import market
from servers import postgres

SIZES: Final = tuple(int(size) for size in environ.get("CITYOS_BENCH_SUBSCRIPTIONS", "1000,10000,100000").split(","))
PAGE: Final = 100
GROUP: Final = 25
PRICE: Final = 1999
LEAST: Final = 1 / 3
"""Of the floor's rate."""

MOST_GROWTH: Final = 1.5
"""Of the time per cycle, between the fewest subscriptions and the most."""

AT: Final = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)
TRIAL: Final = 30

CLAIMED: Final = """
UPDATE billing_cycles SET status = 'processing', claimed_by = 'floor', claimed_until = %(later)s, version = version + 1
WHERE tenant_id = %(tenant)s AND subscription_id = %(subscription)s AND index = 0
"""
BILLED: Final = (
    """
UPDATE subscriptions SET status = 'active', next_cycle = 1, version = version + 1
WHERE tenant_id = %(tenant)s AND id = %(subscription)s
""",
    """
UPDATE billing_cycles SET status = 'invoiced', claimed_by = NULL, claimed_until = NULL, due_at = NULL,
       invoice_id = %(invoice)s, version = version + 1
WHERE tenant_id = %(tenant)s AND subscription_id = %(subscription)s AND index = 0
""",
    """
INSERT INTO billing_cycles (tenant_id, subscription_id, index, version, starts_at, ends_at, status, due_at)
VALUES (%(tenant)s, %(subscription)s, 1, 1, %(later)s, %(latest)s, 'upcoming', %(later)s)
""",
    """
INSERT INTO invoices (tenant_id, id, version, subscription_id, cycle, change, entity, number, status, subscriber_kind,
                      subscriber, currency, lines, collection_method, terms_days, from_credit, credited, created_at,
                      issued_at, due_at, recognised, recognise_at)
VALUES (%(tenant)s, %(invoice)s, 1, %(subscription)s, 0, 0, 'floor', %(number)s, 'open', 'customer', %(subscriber)s,
        'EUR', %(lines)s::json, 'charge', 0, 0, 0, %(at)s, %(at)s, %(at)s, 0, %(at)s)
""",
    """
INSERT INTO payment_attempts (tenant_id, subscription_id, cycle, change, number, version, invoice_id, origin, gateway,
                              amount, currency, status, started_at, next_at, inquiries)
VALUES (%(tenant)s, %(subscription)s, 0, 0, 1, 1, %(invoice)s, 'billing', 'card', 1999, 'EUR', 'pending', %(at)s,
        %(later)s, 0)
""",
    """
INSERT INTO movements (tenant_id, subscription_id, number, at, kind, change, revenue, currency, subscriber_kind,
                       subscriber, plan_id)
SELECT tenant_id, id, 0, %(at)s, 'new', 1999, 1999, 'EUR', 'customer', %(subscriber)s, plan_id FROM subscriptions
WHERE tenant_id = %(tenant)s AND id = %(subscription)s
""",
    """
INSERT INTO journals (tenant_id, id, position, key, kind, digest, occurred_at, about)
VALUES (%(tenant)s, %(journal)s, nextval('positions'), 'invoice:' || %(invoice)s::text || ':issue',
        'subscription_invoiced', repeat('0', 64), %(at)s,
        json_build_object('invoice', %(invoice)s::text, 'number', %(number)s::text,
                          'subscription', %(subscription)s::text))
""",
    """
INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)
VALUES (%(tenant)s, %(journal)s, 0, %(owed)s, 'EUR', 1999),
       (%(tenant)s, %(journal)s, 1, 'deferred:subscription', 'EUR', -1999)
""",
    """
INSERT INTO outbox (tenant_id, id, name, subject, payload, occurred_at)
VALUES (%(tenant)s, %(event)s, 'invoice.open', %(invoice)s, %(payload)s::json, %(at)s),
       (%(tenant)s, %(event2)s, 'subscription.active', %(subscription)s, %(payload)s::json, %(at)s)
""",
)
PAID: Final = (
    """
UPDATE payment_attempts SET status = 'succeeded', reference = 'ch', next_at = NULL, finished_at = %(at)s,
       version = version + 1
WHERE tenant_id = %(tenant)s AND subscription_id = %(subscription)s AND cycle = 0 AND change = 0 AND number = 1
""",
    """
UPDATE invoices SET status = 'paid', settled_at = %(at)s, version = version + 1
WHERE tenant_id = %(tenant)s AND id = %(invoice)s
""",
    """
UPDATE billing_cycles SET status = 'paid', version = version + 1
WHERE tenant_id = %(tenant)s AND subscription_id = %(subscription)s AND index = 0
""",
    """
INSERT INTO journals (tenant_id, id, position, key, kind, digest, occurred_at, about)
VALUES (%(tenant)s, %(journal2)s, nextval('positions'), 'attempt:' || %(subscription)s::text || ':0:1:paid',
        'subscription_paid', repeat('0', 64), %(at)s,
        json_build_object('invoice', %(invoice)s::text, 'subscription', %(subscription)s::text))
""",
    """
INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)
VALUES (%(tenant)s, %(journal2)s, 0, 'gateway:card:pending', 'EUR', 1999),
       (%(tenant)s, %(journal2)s, 1, %(owed)s, 'EUR', -1999)
""",
    """
INSERT INTO outbox (tenant_id, id, name, subject, payload, occurred_at)
VALUES (%(tenant)s, %(event3)s, 'invoice.paid', %(invoice)s, %(payload)s::json, %(at)s)
""",
)
AUDITED: Final = """
INSERT INTO audit_entries (tenant_id, id, body, occurred_at, principal, action)
VALUES (%(tenant)s, %(entry)s, %(body)s, %(at)s, 'system:library', 'subscription:changed')
"""
NAMED: Final = """
INSERT INTO audit_targets (tenant_id, entry_id, kind, target)
SELECT %(tenant)s, %(entry)s, kind, target FROM unnest(%(kinds)s::text[], %(targets)s::text[]) AS named (kind, target)
"""
LINES: Final = (
    '[{"kind": "recurring", "item": "base", "description": "Base", "cycle": 0, "quantity": "1", "covers": {"start": '
    '"2026-02-04", "end": "2026-03-04"}, "gross": 1999, "discount": 0, "net": 1999, "tax": 0, "credits": null}]'
)
PAYLOAD: Final = '{"subscription": "%s", "number": 1, "total": {"amount": "19.99", "currency": "EUR"}}'


@frozen
class House:
    """A database whose subscribers all end their trials at once."""

    url: str
    app: CityOS
    scope: TenantScope
    subscribers: Sequence[UUID]


@contextmanager
def house(server: postgres.Postgres, size: int) -> Iterator[House]:
    """Open a database with so many subscriptions, copies of one that was begun as usual."""
    name, clock = server.create(), SimulatedClock(AT - timedelta(days=TRIAL + 1))
    migrate(server.as_owner(name))
    with SqlDatabase(server.as_login(name)) as database:
        app = city(
            unit_of_work=database,
            identifiers=TimeOrderedIdentifiers(),
            clock=clock,
            gateways={"card": ScriptedGateway()},
        )
        scope = market(app, wares={}).scope
        price = UnitPrice.of("19.99", "EUR")
        items = [PlanItem(key="base", name="Base", price=price)]
        app.plans.create(scope, "basic", name="Basic", items=items, currency="EUR", trial_days=TRIAL)
        agreement = Agreement(subscriber=Subscriber(SubscriberKind.CUSTOMER, "customer-0"), quantities={})
        first = app.subscriptions.begin(scope, "basic", agreement).id
        others = [uuid7() for _ in range(size - 1)]
        with connected(server.as_owner(name)) as connection:
            _copy(connection, scope, first, others)
        clock.set(AT)
        yield House(server.as_login(name), app, scope, [first, *others])


def _copy(connection: Connection, scope: TenantScope, first: SubscriptionId, others: Sequence[UUID]) -> None:
    connection.execute("RESET ROLE")
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(scope.tenant_id)])
    for table, key, special in (
        (subscriptions, "id", {"id": "made.id", "subscriber": "'customer-' || made.number"}),
        (billing_cycles, "subscription_id", {"subscription_id": "made.id"}),
    ):
        names = [f'"{column.name}"' for column in table.c]
        given = [special.get(column.name, f'known."{column.name}"') for column in table.c]
        connection.execute(
            f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(given)} "
            f"FROM {table.name} AS known, unnest(%s::uuid[]) WITH ORDINALITY AS made (id, number) "
            f"WHERE known.{key} = %s",
            [list(others), first],
        )
    connection.commit()
    connection.autocommit = True
    connection.execute("ANALYZE")


def bill(made: House) -> float:
    """Bill everybody, and give the cycles per second."""
    start = perf_counter()
    certificate = made.app.billing.run(made.scope).certificate
    seconds = perf_counter() - start
    if not certificate.ties or certificate.paid != len(made.subscribers):
        raise RuntimeError(f"{certificate.paid} of {len(made.subscribers)} cycles were paid")
    return certificate.paid / seconds


def write(made: House) -> float:
    """Write what billing everybody writes, and give the cycles per second."""
    rows = [_row(made, subscription, number) for number, subscription in enumerate(made.subscribers)]
    with connected(made.url) as connection:
        start = perf_counter()
        for first in range(0, len(rows), PAGE):
            page = rows[first : first + PAGE]
            _each(connection, made, page, (CLAIMED,))
            _each(connection, made, page, BILLED, audits=("subscription", "invoice", "payment_attempt"))
            for begun in range(0, len(page), GROUP):
                _each(connection, made, page[begun : begun + GROUP], PAID, audits=("invoice", "payment_attempt"))
        return len(rows) / (perf_counter() - start)


def _row(made: House, subscription: UUID, number: int) -> dict[str, Any]:
    ids = {name: uuid7() for name in ("invoice", "journal", "journal2", "event", "event2", "event3")}
    return {
        **ids,
        "tenant": made.scope.tenant_id,
        "subscription": subscription,
        "number": number,
        "subscriber": f"customer-{number}",
        "owed": f"customer:customer-{number}:receivable",
        "lines": LINES,
        "payload": PAYLOAD % subscription,
        "at": AT,
        "later": AT + timedelta(days=28),
        "latest": AT + timedelta(days=59),
    }


def _each(
    connection: Connection,
    made: House,
    rows: Sequence[dict[str, Any]],
    statements: Sequence[str],
    audits: Sequence[str] = (),
) -> None:
    tenant = made.scope.tenant_id
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])
    for statement in statements:
        connection.cursor().executemany(statement, rows)
    if audits:
        kinds = [kind for kind in audits for _ in rows]
        targets = [f"{row['subscription' if kind == 'subscription' else 'invoice']}" for kind in audits for row in rows]
        body = "".join(LINES * (1 + len(audits)) for _ in rows)
        audited = {"tenant": tenant, "entry": uuid7(), "body": body, "at": AT, "kinds": kinds, "targets": targets}
        for statement in (AUDITED, NAMED):
            connection.execute(statement, audited)
    connection.commit()


def _measured(server: postgres.Postgres, size: int, work: Callable[[House], float]) -> float:
    with house(server, size) as made:
        return work(made)


def run() -> Iterator[Ratio]:
    """Measure the rate against the floor at every size, and how the time per cycle grows."""
    with postgres.running() as server:
        _measured(server, min(SIZES), bill)  # the first run of a process prepares everything
        rates = {}
        for size in SIZES:
            rates[size], floor = _measured(server, size, bill), _measured(server, size, write)
            yield Ratio(
                name=f"billing run over {size} subscriptions",
                value=rates[size] / floor,
                least=LEAST,
                measured=f"{rates[size]:.0f} of {floor:.0f} cycles/s",
            )
        if len(rates) > 1:
            yield Ratio(
                name=f"time per cycle, {max(SIZES) // min(SIZES)} times the subscriptions",
                value=rates[min(SIZES)] / rates[max(SIZES)],
                most=MOST_GROWTH,
                measured=f"{rates[min(SIZES)]:.0f} cycles/s at {min(SIZES)}, {rates[max(SIZES)]:.0f} at {max(SIZES)}",
            )


if __name__ == "__main__":
    show(run())
