"""The contract of rate limiters, held by every one of them."""

import time
from collections.abc import Iterator
from datetime import timedelta
from secrets import token_hex

import pytest
from typing_extensions import override

from cityos_adapters.memory.limiter import MemoryRateLimiter
from cityos_adapters.redis import connecting
from cityos_adapters.redis.limiter import RedisRateLimiter
from cityos_core.access.ports import RateLimiter
from cityos_core.testing import SimulatedClock
from cityos_core.testing.contracts import RateLimiterContract


class TestMemory(RateLimiterContract):
    """One process."""

    clock: SimulatedClock

    @pytest.fixture
    def limiter(self) -> RateLimiter:
        self.clock = SimulatedClock()
        return MemoryRateLimiter(self.clock)

    @override
    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


class TestRedis(RateLimiterContract):
    """Many processes and one server."""

    @pytest.fixture
    def limiter(self, valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RateLimiter]:
        monkeypatch.setattr(connecting, "TIMEOUT_S", 30)  # what fails open on a busy machine proves nothing
        with RedisRateLimiter(valkey, prefix=f"test:{token_hex(8)}:") as limiter:
            yield limiter

    @override
    def wait(self, seconds: float) -> None:
        time.sleep(seconds)
