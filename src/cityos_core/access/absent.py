"""What stands where nothing was configured: each says no, or, where losing it must not stop business, yes."""

from collections.abc import Sequence

from attrs import frozen

from cityos_core.access.model import Claims, RateLimit
from cityos_core.access.ports import Allowance
from cityos_core.kernel.errors import Unauthenticated, Unavailable


@frozen
class NoTokens:
    """No identity provider: no access token proves anything."""

    def verify(self, token: str) -> Claims:
        """Refuse a token."""
        del token
        raise Unauthenticated("no_identity_provider", "access tokens are not accepted here; use an API key")


@frozen
class Unlimited:
    """No rate limiter: everything is allowed."""

    def take(self, key: str, limit: RateLimit) -> Allowance:
        """Allow a request."""
        del key
        return Allowance(allowed=True, limit=limit.requests, remaining=limit.requests, reset_after_s=0)


@frozen
class NoNames:
    """No DNS: no domain can be proven."""

    def texts(self, name: str) -> tuple[str, ...]:
        """Say that nobody answers."""
        raise Unavailable("no_dns", f"there is nobody to ask about {name}; configure a name server")


@frozen
class NoRandomness:
    """No source of randomness: no key can be made."""

    def pick(self, alphabet: Sequence[str], count: int) -> str:
        """Refuse to make up something that others could guess."""
        del alphabet, count
        raise Unavailable("no_randomness", "no source of randomness was configured; keys cannot be made")
