"""The text of a key: ``csk_live_`` and the like, thirty characters nobody can guess, six that check the rest.

A text with a wrong checksum is refused before anything is looked up. What is looked up is a hash of the text, so no
comparison of secrets takes place anywhere: how long a query takes tells nothing about keys.
"""

import re
import string
from hashlib import sha256
from typing import Final
from zlib import crc32

from attrs import frozen

from cityos_core.access.model import Environment, KeyKind
from cityos_core.access.ports import Randomness
from cityos_core.kernel.errors import Unauthenticated

ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM: Final = 30
CHECK: Final = 6

PATTERN: Final = re.compile(
    rf"(?P<kind>{'|'.join(KeyKind)})_(?P<environment>{'|'.join(Environment)})_[0-9A-Za-z]{{{RANDOM + CHECK}}}", re.ASCII
)
"""What every key looks like, for whoever has to keep keys out of logs."""


@frozen
class ParsedKey:
    """What a key says of itself, and what it is looked up by; not the key."""

    kind: KeyKind
    environment: Environment
    hash: str
    last_four: str


def checksum(body: str) -> str:
    """Give the CRC32 of everything before it, in six characters."""
    number, digits = crc32(body.encode()), []
    for _ in range(CHECK):
        number, place = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[place])
    return "".join(reversed(digits))


def make(kind: KeyKind, environment: Environment, randomness: Randomness) -> str:
    """Make the text of a new key."""
    body = f"{kind.value}_{environment.value}_{randomness.pick(ALPHABET, RANDOM)}"
    return body + checksum(body)


def looks_like_a_key(text: str) -> bool:
    """Tell whether a credential is meant to be a key, right or wrong, and not an access token."""
    return text.startswith(tuple(f"{kind}_" for kind in KeyKind))


def parse(text: str) -> ParsedKey:
    """Read a key, or raise ``Unauthenticated("invalid_api_key")`` for what cannot be one; the text is not repeated."""
    found = PATTERN.fullmatch(text)
    if found is None or checksum(text[:-CHECK]) != text[-CHECK:]:
        raise Unauthenticated("invalid_api_key", "that is no API key; copy it again, whole, from where you keep it")
    return ParsedKey(
        kind=KeyKind(found["kind"]),
        environment=Environment(found["environment"]),
        hash=hashed(text),
        last_four=text[-4:],
    )


def hashed(text: str) -> str:
    """Give what is stored of a key: SHA-256, in hexadecimal. A key has too many possibilities for a slow hash to add any."""
    return sha256(text.encode()).hexdigest()
