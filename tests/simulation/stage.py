"""What the processes of one city share: the clock on the wall, a payment provider, a diary of notices, and a database."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import define, frozen

from cityos_adapters.sql.database import TimeOrderedIdentifiers
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.absent import NoBell
from cityos_core.jobs.model import Message
from cityos_core.jobs.ports import Bell
from cityos_core.subscriptions.events import SubscriberNotified
from cityos_core.unit_of_work import UnitOfWorkFactory
from simulation.acquirer import Acquirer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class WallClock:
    """Tells the time that a file says; whoever shares the file tells the same, and one of them turns it."""

    path: Path

    def now(self) -> datetime:
        """Give the instant, in UTC."""
        return _EPOCH + timedelta(microseconds=int(self.path.read_text()))

    def turn(self, at: datetime) -> datetime:
        """Set it to an instant; nobody reads half of it."""
        new = self.path.with_suffix(".new")
        new.write_text(str((at - _EPOCH) // timedelta(microseconds=1)))
        new.replace(self.path)
        return at


@define
class Diary:
    """Listens for notices, and writes down each one it is told of, be it for the second time."""

    path: Path
    name: str = "diary"
    events: frozenset[str] = frozenset({SubscriberNotified.name})

    def __call__(self, message: Message) -> None:
        """Add a line, in one write: several processes add to it."""
        line = {
            "id": str(message.id),
            "subject": str(message.subject),
            "at": message.occurred_at.isoformat(),
            "template": message.payload["template"],
            "invoice": message.payload["invoice"],
        }
        with self.path.open("ab", buffering=0) as file:
            file.write(f"{json.dumps(line)}\n".encode())

    def lines(self) -> list[dict[str, str]]:
        """Read it."""
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@frozen
class Stage:
    """A folder that holds all of it but the database."""

    folder: Path

    @classmethod
    def laid(cls, folder: Path, at: datetime) -> "Stage":
        """Lay one out, at an instant."""
        folder.mkdir()
        stage = cls(folder)
        stage.clock.turn(at)
        Acquirer.founded(stage.provider.book)
        stage.diary.path.touch()
        return stage

    @property
    def clock(self) -> WallClock:
        """The clock on the wall."""
        return WallClock(self.folder / "clock")

    @property
    def provider(self) -> Acquirer:
        """Who collects."""
        return Acquirer(self.folder / "book.db")

    @property
    def diary(self) -> Diary:
        """Who is told of notices."""
        return Diary(self.folder / "diary")

    def city(self, database: UnitOfWorkFactory, bell: Bell | None = None) -> CityOS:
        """Assemble the application as each of the processes does."""
        provider = self.provider
        return CityOS.of(
            Dependencies(
                unit_of_work=database,
                clock=self.clock,
                identifiers=TimeOrderedIdentifiers(),
                gateways={provider.name: provider},
                listeners=(self.diary,),
                bell=bell or NoBell(),
            )
        )
