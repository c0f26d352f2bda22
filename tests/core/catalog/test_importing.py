"""Rows in chunks: in order, each answered once, and one in conflict spoils no other."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.imports import Outcome, Row, RowResult, import_in_chunks


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
def test_every_row_is_answered_in_order(good: list[bool], size: int) -> None:
    """Whatever the size of chunks and wherever the conflicts are, exactly the rows in conflict are rejected."""
    written: list[int] = []

    def write(rows: Sequence[Row[bool]]) -> list[RowResult]:
        if not all(row.readable() for row in rows):
            raise Conflict("taken", "someone was first")
        written.extend(row.number for row in rows)
        return [row.answer(Outcome.CREATED) for row in rows]

    rows = [Row(number=number, draft=is_good) for number, is_good in enumerate(good)]
    results = list(import_in_chunks(rows, write, size=size))
    assert [result.number for result in results] == list(range(len(good)))
    assert [result.outcome is Outcome.CREATED for result in results] == good
    assert written == [number for number, is_good in enumerate(good) if is_good]
