"""JSON from files: orders one per line, rules in one list."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from cityos_adapters.serialization import load, parse
from cityos_core.commissions.rules import Rule
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Row
from cityos_core.orders.draft import OrderDraft

LONGEST_LINE: Final = 16 * 1_048_576
"""Bytes in one JSON line."""

LARGEST_DOCUMENT: Final = 64 * 1_048_576
"""Bytes in a document that is read as a whole."""

_MARK: Final = b"\xef\xbb\xbf"


def read_orders_jsonl(stream: BinaryIO) -> Iterator[Row[OrderDraft]]:
    """Read orders, one JSON object per line; empty lines are passed over. Memory does not grow with the file."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise Invalid(
                "line_too_long", f"line {number} is longer than {LONGEST_LINE} bytes; write one order per line"
            )
        text = line.removeprefix(_MARK) if number == 1 else line
        if text.strip():
            yield _order(number, text)


def _order(number: int, text: bytes) -> Row[OrderDraft]:
    reference = ""
    try:
        document = parse(text)
        if isinstance(document, dict) and isinstance(document.get("reference"), str):
            reference = document["reference"]
        return Row(number=number, reference=reference, draft=load(OrderDraft, document))
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
