"""Jobs in a database: sweepers and relays side by side, claims that nobody else gets, and plans that use the indexes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from attrs import evolve

from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.unit_of_work import _MESSAGES, SqlUnitOfWork
from cityos_core.jobs.model import Job, JobStatus, Message, Schedule
from cityos_core.jobs.policy import RESENT
from cityos_core.jobs.ports import JobFilter, Wake
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM, JobId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.events import StoreCreated
from cityos_core.testing.contracts.examples import LATER
from cityos_core.testing.contracts.world import Place, at_once, settle
from cityos_core.unit_of_work import UnitOfWork

KINDS: Final = ("sqlite", "postgresql")
SECOND: Final = timedelta(seconds=1)
Sent = tuple[str, Any]
"""A statement, and its values."""


@pytest.fixture(params=KINDS)
def north(request: pytest.FixtureRequest, make_database: Callable[[str], SqlDatabase]) -> Place:
    """A tenant in an otherwise empty database."""
    return settle(make_database(request.param), "north", seed=2)


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


def job(place: Place, **changes: Any) -> Job:
    """Make up a job that is due."""
    made = Job(
        id=JobId(place.ids.new()),
        tenant_id=place.id,
        operation="exports.run",
        requested_by="user:1",
        created_at=LATER,
        due_at=LATER,
    )
    return evolve(made, **changes)


def scheduled(made: Job) -> Schedule:
    """Give the schedule that a job might have been made of."""
    return Schedule(tenant_id=made.tenant_id, operation=made.operation, next_at=LATER)


def happened(place: Place, *subjects: UUID) -> None:
    """Let something happen to subjects, one after the other."""
    with place.open() as uow:
        uow.commit([StoreCreated(subject=subject, occurred_at=LATER, handle="web") for subject in subjects])


def wake(uow: UnitOfWork, now: datetime = LATER, limit: int = 100) -> list[Wake]:
    """Take the jobs that are due."""
    return uow.agenda.wake(now, limit=limit, resent=RESENT)


def above(place: Place) -> UnitOfWork:
    """Open a unit of work of the platform."""
    return place.unit_of_work(PlatformScope())


def subjects_of(messages: Iterable[Message]) -> list[UUID]:
    """List what messages are about."""
    return [message.subject for message in messages]


@pytest.mark.parametrize(
    "reach",
    [
        wake,
        lambda uow: uow.agenda.enter([]),
        lambda uow: uow.agenda.pending([], requested_by="user:1"),
        lambda uow: uow.agenda.prune(completed=0, failed=0),
        lambda uow: uow.schedules.plan("exports.run", [], LATER),
        lambda uow: uow.schedules.take(LATER, limit=1),
        lambda uow: uow.schedules.move([]),
        lambda uow: uow.schedules.all(),
        lambda uow: uow.outbox.take(limit=1),
        lambda uow: uow.outbox.waiting(),
    ],
)
def test_a_tenant_does_not_reach_what_is_everyones(north: Place, reach: Callable[[UnitOfWork], object]) -> None:
    """What falls due in all scopes, and what waits to be told of them, is the platform's on every database."""
    with north.open() as uow, pytest.raises(Invalid) as refused:
        reach(uow)
    assert refused.value.code == "platform_only"


def test_sweepers_at_once_take_disjoint_jobs(north: Place) -> None:
    """However many sweepers look at once, each job is told of by one of them."""
    made = [job(north, due_at=LATER - number * SECOND) for number in range(40)]
    north.do(lambda uow: uow.jobs.add(made))
    taken = at_once(lambda _: north.above(lambda uow: wake(uow, limit=7)), times=4)
    told = [one.job_id for wakes in taken if isinstance(wakes, list) for one in wakes]
    assert len(told) == len(set(told))
    while rest := north.above(lambda uow: wake(uow, limit=7)):
        told += [one.job_id for one in rest]
    assert sorted(told) == sorted(one.id for one in made)


def test_what_a_sweeper_holds_is_passed_over(crowded: Place) -> None:
    """A sweeper does not wait for another one: it takes what that one left, and what it had if it gives up."""
    first, second, third = (job(crowded, due_at=LATER - (3 - number) * SECOND) for number in range(3))
    crowded.do(lambda uow: uow.jobs.add([third, first, second]))
    with above(crowded) as slow, above(crowded) as fast:
        assert [one.job_id for one in wake(slow, limit=2)] == [first.id, second.id]
        assert [one.job_id for one in wake(fast)] == [third.id]
        fast.commit()
    with above(crowded) as next_one:
        assert [one.job_id for one in wake(next_one)] == [first.id, second.id]


