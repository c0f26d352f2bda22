"""Billing in a database: workers side by side, as many statements for hundreds as for two, and plans that use indexes."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import psycopg
import pytest
from attrs import evolve

from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.session import Session
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.ports import InvoiceFilter, SubscriptionFilter
from cityos_core.testing.contracts import charged, subscribed
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import HOUR, LEASE, upcoming
from cityos_core.testing.contracts.world import Place, at_once, codes, nobody, settle
from cityos_core.unit_of_work import UnitOfWork

KINDS: Final = ("sqlite", "postgresql")
Sent = tuple[str, Any]
"""A statement, and its values."""


@pytest.fixture
def crowded(make_database: Callable[[str], SqlDatabase]) -> Place:
    """A tenant on PostgreSQL, where several transactions write at once."""
    return settle(make_database("postgresql"), "north", seed=2)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """What is sent to the database, besides the beginning and the end of transactions."""
    sent: list[Sent] = []
    send = Session._run

    def note(session: Session, text: str, values: Any = (), **how: Any) -> Any:
        sent.append((text, values))
        return send(session, text, values, **how)

    monkeypatch.setattr(Session, "_run", note)
    return sent


def claim(uow: UnitOfWork, worker: str = "w1", limit: int = 100) -> list[BillingCycle]:
    """Claim cycles that are due."""
    return uow.cycles.claim(worker, LATER, lease=LEASE, limit=limit)


def test_a_claim_passes_over_what_another_worker_is_taking(crowded: Place) -> None:
    """Two transactions that are both open claim different subscriptions, and neither waits for the other."""
    some = subscribed.subscribed(crowded, times=6)
    cycles = [upcoming(one, index, due_at=AT - index * HOUR) for one in some for index in (0, 1)]
    crowded.do(lambda uow: uow.cycles.add(cycles))
    with crowded.open() as first, crowded.open() as second, crowded.open() as third:
        taken = [claim(first, limit=2), claim(second, "w2", limit=3), claim(third, "w3")]
        first.commit()
        second.commit()
    found = [[cycle.subscription_id for cycle in claimed] for claimed in taken]
    assert list(map(len, found)) == [2, 3, 1]
    assert sorted(one for several in found for one in several) == [one.id for one in some]
    assert [cycle.subscription_id for cycle in crowded.do(claim)] == found[2]


def test_who_waited_for_the_first_look_does_not_see_the_second(crowded: Place) -> None:
    """A claim that began before another one was committed takes nothing of what that one has."""
    some = subscribed.subscribed(crowded, times=8)
    crowded.do(lambda uow: uow.cycles.add([upcoming(one, index) for one in some for index in (0, 1, 2)]))
    claimed: list[BillingCycle] = []
    for _ in range(4):
        answers = at_once(lambda number: crowded.do(lambda uow: claim(uow, f"w{number}", limit=1)), times=6)
        assert codes(answers) == []
        claimed += [cycle for answer in answers if isinstance(answer, list) for cycle in answer]
    claimed += crowded.do(claim)
    assert sorted(cycle.subscription_id for cycle in claimed) == [one.id for one in some]


def test_revenue_that_another_worker_is_booking_is_passed_over(crowded: Place) -> None:
    """Two transactions that are both open look at different invoices, and neither waits for the other."""
    owed = charged.owing(crowded)
    more = [charged.invoice(crowded, owed.subscription, cycle, number=None) for cycle in (1, 2)]
    crowded.do(lambda uow: uow.invoices.add(more))
    with crowded.open() as first, crowded.open() as second:
        looked_at = [uow.invoices.earning(AT, limit=2) for uow in (first, second)]
    assert list(map(len, looked_at)) == [2, 1]
    assert {one.id for several in looked_at for one in several} == {owed.invoice.id, *(one.id for one in more)}


def test_reporting_usage_does_not_wait_for_billing(crowded: Place) -> None:
    """Usage, cycles and movements of a subscription that is held are added by another transaction meanwhile."""
    (one,) = subscribed.subscribed(crowded)
    with crowded.open() as billing, crowded.open() as reporting:
        billing.subscriptions.get(one.id, lock=True)
        reporting.usage.add([subscribed.usage(one)])
        reporting.commit()
        billing.usage.add([subscribed.usage(one, "other")])
        billing.commit()
    assert len(crowded.see(lambda uow: uow.usage.find(one.id, ["k", "other"]))) == 2


@pytest.mark.parametrize("seed", range(3))
def test_inv_numbers_have_no_gap(crowded: Place, seed: int) -> None:
    """Whoever takes numbers in several series at once, and gives up or not, each number is used once."""
    used: dict[str, list[int]] = {"a": [], "b": []}

    def issue(number: int) -> None:
        random = Random(f"{seed}/{number}")
        for _ in range(12):
            with crowded.open() as uow:
                taken: list[tuple[str, int, int]] = []
                for series in sorted(random.sample(sorted(used), random.randint(1, 2))):
                    count = random.randint(1, 4)
                    taken.append((series, uow.numbers.take(series, count), count))
                if random.random() < 0.6:
                    uow.commit()
                    for series, first, count in taken:
                        used[series].extend(range(first, first + count))

    assert codes(at_once(issue, times=4)) == []
    for numbers in used.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def bill(place: Place, subscriptions: Sequence[Subscription], statements: list[Sent]) -> dict[str, int]:
    """Do with so many subscriptions what a billing run does; tell how many statements each step took."""
    ids = [one.id for one in subscriptions]
    cycles = [upcoming(one, 1) for one in subscriptions]
    invoices = [charged.invoice(place, one, 1, number=None) for one in subscriptions]
    attempts = [charged.attempt(invoice) for invoice in invoices]
    cases = [charged.case(invoice) for invoice in invoices]
    notes = [charged.credit_note(place, invoice, 1000 * len(ids) + n) for n, invoice in enumerate(invoices)]
    steps: dict[str, Callable[[UnitOfWork], object]] = {
        "cycles.add": lambda uow: uow.cycles.add(cycles),
        "cycles.claim": lambda uow: claim(uow, limit=1000),
        "cycles.save": lambda uow: uow.cycles.save([evolve(one, reason="x", version=2) for one in cycles]),
        "cycles.of": lambda uow: uow.cycles.of(ids),
        "cycles.last": lambda uow: uow.cycles.of(ids, last=2),
        "subscriptions.many": lambda uow: uow.subscriptions.many(ids, lock=True),
        "subscriptions.save": lambda uow: uow.subscriptions.save([evolve(one, next_cycle=2) for one in subscriptions]),
        "invoices.add": lambda uow: uow.invoices.add(invoices),
        "invoices.save": lambda uow: uow.invoices.save([evolve(one, recognised=5) for one in invoices]),
        "invoices.of": lambda uow: uow.invoices.of({one: [1, 0] for one in ids}),
        "numbers.take": lambda uow: uow.numbers.take("a", len(ids)),
        "attempts.add": lambda uow: uow.attempts.add(attempts),
        "attempts.save": lambda uow: uow.attempts.save([evolve(one, inquiries=9) for one in attempts]),
        "attempts.of": lambda uow: uow.attempts.of([one.id for one in invoices]),
        "dunning.open": lambda uow: uow.dunning.put(cases),
        "dunning.put": lambda uow: uow.dunning.put([evolve(one, retries=9) for one in cases]),
        "dunning.of": lambda uow: uow.dunning.of(ids),
        "dunning.find": lambda uow: uow.dunning.find([one.id for one in invoices]),
        "credit_notes.add": lambda uow: uow.credit_notes.add(notes),
        "credit_notes.of": lambda uow: uow.credit_notes.of([one.id for one in invoices]),
        "usage.add": lambda uow: uow.usage.add([subscribed.usage(one, "k") for one in subscriptions]),
        "usage.sums": lambda uow: uow.usage.sums({one: [(AT, LATER), (LATER, LATER + HOUR)] for one in ids}),
        "usage.unbilled": lambda uow: uow.usage.unbilled(ids),
        "usage.settle": lambda uow: uow.usage.settle(ids),
        "movements.add": lambda uow: uow.movements.add([subscribed.movement(one) for one in subscriptions]),
        "movements.latest": lambda uow: uow.movements.latest(ids),
    }
    took: dict[str, int] = {}
    with place.open() as uow:
        uow.numbers.take("warm", 1)
        for name, step in steps.items():
            before = len(statements)
            step(uow)
            took[name] = len(statements) - before
        uow.commit()
    return took


@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_take_as_many_statements_as_two(
    make_database: Callable[[str], SqlDatabase], statements: list[Sent], kind: str
) -> None:
    """Whatever is read and written in sets costs as many statements for two hundred subscriptions as for two."""
    place = settle(make_database(kind), "north", seed=2)
    some = subscribed.subscribed(place, times=200)
    two = bill(place, some[:2], statements)
    many = bill(place, some[2:], statements)
    if kind == "postgresql":
        assert many == two
        assert set(many.values()) == {1}
    else:  # a row that is inserted with an answer is a statement there, and nothing is far
        del two["dunning.open"], many["dunning.open"], two["dunning.put"], many["dunning.put"]
        assert many == two


QUESTIONS: Final[dict[str, Callable[[UnitOfWork], object]]] = {
    "ix_billing_cycles_due": claim,
    "ix_billing_cycles_started": lambda uow: uow.cycles.page(None, PageRequest()),
    "ix_billing_cycles_in_state": lambda uow: uow.cycles.page(CycleStatus.FAILED, PageRequest()),
    "pk_billing_cycles": lambda uow: uow.cycles.of([SubscriptionId(nobody())], last=2),
    "ix_subscriptions_incomplete": lambda uow: uow.subscriptions.abandoned(LATER, limit=9),
    "ix_subscriptions_tenant_id_created_at_id": lambda uow: uow.subscriptions.page(SubscriptionFilter(), PageRequest()),
    "ix_invoices_tenant_id_created_at_id": lambda uow: uow.invoices.page(InvoiceFilter(), PageRequest()),
    "ix_invoices_tenant_id_recognise_at_id": lambda uow: uow.invoices.earning(LATER, limit=9),
    "uq_invoices_tenant_id_subscription_id_cycle_change": lambda uow: uow.invoices.of({}),
    "ix_payment_attempts_due": lambda uow: uow.attempts.due(LATER, limit=9),
    "ix_payment_attempts_tenant_id_invoice_id_number": lambda uow: uow.attempts.of([]),
    "ix_dunning_cases_tenant_id_next_at_invoice_id": lambda uow: uow.dunning.due(LATER, limit=9),
    "ix_usage_records_tenant_id_subscription_id_counts_at": lambda uow: uow.usage.sums({}),
    "ix_usage_records_late": lambda uow: uow.usage.unbilled([]),
    "ix_movements_tenant_id_at_subscription_id_number": lambda uow: uow.movements.until(LATER),
    "ix_billing_runs_tenant_id_started_at_id": lambda uow: uow.billing_runs.page(PageRequest()),
    "ix_credit_notes_tenant_id_invoice_id_number": lambda uow: uow.credit_notes.of([]),
}


@pytest.mark.parametrize("index", QUESTIONS)
def test_what_is_asked_again_and_again_has_an_index(
    make_url: Callable[[str], str], statements: list[Sent], index: str
) -> None:
    """PostgreSQL can answer billing runs, retries, recognition and lists from indexes."""
    url = make_url("postgresql")
    with SqlDatabase(url) as database:
        place = settle(database, "north", seed=2)
        statements.clear()
        place.see(QUESTIONS[index])
    text, values = statements[0]
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE cityos_app")
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(place.id),))
        connection.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
        plan = "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN {text}".encode(), values))
    assert f"using {index} " in plan, plan
