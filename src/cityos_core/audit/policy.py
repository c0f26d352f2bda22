"""How links are sealed: by what follows from their content alone."""

import json
from hashlib import sha256
from typing import Final

from cityos_core.tenancy.model import Json


def canonical(body: Json) -> str:
    """Write a body in the one form that is hashed: sorted keys, no spaces, UTF-8."""
    return _WRITER.encode(body)


def seal(sequence: int, previous: str, body: str) -> str:
    """Give the hash of a link: SHA-256, in hexadecimal, over its place, the link before it, and its body."""
    return sha256(f"{sequence}\n{previous}\n{body}".encode()).hexdigest()


def differing(before: Json, after: Json) -> tuple[Json, Json]:
    """Leave only the fields of two objects that differ; anything else stays whole."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before, after
    names = [
        name
        for name in {**before, **after}
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    ]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


_WRITER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