def test_a_job_that_was_taken_up_meanwhile_is_left_alone(crowded: Place) -> None:
    """Of a job that a worker starts while a sweeper looks, nobody is told."""
    made = job(crowded)
    crowded.do(lambda uow: uow.jobs.add([made]))
    with crowded.open() as worker:
        worker.jobs.save(made.started(at=LATER, lease=timedelta(minutes=5)))
        with above(crowded) as sweeper:
            assert wake(sweeper) == []
        worker.commit()
    with above(crowded) as sweeper:
        assert wake(sweeper) == []


def test_relays_at_once_take_disjoint_messages(north: Place) -> None:
    """However many relays take at once, each message is given to one of them, and none is lost."""
    subjects = [north.ids.new() for _ in range(60)]
    for subject in subjects:
        happened(north, subject)
    batches = at_once(lambda _: north.above(lambda uow: uow.outbox.take(limit=9)), times=4)
    told = [subject for batch in batches if isinstance(batch, list) for subject in subjects_of(batch)]
    while rest := north.above(lambda uow: uow.outbox.take(limit=9)):
        told += subjects_of(rest)
    assert sorted(told) == sorted(subjects)
    assert north.above(lambda uow: uow.outbox.waiting()) == 0


def test_what_a_relay_holds_is_passed_over(crowded: Place) -> None:
    """A relay takes what another one left; what that one does not commit comes next time."""
    one, two, three = (crowded.ids.new() for _ in range(3))
    happened(crowded, one, two, three)
    with above(crowded) as slow, above(crowded) as fast:
        assert subjects_of(slow.outbox.take(limit=2)) == [one, two]
        assert subjects_of(fast.outbox.take(limit=2)) == [three]
        fast.commit()
    with above(crowded) as next_one:
        assert subjects_of(next_one.outbox.take(limit=9)) == [one, two]


def test_relays_do_not_overtake_each_other_on_a_subject(crowded: Place) -> None:
    """What happened later to a subject waits until whoever holds the earlier event has relayed it."""
    shop, other = crowded.ids.new(), crowded.ids.new()
    happened(crowded, shop, shop, other)
    with above(crowded) as slow:
        assert subjects_of(slow.outbox.take(limit=1)) == [shop]
        with above(crowded) as fast:
            assert subjects_of(fast.outbox.take(limit=9)) == [other]
            fast.commit()
        slow.commit()
    assert subjects_of(crowded.above(lambda uow: uow.outbox.take(limit=9))) == [shop]


def test_a_lower_id_that_commits_late_is_not_lost(crowded: Place) -> None:
    """A message whose id is lower than what was taken already, because its transaction took longer, comes next time."""
    early, late = crowded.ids.new(), crowded.ids.new()
    with crowded.open() as slow:
        assert isinstance(slow, SqlUnitOfWork)
        event = StoreCreated(subject=late, occurred_at=LATER, handle="web")
        slow.session.grow((_MESSAGES, [slow._message(slow.session, event)]))  # as far as a commit had come
        happened(crowded, early)
        assert subjects_of(crowded.above(lambda uow: uow.outbox.take(limit=9))) == [early]
        slow.commit()
    assert subjects_of(crowded.above(lambda uow: uow.outbox.take(limit=9))) == [late]


def test_schedulers_at_once_make_one_job(north: Place) -> None:
    """However many schedulers find a schedule due, its job is made once: whoever is late finds it moved."""
    north.above(lambda uow: uow.schedules.plan("exports.run", [north.id, PLATFORM], LATER))

    def tick(_number: int) -> int:
        with above(north) as uow:
            due = uow.schedules.take(LATER, limit=9)
            made = [job(north, tenant_id=one.tenant_id, key=f"exports.run@{LATER:%H:%M}") for one in due]
            entered = uow.agenda.enter(made)
            uow.schedules.move([evolve(one, next_at=LATER + SECOND, last_at=LATER) for one in due])
            uow.commit()
        return entered

    assert sum(entered for entered in at_once(tick, times=4) if isinstance(entered, int)) == 2
    assert len(north.see(lambda uow: uow.jobs.page(JobFilter(), PageRequest())).items) == 1


