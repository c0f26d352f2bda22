"""A payout run over a million open postings on PostgreSQL, against hand-written SQL that writes the same rows.

The run reads each vendor, its terms and its money under lock, decides, and sets the money aside; the floor knows
everything already and only writes, page by page as the run does. ``CITYOS_BENCH_VENDORS`` says how many vendors there
are, each with a hundred postings to its available money.
"""

import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from os import environ
from time import perf_counter
from typing import Final
from uuid import UUID

from attrs import frozen
from uuid_utils.compat import uuid7

from benchmarks.order_floor import Connection, connected
from benchmarks.ratios import Ratio, show
from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.migration import migrate
from cityos_core.app import CityOS
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.sweeping import Sweep
from cityos_core.testing.assembly import city
from cityos_core.testing.market import market
from cityos_core.vendors.model import PayoutAccount, Profile, Vendor, VendorStatus
from servers import postgres

VENDORS: Final = int(environ.get("CITYOS_BENCH_VENDORS", "10000"))
POSTINGS: Final = 100
"""Open postings of each vendor."""

SELLERS: Final = 10
"""Vendors in each sale."""

PAGE: Final = 100
LEAST: Final = 1 / 3
"""Of the floor's rate."""

MOST_GROWTH: Final = 1.5
"""Of memory, when the vendors grow fivefold."""

AT: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

SOLD: Final = """
WITH sold AS (
    INSERT INTO journals (tenant_id, id, position, key, kind, digest, occurred_at, about)
    SELECT %(tenant)s, sale, nextval('positions'), 'sale:' || sale, 'order_paid', repeat('0', 64), %(at)s, '{}'
    FROM unnest(%(sales)s::uuid[]) AS sale
), credited AS (
    INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)
    SELECT %(tenant)s, sale, line, account, 'EUR', -100
    FROM unnest(%(sales)s::uuid[]) AS sale, unnest(%(sellers)s::text[]) WITH ORDINALITY AS seller (account, line)
), debited AS (
    INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)
    SELECT %(tenant)s, sale, 0, 'gateway:card:pending', 'EUR', 100 * cardinality(%(sellers)s::text[])
    FROM unnest(%(sales)s::uuid[]) AS sale
)
INSERT INTO balances (tenant_id, account, currency, amount)
SELECT %(tenant)s, account, 'EUR', 100 * cardinality(%(sales)s::uuid[]) FROM unnest(%(sellers)s::text[]) AS account
"""
PAYOUT: Final = """
INSERT INTO payouts (tenant_id, id, version, batch_id, vendor_id, vendor, amount, currency, method, account, holder,
                     status, next_attempt_at, created_at)
VALUES (%(tenant)s, %(payout)s, 1, %(batch)s, %(vendor)s, %(handle)s, %(amount)s, 'EUR', 'manual', %(handle)s,
        %(handle)s, 'pending', %(at)s, %(at)s)
"""
JOURNAL: Final = """
INSERT INTO journals (tenant_id, id, position, key, kind, digest, occurred_at, about)
VALUES (%(tenant)s, %(journal)s, nextval('positions'), 'payout:' || %(payout)s::text || ':create', 'payout_created',
        repeat('0', 64), %(at)s, json_build_object('payout', %(payout)s::text, 'vendor', %(handle)s::text))
"""
POSTED: Final = """
INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)
VALUES (%(tenant)s, %(journal)s, 0, %(available)s, 'EUR', %(amount)s),
       (%(tenant)s, %(journal)s, 1, %(in_payout)s, 'EUR', -%(amount)s::bigint)
"""
BALANCES: Final = """
INSERT INTO balances (tenant_id, account, currency, amount)
VALUES (%(tenant)s, %(in_payout)s, 'EUR', %(amount)s), (%(tenant)s, %(debt)s, 'EUR', 0)
"""
EMPTIED: Final = (
    "UPDATE balances SET amount = 0 WHERE tenant_id = %(tenant)s AND account = %(available)s AND currency = 'EUR'"
)
COVERED: Final = """
UPDATE commission_entries SET payout_id = %(payout)s
WHERE tenant_id = %(tenant)s AND vendor_id = %(vendor)s AND currency = 'EUR' AND status = 'approved' AND payout_id IS NULL
"""
TOLD: Final = """
INSERT INTO outbox (tenant_id, id, name, subject, payload, occurred_at)
VALUES (%(tenant)s, %(event)s, 'payout.pending', %(payout)s, %(payload)s::json, %(at)s)
"""
EVERYTHING: Final = (PAYOUT, JOURNAL, POSTED, BALANCES, EMPTIED, COVERED, TOLD)
AUDITED: Final = """
INSERT INTO audit_entries (tenant_id, id, body, occurred_at, principal, action)
VALUES (%(tenant)s, %(entry)s, %(body)s, %(at)s, 'system:library', 'payout:added')
"""
NAMED: Final = """
INSERT INTO audit_targets (tenant_id, entry_id, kind, target)
SELECT %(tenant)s, %(entry)s, kind, target
FROM unnest(%(targets)s::text[]) AS target, unnest(ARRAY['payout', 'coverage']) AS kind
"""
SAID: Final = 900
"""How much the audit says of each payout, in bytes."""


@frozen
class Books:
    """A database with vendors who have money."""

    url: str
    app: CityOS
    database: SqlDatabase
    scope: TenantScope
    vendors: Sequence[UUID]


