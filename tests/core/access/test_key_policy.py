"""What keys may be, and where and when they work."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.access.key_policy import (
    LONGEST_OVERLAP,
    NOTED_EVERY,
    KeyDraft,
    checked_role,
    end_of_overlap,
    is_use_news,
    may_be_used_from,
    networks,
    renewed_expiry,
)
from cityos_core.access.model import ApiKey, Environment, KeyKind
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import PLATFORM, ApiKeyId
from cityos_core.testing import START
from core.access.people import tenant_role

KEY = ApiKey(
    id=ApiKeyId(PLATFORM),
    tenant_id=PLATFORM,
    name="Till",
    kind=KeyKind.SECRET,
    environment=Environment.LIVE,
    hash="0" * 64,
    last_four="0000",
    grant=tenant_role("operator"),
    created_at=START,
)
DAY = timedelta(days=1)
spans = st.timedeltas(timedelta(), timedelta(days=400))


@pytest.mark.parametrize(
    ("about", "codes"),
    [
        ({}, []),
        ({"role": None}, ["missing_role"]),
        ({"role": "nobody"}, ["unknown_role"]),
        ({"role": "customer"}, ["unknown_role"]),
        ({"name": " "}, ["invalid_name"]),
        ({"name": "x" * 101}, ["invalid_name"]),
        ({"name": "Till\n"}, ["invalid_name"]),
        ({"scopes": {"orders:read"}}, ["unexpected_scopes"]),
        ({"kind": KeyKind.RESTRICTED}, ["missing_scopes"]),
        ({"kind": KeyKind.RESTRICTED, "scopes": []}, ["missing_scopes"]),
        ({"kind": KeyKind.RESTRICTED, "scopes": {"orders:*", "*:read"}}, []),
        ({"kind": KeyKind.RESTRICTED, "scopes": {"orders", "order:read"}}, ["unknown_scope", "unknown_scope"]),
        ({"kind": KeyKind.PUBLISHABLE}, ["publishable_role"]),
        ({"kind": KeyKind.PUBLISHABLE, "role": None}, []),
        ({"kind": KeyKind.PUBLISHABLE, "role": "storefront"}, []),
        ({"kind": KeyKind.PUBLISHABLE, "role": None, "scopes": {"orders:read"}}, ["unexpected_scopes"]),
        ({"allow_list": ["203.0.113.0/24", "2001:db8::/32", "192.0.2.1"]}, []),
        ({"allow_list": ["203.0.113.7/24", "north.example", ""]}, ["invalid_network"] * 3),
        ({"allow_list": ["192.0.2.1"] * 101}, ["too_many_networks"]),
        ({"expires_at": START}, ["not_in_the_future"]),
        ({"expires_at": START + DAY}, []),
        ({"name": "", "role": None, "expires_at": START}, ["invalid_name", "missing_role", "not_in_the_future"]),
    ],
)
def test_what_is_asked_for_is_checked(about: Mapping[str, Any], codes: list[str]) -> None:
    """Every mistake of a draft is named at once."""
    draft = KeyDraft(**{"name": "Till", "role": "operator", **about})
    if not codes:
        assert checked_role(draft, START) == (draft.role or "storefront")
        return
    with pytest.raises(Invalid) as caught:
        checked_role(draft, START)
    assert [mistake.code for mistake in caught.value.errors] == codes


def test_networks_have_one_form() -> None:
    """A single address is a network of one; nothing is listed twice."""
    assert networks(["192.0.2.1", "192.0.2.1/32", "2001:DB8::/32"]) == ("192.0.2.1/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::1", True),
        ("203.0.114.7", False),
        ("2001:db9::1", False),
        ("somewhere", False),
        (None, False),
    ],
)
def test_a_key_works_from_its_networks(address: str | None, answer: bool) -> None:
    """An address that is not on the list, or not known, does not count; without a list everywhere does."""
    listed = evolve(KEY, allow_list=("203.0.113.0/24", "2001:db8::/32"))
    assert may_be_used_from(listed, address) is answer
    assert may_be_used_from(KEY, address)


@given(st.none() | spans, st.none() | spans)
def test_an_overlap_never_lengthens_a_life(life: timedelta | None, overlap: timedelta | None) -> None:
    """A rotated key works at most as long as it would have anyway, and no longer than was said."""
    key = evolve(KEY, expires_at=None if life is None else START + life)
    until = None if overlap is None else START + overlap
    try:
        end = end_of_overlap(key, START, until)
    except Conflict:
        assert life == timedelta()
    except Invalid:
        assert overlap is not None
        assert overlap > LONGEST_OVERLAP
    else:
        assert START <= end <= (until or START + DAY)
        assert key.expires_at is None or end <= key.expires_at


def test_keys_that_cannot_be_rotated() -> None:
    """A revoked, expired or rotated key is not rotated; an overlap does not end in the past."""
    for other in (evolve(KEY, revoked_at=START), evolve(KEY, expires_at=START), evolve(KEY, replaced_by=KEY.id)):
        with pytest.raises(Conflict):
            end_of_overlap(other, START, None)
    with pytest.raises(Invalid):
        end_of_overlap(KEY, START, START - DAY)


def test_a_new_key_lives_as_long_as_the_old_one_was_meant_to() -> None:
    """A key of ninety days is replaced by one of ninety days, one without an end by one without."""
    assert renewed_expiry(KEY, START + DAY) is None
    assert renewed_expiry(evolve(KEY, expires_at=START + 90 * DAY), START + 80 * DAY) == START + 170 * DAY


@given(st.lists(st.timedeltas(timedelta(), timedelta(hours=1)), max_size=30))
def test_use_is_noted_now_and_then(pauses: list[timedelta]) -> None:
    """However often a key is used, it is written down at most once in ten minutes, and never more than that too late."""
    key, now, noted = KEY, START, []
    for pause in pauses:
        now += pause
        if is_use_news(key, now):
            key = evolve(key, last_used_at=now)
            noted.append(now)
        assert key.last_used_at is not None
        assert now - key.last_used_at < NOTED_EVERY
    assert all(later - earlier >= NOTED_EVERY for earlier, later in pairwise(noted))
