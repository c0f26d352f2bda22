"""Asking for jobs, looking at them, and having those retried that failed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cityos_core.jobs.model import JobStatus
from cityos_core.jobs.ports import JobCounts, JobFilter
from cityos_core.jobs.relaying import ARGUMENTS
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.workshop import HOUR, SECOND, Workshop

MakeDatabase = Callable[[str], UnitOfWorkFactory]
PLATFORM = PlatformScope()
ADA = Caller(principal="user:7", name="Ada", action="jobs:enqueue", request_id="req-1")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Workshop:
    """A workshop over a database of each kind."""
    return Workshop.open(make_database(request.param))


def test_asking(shop: Workshop) -> None:
    """A job is there as it was asked for, by whom and by which request, due now unless told otherwise."""
    scope, now = shop.tenant(), shop.clock.now()
    with acting(ADA):
        job = shop.jobs.enqueue(scope, "make", {"what": "a chair"}, key="chair-1", entity="order", entity_id="A-1")
    assert shop.jobs.get(scope, job.id) == job
    assert (job.operation, job.arguments, job.status) == ("make", {"what": "a chair"}, JobStatus.WAITING)
    assert (job.requested_by, job.request_id, job.created_at, job.due_at) == ("user:7", "req-1", now, now)
    assert (job.key, job.entity, job.entity_id) == ("chair-1", "order", "A-1")
    later = shop.jobs.enqueue(PLATFORM, "tidy", due_at=now + HOUR)
    assert (later.due_at, later.requested_by, dict(later.arguments)) == (now + HOUR, "system:library", {})


def test_a_key_is_asked_for_once(shop: Workshop) -> None:
    """Who asks for a job under a key that is known is given the job that is there, in whatever state it is."""
    scope, other = shop.tenant(), shop.tenant("south")
    first = shop.jobs.enqueue(scope, "make", key="k")
    assert shop.jobs.enqueue(scope, "make", {"what": "other"}, key="k") == first
    done = shop.jobs.run(scope, first.id)
    assert done.status is JobStatus.COMPLETED
    assert shop.jobs.enqueue(scope, "make", key="k") == done
    assert shop.jobs.enqueue(other, "make", key="k").id != first.id
    assert shop.jobs.enqueue(scope, "make").id != shop.jobs.enqueue(scope, "make").id
    chain = list(shop.app.audit.export(scope))
    added = [
        change for entry in chain for change in entry.changes if change["kind"] == "job" and change["verb"] == "added"
    ]
    assert len(added) == 3


def test_a_key_that_many_ask_for_at_once(shop: Workshop) -> None:
    """Everybody who asks for a key at the same moment is given the same job, and the audit tells of one."""
    scope = shop.tenant()
    with ThreadPoolExecutor(4) as threads:
        jobs = list(threads.map(lambda _: shop.jobs.enqueue(scope, "make", key="k"), range(8)))
    assert len({job.id for job in jobs}) == 1
    assert len(shop.all(scope)) == 1
    told = [change for entry in shop.app.audit.export(scope) for change in entry.changes if change["kind"] == "job"]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("operation", "arguments", "platform", "code", "words"),
    [
        ("break", {}, False, "no_such_operation", "there are daily, events.deliver, look, make, often, tidy, upkeep"),
        ("tidy", {}, False, "wrong_audience", "tidy belongs to the platform"),
        ("make", {}, True, "wrong_audience", "make belongs to tenants"),
        ("make", {"who": "me"}, False, "unknown_argument", "make takes no 'who'; it takes what"),
        ("tidy", {"what": "it"}, True, "unknown_argument", "tidy takes no 'what'; it takes none"),
    ],
)
def test_what_is_refused(operation: str, arguments: dict[str, str], platform: bool, code: str, words: str) -> None:
    """An operation that there is not, that is someone else's, or that is told what it does not know, is refused."""
    shop = Workshop.open()
    scope = PLATFORM if platform else shop.tenant()
    with pytest.raises((NotFound, Invalid)) as caught:
        shop.jobs.enqueue(scope, operation, arguments)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert shop.all(scope) == []


def test_what_follows_by_itself_is_not_asked_for(shop: Workshop) -> None:
    """Nobody makes up an event: its delivery is refused to tenants and to the platform, whatever it is told."""
    told = dict.fromkeys(ARGUMENTS, "made up")
    for scope in (shop.tenant(), PLATFORM):
        for arguments in (None, told):
            with pytest.raises(Refused, match="nobody asks for it") as caught:
                shop.jobs.enqueue(scope, "events.deliver", arguments)
            assert caught.value.code == "internal_operation"
        assert shop.all(scope) == []


