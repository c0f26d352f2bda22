"""The contract of payment attempts and dunning cases."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.subscriptions.attempts import UNSETTLED, AttemptStatus, Origin, PaymentAttempt
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.testing.contracts.charged import Owing, attempt, case, invoice, owing
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import HOUR
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, raised

UNSEEN = timedelta(microseconds=1)


class AttemptsContract(Contract):
    """The payment attempts of one tenant: each made once, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """An attempt comes back with what became of it, and without what is not known yet."""
        owed = owing(north).invoice
        full = attempt(owed)
        bare = PaymentAttempt(
            tenant_id=north.id,
            subscription_id=owed.subscription_id,
            invoice_id=owed.id,
            cycle=owed.cycle,
            change=owed.change,
            number=2,
            origin=Origin.BILLING,
            gateway="card",
            amount=full.amount,
            started_at=AT,
        )
        add(north, bare, full)
        assert of(north, [owed.id]) == [full, bare]

    def test_an_attempt_is_made_once(self, north: Place) -> None:
        """An attempt that is there is not stored again, nor anything that came with it; whoever is second is told."""
        owed = owing(north).invoice
        add(north, attempt(owed))
        assert raised(add, north, attempt(owed, 2), evolve(attempt(owed), reason="again")) == "attempt_exists"
        assert of(north, [owed.id]) == [attempt(owed)]
        answers = at_once(lambda number: add(north, evolve(attempt(owed, 2), inquiries=number)), times=4)
        assert codes(answers) == ["attempt_exists"] * 3
        north.do(lambda uow: uow.attempts.add([]))

    def test_saving_many_counts_versions(self, north: Place) -> None:
        """Saved attempts are one version up; if one of them is stale, none is stored."""
        owed = owing(north).invoice
        one, two, three = (attempt(owed, number) for number in (1, 2, 3))
        add(north, one, two, three)
        changed = [one.succeed(reference="ch_8", at=LATER), evolve(two, decline=None, inquiries=0, reason=None)]
        save(north, *changed)
        assert of(north, [owed.id]) == [*(evolve(made, version=2) for made in changed), three]
        assert raised(save, north, evolve(three, inquiries=9), one) == "stale"
        assert raised(save, north, evolve(three, inquiries=9), attempt(owed, 4)) == "stale"
        assert of(north, [owed.id])[2] == three
        north.do(lambda uow: uow.attempts.save([]))
        answers = at_once(lambda number: save(north, evolve(three, inquiries=number)), times=4)
        assert codes(answers) == ["stale"] * 3

    def test_of_invoices(self, north: Place, south: Place) -> None:
        """The attempts at invoices come by invoice and number, nobody else's."""
        first, second, theirs = owing(north).invoice, owing(north, "silver", number=2).invoice, owing(south).invoice
        one, two = sorted((first, second), key=lambda made: made.id)
        made = [attempt(one, 2), attempt(one, 10), attempt(two, 1)]
        add(north, *reversed(made))
        add(south, attempt(theirs))
        assert of(north, iter([two.id, one.id, one.id, theirs.id, InvoiceId(nobody())])) == made
        assert of(north, []) == []

    def test_due(self, north: Place, south: Place) -> None:
        """Attempts of unknown outcome whose instant has come are due, longest due first, up to a limit."""
        owed = owing(north).invoice
        add(south, attempt(owing(south).invoice))
        steps = (timedelta(0), -HOUR, UNSEEN, -2 * HOUR, None)
        made = [
            evolve(attempt(owed, number), next_at=None if step is None else AT + step)
            for number, step in enumerate(steps, start=1)
        ]
        made[1] = evolve(made[1], status=AttemptStatus.PENDING)
        add(north, *made)
        expected = [made[3], made[1], made[0]]
        assert due(north, AT) == expected
        assert due(north, AT, limit=2) == expected[:2]
        assert due(north, AT - 3 * HOUR) == []

    @pytest.mark.parametrize("status", sorted(set(AttemptStatus) - UNSETTLED))
    def test_what_is_settled_is_not_due(self, north: Place, status: AttemptStatus) -> None:
        """Nothing is asked about an attempt whose outcome is known, whatever instant it bears."""
        add(north, evolve(attempt(owing(north).invoice), status=status))
        assert due(north, LATER) == []

    def test_a_neighbours_attempt_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's attempt reads as none and cannot be written, under either tenant's name."""
        owed = owing(south).invoice
        add(south, attempt(owed))
        assert of(north, [owed.id]) == due(north, LATER) == []
        raised(save, north, evolve(attempt(owed), reason="mine"))
        raised(save, north, evolve(attempt(owed), reason="mine", tenant_id=north.id))
        raised(add, north, attempt(owed, 2))
        assert of(south, [owed.id]) == [attempt(owed)]


class DunningContract(Contract):
    """The dunning cases of one tenant: one for an invoice, optimistic versions."""

    def test_round_trip_and_versions(self, north: Place) -> None:
        """A new case is stored at version 1, a changed one a version up; if one of several is stale, none is stored."""
        first, second = owing(north).invoice, owing(north, "silver", number=2).invoice
        opened = evolve(case(first), retries=0, next_day=0, needs_method=False)
        put(north, opened)
        assert found(north, first) == opened
        later = evolve(case(first), next_at=LATER, time_zone="UTC", first_failed_at=LATER)
        put(north, later, case(second))
        assert [found(north, of) for of in (first, second)] == [evolve(later, version=2), case(second)]
        assert raised(put, north, evolve(case(second), retries=9), opened) == "stale"
        assert raised(put, north, evolve(case(second), retries=9), evolve(later, version=3)) == "stale"
        assert found(north, second) == case(second)
        put(north, evolve(later, version=2, next_at=None), evolve(case(second), retries=9))
        assert found(north, first) == evolve(later, version=3, next_at=None)
        north.do(lambda uow: uow.dunning.put([]))

    def test_a_case_that_is_not_there_cannot_be_changed(self, north: Place) -> None:
        """What was never stored is not at a later version: it is stale."""
        owed = owing(north).invoice
        assert raised(put, north, evolve(case(owed), version=2)) == "stale"
        assert find(north, [owed.id]) == {}

    def test_one_of_many_writers_is_first(self, north: Place) -> None:
        """Of those who change the same cases at once, one does; the others are told that theirs are stale."""
        cases = [case(owing(north).invoice), case(owing(north, "silver", number=2).invoice)]
        put(north, *cases)
        answers = at_once(lambda number: put(north, *(evolve(one, retries=number) for one in cases)), times=4)
        assert codes(answers) == ["stale"] * 3

    def test_of_subscriptions_and_invoices(self, north: Place, south: Place) -> None:
        """What is going on is listed by subscription, over or not it is found by its invoice; nobody else's is."""
        owed, theirs = owing(north), owing(south)
        more = [invoiced(north, owed, cycle) for cycle in (1, 2)]
        cases = sorted(
            [case(owed.invoice), *(case(evolve(owed.invoice, id=one)) for one in more)],
            key=lambda one: one.invoice_id,
        )
        cases[1] = evolve(cases[1], next_at=None)
        put(north, *cases)
        put(south, case(theirs.invoice))
        some = [owed.subscription.id, theirs.subscription.id, SubscriptionId(nobody())]
        assert north.see(lambda uow: uow.dunning.of(iter(some))) == [cases[0], cases[2]]
        assert north.see(lambda uow: uow.dunning.of([])) == []
        wanted = [*(one.invoice_id for one in cases[:2]), theirs.invoice.id, InvoiceId(nobody())]
        assert find(north, iter(wanted)) == {one.invoice_id: one for one in cases[:2]}
        assert find(north, []) == {}

    def test_due(self, north: Place, south: Place) -> None:
        """Cases whose instant has come are due, longest due first, up to a limit; what is over is not."""
        owed = owing(north)
        put(south, case(owing(south).invoice))
        steps = (timedelta(0), -HOUR, UNSEEN, None, -2 * HOUR)
        cases = [
            evolve(
                case(evolve(owed.invoice, id=invoiced(north, owed, cycle))),
                next_at=None if step is None else AT + step,
            )
            for cycle, step in enumerate(steps, start=1)
        ]
        put(north, *cases)
        expected = [cases[4], cases[1], cases[0]]
        assert north.see(lambda uow: uow.dunning.due(AT, limit=9)) == expected
        assert north.see(lambda uow: uow.dunning.due(AT, limit=2)) == expected[:2]
        assert north.see(lambda uow: uow.dunning.due(AT - 3 * HOUR, limit=2)) == []

    def test_a_neighbours_case_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's case reads as none and cannot be written, under either tenant's name."""
        owed = owing(south).invoice
        put(south, case(owed))
        assert find(north, [owed.id]) == {}
        raised(put, north, evolve(case(owed), retries=9))
        raised(put, north, evolve(case(owed), retries=9, version=2, tenant_id=north.id))
        assert find(south, [owed.id]) == {owed.id: case(owed)}


def add(place: Place, *attempts: PaymentAttempt) -> None:
    """Add attempts."""
    place.do(lambda uow: uow.attempts.add(attempts))


def save(place: Place, *attempts: PaymentAttempt) -> None:
    """Save attempts."""
    place.do(lambda uow: uow.attempts.save(attempts))


def of(place: Place, wanted: Iterable[InvoiceId]) -> list[PaymentAttempt]:
    """List the attempts at invoices."""
    return place.see(lambda uow: uow.attempts.of(wanted))


def due(place: Place, now: datetime, *, limit: int = 9) -> list[PaymentAttempt]:
    """List what is to be asked about."""
    return place.see(lambda uow: uow.attempts.due(now, limit=limit))


def put(place: Place, *cases: DunningCase) -> None:
    """Store cases."""
    place.do(lambda uow: uow.dunning.put(cases))


def find(place: Place, wanted: Iterable[InvoiceId]) -> dict[InvoiceId, DunningCase]:
    """Read the cases of invoices."""
    return dict(place.see(lambda uow: uow.dunning.find(wanted)))


def found(place: Place, owed: Invoice) -> DunningCase:
    """Read the case of an invoice."""
    return find(place, [owed.id])[owed.id]


def invoiced(place: Place, owed: Owing, cycle: int) -> InvoiceId:
    """Add an invoice for another cycle."""
    made = invoice(place, owed.subscription, cycle, number=None)
    place.do(lambda uow: uow.invoices.add([made]))
    return made.id
