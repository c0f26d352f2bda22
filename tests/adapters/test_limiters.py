"""What the two rate limiters do beyond their contract."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from secrets import token_hex

import pytest
from redis import Redis

from cityos_adapters.memory.limiter import MemoryRateLimiter
from cityos_adapters.redis import connecting
from cityos_adapters.redis import limiter as module
from cityos_adapters.redis.limiter import RedisRateLimiter
from cityos_core.access.model import RateLimit
from cityos_core.kernel.errors import Invalid
from cityos_core.testing import SimulatedClock
from servers.processes import free_port

LIMIT = RateLimit(requests=2, seconds=3600)
Start = Callable[[int], AbstractContextManager[str]]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "TIMEOUT_S", 30)  # what fails open on a busy machine proves nothing


@pytest.fixture
def client(valkey: str) -> Iterator[Redis]:
    """A look into the server."""
    with Redis.from_url(valkey, decode_responses=True) as client:
        yield client


def test_memory_is_bounded() -> None:
    """Of more keys than are held the one that was not used for the longest time is forgotten."""
    limiter = MemoryRateLimiter(SimulatedClock(), keys=2)
    assert [limiter.take(key, LIMIT).remaining for key in ("a", "b", "a", "c", "a", "b")] == [1, 1, 0, 1, 0, 1]


def test_one_call_per_request(start_valkey: Start) -> None:
    """The server is asked once, whatever the answer is; all that is done there is done by the script."""
    with start_valkey(free_port()) as url, RedisRateLimiter(url) as limiter, Redis.from_url(url) as client:
        limiter.take("a", LIMIT)
        client.config_resetstat()
        for _ in range(5):
            limiter.take("a", LIMIT)
        stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): counted["calls"] for name, counted in stats.items()}
    assert calls == {"evalsha": 5, "time": 5, "get": 5, "set": 1, "config|resetstat": 1}


def test_keys_do_not_stay(valkey: str, client: Redis) -> None:
    """A key is gone once it has caught up, and stands under the prefix until then."""
    prefix = f"test:{token_hex(8)}:"
    with RedisRateLimiter(valkey, prefix=prefix) as limiter:
        limiter.take("a", LIMIT)
    assert list(client.scan_iter(f"{prefix}*")) == [f"{prefix}a"]
    assert 0 < client.pttl(f"{prefix}a") <= 1800 * 1000


def test_without_a_server_everything_is_allowed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is away stops nobody; the log says so once a while, not once a request."""
    monkeypatch.setattr(module, "REST_S", 3600)
    url = f"redis://:secret@127.0.0.1:{free_port()}"
    with RedisRateLimiter(url) as limiter, caplog.at_level(logging.WARNING):
        answers = [limiter.take("a", LIMIT) for _ in range(10)]
    assert [(answer.allowed, answer.remaining) for answer in answers] == [(True, 2)] * 10
    (said,) = caplog.messages
    assert "rate limits are not counted" in said
    assert "secret" not in said


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens and says nothing costs one short wait."""
    monkeypatch.setattr(connecting, "TIMEOUT_S", 0.01)
    monkeypatch.setattr(module, "REST_S", 3600)
    failures: list[Exception] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with RedisRateLimiter(url, on_failure=failures.append) as limiter:
            assert all(limiter.take("a", LIMIT).allowed for _ in range(10))
    assert len(failures) == 1


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://localhost:high"])
def test_an_address_that_is_none(url: str) -> None:
    """What cannot be an address of Redis is refused when the application is put together."""
    with pytest.raises(Invalid, match="redis://host"):
        RedisRateLimiter(url)


def test_it_counts_again_when_the_server_is_back(start_valkey: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may go and come; what it had counted is lost with it, and nothing else."""
    monkeypatch.setattr(module, "REST_S", 0.0)
    failures: list[Exception] = []
    port = free_port()
    with RedisRateLimiter(f"redis://127.0.0.1:{port}", on_failure=failures.append) as limiter:
        with start_valkey(port):
            assert [limiter.take("a", LIMIT).allowed for _ in range(3)] == [True, True, False]
        assert limiter.take("a", LIMIT).allowed
        assert len(failures) == 1
        with start_valkey(port):
            assert [limiter.take("a", LIMIT).allowed for _ in range(3)] == [True, True, False]
    assert len(failures) == 1
