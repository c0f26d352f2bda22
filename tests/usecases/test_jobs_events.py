"""Events reach whoever listens: at least once, those of one subject in the order they happened."""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

import pytest
from attrs import define, evolve, field, frozen

from cityos_core.jobs.model import Job, JobStatus, Message
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.events import Event
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import PLATFORM, JobId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.testing import START
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.workshop import LEASE, SECOND, Workshop

MakeDatabase = Callable[[str], UnitOfWorkFactory]


@frozen(kw_only=True)
class Rang(Event):
    """A bell rang."""

    name: ClassVar[str] = "bell.rang"
    number: int
    price: Money = Money.of("1.00", "EUR")


@frozen(kw_only=True)
class Fell(Event):
    """A tree fell."""

    name: ClassVar[str] = "tree.fell"


@define
class Ear:
    """Remembers what it heard, unless it is told to be deaf."""

    name: str
    events: frozenset[str]
    heard: list[Message] = field(factory=list)
    deaf: list[bool] = field(factory=list)

    def __call__(self, message: Message) -> None:
        """Hear."""
        if self.deaf and self.deaf.pop(0):
            raise Unavailable("deaf", "nothing is heard")
        self.heard.append(message)

    @property
    def numbers(self) -> list[object]:
        """What was heard of bells."""
        return [message.payload["number"] for message in self.heard if message.name == Rang.name]

    def about(self, subject: int) -> list[object]:
        """Give what was heard of one bell."""
        return [message.payload["number"] for message in self.heard if message.subject == UUID(int=subject)]


@define
class House:
    """A workshop with two who listen: one for bells, one for everything."""

    shop: Workshop
    keen: Ear
    nosy: Ear
    scope: Scope

    @classmethod
    def open(cls, database: UnitOfWorkFactory | None = None) -> "House":
        """Build one."""
        keen, nosy = Ear("keen", frozenset({Rang.name})), Ear("nosy", frozenset({"*"}))
        shop = Workshop.open(database, listeners=[keen, nosy], without=["daily", "often", "upkeep"])
        scope = shop.tenant()
        shop.jobs.drain()
        nosy.heard.clear()
        return cls(shop, keen, nosy, scope)

    def ring(self, *numbers: int, subject: int = 1, scope: Scope | None = None) -> None:
        """Let a bell ring, in one transaction."""
        with self.shop.ports.unit_of_work(scope or self.scope) as uow:
            uow.commit(
                Rang(subject=UUID(int=subject), occurred_at=self.shop.clock.now(), number=number) for number in numbers
            )


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, make_database: MakeDatabase) -> House:
    """A house over a database of each kind."""
    return House.open(make_database(request.param))


def test_what_is_heard(house: House) -> None:
    """Everybody hears what they listen for, whole, and whose it was."""
    house.ring(7)
    with house.shop.ports.unit_of_work(PlatformScope()) as uow:
        uow.commit([Fell(subject=UUID(int=2), occurred_at=START)])
    assert house.shop.jobs.relay() == 2
    assert house.shop.jobs.drain() == 3
    (rang,) = house.keen.heard
    assert [message.name for message in house.nosy.heard] == ["bell.rang", "tree.fell"]
    assert house.nosy.heard[0] == rang
    assert (rang.tenant_id, rang.subject, rang.occurred_at) == (house.scope.tenant_id, UUID(int=1), START)
    assert rang.payload["price"] == {"amount": "1.00", "currency": "EUR"}
    assert house.nosy.heard[1].tenant_id == PLATFORM
    assert house.shop.jobs.relay() == 0
    assert house.shop.jobs.drain() == 0


def test_a_job_for_each_who_listens(house: House) -> None:
    """What was relayed waits as a job of whoever's event it is, one after the other for a listener and a subject."""
    house.ring(1)
    house.shop.clock.advance(SECOND)
    house.shop.jobs.relay()
    jobs = house.shop.all(house.scope)[-2:]
    assert [(job.operation, job.entity, job.entity_id) for job in jobs] == [
        ("events.deliver", "keen", str(UUID(int=1))),
        ("events.deliver", "nosy", str(UUID(int=1))),
    ]
    assert {(job.requested_by, job.created_at, job.due_at) for job in jobs} == {
        ("system:scheduler", START, START + SECOND)
    }


def test_sweeping_relays(house: House) -> None:
    """What happened is relayed and told of in one sweep."""
    house.ring(1, 2, subject=1)
    house.ring(3, subject=2)
    assert house.shop.jobs.sweep() == 4


def test_many_transactions(house: House) -> None:
    """However few are taken at a time, all are relayed."""
    house.ring(*range(5))
    assert house.shop.jobs.relay(limit=2) == 5
    house.shop.jobs.drain()
    assert house.keen.numbers == [0, 1, 2, 3, 4]


