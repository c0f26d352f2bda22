"""Any number of workers: each cycle is billed by one of them, whoever dies, sleeps or comes too late."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self, cast

import pytest
from attrs import evolve

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict, Unavailable
from cityos_core.kernel.scope import Scope
from cityos_core.subscriptions.billing_chunk import BillChunk
from cityos_core.subscriptions.cycles import LEASE, BillingCycle
from cityos_core.subscriptions.tallying import Came, Chunk
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.subscriptions.samples import fixed, metered
from usecases.billing import TERMS
from usecases.cashier import Cashier
from usecases.subscribing import KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
WORKERS = 4


def due(number: int, database: UnitOfWorkFactory | None = None, **terms: Any) -> Cashier:
    """So many subscriptions, each with a cycle that is due."""
    cashier = Cashier.open(database)
    cashier.sell(fixed(), metered())
    for one in range(number):
        cashier.join(f"c{one}", **terms)
    cashier.wait(days=31)
    return cashier


def claim(cashier: Cashier, worker: str, limit: int = 100) -> list[BillingCycle]:
    """Claim cycles as a worker does."""
    with cashier.club.office.database(cashier.scope) as uow:
        claimed = uow.cycles.claim(worker, cashier.now, lease=LEASE, limit=limit)
        uow.commit()
    return claimed


def bill(cashier: Cashier, worker: str, claimed: list[BillingCycle]) -> Chunk:
    """Bill what a worker claimed, in one transaction."""
    chunk = BillChunk(dependencies=cashier.club.office.dependencies, scope=cashier.scope, worker=worker)
    (done,) = chunk(claimed)
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_many_workers_at_once(kind: str, make_database: MakeDatabase) -> None:
    """Workers at the same moment share the cycles; their certificates sum to what was due."""
    cashier = due(30, make_database(kind))
    cashier.wait(days=31)
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = list(pool.map(lambda _: cashier.billing.run(cashier.scope), range(WORKERS)))
    certificates = [run.certificate for run in runs]
    assert all(one.ties for one in certificates)
    rest = cashier.run()
    assert sum(one.billed for one in certificates) + rest.billed == 60
    assert sum(one.taken_by_others for one in certificates) == 0
    assert [one.number for one in cashier.invoices()] == list(range(1, 91))
    cashier.wait(hours=1)
    cashier.run()
    assert cashier.gateway.collected("EUR").text == "2700.00"
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_in_turns(kind: str, make_database: MakeDatabase) -> None:
    """While a claim holds nobody else has the cycle; each bills its own."""
    cashier = due(10, make_database(kind), collection=TERMS)
    first, second = claim(cashier, "one", 4), claim(cashier, "two")
    assert (len(first), len(second), claim(cashier, "three")) == (4, 6, [])
    assert (bill(cashier, "two", second).invoices, bill(cashier, "one", first).invoices) == (6, 4)
    assert cashier.run().due == 0
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_that_expired_is_taken_over(kind: str, make_database: MakeDatabase) -> None:
    """What a dead worker claimed another bills when the lease has ended; waking up, the first finds it done."""
    cashier = due(6, make_database(kind), collection=TERMS)
    claimed = claim(cashier, "sleeper")
    assert cashier.run().due == 0
    cashier.wait(minutes=5)
    assert cashier.run().billed == 6
    late = bill(cashier, "sleeper", claimed)
    assert (late.due, late.invoices, {one.came for one in late.cycles}) == (6, 0, {Came.TAKEN})
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_that_another_has_meanwhile(kind: str, make_database: MakeDatabase) -> None:
    """Who lost a claim bills the rest, also while the new owner has not billed yet."""
    cashier = due(5, make_database(kind), collection=TERMS)
    claimed = claim(cashier, "sleeper")
    cashier.wait(minutes=5)
    taken = claim(cashier, "other", 2)
    mine = bill(cashier, "sleeper", claimed)
    assert (mine.due, mine.invoices, len([one for one in mine.cycles if one.came is Came.TAKEN])) == (5, 3, 2)
    assert bill(cashier, "other", taken).invoices == 2
    assert cashier.run().due == 0
    cashier.audit()


def test_a_cycle_that_is_not_due_any_more_is_let_go() -> None:
    """A cycle whose subscription ended, or moved, after it was claimed is nobody's work; it falls due when it does."""
    cashier = Cashier.open()
    cashier.sell(trial_days=31)
    ada, bob = cashier.join("ada"), cashier.join("bob")
    cashier.wait(days=31)
    claimed = claim(cashier, "one")
    for one in (ada, bob):
        with cashier.club.office.database(cashier.scope) as uow:
            held = uow.subscriptions.get(one.id)
            later = evolve(held.anchor, local=held.anchor.local.replace(year=2027))
            uow.subscriptions.save([evolve(held, anchor=later)])
            uow.commit()
    done = bill(cashier, "one", claimed)
    assert (done.due, done.cycles) == (0, ())
    assert [cashier.states(one) for one in (ada, bob)] == [["upcoming"]] * 2
    assert cashier.cycle(ada, 0).due_at == cashier.get(ada).due_at


