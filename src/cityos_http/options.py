"""How the HTTP API is set up."""

import secrets
from typing import Final

from attrs import field, frozen

MIB: Final = 1024 * 1024


@frozen(kw_only=True)
class HttpOptions:
    """Limits and secrets of one server process.

    ``secret_key`` signs cursors: processes that serve the same city share it, and without one every process makes its own.
    ``trusted_proxies`` are the networks whose ``X-Forwarded-For`` is believed.
    """

    secret_key: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    most_body_bytes: int = MIB
    most_query_bytes: int = 8192
    most_depth: int = 20
    threads: int = 6
    """How many requests are worked on at once; the pool of database connections is no smaller."""
    trusted_proxies: tuple[str, ...] = ()
