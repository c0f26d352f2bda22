"""JSON from files: orders and usage one per line, rules in one list, plans in either form."""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final, TypeVar

from cityos_adapters.serialization import load, parse
from cityos_core.commissions.rules import Rule
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Row
from cityos_core.orders.draft import OrderDraft
from cityos_core.subscriptions.drafts import PlanDraft, UsageDraft

T = TypeVar("T")

LONGEST_LINE: Final = 16 * 1_048_576
"""Bytes in one JSON line."""

LARGEST_DOCUMENT: Final = 64 * 1_048_576
"""Bytes in a document that is read as a whole."""

_MARK: Final = b"\xef\xbb\xbf"


def read_orders_jsonl(stream: BinaryIO) -> Iterator[Row[OrderDraft]]:
    """Read orders, one JSON object per line; empty lines are passed over. Memory does not grow with the file."""
    return _lines(stream, OrderDraft, "reference")


def read_usage_jsonl(stream: BinaryIO) -> Iterator[Row[UsageDraft]]:
    """Read what was used, one JSON object per line; empty lines are passed over. Memory does not grow with the file."""
    return _lines(stream, UsageDraft, "key")


def read_plans(stream: BinaryIO, *, currency: str) -> Iterator[Row[PlanDraft]]:
    """Read plans, in one JSON list or one object per line; those that name no currency are in the one that is given."""
    content = read_document(stream)
    if not content.lstrip().startswith(b"["):
        yield from _lines(io.BytesIO(content), PlanDraft, "handle", currency=currency)
        return
    listed = parse(content)
    for number, document in enumerate(listed if isinstance(listed, list) else (), start=1):
        yield _row(number, document, PlanDraft, "handle", currency=currency)


def _lines(stream: BinaryIO, cls: type[T], key: str, *, currency: str | None = None) -> Iterator[Row[T]]:
    """Read a JSON object per line; ``key`` is the member that says what it is called."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise Invalid(
                "line_too_long", f"line {number} is longer than {LONGEST_LINE} bytes; write one object per line"
            )
        text = line.removeprefix(_MARK) if number == 1 else line
        if not text.strip():
            continue
        try:
            document = parse(text)
        except Invalid as error:
            yield Row(number=number, error=error)
        else:
            yield _row(number, document, cls, key, currency=currency)


def _row(number: int, document: object, cls: type[T], key: str, *, currency: str | None) -> Row[T]:
    called = document.get(key) if isinstance(document, dict) else None
    reference = called if isinstance(called, str) else ""
    try:
        return Row(number=number, reference=reference, draft=load(cls, document, currency=currency))
    except Invalid as error:
        return Row(number=number, reference=reference, error=error)


def read_rules(stream: BinaryIO) -> tuple[Rule, ...]:
    """Read a JSON list of commission rules, the older first; every mistake is named by its JSON path."""
    return load(tuple[Rule, ...], parse(read_document(stream)))


def read_document(stream: BinaryIO) -> bytes:
    """Read a whole document of bounded size, without its byte order mark."""
    content = stream.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise Invalid("file_too_large", f"the file is larger than {LARGEST_DOCUMENT} bytes")
    return content.removeprefix(_MARK)
