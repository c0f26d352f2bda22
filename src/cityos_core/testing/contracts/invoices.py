"""The contract of invoices."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from attrs import evolve

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.testing.contracts import charged, subscribed
from cityos_core.testing.contracts.charged import owing
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import COMPANY, HOUR
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

UNSEEN = timedelta(microseconds=1)


class InvoicesContract(Contract):
    """The invoices of one tenant: one for each cycle and each change in it, numbers unique within a legal entity."""

    def test_round_trip(self, north: Place) -> None:
        """An invoice comes back with its lines, whatever they charge for, and without what is not known of a draft."""
        owed = owing(north)
        draft = Invoice(
            id=InvoiceId(north.ids.new()),
            tenant_id=north.id,
            subscription_id=owed.subscription.id,
            cycle=7,
            entity="acme-gmbh",
            subscriber=owed.subscription.subscriber,
            currency="JPY",
            lines=(),
            created_at=AT,
        )
        add(north, draft)
        assert [get(north, made) for made in (owed.invoice, draft)] == [owed.invoice, draft]

    def test_a_cycle_is_invoiced_once(self, north: Place) -> None:
        """What was invoiced is not invoiced again, and nothing that came with it is stored; whoever is second is told."""
        owed = owing(north)
        again, other = (charged.invoice(north, owed.subscription, number=n) for n in (2, 3))
        assert raised(add, north, evolve(other, change=3), again) == "invoice_exists"
        assert raised(add, north, evolve(other, cycle=5), evolve(again, cycle=5)) == "invoice_exists"
        assert listed(north) == [owed.invoice]
        for changed in (evolve(other, change=3), evolve(again, cycle=1)):
            add(north, changed)
        rivals = [evolve(owed.invoice, id=InvoiceId(north.ids.new()), cycle=8, number=None) for _ in range(4)]
        assert codes(at_once(lambda number: add(north, rivals[number]), times=4)) == ["invoice_exists"] * 3

    def test_a_number_is_used_once(self, north: Place, south: Place) -> None:
        """No two invoices of a legal entity bear one number; other entities and tenants count for themselves."""
        owed, theirs = owing(north), owing(south)
        made = [charged.invoice(north, owed.subscription, cycle, number=None) for cycle in (1, 2)]
        add(north, *made)
        assert raised(add, north, charged.invoice(north, owed.subscription, 3, number=1)) == "number_taken"
        assert raised(save, north, evolve(made[0], number=1)) == "number_taken"
        add(north, evolve(charged.invoice(north, owed.subscription, 3, number=1), entity="other"))
        save(north, evolve(made[0], number=2))
        assert (theirs.invoice.entity, theirs.invoice.number) == (owed.invoice.entity, owed.invoice.number)

    def test_saving_many_counts_versions(self, north: Place) -> None:
        """Saved invoices are one version up and charge what they charged; if one of them is stale, none is stored."""
        owed = owing(north)
        one, two, three = (charged.invoice(north, owed.subscription, cycle, number=None) for cycle in (1, 2, 3))
        add(north, one, two, three)
        changed = [
            evolve(
                one,
                number=9,
                status=InvoiceStatus.PAID,
                from_credit=1,
                credited=2,
                issued_at=LATER,
                due_at=None,
                settled_at=None,
                recognised=3,
                recognise_at=None,
            ),
            evolve(two, recognised=4),
        ]
        save(north, *(evolve(invoice, lines=()) for invoice in changed))
        assert [get(north, made) for made in (one, two)] == [evolve(made, version=2) for made in changed]
        assert raised(save, north, evolve(three, recognised=5), one) == "stale"
        unknown = charged.invoice(north, owed.subscription, 4, number=None)
        assert raised(save, north, evolve(three, recognised=5), unknown) == "stale"
        assert get(north, three) == three
        north.do(lambda uow: uow.invoices.save([]))
        north.do(lambda uow: uow.invoices.add([]))

    def test_one_of_many_writers_is_first(self, north: Place) -> None:
        """Of those who save the same invoices at once, one does; the others are told that theirs are stale."""
        owed = owing(north)
        made = [owed.invoice, charged.invoice(north, owed.subscription, 1, number=None)]
        add(north, made[1])
        answers = at_once(lambda number: save(north, *(evolve(one, recognised=number) for one in made)), times=4)
        assert codes(answers) == ["stale"] * 3

    def test_of_cycles(self, north: Place, south: Place) -> None:
        """The invoices of the cycles that are asked for come by subscription, cycle and change, nobody else's."""
        owed, theirs = owing(north), owing(south)
        other, _ = subscribed.subscribed(north, "silver", times=2)
        made = [
            evolve(charged.invoice(north, of, cycle, number=None), change=change)
            for of in sorted((owed.subscription, other), key=lambda one: one.id)
            for cycle in (1, 2, 3)
            for change in (0, 1)
        ]
        add(north, *reversed(made))
        own, more = owed.subscription.id, other.id
        wanted = {own: [3, 1, 1, 9], more: {2}, theirs.subscription.id: (0,), SubscriptionId(nobody()): [1]}
        expected = [one for one in made if (one.subscription_id, one.cycle) in {(own, 1), (own, 3), (more, 2)}]
        assert of(north, wanted) == expected
        assert of(north, {own: [0]}) == [owed.invoice]
        assert of(north, {}) == of(north, {own: []}) == []

    def test_pages_newest_first_and_filters(self, north: Place, south: Place) -> None:
        """Pages go back from what was made last; status, subscriber, subscription and being overdue narrow them."""
        owed, (other,) = owing(north), subscribed.subscribed(north, "silver")
        owing(south)
        made = [
            evolve(charged.invoice(north, of, cycle, number=None), created_at=AT + cycle * HOUR, due_at=AT)
            for of, cycle in ((owed.subscription, 4), (other, 1), (other, 3))
        ]
        made[0] = evolve(made[0], status=InvoiceStatus.PAID)
        made[1] = evolve(made[1], due_at=None)
        add(north, *made)
        expected = [made[0], made[2], made[1], owed.invoice]
        for limit in (1, 3, 100):
            found = pages(
                lambda request: north.see(lambda uow: uow.invoices.page(InvoiceFilter(), request)), limit=limit
            )
            assert found == expected
        assert listed(north, InvoiceFilter(status=InvoiceStatus.PAID)) == expected[:1]
        assert listed(north, InvoiceFilter(subscriber=COMPANY)) == [made[0], owed.invoice]
        assert listed(north, InvoiceFilter(subscription=other.id)) == [made[2], made[1]]
        assert listed(north, InvoiceFilter(overdue_at=AT)) == []
        assert listed(north, InvoiceFilter(overdue_at=AT + UNSEEN)) == [made[2]]
        assert listed(north, InvoiceFilter(overdue_at=LATER + HOUR)) == [made[2], owed.invoice]
        whole = InvoiceFilter(status=InvoiceStatus.OPEN, subscriber="7", subscription=other.id, overdue_at=LATER + HOUR)
        assert listed(north, whole) == [made[2]]
        assert listed(north, evolve(whole, subscriber=COMPANY)) == []

    def test_earning(self, north: Place, south: Place) -> None:
        """Invoices that are to be looked at come longest due first, up to a limit, whatever their state."""
        owed = owing(north)
        owing(south)
        steps = (timedelta(0), -HOUR, UNSEEN, None, -2 * HOUR)
        made = [
            evolve(
                charged.invoice(north, owed.subscription, cycle, number=None),
                recognise_at=None if step is None else AT - HOUR + step,
                status=InvoiceStatus.VOID if cycle == 2 else InvoiceStatus.PAID,
            )
            for cycle, step in enumerate(steps, start=1)
        ]
        add(north, *made)
        expected = [made[4], made[1], made[0]]
        assert north.see(lambda uow: uow.invoices.earning(AT - HOUR, limit=9)) == expected
        assert north.see(lambda uow: uow.invoices.earning(AT - HOUR, limit=2)) == expected[:2]
        assert north.see(lambda uow: uow.invoices.earning(AT - 9 * HOUR, limit=2)) == []

    def test_what_is_looked_at_is_held(self, north: Place) -> None:
        """Of those who look at the same moment nobody is told that theirs is stale, and revenue is booked once."""
        owed = owing(north)

        def recognise(_: int) -> None:
            with north.open() as uow:
                found = uow.invoices.earning(AT, limit=9)
                uow.invoices.save([evolve(one, recognised=one.recognised + 1, recognise_at=None) for one in found])
                uow.commit()

        assert codes(at_once(recognise, times=4)) == []
        assert get(north, owed.invoice).recognised == owed.invoice.recognised + 1

    def test_a_neighbours_invoice_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's invoice reads as none and cannot be written, under either tenant's name."""
        owed, theirs = owing(north), owing(south)
        assert raised(get, north, theirs.invoice) == "invoice_not_found"
        assert raised(get, north, evolve(theirs.invoice, id=InvoiceId(nobody()))) == "invoice_not_found"
        raised(save, north, evolve(theirs.invoice, recognised=0))
        raised(save, north, owed.invoice, evolve(theirs.invoice, recognised=0, tenant_id=north.id))
        raised(add, north, evolve(theirs.invoice, id=InvoiceId(north.ids.new()), cycle=5, number=5))
        assert listed(south) == [theirs.invoice]
        assert listed(north) == [owed.invoice]


def add(place: Place, *invoices: Invoice) -> None:
    """Add invoices."""
    place.do(lambda uow: uow.invoices.add(invoices))


def save(place: Place, *invoices: Invoice) -> None:
    """Save invoices."""
    place.do(lambda uow: uow.invoices.save(invoices))


def get(place: Place, invoice: Invoice) -> Invoice:
    """Read an invoice."""
    return place.see(lambda uow: uow.invoices.get(invoice.id))


def of(place: Place, wanted: Mapping[SubscriptionId, Collection[int]]) -> list[Invoice]:
    """List the invoices of cycles."""
    return place.see(lambda uow: uow.invoices.of(wanted))


def listed(place: Place, where: InvoiceFilter | None = None) -> list[Invoice]:
    """List invoices."""
    return list(place.see(lambda uow: uow.invoices.page(where or InvoiceFilter(), PageRequest())).items)
