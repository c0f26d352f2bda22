"""The contract of exports and their files."""

from datetime import timedelta

from attrs import evolve

from cityos_core.exports.model import Chunk, Export, ExportFormat, ExportKind, ExportStatus
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class ExportsContract(Contract):
    """Exports of one tenant: newest first, optimistic versions, taken by one worker at a time."""

    def test_round_trip(self, north: Place) -> None:
        """An export comes back with its filters and its progress."""
        made = added(north, exported(north))
        bare = added(north, queued(north))
        assert get(north, made) == made
        assert get(north, bare) == bare

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved export is one version up; the one read before is stale, and so is one that was never added."""
        made = added(north, queued(north))
        changed = evolve(
            made.step("start", at=AT), rows=2**40, size=2**41, chunks=7, reason=WORDS, where={"vendor": "acme"}
        )
        save(north, changed)
        assert get(north, made) == evolve(changed, version=2)
        assert raised(save, north, made) == "stale"
        assert raised(save, north, queued(north)) == "stale"

    def test_one_of_many_workers_starts_it(self, north: Place) -> None:
        """Of workers that take the same export at once, exactly one has it."""
        made = added(north, queued(north))
        answers = at_once(lambda number: save(north, made.step("start", at=AT + number * HOUR)), times=4)
        assert codes(answers) == ["stale"] * 3
        assert get(north, made).attempts == 1

    def test_pages_newest_first(self, north: Place, south: Place) -> None:
        """Pages go back from what was asked for last, whatever the order of adding and the size."""
        made = [added(north, evolve(queued(north), created_at=AT + step * HOUR)) for step in (2, 0, 3, 1)]
        added(south, queued(south))
        expected = sorted(made, key=lambda export: export.created_at, reverse=True)
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.exports.page(request)), limit=limit)
            assert found == expected

    def test_pages_of_one_instant(self, north: Place) -> None:
        """Exports of one instant are each on one page."""
        made = {added(north, queued(north)).id for _ in range(5)}
        found = pages(lambda request: north.see(lambda uow: uow.exports.page(request)), limit=2)
        assert {export.id for export in found} == made
        assert len(found) == 5

    def test_a_made_up_cursor_is_refused(self, north: Place) -> None:
        """A cursor that no page gave is invalid."""
        assert raised(north.see, lambda uow: uow.exports.page(PageRequest(5, "garbage"))) == "invalid_cursor"

    def test_due(self, north: Place, south: Place) -> None:
        """Due is what waits and what a worker left, oldest first; not what runs, and not what is over."""
        second = added(north, evolve(queued(north), created_at=AT + HOUR))
        first = added(north, queued(north))
        left = added(north, evolve(running(north), created_at=AT + 2 * HOUR, leased_until=LATER))
        added(north, evolve(running(north), leased_until=LATER + SECOND))
        added(north, exported(north))
        added(north, running(north).step("fail", at=AT, reason="full"))
        added(south, queued(south))
        expected = [first.id, second.id, left.id]
        assert north.see(lambda uow: uow.exports.due(LATER, limit=9)) == expected
        assert north.see(lambda uow: uow.exports.due(LATER, limit=2)) == expected[:2]

    def test_a_neighbours_export_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's export reads as none and cannot be written, under either tenant's name."""
        theirs = added(south, queued(south))
        assert raised(get, north, theirs) == "export_not_found"
        assert raised(get, north, evolve(theirs, id=ExportId(nobody()))) == "export_not_found"
        raised(save, north, evolve(theirs, reason="mine"))
        raised(save, north, evolve(theirs, reason="mine", tenant_id=north.id))
        raised(added, north, queued(south))
        assert south.see(lambda uow: uow.exports.page(PageRequest())).items == (theirs,)


class FilesContract(Contract):
    """What exports hold, in pieces."""

    def test_round_trip(self, north: Place) -> None:
        """Pieces come back to the letter, each by its number."""
        made = added(north, queued(north))
        texts = ["", "a,b\r\n1,2\r\n", WORDS * 1000, '{"a": "\\n"}\n']
        for number, text in enumerate(texts):
            write(north, made, number, text)
        assert [read(north, made, number) for number in range(4)] == texts

    def test_writing_replaces(self, north: Place) -> None:
        """A worker that starts again writes over what was there."""
        made = added(north, queued(north))
        for text in ("first", "second"):
            write(north, made, 0, text)
        assert read(north, made, 0) == "second"

    def test_unknown(self, north: Place) -> None:
        """A piece that was not written, and one of no export, are not found."""
        made = added(north, queued(north))
        write(north, made, 0, "text")
        assert raised(read, north, made, 1) == "export_not_found"
        assert raised(read, north, queued(north), 0) == "export_not_found"

    def test_what_was_undone_is_not_there(self, north: Place) -> None:
        """A piece of a transaction that was not committed is gone."""
        made = added(north, queued(north))
        with north.open() as uow:
            uow.files.write(Chunk(made.id, 0, "text"))
        assert raised(read, north, made, 0) == "export_not_found"

    def test_a_neighbours_file_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's piece reads as none, and writing to it changes nothing of it."""
        theirs = added(south, queued(south))
        write(south, theirs, 0, "theirs")
        assert raised(read, north, theirs, 0) == "export_not_found"
        at_once(lambda _: write(north, theirs, 0, "mine"), times=1)
        assert read(south, theirs, 0) == "theirs"


def queued(place: Place) -> Export:
    """Make up an export that nobody has started."""
    return Export(
        id=ExportId(place.ids.new()),
        tenant_id=place.id,
        kind=ExportKind.ORDERS,
        format=ExportFormat.CSV,
        where={},
        requested_by="user:1",
        created_at=AT,
    )


def running(place: Place) -> Export:
    """Make up an export that a worker has."""
    return queued(place).step("start", at=AT)


def exported(place: Place) -> Export:
    """Make up an export with something in every field."""
    return evolve(
        queued(place),
        kind=ExportKind.AUDIT_LOG,
        format=ExportFormat.JSONL,
        where={"since": "2026-01-01T00:00:00Z", "müll": WORDS},
        requested_by=WORDS,
        status=ExportStatus.SUCCEEDED,
        rows=415,
        size=2**40,
        chunks=2,
        attempts=1,
        reason=WORDS,
        leased_until=AT,
        finished_at=LATER,
    )


def added(place: Place, export: Export) -> Export:
    """Add an export."""
    place.do(lambda uow: uow.exports.add(export))
    return export


def save(place: Place, export: Export) -> None:
    """Save an export."""
    place.do(lambda uow: uow.exports.save(export))


def get(place: Place, export: Export) -> Export:
    """Read an export."""
    return place.see(lambda uow: uow.exports.get(export.id))


def write(place: Place, export: Export, number: int, text: str) -> None:
    """Write a piece."""
    place.do(lambda uow: uow.files.write(Chunk(export.id, number, text)))


def read(place: Place, export: Export, number: int) -> str:
    """Read a piece."""
    return place.see(lambda uow: uow.files.read(export.id, number))