def interfering(place: str, code: str, times: int) -> Callable[[str], None]:
    """Raise a conflict at a fault point a few times, as a database does when transactions meet."""
    left = [place] * times

    def interfere(name: str) -> None:
        if name in left:
            left.remove(name)
            raise Conflict(code, "another transaction was first")

    return interfere


def test_a_chunk_that_meets_another_transaction() -> None:
    """A chunk that loses a race is billed one by one, and each a few times."""
    cashier = due(4)
    with faults.hooked(interfering("billing.invoice.before_commit", "stale", 3)):
        assert cashier.run().billed == 4
    cashier.audit()


def test_a_race_that_is_lost_again_and_again() -> None:
    """What others get in the way of all the time fails for now, and is billed when the claim has ended."""
    cashier = due(2)
    with faults.hooked(interfering("billing.invoice.before_commit", "stale", 4)):
        found = cashier.run()
    assert (found.billed, found.failed) == (1, {"stale": 1})
    assert cashier.run().due == 0
    cashier.wait(minutes=5)
    assert cashier.run().billed == 1
    cashier.audit()


@pytest.mark.parametrize(("times", "failed"), [(2, 1), (4, 3)])
def test_what_storage_refuses_of_one_stops_nobody(times: int, failed: int) -> None:
    """What cannot be stored of a chunk is found out one by one; what still cannot fails with the reason."""
    cashier = due(3)
    with faults.hooked(interfering("billing.invoice.before_commit", "invoice_exists", times)):
        found = cashier.run()
    assert (found.billed, found.failed) == (3 - failed, {"invoice_exists": failed})
    assert {one.reason for one in cashier.failed()} == {"another transaction was first"}
    cashier.audit()


def test_a_failure_that_cannot_be_noted() -> None:
    """Where even the failure cannot be written down the claim ends by itself; done by another, it is no failure."""
    cashier = due(1)

    def interfere(name: str) -> None:
        if name in ("billing.invoice.before_commit", "billing.fail.before_commit"):
            raise Conflict("stale" if name == "billing.fail.before_commit" else "invoice_exists", "no")

    with faults.hooked(interfere):
        assert cashier.run().failed == {"invoice_exists": 1}
    assert cashier.failed() == []
    cashier.wait(minutes=5)
    assert cashier.run().billed == 1
    cashier.audit()


def test_what_is_wrong_with_the_world_ends_the_run() -> None:
    """Where the database is not there nothing is anybody's fault: the run ends, and the next one takes it up."""
    cashier = due(2)

    def broken(name: str) -> None:
        if name == "billing.invoice.before_commit":
            raise Unavailable("database_busy", "try again")

    with faults.hooked(broken), pytest.raises(Unavailable):
        cashier.run()
    assert cashier.failed() == []
    cashier.wait(minutes=5)
    assert cashier.run().billed == 2
    cashier.audit()


