"""The contracts of schedules and of the outbox: taken by any number of processes, each row by one of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from attrs import evolve, frozen

from cityos_core.jobs.model import Message, Schedule
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import PLATFORM, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.jobs import HOUR, SECOND
from cityos_core.testing.contracts.world import Contract, Place, at_once, nobody


class SchedulesContract(Contract):
    """When operations fall due: one row for each scope and operation."""

    def test_planning(self, north: Place, south: Place) -> None:
        """Whoever has no schedule of an operation is given one; those there are stay as they are."""
        assert plan(north, "a", [north.id], AT) == 1
        assert plan(north, "a", [north.id, south.id, PLATFORM], LATER) == 2
        assert plan(north, "b", [north.id, north.id], LATER) == 1
        assert plan(north, "b", [], LATER) == 0
        first, *others = everything(north)
        assert first == Schedule(tenant_id=north.id, operation="a", next_at=AT)
        assert {(one.tenant_id, one.operation) for one in others} == {(south.id, "a"), (PLATFORM, "a"), (north.id, "b")}
        assert {one.next_at for one in others} == {LATER}

    def test_many_plan_once(self, north: Place, south: Place) -> None:
        """Of schedulers that plan at the same moment, one gives each schedule."""
        answers = at_once(lambda number: plan(north, "a", [north.id, south.id], AT + number * HOUR), times=4)
        assert sum(answer for answer in answers if isinstance(answer, int)) == 2
        assert {schedule.tenant_id for schedule in everything(north)} == {north.id, south.id}

    def test_taking(self, north: Place, south: Place) -> None:
        """Taken is what has come, longest due first, as many as are wanted."""
        plan(north, "b", [north.id], LATER)
        plan(north, "a", [south.id], LATER - HOUR)
        plan(north, "c", [PLATFORM], LATER + SECOND)
        assert [schedule.operation for schedule in taken(north)] == ["a", "b"]
        assert [schedule.operation for schedule in taken(north, limit=1)] == ["a"]
        assert taken(north, AT) == []

    def test_moving(self, north: Place, south: Place) -> None:
        """A schedule that moved on is due at its new time, and tells when it last was."""
        plan(north, "a", [north.id, south.id], AT)
        moved = [
            Schedule(tenant_id=north.id, operation="a", next_at=LATER + HOUR, last_at=LATER),
            Schedule(tenant_id=south.id, operation="a", next_at=LATER + 2 * HOUR),
        ]
        assert north.above(lambda uow: uow.schedules.move(moved)) == 2
        assert everything(north) == moved
        assert taken(north) == []
        assert taken(north, LATER + HOUR) == moved[:1]

    def test_what_was_undone_did_not_move(self, north: Place) -> None:
        """What a scheduler planned and moved is gone if it did not commit."""
        plan(north, "a", [north.id], AT)
        before = everything(north)
        with north.unit_of_work(PlatformScope()) as uow:
            uow.schedules.plan("b", [north.id], AT)
            uow.schedules.move([evolve(schedule, next_at=LATER) for schedule in uow.schedules.take(LATER, limit=9)])
        assert everything(north) == before

    def test_each_is_taken_by_one(self, north: Place, south: Place) -> None:
        """Schedulers that take at the same moment and move what they took have each time once."""
        for operation in "abcdefgh":
            plan(north, operation, [north.id, south.id], AT)

        def tick(_number: int) -> list[Schedule]:
            found: list[Schedule] = []
            for _ in range(8):
                with north.unit_of_work(PlatformScope()) as uow:
                    held = uow.schedules.take(LATER, limit=3)
                    uow.schedules.move([evolve(one, next_at=LATER + HOUR) for one in held])
                    uow.commit()
                found += held
            return found

        answers = at_once(tick, times=4)
        found = [(one.tenant_id, one.operation) for answer in answers if isinstance(answer, list) for one in answer]
        assert len(found) == 16
        assert len(set(found)) == 16


@frozen(kw_only=True)
class Whistled(Event):
    """Something was heard."""

    name: ClassVar[str] = "whistled"
    word: str


class OutboxContract(Contract):
    """Events that were committed: each is relayed once, those of any scope in the order of their commits."""

    def test_taking(self, north: Place, south: Place) -> None:
        """What was committed is taken oldest first, with everything it says and whose it is, and is gone then."""
        whistle(north, "a", "b")
        whistle(south, WORDS)
        with north.unit_of_work(PlatformScope()) as uow:
            uow.commit([Whistled(subject=nobody(), occurred_at=AT, word="c")])
        assert waiting(north) == 4
        messages = take(north)
        assert [(one.tenant_id, one.payload["word"]) for one in messages] == [
            (north.id, "a"),
            (north.id, "b"),
            (south.id, WORDS),
            (PLATFORM, "c"),
        ]
        assert {(one.name, one.subject, one.occurred_at) for one in messages} == {("whistled", nobody(), AT)}
        assert [one.id for one in messages] == sorted({one.id for one in messages})
        assert (take(north), waiting(north)) == ([], 0)

    def test_as_many_as_are_wanted(self, north: Place) -> None:
        """What is not taken is there the next time."""
        whistle(north, *"abc")
        assert [one.payload["word"] for one in take(north, limit=2)] == ["a", "b"]
        whistle(north, "d")
        assert waiting(north) == 2
        assert [one.payload["word"] for one in take(north, limit=2)] == ["c", "d"]

    def test_what_was_undone_is_still_there(self, north: Place) -> None:
        """What a relay took and did not commit is taken again."""
        whistle(north, "a")
        with north.unit_of_work(PlatformScope()) as uow:
            assert len(uow.outbox.take(limit=9)) == 1
        assert [one.payload["word"] for one in take(north)] == ["a"]

    def test_each_is_taken_by_one(self, north: Place, south: Place) -> None:
        """Relays that take at the same moment have each event once."""
        for number in range(20):
            whistle(north if number % 2 else south, str(number))
        answers = at_once(lambda _: [one for _ in range(20) for one in take(north, limit=3)], times=4)
        found = [str(one.payload["word"]) for answer in answers if isinstance(answer, list) for one in answer]
        assert sorted(found) == sorted(map(str, range(20)))


def plan(place: Place, operation: str, tenants: Iterable[TenantId], at: datetime) -> int:
    """Give an operation schedules."""
    return place.above(lambda uow: uow.schedules.plan(operation, tenants, at))


def taken(place: Place, now: datetime = LATER, *, limit: int = 100) -> list[Schedule]:
    """Take schedules, and let them be as they were."""
    with place.unit_of_work(PlatformScope()) as uow:
        return uow.schedules.take(now, limit=limit)


def everything(place: Place) -> list[Schedule]:
    """List every schedule."""
    return place.above(lambda uow: uow.schedules.all())


def whistle(place: Place, *words: str) -> None:
    """Let something happen in a tenant."""
    with place.open() as uow:
        uow.commit([Whistled(subject=nobody(), occurred_at=AT, word=word) for word in words])


def take(place: Place, *, limit: int = 100) -> list[Message]:
    """Take events out of the outbox."""
    return place.above(lambda uow: uow.outbox.take(limit=limit))


def waiting(place: Place) -> int:
    """Count the events that were not taken."""
    return place.above(lambda uow: uow.outbox.waiting())
