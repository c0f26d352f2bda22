"""The life of a job: every step that is allowed, no other, and what each leaves in the row."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.jobs.model import JOB_LIFE, STAGES, UNFINISHED, Job, JobStatus
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import JobId, TenantId

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=5)
NEW = Job(
    id=JobId(UUID(int=1)),
    tenant_id=TenantId(UUID(int=2)),
    operation="orders.release",
    requested_by="user:1",
    created_at=NOW,
    due_at=NOW,
)
HELD = NEW.started(at=NOW, lease=LEASE)

STEPS: dict[str, Callable[[Job, datetime], Job]] = {
    "start": lambda job, now: job.started(at=now, lease=LEASE),
    "complete": lambda job, now: job.completed(at=now, result="done"),
    "put_off": lambda job, now: job.put_off(until=now + 2 * SECOND, error="away: later"),
    "fail": lambda job, now: job.failed(at=now, error="away: never"),
    "retry": lambda job, now: job.retried(at=now),
}


def code(call: Callable[[], object]) -> str:
    """Give the code of the conflict that a call raises, or ``ok``."""
    try:
        call()
    except Conflict as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("status", JobStatus)
def test_steps(status: JobStatus) -> None:
    """In every state a job takes the steps of its table and no other."""
    later = NOW + 2 * LEASE
    job = evolve(HELD, status=status)
    taken = {name for name, step in STEPS.items() if code(partial(step, job, later)) == "ok"}
    assert taken == set(JOB_LIFE.allowed(status))
    assert (status in UNFINISHED) == ("start" in taken)


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 600))))
def test_a_job_never_leaves_its_table(history: list[tuple[str, int]]) -> None:
    """Whatever is asked of a job, at whatever time, it is in a state of its table with what belongs to that state."""
    job, now = NEW, NOW
    for name, seconds in history:
        now += seconds * SECOND
        before = job
        answer = code(partial(STEPS[name], job, now))
        if answer != "ok":
            assert answer in {"invalid_state", "job_taken"}
            assert (answer == "invalid_state") == (name not in JOB_LIFE.allowed(job.status))
            continue
        job = STEPS[name](job, now)
        assert job.status is JOB_LIFE.table[before.status, name]
        assert (job.leased_until is not None) == (job.status is JobStatus.ACTIVE)
        assert (job.finished_at is not None) == (job.status not in UNFINISHED)
        assert job.attempts == (before.attempts + 1 if name == "start" else 0 if name == "retry" else before.attempts)
        assert job.progress <= STAGES[-1]
        assert job.is_due(now) == (name == "retry")


def test_starting() -> None:
    """Whoever starts a job has it for the length of a lease; it is nobody else's before that has ended."""
    assert (HELD.status, HELD.attempts, HELD.progress, HELD.started_at) == (JobStatus.ACTIVE, 1, STAGES[0], NOW)
    assert HELD.leased_until == NOW + LEASE
    with pytest.raises(Conflict) as caught:
        HELD.started(at=NOW + LEASE - SECOND, lease=LEASE)
    assert (caught.value.code, caught.value.current_state) == ("job_taken", "active")
    again = HELD.started(at=NOW + LEASE, lease=LEASE)
    assert (again.attempts, again.leased_until) == (2, NOW + 2 * LEASE)


def test_not_before_its_time() -> None:
    """A job that is due later cannot be started."""
    assert not NEW.is_due(NOW - SECOND)
    assert code(lambda: NEW.started(at=NOW - SECOND, lease=LEASE)) == "job_taken"


def test_an_active_job_without_a_lease_is_anyones() -> None:
    """A job that is under way and that nobody has can be started."""
    assert evolve(HELD, leased_until=None).is_due(NOW)


def test_progress() -> None:
    """Progress prolongs the lease, and never goes back."""
    far = HELD.advanced(50, at=NOW + SECOND, lease=LEASE)
    assert (far.progress, far.leased_until) == (50, NOW + SECOND + LEASE)
    back = far.advanced(30, at=NOW + 2 * SECOND, lease=LEASE)
    assert (back.progress, back.leased_until) == (50, NOW + 2 * SECOND + LEASE)


def test_endings() -> None:
    """What is done forgets what went wrong before; what failed or is put off keeps it, and a retry is as if new."""
    late = evolve(HELD, error="away: later", woken_at=NOW)
    done = late.completed(at=NOW, result="3 orders")
    assert (done.progress, done.error, done.result, done.finished_at) == (100, None, "3 orders", NOW)
    waiting = late.put_off(until=NOW + SECOND, error="busy: later")
    assert (waiting.error, waiting.due_at, waiting.woken_at) == ("busy: later", NOW + SECOND, None)
    failed = late.failed(at=NOW, error="busy: never")
    assert (failed.error, failed.finished_at, failed.attempts) == ("busy: never", NOW, 1)
    retried = failed.retried(at=NOW + SECOND)
    assert (retried.attempts, retried.progress, retried.due_at, retried.woken_at) == (0, 0, NOW + SECOND, None)
    assert retried.error == "busy: never"


def test_what_it_is_about() -> None:
    """A job names what it is about by kind and id, or not at all."""
    with pytest.raises(Invalid, match="both the kind and the id"):
        evolve(NEW, entity="order")
    with pytest.raises(Invalid, match="both the kind and the id"):
        evolve(NEW, entity_id="1")
