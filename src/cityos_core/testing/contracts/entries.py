"""The contract of commission transactions and of what payouts cover."""

from datetime import timedelta

from attrs import evolve

from cityos_core.commissions.lines import CommissionEntry, EntryStatus, VendorTotals
from cityos_core.commissions.ports import EntryFilter
from cityos_core.kernel.ids import BatchId, OrderId, PayoutId, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.orders.model import Order
from cityos_core.testing.contracts import examples, sales
from cityos_core.testing.contracts.examples import AT, LARGEST, LATER
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages

HOUR = timedelta(hours=1)
PENDING, APPROVED, PAID, REVERSED = EntryStatus


class EntriesContract(Contract):
    """Commission transactions of one tenant: in order of occurrence, summed exactly, marked in bulk."""

    def test_round_trip(self, north: Place) -> None:
        """A transaction comes back with its amounts, the frozen decision and the facts it was made from."""
        made, entries = sold(north, "A-1")
        large = evolve(sales.sale_entry(north.ids, made), net=-LARGEST, gross=LARGEST, volume=LARGEST, category=None)
        north.do(lambda uow: uow.entries.add([large]))
        assert of_order(north, made) == [*entries, large]
        assert listed(north, EntryFilter()) == [*entries, large]

    def test_sales_in_line_order_first(self, north: Place) -> None:
        """An order's sales are listed in the order they were added, then what was given back."""
        made, entries = sold(north, "A-1")
        sold(north, "A-2")
        back = [sales.reversal_entry(north.ids, entry, AT) for entry in reversed(entries)]
        north.do(lambda uow: uow.entries.add(back))
        assert of_order(north, made)[:2] == entries
        assert of_order(north, made)[2:] == back
        assert north.see(lambda uow: uow.entries.of_order(OrderId(nobody()))) == []

    def test_pages_in_order_of_occurrence(self, north: Place) -> None:
        """Pages follow the time of occurrence, whatever the order of recording and the size."""
        late = sold(north, "A-1", after=timedelta(microseconds=2))[1]
        early = sold(north, "A-2")[1]
        between = sold(north, "A-3", after=timedelta(microseconds=1))[1]
        for limit in (1, 4, 6, 100):
            found = pages(lambda request: north.see(lambda uow: uow.entries.page(EntryFilter(), request)), limit=limit)
            assert found == [*early, *between, *late]

    def test_filters(self, north: Place) -> None:
        """Vendor, order, status and time narrow the list, alone and together; the end of a time is not part of it."""
        first = sold(north, "A-1")[1]
        second = sold(north, "A-2", after=HOUR)[1]
        north.do(lambda uow: uow.entries.mark(PAID, line=first[1].line_id))
        paid = evolve(first[1], status=PAID)
        assert listed(north, EntryFilter(vendor="acme")) == [first[0], second[0]]
        assert listed(north, EntryFilter(order="A-2")) == second
        assert listed(north, EntryFilter(status=PAID)) == [paid]
        assert listed(north, EntryFilter(line=first[1].line_id)) == [paid]
        assert listed(north, EntryFilter(until=AT + HOUR)) == [first[0], paid]
        assert listed(north, EntryFilter(since=AT + HOUR)) == second
        assert listed(north, EntryFilter(vendor="birch", order="A-2", since=AT, until=LATER)) == [second[1]]
        assert listed(north, EntryFilter(vendor="nobody")) == []

    def test_totals(self, north: Place) -> None:
        """Sums are per vendor and currency, by vendor, exact, over what the filter leaves."""
        entries = [*sold(north, "A-1")[1], *sold(north, "A-2", after=HOUR)[1]]
        yen = evolve(sales.sale_entry(north.ids, sold(north, "A-3", after=2 * HOUR)[0]), currency="JPY")
        back = sales.reversal_entry(north.ids, entries[0], AT + HOUR)
        north.do(lambda uow: uow.entries.add([yen, back]))
        euros = [entry for entry in listed(north, EntryFilter(vendor="acme")) if entry.currency == "EUR"]
        totals = north.see(lambda uow: uow.entries.totals(EntryFilter()))
        assert [(total.vendor, total.currency, total.orders) for total in totals] == [
            ("acme", "EUR", 3),
            ("acme", "JPY", 1),
            ("birch", "EUR", 3),
        ]
        assert totals[0] == total_of(euros, orders=3)
        early = north.see(lambda uow: uow.entries.totals(EntryFilter(vendor="acme", until=AT + HOUR)))
        assert early == [total_of(entries[:1], orders=1)]
        late = north.see(lambda uow: uow.entries.totals(EntryFilter(vendor="birch", order="A-2")))
        assert late == [total_of(entries[3:], orders=1)]
        assert north.see(lambda uow: uow.entries.totals(EntryFilter(vendor="nobody"))) == []

    def test_totals_over_all_vendors(self, north: Place) -> None:
        """Sums over all vendors are per currency and count an order of several vendors once."""
        sold(north, "A-1")
        sold(north, "A-2", after=HOUR)
        (total,) = north.see(lambda uow: uow.entries.totals(EntryFilter(), by_vendor=False))
        vendors = north.see(lambda uow: uow.entries.totals(EntryFilter()))
        assert (total.vendor, total.currency, total.orders) == ("", "EUR", 2)
        assert total.net.minor == sum(vendor.net.minor for vendor in vendors)
        assert [vendor.orders for vendor in vendors] == [2, 2]

    def test_totals_of_what_was_only_given_back(self, north: Place) -> None:
        """A period with reversals alone counts no order."""
        entry = sold(north, "A-1")[1][0]
        back = sales.reversal_entry(north.ids, entry, LATER)
        north.do(lambda uow: uow.entries.add([back]))
        assert north.see(lambda uow: uow.entries.totals(EntryFilter(since=LATER))) == [total_of([back], orders=0)]

    def test_volume(self, north: Place) -> None:
        """A vendor's volume sums its sales from one instant to another, both included, in one currency."""
        first = sold(north, "A-1")[1]
        sold(north, "A-2", after=HOUR)
        sold(north, "A-3", after=2 * HOUR)
        north.do(lambda uow: uow.entries.add([evolve(sales.reversal_entry(north.ids, first[0], AT), volume=5)]))
        one = first[0].volume
        assert volumes(north, since=timedelta(0), before=2 * HOUR) == (3 * one, 3 * one)
        assert volumes(north, since=timedelta(0), before=HOUR) == (2 * one, 2 * one)
        assert volumes(north, since=timedelta(microseconds=1), before=HOUR) == (one, one)
        assert volumes(north, since=3 * HOUR, before=4 * HOUR) == (0, 0)
        assert volumes(north, since=timedelta(0), before=HOUR, currency="JPY") == (0, 0)

    def test_parallel_sales_never_share_a_place_in_the_volume(self, north: Place) -> None:
        """Orders that ask for a vendor's volume at once follow each other, so each adds to the last one's."""
        made = [sold(north, f"A-{number}", count=0)[0] for number in range(4)]

        def sell(number: int) -> int:
            with north.open() as uow:
                seen = uow.entries.volume([north.acme.id], "EUR", since=AT, before=AT).get(north.acme.id, 0)
                uow.entries.add([evolve(sales.sale_entry(north.ids, made[number]), volume=10)])
                uow.commit()
            return seen

        answers = at_once(sell, times=4)
        assert codes(answers) == []
        assert sorted(answer for answer in answers if isinstance(answer, int)) == [0, 10, 20, 30]

    def test_marking(self, north: Place) -> None:
        """All transactions of a vendor order, or of a line, get a status at once, but what is reversed stays so."""
        first, second = sold(north, "A-1")[1], sold(north, "A-2", after=HOUR)[1]
        back = sales.reversal_entry(north.ids, first[0], AT + 2 * HOUR)
        north.do(lambda uow: uow.entries.add([back]))
        north.do(lambda uow: uow.entries.mark(APPROVED, vendor_order=first[0].vendor_order_id))
        assert statuses(north) == [APPROVED, PENDING, PENDING, PENDING, APPROVED]
        north.do(lambda uow: uow.entries.mark(REVERSED, line=second[1].line_id))
        assert statuses(north) == [APPROVED, PENDING, PENDING, REVERSED, APPROVED]
        north.do(lambda uow: uow.entries.mark(PAID, vendor_order=VendorOrderId(nobody())))
        assert statuses(north) == [APPROVED, PENDING, PENDING, REVERSED, APPROVED]
        north.do(lambda uow: uow.entries.mark(APPROVED, vendor_order=second[1].vendor_order_id))
        assert statuses(north) == [APPROVED, PENDING, PENDING, REVERSED, APPROVED]

    def test_a_neighbours_transactions_are_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's transactions are not listed, summed, counted or marked."""
        made, entries = sold(south, "A-1")
        payout = pay(south)
        south.do(lambda uow: uow.entries.mark(APPROVED, vendor_order=entries[0].vendor_order_id))
        south.do(lambda uow: uow.coverage.cover(payout, south.acme.id, "EUR"))
        before = listed(south, EntryFilter())
        north.do(lambda uow: uow.entries.mark(PAID, vendor_order=entries[0].vendor_order_id))
        north.do(lambda uow: uow.entries.mark(PAID, line=entries[0].line_id))
        north.do(lambda uow: uow.entries.mark(PAID, payout=payout))
        north.do(lambda uow: uow.coverage.uncover(payout))
        assert listed(south, EntryFilter()) == before
        assert of_order(north, made) == []
        assert listed(north, EntryFilter()) == []
        assert north.see(lambda uow: uow.entries.totals(EntryFilter())) == []
        theirs = north.see(lambda uow: uow.entries.volume([south.acme.id], "EUR", since=AT, before=LATER))
        assert theirs.get(south.acme.id, 0) == 0


