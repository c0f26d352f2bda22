"""The text of keys: read back, checked before anything is asked, never repeated."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cityos_core.access.key_text import (
    ALPHABET,
    CHECK,
    PATTERN,
    RANDOM,
    checksum,
    hashed,
    looks_like_a_key,
    make,
    parse,
)
from cityos_core.access.model import Environment, KeyKind
from cityos_core.kernel.errors import Unauthenticated
from cityos_core.testing.randomness import SequentialRandomness

kinds, environments = st.sampled_from(KeyKind), st.sampled_from(Environment)
texts = st.builds(
    lambda kind, environment, seed: make(kind, environment, SequentialRandomness(seed)),
    kinds,
    environments,
    st.integers(0, 62**RANDOM - 1),
)


@given(kinds, environments, st.integers(0, 62**RANDOM - 1))
def test_a_key_is_read_back(kind: KeyKind, environment: Environment, seed: int) -> None:
    """A key says what it is, in forty-five characters, and is known by its hash and its last four."""
    text = make(kind, environment, SequentialRandomness(seed))
    parsed = parse(text)
    assert len(text) == len("csk_live_") + RANDOM + CHECK
    assert text.startswith(f"{kind.value}_{environment.value}_")
    assert PATTERN.fullmatch(text)
    assert looks_like_a_key(text)
    assert (parsed.kind, parsed.environment, parsed.last_four) == (kind, environment, text[-4:])
    assert parsed.hash == hashed(text)
    assert len(parsed.hash) == 64
    assert text not in repr(parsed)


@given(texts, st.integers(9, 44), st.sampled_from(ALPHABET))
def test_a_key_with_another_character_is_none(text: str, place: int, other: str) -> None:
    """CRC32 finds every single wrong character."""
    assume(text[place] != other)
    with pytest.raises(Unauthenticated) as caught:
        parse(text[:place] + other + text[place + 1 :])
    assert caught.value.code == "invalid_api_key"


@given(texts, st.integers(9, 43))
def test_a_key_with_two_characters_swapped_is_none(text: str, place: int) -> None:
    """CRC32 finds neighbours that changed places."""
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assume(swapped != text)
    with pytest.raises(Unauthenticated):
        parse(swapped)


@given(st.one_of(st.text(max_size=60), st.from_regex(PATTERN)))
def test_anything_else_is_no_key(text: str) -> None:
    """Whatever is sent, it is a key or it is refused, and the refusal does not repeat it."""
    assume(PATTERN.fullmatch(text) is None or checksum(text[:-CHECK]) != text[-CHECK:])
    with pytest.raises(Unauthenticated) as caught:
        parse(text)
    assert len(text) < 5 or text not in str(caught.value)


def test_kinds_cannot_be_exchanged() -> None:
    """The checksum covers the prefix: a publishable key does not become a secret one, nor a test key a live one."""
    text = make(KeyKind.PUBLISHABLE, Environment.TEST, SequentialRandomness())
    for other in (text.replace("cpk", "csk"), text.replace("test", "live"), text.upper(), f"{text}\n", f" {text}"):
        with pytest.raises(Unauthenticated):
            parse(other)
    assert not looks_like_a_key("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")


@pytest.mark.parametrize(
    ("body", "check"), [("", "000000"), ("csk_live_" + "0" * RANDOM, "0BDqcl"), ("cpk_test_" + "z" * RANDOM, "0t0by4")]
)
def test_the_checksum_stays_what_it_is(body: str, check: str) -> None:
    """Keys that were given out stay valid: the checksum of a text never changes."""
    assert checksum(body) == check
