"""What keys may be, and where and when they work: pure rules."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import field, frozen

from cityos_core.access.actions import is_pattern
from cityos_core.access.model import ApiKey, Environment, KeyKind, RateLimit
from cityos_core.access.placing import EVERYWHERE, Where
from cityos_core.access.roles import CUSTOMER, ROLES, STOREFRONT
from cityos_core.kernel.clock import instant, instant_or_none
from cityos_core.kernel.errors import Conflict, FieldError, Invalid, require_none

LONGEST_NAME: Final = 100
MOST_NETWORKS: Final = 100

OVERLAP: Final = timedelta(hours=24)
"""How long a key goes on working after its rotation, unless said otherwise."""

LONGEST_OVERLAP: Final = timedelta(days=30)

NOTED_EVERY: Final = timedelta(minutes=10)
"""How often at most it is written down that a key was used."""


def _scopes(scopes: Iterable[str] | None) -> frozenset[str] | None:
    return frozenset(scopes or ()) or None


@frozen(kw_only=True)
class KeyDraft:
    """A key that is asked for. A publishable one has the role ``storefront`` and needs none said."""

    name: str
    kind: KeyKind = KeyKind.SECRET
    environment: Environment = Environment.LIVE
    role: str | None = None
    where: Where = EVERYWHERE
    scopes: frozenset[str] | None = field(default=None, converter=_scopes)
    allow_list: tuple[str, ...] = ()
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = field(default=None, converter=instant_or_none)


def checked_role(draft: KeyDraft, now: datetime) -> str:
    """Check a key that is asked for and give its role; ``Invalid`` names every mistake and its place."""
    require_none(_mistakes(draft, now))
    return draft.role or STOREFRONT.name


def _mistakes(draft: KeyDraft, now: datetime) -> Iterator[FieldError]:
    if not 1 <= len(draft.name.strip()) <= LONGEST_NAME or not draft.name.isprintable():
        yield FieldError("$.name", "invalid_name", f"a key has a name of 1 to {LONGEST_NAME} printable characters")
    yield from _role_mistakes(draft)
    yield from _scope_mistakes(draft)
    if len(draft.allow_list) > MOST_NETWORKS:
        yield FieldError("$.allow_list", "too_many_networks", f"a key names at most {MOST_NETWORKS} networks")
    for place, text in enumerate(draft.allow_list[:MOST_NETWORKS]):
        try:
            ip_network(text)
        except ValueError:
            detail = f"{text!r} is not a network such as 203.0.113.0/24, with zeros behind its length, or an address"
            yield FieldError(f"$.allow_list[{place}]", "invalid_network", detail)
    if draft.expires_at is not None and draft.expires_at <= now:
        yield FieldError("$.expires_at", "not_in_the_future", "a key expires in the future, or never")


def _role_mistakes(draft: KeyDraft) -> Iterator[FieldError]:
    if draft.kind is KeyKind.PUBLISHABLE:
        if draft.role not in {None, STOREFRONT.name}:
            yield FieldError("$.role", "publishable_role", f"a publishable key has the role {STOREFRONT.name}")
    elif draft.role is None:
        yield FieldError("$.role", "missing_role", "say which role the key has")
    elif draft.role not in ROLES or draft.role == CUSTOMER.name:
        names = ", ".join(name for name in ROLES if name != CUSTOMER.name)
        yield FieldError("$.role", "unknown_role", f"{draft.role!r} is no role of keys; those are {names}")


def _scope_mistakes(draft: KeyDraft) -> Iterator[FieldError]:
    if draft.kind is KeyKind.RESTRICTED and draft.scopes is None:
        yield FieldError("$.scopes", "missing_scopes", "a restricted key has scopes, such as orders:read")
    if draft.kind is not KeyKind.RESTRICTED and draft.scopes is not None:
        yield FieldError("$.scopes", "unexpected_scopes", "only a restricted key has scopes; leave them out")
    for scope in sorted(draft.scopes or ()):
        if not is_pattern(scope):
            detail = f"{scope!r} is no scope; write resource:verb, such as orders:read, orders:* or *:read"
            yield FieldError("$.scopes", "unknown_scope", detail)


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Write networks in their one CIDR form, each once."""
    return tuple(dict.fromkeys(str(ip_network(text)) for text in texts))


def may_be_used_from(key: ApiKey, address: str | None) -> bool:
    """Tell whether a key may be used from an address; one with an allow-list may not from an unknown one."""
    if not key.allow_list:
        return True
    try:
        known = _plain(ip_address(address or ""))
    except ValueError:
        return False
    return any(known in ip_network(text) for text in key.allow_list)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Take an IPv4 address out of the IPv6 form in which a dual socket shows it."""
    return getattr(address, "ipv4_mapped", None) or address


def end_of_overlap(key: ApiKey, now: datetime, until: datetime | None) -> datetime:
    """Say until when a key that is rotated goes on working: never longer than it would have anyway."""
    if not key.works(now):
        raise Conflict("key_does_not_work", f"the key {key.name} was revoked or has expired; create another one")
    if key.replaced_by is not None:
        raise Conflict("key_rotated", f"the key {key.name} was rotated before; rotate the one that replaced it")
    end = now + OVERLAP if until is None else instant(until)
    if not now <= end <= now + LONGEST_OVERLAP:
        raise Invalid.at(
            "$.works_until",
            "invalid_overlap",
            f"a rotated key works until now or at most {LONGEST_OVERLAP.days} days more",
        )
    return end if key.expires_at is None else min(end, key.expires_at)


def renewed_expiry(key: ApiKey, now: datetime) -> datetime | None:
    """Say when the key that replaces another expires: it lives as long as the other was meant to."""
    return None if key.expires_at is None else now + (key.expires_at - key.created_at)


def is_use_news(key: ApiKey, now: datetime) -> bool:
    """Tell whether a use of a key is to be written down: not again within :data:`NOTED_EVERY`."""
    return key.last_used_at is None or now - key.last_used_at >= NOTED_EVERY