def test_a_schedule_that_is_held_is_passed_over(crowded: Place) -> None:
    """A scheduler takes the schedules that another one left."""
    crowded.above(lambda uow: uow.schedules.plan("exports.run", [crowded.id, PLATFORM], LATER))
    with above(crowded) as slow, above(crowded) as fast:
        (first,) = slow.schedules.take(LATER, limit=1)
        (second,) = fast.schedules.take(LATER, limit=9)
        assert {first.tenant_id, second.tenant_id} == {crowded.id, PLATFORM}


def test_a_failed_job_that_is_retried_while_others_are_removed_stays(crowded: Place) -> None:
    """Whoever clears finished jobs away leaves alone what somebody has retried in between."""
    failed = job(crowded, status=JobStatus.FAILED, finished_at=LATER, error="late")
    crowded.do(lambda uow: uow.jobs.add([failed]))
    with crowded.open() as person:
        person.jobs.record(failed.retried(at=LATER))
        assert crowded.above(lambda uow: uow.agenda.prune(completed=0, failed=0)) == 0
        person.commit()
    assert crowded.see(lambda uow: uow.jobs.get(failed.id)).status is JobStatus.WAITING


def test_the_same_keys_in_another_order(north: Place) -> None:
    """Transactions that add jobs of the same keys in different orders do not get in each other's way."""
    keys = [f"run@{number}" for number in range(30)]

    def enter(number: int) -> int:
        chosen = keys if number % 2 else [*reversed(keys)]
        return north.above(lambda uow: uow.agenda.enter([job(north, key=key) for key in chosen]))

    assert sum(entered for entered in at_once(enter, times=4) if isinstance(entered, int)) == len(keys)


def test_thousands_take_as_many_statements_as_one(crowded: Place, statements: list[Sent]) -> None:
    """Entering, waking, planning, moving, taking and removing cost one statement each, however many rows there are."""
    with above(crowded) as uow:
        many = [job(crowded, key=f"run@{number}") for number in range(2000)]
        tenants = [PLATFORM, *(crowded.id for _ in range(2000))]
        steps: Sequence[Callable[[], object]] = (
            lambda: uow.agenda.enter(many),
            lambda: wake(uow, limit=1000),
            lambda: uow.schedules.plan("exports.run", tenants, LATER),
            lambda: uow.schedules.move(uow.schedules.take(LATER, limit=9)),
            lambda: uow.agenda.pending([scheduled(one) for one in many], requested_by="user:1"),
            lambda: uow.outbox.take(limit=500),
            lambda: uow.agenda.prune(completed=100, failed=200),
        )
        for step in steps:
            before = len(statements)
            step()
            assert len(statements) - before <= 2


QUESTIONS: Final[dict[str, Callable[[UnitOfWork], object]]] = {
    "ix_jobs_due ix_jobs_line": wake,
    "ix_jobs_pending": lambda uow: uow.agenda.pending([], requested_by="user:1"),
    "ix_jobs_finished": lambda uow: uow.agenda.prune(completed=100, failed=200),
    "ix_jobs_tenant_id_created_at_id": lambda uow: uow.jobs.page(JobFilter(), PageRequest()),
    "ix_schedules_next_at_tenant_id_operation": lambda uow: uow.schedules.take(LATER, limit=9),
    "ix_outbox_id ix_outbox_tenant_id_subject_id": lambda uow: uow.outbox.take(limit=9),
}


@pytest.mark.parametrize("indexes", QUESTIONS)
def test_what_is_asked_again_and_again_has_an_index(
    make_url: Callable[[str], str], statements: list[Sent], indexes: str
) -> None:
    """PostgreSQL can answer sweepers, schedulers and relays from indexes."""
    url = make_url("postgresql")
    with SqlDatabase(url) as database, database(PlatformScope()) as uow:
        QUESTIONS[indexes](uow)
    text, values = statements[0]
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE cityos_app")
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(PLATFORM),))
        connection.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
        plan = "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN {text}".encode(), values))
    for index in indexes.split():
        assert f"using {index} " in plan, plan
