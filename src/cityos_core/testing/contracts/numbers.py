"""The contract of numbers without gaps, and of the credit notes that bear them."""

from attrs import evolve

from cityos_core.kernel.ids import CreditNoteId, InvoiceId
from cityos_core.subscriptions.invoices import CreditNote
from cityos_core.testing.contracts.charged import credit_note, owing
from cityos_core.testing.contracts.examples import WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, raised


class NumbersContract(Contract):
    """Numbers without gaps, by tenant and series."""

    def test_each_series_counts_for_itself(self, north: Place, south: Place) -> None:
        """A series begins at one and goes on where it was; other series and tenants make no difference."""
        assert [take(north, "invoice:a", 1), take(north, "invoice:a", 3), take(north, "invoice:a", 1)] == [1, 2, 5]
        assert [take(north, WORDS, 2), take(south, "invoice:a", 1), take(north, WORDS, 1)] == [1, 1, 3]
        assert north.do(lambda uow: [uow.numbers.take("invoice:a", 2), uow.numbers.take("invoice:a", 1)]) == [6, 8]

    def test_what_was_not_committed_is_taken_again(self, north: Place) -> None:
        """A number goes back with the unit of work that took it: there is no gap."""
        for series in ("new", "old"):
            if series == "old":
                take(north, series, 4)
            with north.open() as uow:
                uow.numbers.take(series, 10)
        assert [take(north, "new", 1), take(north, "old", 1)] == [1, 5]

    def test_many_at_once_leave_no_gap(self, north: Place) -> None:
        """Whoever takes numbers at the same moment, and gives up half-way or not, every number is used once."""

        def issue(number: int) -> list[int]:
            taken: list[int] = []
            for count in range(1, 6):
                with north.open() as uow:
                    first = uow.numbers.take("invoice:a", count)
                    if (number + count) % 3:
                        uow.commit()
                        taken += range(first, first + count)
            return taken

        answers = at_once(issue, times=4)
        assert codes(answers) == []
        used = sorted(one for answer in answers if isinstance(answer, list) for one in answer)
        assert used == list(range(1, len(used) + 1))


class CreditNotesContract(Contract):
    """The credit notes of one tenant: they never change."""

    def test_round_trip(self, north: Place, south: Place) -> None:
        """A credit note comes back with its lines; those of several invoices come by invoice and number."""
        first, second, theirs = owing(north).invoice, owing(north, "silver", number=2), owing(south).invoice
        one, two = sorted((first, second.invoice), key=lambda made: made.id)
        made = [credit_note(north, of, number) for of, number in ((one, 2), (one, 10), (two, 1))]
        add_notes(north, *reversed(made))
        add_notes(south, credit_note(south, theirs))
        assert north.see(lambda uow: uow.credit_notes.get(made[1].id)) == made[1]
        wanted = [two.id, one.id, one.id, theirs.id, InvoiceId(nobody())]
        assert north.see(lambda uow: uow.credit_notes.of(iter(wanted))) == made
        assert north.see(lambda uow: uow.credit_notes.of([])) == []
        north.do(lambda uow: uow.credit_notes.add([]))

    def test_a_number_is_used_once(self, north: Place) -> None:
        """No two credit notes of a legal entity bear one number, and nothing that came with a second is stored."""
        of = owing(north).invoice
        add_notes(north, credit_note(north, of))
        assert raised(add_notes, north, credit_note(north, of, 2), credit_note(north, of)) == "number_taken"
        add_notes(north, evolve(credit_note(north, of), entity="other"))
        assert [note.number for note in north.see(lambda uow: uow.credit_notes.of([of.id]))] == [1, 1]

    def test_a_neighbours_note_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's credit note reads as none, and cannot be written."""
        theirs = credit_note(south, owing(south).invoice)
        add_notes(south, theirs)
        for unknown in (theirs.id, CreditNoteId(nobody())):
            assert raised(read_note, north, unknown) == "credit_note_not_found"
        raised(add_notes, north, evolve(theirs, id=CreditNoteId(north.ids.new()), number=2))
        assert south.see(lambda uow: uow.credit_notes.of([theirs.invoice_id])) == [theirs]


def take(place: Place, series: str, count: int) -> int:
    """Take numbers."""
    return place.do(lambda uow: uow.numbers.take(series, count))


def add_notes(place: Place, *notes: CreditNote) -> None:
    """Add credit notes."""
    place.do(lambda uow: uow.credit_notes.add(notes))


def read_note(place: Place, note_id: CreditNoteId) -> CreditNote:
    """Read a credit note."""
    return place.see(lambda uow: uow.credit_notes.get(note_id))