def test_every_unknown_argument_is_named() -> None:
    """Each argument that an operation does not know is a mistake of its own."""
    shop = Workshop.open()
    with pytest.raises(Invalid) as caught:
        shop.jobs.enqueue(shop.tenant(), "make", {"who": "me", "what": "it", "where": "here"})
    assert [error.path for error in caught.value.errors] == ["$.arguments.who", "$.arguments.where"]


def test_half_of_what_it_is_about_is_refused() -> None:
    """A job is about something of a kind, or about nothing."""
    shop = Workshop.open()
    with pytest.raises(Invalid, match="both the kind and the id"):
        shop.jobs.enqueue(shop.tenant(), "make", entity="order")


def test_everyone_may_look() -> None:
    """An operation for everyone is carried out for tenants and for the platform."""
    shop = Workshop.open()
    for scope in (PLATFORM, shop.tenant()):
        job = shop.jobs.enqueue(scope, "look")
        assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED


def test_looking(shop: Workshop) -> None:
    """Jobs are listed newest first and by what they are, and counted by what is happening to them."""
    scope, other = shop.tenant(), shop.tenant("south")
    jobs = []
    for operation in ("make", "look", "make"):
        jobs.append(shop.jobs.enqueue(scope, operation))
        shop.clock.advance(SECOND)
    shop.jobs.enqueue(scope, "make", due_at=shop.clock.now() + HOUR)
    shop.troubles += [Refused("no", "never")]
    shop.jobs.run(scope, jobs[0].id)
    shop.jobs.run(scope, jobs[1].id)
    assert [job.id for job in shop.jobs.list(scope, request=PageRequest(3)).items[1:]] == [jobs[2].id, jobs[1].id]
    assert [job.id for job in shop.jobs.list(scope, JobFilter(status=JobStatus.FAILED)).items] == [jobs[0].id]
    assert shop.jobs.stats(scope) == JobCounts(
        waiting=1, completed=1, failed=1, delayed=1, oldest_due_at=jobs[2].created_at
    )
    assert (shop.jobs.stats(scope).total, shop.jobs.stats(other).total) == (4, 0)
    with pytest.raises(NotFound, match="there is no job"):
        shop.jobs.get(other, jobs[0].id)


def test_what_can_be_done() -> None:
    """Every operation is listed, with what it may be told."""
    operations = {operation.name: operation for operation in Workshop.open().jobs.operations()}
    assert set(operations) == {"make", "tidy", "look", "daily", "often", "upkeep", "events.deliver"}
    assert operations["make"].arguments == {"what": "what is made"}


def test_retrying(shop: Workshop) -> None:
    """A job that failed is done after all when a person wants it, with all its attempts; the audit tells who did."""
    scope = shop.tenant()
    with acting(ADA):
        job = shop.jobs.enqueue(scope, "make")
    shop.troubles += [Refused("no", "never")]
    assert shop.jobs.run(scope, job.id).status is JobStatus.FAILED
    shop.clock.advance(SECOND)
    with acting(Caller(principal="user:8", action="jobs:retry")):
        again = shop.jobs.retry(scope, job.id)
    assert again == shop.jobs.get(scope, job.id)
    assert (again.status, again.attempts, again.due_at) == (JobStatus.WAITING, 0, shop.clock.now())
    assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED
    told = [(entry.principal, entry.on_behalf_of, entry.action) for entry in shop.app.audit.export(scope)]
    assert told[-4:] == [
        ("user:7", None, "jobs:enqueue"),
        ("system:worker", "user:7", "make"),
        ("user:8", None, "jobs:retry"),
        ("system:worker", "user:7", "make"),
    ]


def test_only_what_failed_is_retried() -> None:
    """A job that waits, or was done, is not retried."""
    shop = Workshop.open()
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    for _ in range(2):
        with pytest.raises(Conflict, match="cannot retry") as caught:
            shop.jobs.retry(scope, job.id)
        assert caught.value.code == "invalid_state"
        shop.jobs.run(scope, job.id)
    with pytest.raises(NotFound):
        shop.jobs.retry(scope, JobId(scope.tenant_id))
