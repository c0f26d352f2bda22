"""What was shown at the door: API keys and an access token, each in its place, and whether they count."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import frozen

from cityos_core.access.key_policy import may_be_used_from
from cityos_core.access.key_text import ParsedKey, looks_like_a_key, parse
from cityos_core.access.model import ApiKey, Claims, KeyKind, Knock
from cityos_core.access.ports import Tokens
from cityos_core.kernel.errors import Unauthenticated
from cityos_core.unit_of_work import UnitOfWork


@frozen(kw_only=True)
class Shown:
    """The credentials of a request: a key that proves who asks or a token that does, and a key that anyone may show."""

    secret: ParsedKey | None = None
    claims: Claims | None = None
    publishable: ParsedKey | None = None


@frozen(kw_only=True)
class Keys:
    """The keys of a request as they are stored; each works."""

    secret: ApiKey | None = None
    publishable: ApiKey | None = None

    def __iter__(self) -> Iterator[ApiKey]:
        return (key for key in (self.secret, self.publishable) if key is not None)


def read(knock: Knock, tokens: Tokens) -> Shown:
    """Read what was shown, before anything is looked up; ``Unauthenticated`` for what proves nothing."""
    secret, claims, publishable = None, None, None
    if knock.bearer is not None and looks_like_a_key(knock.bearer):
        secret = parse(knock.bearer)
        if secret.kind is KeyKind.PUBLISHABLE:
            raise Unauthenticated(
                "misplaced_api_key",
                "a publishable key does not say who you are; send it in its own field, and a secret key or an access"
                " token as bearer",
            )
    if knock.publishable_key is not None:
        publishable = parse(knock.publishable_key)
        if publishable.kind is not KeyKind.PUBLISHABLE:
            raise Unauthenticated(
                "misplaced_api_key",
                "that is a secret key in the place of a publishable one; send it as bearer, and replace it if it was"
                " part of a page",
            )
    if knock.bearer is not None and secret is None:
        claims = tokens.verify(knock.bearer)
    return Shown(secret=secret, claims=claims, publishable=publishable)


def accepted(uow: UnitOfWork, shown: Shown, address: str | None, now: datetime) -> Keys:
    """Find the keys that were shown, in one query if there are any.

    Whatever is wrong with one, the answer is the same: nobody learns whether there is such a key.
    """
    hashes = {key.hash for key in (shown.secret, shown.publishable) if key is not None}
    known = uow.api_keys.with_hashes(hashes) if hashes else {}
    return Keys(
        secret=_working(known, shown.secret, address, now),
        publishable=_working(known, shown.publishable, address, now),
    )


def _working(known: Mapping[str, ApiKey], shown: ParsedKey | None, address: str | None, now: datetime) -> ApiKey | None:
    if shown is None:
        return None
    key = known.get(shown.hash)
    if key is None or not key.works(now) or not may_be_used_from(key, address):
        raise Unauthenticated(
            "invalid_api_key",
            "this API key is not accepted; see among your keys whether it still works, and from where",
        )
    return key
