"""What a process runs besides answering: workers, the scheduler, or both.

With Redis there are processes of each kind, as many as there is work for. Without it a process that works is its own
scheduler: its workers hear only what is said in it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from attrs import frozen
from dramatiq import Broker

from cityos_adapters.bootstrap import open_city
from cityos_adapters.dramatiq import DramatiqBell, Workers, broker_at
from cityos_adapters.dramatiq.workers import THREADS
from cityos_adapters.scheduling import Scheduler
from cityos_adapters.settings import Settings
from cityos_core.app import CityOS
from cityos_core.kernel.errors import Invalid, NotFound


@frozen(eq=False)
class Background:
    """Workers and a scheduler, as far as this process has any."""

    workers: Workers | None = None
    scheduler: Scheduler | None = None

    def start(self) -> None:
        """Begin: first whoever does the work, then whoever tells of it."""
        if self.workers is not None:
            self.workers.start()
        if self.scheduler is not None:
            self.scheduler.start()

    def wake(self) -> None:
        """Look now whether something is due."""
        if self.scheduler is not None:
            self.scheduler.wake()

    def stop(self) -> None:
        """Tell of nothing more, and finish what is under way within the grace of the workers."""
        if self.scheduler is not None:
            self.scheduler.stop()
        if self.workers is not None:
            self.workers.stop()


@contextmanager
def open_worker(
    settings: Settings, *, threads: int = THREADS, queues: Iterable[str] | None = None
) -> Iterator[Background]:
    """Make workers for all queues or some; without Redis, where all is done in one process, with a scheduler."""
    if queues is not None and settings.redis_url is None:
        raise Invalid("no_queue", "without Redis a process does all there is to do: set CITYOS_REDIS_URL, or no queue")
    with _open(settings) as (city, broker):
        workers = Workers(city, broker, threads=threads, queues=None if queues is None else _known(city, queues))
        yield Background(workers, None if settings.redis_url else Scheduler(city))


@contextmanager
def open_scheduler(settings: Settings) -> Iterator[Background]:
    """Make a scheduler that tells the workers of other processes, which takes Redis."""
    if settings.redis_url is None:
        raise Invalid(
            "no_queue",
            "no other process hears this one: set CITYOS_REDIS_URL, or run `cityos worker`, which keeps the time itself",
        )
    with _open(settings) as (city, _):
        yield Background(scheduler=Scheduler(city))


@contextmanager
def open_server(
    settings: Settings, *, has_workers: bool | None = None, threads: int = THREADS
) -> Iterator[tuple[CityOS, Background]]:
    """Open the application for a server: with workers and a scheduler where there is no Redis, or if it is asked for."""
    if not (settings.redis_url is None if has_workers is None else has_workers):
        with open_city(settings) as city:
            yield city, Background()
        return
    with _open(settings) as (city, broker):
        yield city, Background(Workers(city, broker, threads=threads), Scheduler(city))


@contextmanager
def _open(settings: Settings) -> Iterator[tuple[CityOS, Broker]]:
    with broker_at(settings.redis_url) as broker, open_city(settings, bell=DramatiqBell(broker)) as city:
        yield city, broker


def _known(city: CityOS, queues: Iterable[str]) -> list[str]:
    known, asked = {operation.queue for operation in city.jobs.operations()}, list(queues)
    if unknown := sorted(set(asked) - known):
        raise NotFound("no_such_queue", f"there is no queue {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return asked