@contextmanager
def books(server: postgres.Postgres, vendors: int) -> Iterator[Books]:
    """Open a database whose vendors have a hundred open postings each."""
    name = server.create()
    migrate(server.as_owner(name))
    with SqlDatabase(server.as_login(name)) as database:
        app = city(
            unit_of_work=database, identifiers=TimeOrderedIdentifiers(), payout_methods={"manual": ManualMethod()}
        )
        scope = market(app, wares={}).scope
        ids = [uuid7() for _ in range(vendors)]
        with database(scope) as uow:
            for number, vendor in enumerate(ids):
                uow.vendors.add(seller(scope, vendor, number))
            uow.commit()
        with connected(server.as_owner(name)) as connection:
            fill(connection, scope, ids)
        yield Books(server.as_login(name), app, database, scope, ids)


def seller(scope: TenantScope, vendor: UUID, number: int) -> Vendor:
    """Make up an approved vendor who is paid by hand."""
    handle = f"seller-{number}"
    return Vendor(
        id=VendorId(vendor),
        tenant_id=scope.tenant_id,
        handle=handle,
        profile=Profile(name=handle),
        status=VendorStatus.APPROVED,
        payout_account=PayoutAccount(method="manual", reference=handle, holder=handle, verified=True),
        created_at=AT,
    )


def fill(connection: Connection, scope: TenantScope, vendors: Sequence[UUID]) -> None:
    """Write sales of ten vendors each, without asking the triggers about every row."""
    connection.execute("RESET ROLE")
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(scope.tenant_id)])
    connection.execute("ALTER TABLE postings DISABLE TRIGGER USER")
    for group in range(0, len(vendors), SELLERS):
        sellers = [f"vendor:{vendor}:available" for vendor in vendors[group : group + SELLERS]]
        sales = [uuid7() for _ in range(POSTINGS)]
        connection.execute(SOLD, {"tenant": scope.tenant_id, "sales": sales, "sellers": sellers, "at": AT})
    connection.execute("ALTER TABLE postings ENABLE TRIGGER USER")
    connection.commit()
    connection.autocommit = True
    connection.execute("ANALYZE")


def sweep(made: Books) -> float:
    """Pay everybody, and give the vendors per second."""
    start = perf_counter()
    paid = 0
    for page in Sweep.of(made.app.payouts.run.dependencies)(made.scope, None):
        paid = page.batch.payouts
    seconds = perf_counter() - start
    if paid != len(made.vendors):
        raise RuntimeError(f"{paid} of {len(made.vendors)} vendors were paid")
    return paid / seconds


def write(made: Books) -> float:
    """Write what paying everybody writes, and give the vendors per second."""
    tenant, batch = made.scope.tenant_id, uuid7()
    payload = (
        '{"subject": "%s", "vendor": "seller-1", "amount": {"amount": "100.00", "currency": "EUR"}, "batch": "%s"}'
    )
    with connected(made.url) as connection:
        start = perf_counter()
        for first in range(0, len(made.vendors), PAGE):
            connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])
            told: dict[str, str] = {}
            for number, vendor in enumerate(made.vendors[first : first + PAGE], first):
                payout, path = uuid7(), f"vendor:{vendor}"
                values = {
                    "tenant": tenant,
                    "payout": payout,
                    "batch": batch,
                    "vendor": vendor,
                    "handle": f"seller-{number}",
                    "amount": 100 * POSTINGS,
                    "at": AT,
                    "journal": uuid7(),
                    "available": f"{path}:available",
                    "in_payout": f"{path}:in_payout",
                    "debt": f"{path}:debt",
                    "event": uuid7(),
                    "payload": payload % (payout, batch),
                }
                for statement in EVERYTHING:
                    connection.execute(statement, values)
                told[str(payout)] = str(values["payload"])
            body = "".join((text * 9)[:SAID] for text in told.values())
            audited = {"tenant": tenant, "entry": uuid7(), "body": body, "at": AT, "targets": list(told)}
            for statement in (AUDITED, NAMED):
                connection.execute(statement, audited)
            connection.commit()
        return len(made.vendors) / (perf_counter() - start)


def peak(made: Books) -> int:
    """Rehearse a run, and give the most memory that it held, in bytes."""
    tracemalloc.start()
    made.app.payouts.run(made.scope, dry_run=True, each=lambda _: None)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def run() -> Iterator[Ratio]:
    """Measure the rate against the floor, and how memory grows with the vendors."""
    with postgres.running() as server, ExitStack() as stack:
        few, many, floor = (stack.enter_context(books(server, count)) for count in (VENDORS // 5, VENDORS, VENDORS))
        small, large = (min(peak(made), peak(made)) for made in (few, many))
        yield Ratio(
            name="memory of a payout run, five times the vendors",
            value=large / small,
            most=MOST_GROWTH,
            measured=f"{large / 2**20:.1f} of {small / 2**20:.1f} MiB",
        )
        paid, written = sweep(many), write(floor)
        yield Ratio(
            name=f"payout run over {VENDORS * POSTINGS} open postings of {VENDORS} vendors",
            value=paid / written,
            least=LEAST,
            measured=f"{paid:.0f} of {written:.0f} payouts/s",
        )


if __name__ == "__main__":
    show(run())