class CoverageContract(Contract):
    """Which transactions a payout covers."""

    def test_covering(self, north: Place) -> None:
        """A payout covers every approved transaction of its vendor and currency that no other payout covers."""
        first, second = sold(north, "A-1")[1], sold(north, "A-2", after=HOUR)[1]
        yen = evolve(sales.sale_entry(north.ids, sold(north, "A-3", count=0)[0]), currency="JPY", status=APPROVED)
        north.do(lambda uow: uow.entries.add([yen]))
        for entry in first:
            approve(north, entry)
        one, two = pay(north), pay(north)
        north.do(lambda uow: uow.coverage.cover(one, north.acme.id, "EUR"))
        assert covered(north, one) == [first[0].id]
        approve(north, second[0])
        north.do(lambda uow: uow.coverage.cover(two, north.acme.id, "EUR"))
        assert covered(north, one) == [first[0].id]
        assert covered(north, two) == [second[0].id]

    def test_marking_what_a_payout_covers(self, north: Place) -> None:
        """What a payout covers is marked paid with it, and nothing else."""
        first, second = sold(north, "A-1")[1], sold(north, "A-2", after=HOUR)[1]
        approve(north, first[0])
        approve(north, second[1])
        payout = pay(north)
        north.do(lambda uow: uow.coverage.cover(payout, north.acme.id, "EUR"))
        north.do(lambda uow: uow.entries.mark(PAID, payout=payout))
        assert statuses(north) == [PAID, PENDING, PENDING, APPROVED]

    def test_uncovering(self, north: Place) -> None:
        """What a payout covered is approved again and free for another; what was reversed meanwhile stays reversed."""
        first, second = sold(north, "A-1")[1], sold(north, "A-2", after=HOUR)[1]
        approve(north, first[0])
        approve(north, second[0])
        one, two = pay(north), pay(north)
        north.do(lambda uow: uow.coverage.cover(one, north.acme.id, "EUR"))
        north.do(lambda uow: uow.entries.mark(PAID, payout=one))
        north.do(lambda uow: uow.entries.mark(REVERSED, line=second[0].line_id))
        north.do(lambda uow: uow.coverage.uncover(one))
        assert covered(north, one) == []
        assert statuses(north) == [APPROVED, PENDING, REVERSED, PENDING]
        north.do(lambda uow: uow.coverage.cover(two, north.acme.id, "EUR"))
        assert covered(north, two) == [first[0].id]

    def test_two_payouts_never_cover_the_same(self, north: Place) -> None:
        """Of payouts that cover at once, each transaction gets one."""
        for number in range(3):
            approve(north, sold(north, f"A-{number}")[1][0])
        made = [pay(north) for _ in range(4)]

        def cover(number: int) -> None:
            north.do(lambda uow: uow.coverage.cover(made[number], north.acme.id, "EUR"))

        assert codes(at_once(cover, times=4)) == []
        assert sorted(len(covered(north, payout)) for payout in made) == [0, 0, 0, 3]


