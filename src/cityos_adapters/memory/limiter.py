"""Rate limits of one process."""

from collections import OrderedDict
from threading import Lock

from cityos_core.access.gcra import Pace, allowance, microseconds
from cityos_core.access.model import RateLimit
from cityos_core.access.ports import Allowance
from cityos_core.kernel.clock import Clock


class MemoryRateLimiter:
    """Counts requests among the threads of a process; of more keys than it holds, it forgets the longest unused one."""

    def __init__(self, clock: Clock, *, keys: int = 10_000) -> None:
        self._clock = clock
        self._most = keys
        self._caught_up: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, limit: RateLimit) -> Allowance:
        """Count one request of a key."""
        pace = Pace.of(limit)
        with self._lock:
            now = microseconds(self._clock.now())
            allowed, caught_up = pace.take(self._caught_up.get(key, now), now)
            self._caught_up[key] = caught_up
            self._caught_up.move_to_end(key)
            if len(self._caught_up) > self._most:
                self._caught_up.popitem(last=False)
        return allowance(limit, allowed=allowed, ahead=caught_up - now)
