"""Entity tags: what a client holds, and whether it still holds."""

import re
from hashlib import sha256
from typing import Final

from cityos_core.idempotency.model import Reply
from cityos_core.kernel.errors import Invalid, PreconditionFailed

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')
_VERSION: Final = re.compile(r"([1-9][0-9]{0,17})-[0-9a-f]{16}", re.ASCII)

KEPT: Final = frozenset({"etag", "cache-control", "vary"})
"""The headers of an answer that 304 repeats."""


def tag_of(view: object, body: str) -> str:
    """Give the tag of an answer: its version, where it is one changeable resource, and a hash of what it says."""
    version = getattr(view, "version", None)
    digest = sha256(body.encode()).hexdigest()[:16]
    return f'"{version}-{digest}"' if isinstance(version, int) else f'W/"{digest}"'


def tags(header: str) -> list[tuple[bool, str]]:
    """List the tags of a header, each weak or not; ``Invalid("invalid_header")`` if it is not a list of tags."""
    found, place = [], 0
    while place < len(header):
        match = _TAG.match(header, place)
        if match is None:
            raise Invalid("invalid_header", 'entity tags are written in quotes, as the ETag header gave them: "3-..."')
        found.append((match[1] is not None, match[2]))
        place = match.end()
    return found


def unless_known(reply: Reply, if_none_match: str | None) -> Reply:
    """Answer 304 if the client has this answer already."""
    if if_none_match is None:
        return reply
    tag = dict(reply.headers).get("etag", "").removeprefix("W/").strip('"')
    if if_none_match.strip() == "*" or tag in {known for _, known in tags(if_none_match)}:
        return Reply(status=304, headers=tuple(head for head in reply.headers if head[0] in KEPT))
    return reply


def expected(if_match: str | None) -> int | None:
    """Say which version a caller would change; none if any will do."""
    if if_match is None:
        raise Invalid(
            "precondition_required", "send If-Match with the ETag of what you read, so that no change is lost"
        )
    if if_match.strip() == "*":
        return None
    found = tags(if_match)
    if len(found) != 1:
        raise Invalid("invalid_header", "send one entity tag in If-Match: the ETag of what you read")
    is_weak, tag = found[0]
    match = None if is_weak else _VERSION.fullmatch(tag)
    if match is None:
        raise PreconditionFailed(
            "precondition_failed", "If-Match names no version of this; send the ETag of what you read"
        )
    return int(match[1])