@pytest.mark.parametrize("code", ["stale", "broken"])
def test_expiring_in_spite_of_others(code: str) -> None:
    """What is in the way of one that expires is told at the end, a lost race is left to the next run."""
    cashier = Cashier.open()
    cashier.sell()
    everybody = [cashier.join(f"c{number}", payment_method="declined") for number in range(3)]
    cashier.wait(days=1)
    times = 4 if code == "stale" else 2
    with faults.hooked(interfering("billing.expire.before_commit", code, times)):
        if code == "broken":
            with pytest.raises(Conflict):
                cashier.run()
        else:
            cashier.run()
    states = sorted(cashier.status(one) for one in everybody)
    assert states == ["expired", "expired", "incomplete"]
    cashier.run()
    assert {cashier.status(one) for one in everybody} == {"expired"}
    cashier.audit()


class Counted:
    """A database that counts what its repositories are asked."""

    def __init__(self) -> None:
        self.inner, self.calls = MemoryDatabase(), Counter[str]()

    def __call__(self, scope: Scope) -> UnitOfWork:
        return cast("UnitOfWork", _CountedUnit(self.inner(scope), self.calls))


class _CountedUnit:
    def __init__(self, inner: Any, calls: Counter[str]) -> None:
        self._inner, self._calls = inner, calls

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._inner.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return found if callable(found) else _CountedRepository(name, found, self._calls)


class _CountedRepository:
    def __init__(self, name: str, inner: Any, calls: Counter[str]) -> None:
        self._name, self._inner, self._calls = name, inner, calls

    def __getattr__(self, name: str) -> Any:
        self._calls[f"{self._name}.{name}"] += 1
        return getattr(self._inner, name)


def counted(number: int, reactions: Iterator[Any] | None = None, **terms: Any) -> Counter[str]:
    """Count what a run over so many subscriptions asks of storage."""
    database = Counted()
    cashier = due(number, database, **terms)
    for one in cashier.invoices():
        subscription = cashier.club.subscriptions.get(cashier.scope, one.subscription_id)
        cashier.club.do("record_usage", subscription, [("a", "calls", 2, one.issued_at)])
    cashier.gateway.script(*(reactions or ()))
    database.calls.clear()
    cashier.run()
    return database.calls


def test_statements_do_not_depend_on_how_many_there_are() -> None:
    """A chunk of two takes as many statements as one of twenty: invoiced with terms, charged, and declined."""
    assert counted(2, collection=TERMS) == counted(20, collection=TERMS)
    assert counted(2) == counted(20)
    assert counted(2, iter([Decline()] * 2)) == counted(20, iter([Decline()] * 20))
    assert counted(2, iter([Behaviour.LOSE_ANSWER] * 2)) == counted(20, iter([Behaviour.LOSE_ANSWER] * 20))
    assert sum(counted(20, collection=TERMS).values()) < 45


def test_a_run_is_told_of_its_worker() -> None:
    """A worker has the name it was given, or one of its own."""
    cashier = due(1)
    assert cashier.certified(worker="one").worker == "one"
    names = {cashier.certified().worker for _ in range(2)}
    assert len(names) == 2


def test_runs_and_retries_at_once() -> None:
    """Runs and retries at the same moment share the work."""
    cashier = due(12)
    cashier.gateway.script(*[Decline()] * 12)
    cashier.run()
    cashier.wait(days=31)
    acts: list[Callable[[], object]] = [
        partial(cashier.billing.run, cashier.scope),
        partial(cashier.billing.retry, cashier.scope),
    ] * 2
    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(act) for act in acts]:
            future.result()
    assert cashier.gateway.collected("EUR").text == "1080.00"
    cashier.audit()