def sold(
    place: Place, reference: str, *, after: timedelta = timedelta(0), count: int = 2
) -> tuple[Order, list[CommissionEntry]]:
    """Place an order of both vendors and record the transactions of its first lines."""
    order = sales.order(place.ids, reference, place.acme, place.birch, placed_at=AT + after)
    entries = [sales.sale_entry(place.ids, order, index) for index in range(count)]
    with place.open() as uow:
        uow.orders.add(order)
        uow.entries.add(entries)
        uow.commit()
    return order, entries


def pay(place: Place) -> PayoutId:
    """Create a payout."""
    batch = examples.batch(BatchId(place.ids.new()), place.id)
    payout = examples.payout(PayoutId(place.ids.new()), place.acme, batch_id=batch.id)
    with place.open() as uow:
        uow.batches.add(batch)
        uow.payouts.add([payout])
        uow.commit()
    return payout.id


def approve(place: Place, entry: CommissionEntry) -> None:
    """Approve the transactions of a line."""
    place.do(lambda uow: uow.entries.mark(APPROVED, line=entry.line_id))


def of_order(place: Place, order: Order) -> list[CommissionEntry]:
    """List an order's transactions."""
    return place.see(lambda uow: uow.entries.of_order(order.id))


def listed(place: Place, where: EntryFilter) -> list[CommissionEntry]:
    """List transactions."""
    return list(place.see(lambda uow: uow.entries.page(where, PageRequest())).items)


def statuses(place: Place) -> list[EntryStatus]:
    """List the statuses of all transactions."""
    return [entry.status for entry in listed(place, EntryFilter())]


def covered(place: Place, payout: PayoutId) -> list[object]:
    """List the ids of the transactions that a payout covers."""
    return [entry.id for entry in listed(place, EntryFilter()) if entry.payout_id == payout]


def volumes(place: Place, *, since: timedelta, before: timedelta, currency: str = "EUR") -> tuple[int, int]:
    """Ask for both vendors' volumes between two moments after the first sale."""
    found = place.see(
        lambda uow: uow.entries.volume([place.birch.id, place.acme.id], currency, since=AT + since, before=AT + before)
    )
    return found.get(place.acme.id, 0), found.get(place.birch.id, 0)


def total_of(entries: list[CommissionEntry], *, orders: int) -> VendorTotals:
    """Sum transactions of one vendor and currency by hand."""
    first = entries[0]
    sums = {name: Money(sum(getattr(entry, name) for entry in entries), first.currency) for name in sales.AMOUNTS}
    return VendorTotals(vendor=first.vendor, currency=first.currency, orders=orders, **sums)