def test_one_subject_is_heard_in_order(house: House) -> None:
    """A listener that is deaf for a moment hears of that subject later and in order, and of others meanwhile."""
    house.ring(1, 2, 3)
    house.ring(9, subject=2)
    house.keen.deaf += [True, False]
    house.shop.jobs.drain()
    assert house.keen.numbers == [9]
    assert (house.nosy.about(1), house.nosy.about(2)) == ([1, 2, 3], [9])
    house.ring(4)
    house.shop.clock.advance(2 * SECOND)
    house.shop.jobs.drain()
    assert house.keen.numbers == [9, 1, 2, 3, 4]


def test_a_relay_that_comes_late_keeps_the_order(house: House) -> None:
    """What happened earlier and is relayed later still comes first, if the other was not heard yet."""
    house.ring(1)
    with house.shop.ports.unit_of_work(PlatformScope()) as uow:
        first = uow.outbox.take(limit=1)  # a relay holds it, and is undone
        assert len(first) == 1
    house.shop.clock.advance(SECOND)
    house.ring(2)
    house.shop.jobs.relay(limit=1)
    house.shop.jobs.drain()
    assert house.keen.numbers == [1, 2]


@pytest.mark.parametrize(
    "point", ["jobs.relay.before_commit", "jobs.relay.after_commit", "commit.before", "commit.after"]
)
def test_a_relay_that_dies(house: House, point: str) -> None:
    """Wherever a relay dies, each event is heard, once."""
    house.ring(1, 2, 3)

    def die(name: str) -> None:
        if name == point:
            raise Crash

    with faults.hooked(die), pytest.raises(Crash):
        house.shop.jobs.relay(limit=2)
    house.shop.jobs.drain()
    assert house.keen.numbers == [1, 2, 3]


def test_a_listener_that_dies_hears_it_again(house: House) -> None:
    """What was heard by a process that died is heard again, by the same id."""
    house.ring(1)
    house.shop.jobs.relay()
    job = next(job for job in house.shop.all(house.scope) if job.entity == "keen")

    def die(name: str) -> None:
        if name == "jobs.work.after":
            raise Crash

    with faults.hooked(die), pytest.raises(Crash):
        house.shop.jobs.run(house.scope, job.id)
    house.shop.clock.advance(LEASE)
    house.shop.jobs.drain()
    first, again = house.keen.heard
    assert first == again


def test_what_nobody_listens_for_is_let_go() -> None:
    """Without listeners the outbox is emptied all the same."""
    shop = Workshop.open(without=["daily", "often", "upkeep"])
    scope = shop.tenant()
    assert shop.jobs.health().outbox > 0
    assert shop.jobs.sweep() == 0
    assert shop.jobs.health().outbox == 0
    assert shop.all(scope) == []


def test_a_listener_that_is_not_there() -> None:
    """A process without the listener puts the delivery off; it has failed once that was tried ten times."""
    house = House.open()
    house.ring(1)
    house.shop.jobs.relay()
    house.shop.ports = evolve(house.shop.ports, listeners=())
    deaf = house.shop.another()
    for _ in range(9):
        deaf.drain()
        house.shop.clock.advance(8 * SECOND)
    failing = [job for job in house.shop.all(house.scope) if job.entity == "keen"]
    assert [(job.status, job.error) for job in failing] == [
        (JobStatus.WAITING, "no_such_listener: nobody by the name of 'keen' listens in this process")
    ]
    house.shop.jobs.drain()
    assert house.keen.numbers == [1]


def test_what_is_no_message() -> None:
    """A delivery that holds no message, whoever wrote it, fails and says what a message has."""
    house = House.open()

    def written(arguments: dict[str, str]) -> JobId:
        job_id, now = JobId(house.shop.ports.identifiers.new()), house.shop.clock.now()
        job = Job(
            id=job_id,
            tenant_id=house.scope.tenant_id,
            operation="events.deliver",
            arguments=arguments,
            requested_by="system:scheduler",
            created_at=now,
            due_at=now,
        )
        with house.shop.ports.unit_of_work(PlatformScope()) as uow:
            uow.agenda.enter([job])
            uow.commit()
        return job_id

    complete = {
        "listener": "keen",
        "id": str(UUID(int=5)),
        "name": "bell.rang",
        "subject": str(UUID(int=1)),
        "occurred_at": "2026-01-05T09:00:00+00:00",
        "payload": '{"number": 5}',
    }
    for spoilt in (
        {},
        {**complete, "id": "5"},
        {**complete, "payload": "{"},
        {**complete, "payload": "7"},
        {**complete, "occurred_at": "now"},
    ):
        failed = house.shop.jobs.run(house.scope, written(spoilt))
        assert failed.status is JobStatus.FAILED
        assert str(failed.error).startswith(("not_a_message", "not_a_time"))
    assert house.shop.jobs.run(house.scope, written(complete)).status is JobStatus.COMPLETED
    assert house.keen.numbers == [5]
