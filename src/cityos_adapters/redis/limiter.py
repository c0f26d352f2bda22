"""Rate limits that all processes share, counted in Redis."""

import logging
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final, Self, cast

from redis.exceptions import RedisError

from cityos_adapters.redis.connecting import connected
from cityos_core.access.gcra import Pace, allowance
from cityos_core.access.model import RateLimit
from cityos_core.access.ports import Allowance

PREFIX: Final = "cityos:limit:"

REST_S: Final = 1.0
"""How long Redis is left alone after it failed, so that a dead one costs a wait per second and not per request."""

TAKE: Final = """
local interval, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local caught_up = tonumber(redis.call('GET', KEYS[1]) or now)
local start = math.min(math.max(caught_up, now), now + span)
local after = start + interval
if after > now + span then
  return {0, start - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, after - now}
"""
"""As :meth:`Pace.take`: in the server, by its clock, as one step. A key that has caught up is as good as none."""

_log = logging.getLogger(__name__)


def _warn(error: RedisError) -> None:
    _log.warning("rate limits are not counted: Redis did not answer (%s)", error)


class RedisRateLimiter:
    """Counts requests in Redis, in one call; allows them while Redis is away and tells ``on_failure``."""

    def __init__(self, url: str, *, prefix: str = PREFIX, on_failure: Callable[[RedisError], object] = _warn) -> None:
        self._redis = connected(url, retries=1)  # a connection that was kept may be dead when it is used again
        self._take = self._redis.register_script(TAKE)
        self._prefix = prefix
        self._on_failure = on_failure
        self._rests_until = monotonic()

    def take(self, key: str, limit: RateLimit) -> Allowance:
        """Count one request of a key."""
        if monotonic() < self._rests_until:
            return _uncounted(limit)
        pace = Pace.of(limit)
        try:
            answer = self._take(keys=[f"{self._prefix}{key}"], args=[pace.interval, pace.span])
        except RedisError as error:
            self._rests_until = monotonic() + REST_S
            self._on_failure(error)
            return _uncounted(limit)
        allowed, ahead = cast("list[int]", answer)
        return allowance(limit, allowed=bool(allowed), ahead=ahead)

    def close(self) -> None:
        """Give back the connections."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def _uncounted(limit: RateLimit) -> Allowance:
    return allowance(limit, allowed=True, ahead=0)
