"""The workers of a process: threads that do what they are told of, until they are asked to stop."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Final

import structlog
from dramatiq import Broker, Worker
from dramatiq.common import dq_name
from redis.exceptions import RedisError
from typing_extensions import override

from cityos_adapters.dramatiq.actors import actors
from cityos_core.app import CityOS

THREADS: Final = 4
"""How many jobs a process works on at once; each needs a connection to the database."""

IDLE_MS: Final = 500
"""How long a thread waits before it looks whether it is to stop."""

GRACE: Final = timedelta(seconds=30)
"""How long jobs that are under way may take when the process stops; what takes longer another process takes over."""


REMINDED_S: Final = 60.0
"""How often it is said that Redis is away."""


class Patience(logging.Filter):
    """Lets one consumer at a time say that Redis is away: each of them says so every three seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = monotonic()

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.CRITICAL:
            return True
        now = monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + REMINDED_S
        return True


_PATIENCE: Final = Patience()


class Workers:
    """Takes messages from a broker, all queues or some, with so many threads. It is started once."""

    def __init__(
        self,
        city: CityOS,
        broker: Broker,
        *,
        threads: int = THREADS,
        queues: Iterable[str] | None = None,
        idle_ms: int = IDLE_MS,
    ) -> None:
        self._broker = broker
        known = {operation.queue for operation in city.jobs.operations()}
        actors(broker, city, known)
        for queue in (*known, *map(dq_name, known)):
            logging.getLogger(f"dramatiq.worker.ConsumerThread({queue})").addFilter(_PATIENCE)
        served = known if queues is None else set(queues)
        self._worker = Worker(broker, queues=served, worker_threads=threads, worker_timeout=idle_ms)
        self._worker.queue_prefetch = threads  # a job that is not begun is better left to another process

    def start(self) -> None:
        """Begin."""
        self._broker.emit_after("process_boot")  # who limits the time of actors begins with this
        self._worker.start()

    def stop(self, grace: timedelta = GRACE) -> None:
        """Take no more jobs, wait for those under way as long as the grace lasts, and give back what was not begun."""
        try:
            self._worker.stop(timeout=grace // timedelta(milliseconds=1))
        except RedisError as away:
            why = f"Redis did not answer ({type(away).__name__}); others are told of it again"
            structlog.get_logger("cityos.worker").warning("not given back", why=why)
