"""Processes that work until they are told to stop."""

import signal
from queue import SimpleQueue
from typing import Final, Protocol

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


class Working(Protocol):
    """What such a process does."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Finish what is under way, and end."""
        ...


def work_until_stopped(working: Working, **about: object) -> None:
    """Work until SIGTERM or SIGINT, and then end in order; whoever asks again is as patient as the first time."""
    import structlog

    told: SimpleQueue[int] = SimpleQueue()
    log = structlog.get_logger("cityos.process")
    before = {number: signal.signal(number, lambda number, _: told.put(number)) for number in STOPPING}
    try:
        working.start()
        log.info("working", **about)
        told.get()
        log.info("stopping")
        working.stop()
        log.info("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
