"""The scheduler: it only ticks. What is due is data, so any number of schedulers does no harm."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from attrs import define, field
from structlog.typing import FilteringBoundLogger

from cityos_core.app import CityOS
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Unavailable

SWEEP_EVERY_S: Final = 1.0
"""How often workers are told of what is due."""

TICK_EVERY_S: Final = 10.0
"""How often jobs are made of what falls due by itself."""

REMINDED_S: Final = 60.0
"""How often it is said that something is away: every round meets it."""

SCHEDULER: Final = Caller(principal="system:scheduler")


class Scheduler:
    """Sweeps and ticks in threads of its own. What goes wrong is logged, and comes again with the next round."""

    def __init__(
        self, city: CityOS, *, sweep_every_s: float = SWEEP_EVERY_S, tick_every_s: float = TICK_EVERY_S
    ) -> None:
        log = logging.getLogger("cityos.clockwork")
        log.setLevel(logging.ERROR)  # that a round is left out because the one before takes long is as it should be
        self._clockwork = BackgroundScheduler(
            timezone=UTC,
            logger=log,
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for name, work, every_s in (("tick", city.jobs.tick, tick_every_s), ("sweep", city.jobs.sweep, sweep_every_s)):
            self._clockwork.add_job(
                Rounds(name, work), "interval", id=name, seconds=every_s, next_run_time=datetime.now(UTC)
            )

    def start(self) -> None:
        """Begin, with a round at once."""
        self._clockwork.start()

    def wake(self) -> None:
        """Look now whether something is due."""
        self._clockwork.modify_job("sweep", next_run_time=datetime.now(UTC))

    def stop(self) -> None:
        """Finish the round, and end."""
        self._clockwork.shutdown()


@define(eq=False)
class Rounds:
    """Does a round when it is called, and outlives whatever it meets."""

    name: str
    work: Callable[[], object]
    _quiet_until: float = field(default=0.0, init=False)

    def __call__(self) -> None:
        """Do a round; that something is away is said at once, and then once a minute until it is back."""
        log = structlog.get_logger("cityos.scheduler").bind(work=self.name)
        try:
            with acting(SCHEDULER):
                self.work()
        except Unavailable as away:
            self._put_off(away, log)
        except Exception:
            log.exception("failed")
        else:
            self._quiet_until = 0.0

    def _put_off(self, away: Unavailable, log: FilteringBoundLogger) -> None:
        now = monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + REMINDED_S
            why = "; ".join([away.detail, *getattr(away, "__notes__", ())])
            log.warning("put off", code=away.code, why=why)
