"""How Redis is spoken to: never waited for."""

from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from cityos_core.kernel.errors import Invalid, Unavailable

TIMEOUT_S: Final = 0.25
"""How long Redis may take to answer: what it is asked for must not hold up what is done."""


def connected(url: str, *, retries: int = 0) -> Redis:
    """Give a client that connects when it is first used; ``Invalid`` if the address cannot be one of Redis."""
    try:
        return Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), retries),
        )
    except ValueError:
        raise Invalid("invalid_redis_url", "redis_url has to be an address such as redis://host:6379/0") from None


def ping(url: str) -> None:
    """Return if Redis answers, or say with ``Unavailable`` that it does not."""
    with connected(url) as redis:
        try:
            redis.ping()
        except RedisError as error:
            raise Unavailable("redis_unavailable", f"Redis did not answer: {error}") from error
