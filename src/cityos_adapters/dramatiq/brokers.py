"""Brokers: who passes the word that a job is due. Built when they are asked for, never the library's global one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from dramatiq import Broker, Middleware
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries, TimeLimit
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cityos_core.kernel.errors import Invalid

NAMESPACE: Final = "cityos"
"""What the keys in Redis begin with. Cities that share a Redis have a database of it each."""

ALWAYS: Final = 1_000_000
"""Every command looks for messages that a dead process held; by default one in a thousand does, and only by chance."""

TIMEOUT_S: Final = 5.0
"""How long Redis may take to answer."""

LONGEST: Final = timedelta(hours=12)
"""How long a job may take that goes on showing progress."""


@contextmanager
def broker_at(url: str | None, *, namespace: str = NAMESPACE) -> Iterator[Broker]:
    """Open a broker over Redis, or one for the workers of this process if there is no address."""
    if url is None:
        yield embedded_broker()
        return
    broker = redis_broker(url, namespace=namespace)
    try:
        yield broker
    finally:
        broker.client.close()


def redis_broker(url: str, *, namespace: str = NAMESPACE) -> RedisBroker:
    """Give a broker that connects when it is first used; ``Invalid`` if the address cannot be one of Redis."""
    try:
        client = Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 1)
        )
    except ValueError:
        raise Invalid("invalid_redis_url", "redis_url has to be an address such as redis://host:6379/0") from None
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client, namespace=namespace, maintenance_chance=ALWAYS, middleware=_middleware()
    )


def embedded_broker() -> StubBroker:
    """Give a broker for the workers of this process; what it holds is gone with it, and is told again."""
    return StubBroker(middleware=_middleware())


def _middleware() -> list[Middleware]:
    """Limit how long an actor takes, and mark what failed. Nothing is tried again by itself: the job's row says when."""
    return [TimeLimit(time_limit=LONGEST / timedelta(milliseconds=1)), Retries(max_retries=0)]
