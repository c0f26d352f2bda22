"""The contract of orders."""

import itertools
from datetime import UTC, datetime, timedelta

from attrs import evolve

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import NodeId, OrderId
from cityos_core.kernel.paging import PageRequest
from cityos_core.orders.model import AWAITING, Order, VendorOrder, VendorOrderStatus
from cityos_core.orders.ports import Due, OrderFilter, Placed
from cityos_core.testing.contracts import sales
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

HOUR = timedelta(hours=1)


class OrdersContract(Contract):
    """Orders of one tenant, whole: unique references, by time of placing, optimistic versions."""

    def test_round_trip_of_a_new_order(self, north: Place) -> None:
        """An order comes back with its lines, legs, discounts, charges and payments in their order."""
        placed = sales.order(north.ids, "A-1", north.birch, north.acme, store=north.store.id)
        add(north, placed)
        assert get(north, placed) == placed
        assert north.see(lambda uow: uow.orders.get(placed.id, lock=True)) == placed

    def test_round_trip_of_what_is_empty(self, north: Place) -> None:
        """An order without anything optional comes back so."""
        full = sales.order(north.ids, "A-1", north.acme)
        line = evolve(full.lines[0], discounts=(), tags=(), category=None)
        bare = evolve(full, lines=(line,), shipping=(), payments=(), customer=None, channel=None, customer_group=None)
        add(north, bare)
        assert get(north, bare) == bare

    def test_round_trip_of_a_whole_life(self, north: Place) -> None:
        """Fulfilments, refunds, disputes and the vendor orders' progress are saved with every field, a version up."""
        placed = sales.order(north.ids, "A-1", north.acme, north.birch, store=north.store.id)
        add(north, placed)
        lived = sales.afterlife(north.ids, placed)
        save(north, lived)
        assert get(north, placed) == evolve(lived, version=2)

    def test_saving_again_adds_and_changes(self, north: Place) -> None:
        """A later save keeps what was there, changes what changed and adds what is new, each once."""
        placed = sales.order(north.ids, "A-1", north.acme)
        add(north, placed)
        save(north, sales.afterlife(north.ids, placed))
        stored = get(north, placed)
        parcel = evolve(stored.fulfilments[0], delivered_at=None, tracking="new")
        again = evolve(
            stored,
            fulfilments=(parcel, evolve(parcel, id=north.ids.new())),
            refunds=(*stored.refunds, sales.refund(north.ids, stored.lines[0], "r-3")),
            disputes=(stored.disputes[0], evolve(stored.disputes[1], closed_at=AT, amount=2)),
            vendor_orders=(evolve(stored.vendor_orders[0], reserved=0, drawn=1),),
        )
        save(north, again)
        assert get(north, placed) == evolve(again, version=3)

    def test_saving_what_did_not_change_counts_too(self, north: Place) -> None:
        """Saving an order as it is makes it one version up all the same."""
        placed = sales.order(north.ids, "A-1", north.acme)
        add(north, placed)
        save(north, placed)
        assert get(north, placed) == evolve(placed, version=2)

    def test_many_at_once(self, north: Place, south: Place) -> None:
        """Many orders come back whole, each by its id, held or not; what is missing or a neighbour's is left out."""
        made = [sales.order(north.ids, f"A-{number}", north.birch, north.acme) for number in range(3)]
        theirs = sales.order(south.ids, "A-1", south.acme)
        for order in made:
            add(north, order)
        add(south, theirs)
        save(north, sales.afterlife(north.ids, made[1]))
        stored = {order.id: get(north, order) for order in made}
        asked = [*reversed(stored), made[0].id, theirs.id, OrderId(nobody())]
        assert north.see(lambda uow: uow.orders.many(asked)) == stored
        assert north.see(lambda uow: uow.orders.many(asked, lock=True)) == stored
        assert north.see(lambda uow: uow.orders.many([])) == {}

    def test_many_held_are_saved_one_by_one(self, north: Place) -> None:
        """Orders that were read together are saved with what changed on each; another writer in between is noticed."""
        made = [sales.order(north.ids, f"A-{number}", north.acme, north.birch) for number in range(2)]
        for order in made:
            add(north, order)
        with north.open() as uow:
            held = uow.orders.many([order.id for order in made], lock=True)
            changed = [evolve(order, vendor_orders=_released(held[order.id])) for order in made]
            for order in changed:
                uow.orders.save(order)
            uow.commit()
        assert [get(north, order) for order in made] == [evolve(order, version=2) for order in changed]
        assert raised(save, north, changed[0]) == "stale"

    def test_stale(self, north: Place) -> None:
        """An order that was changed since it was read is not saved, nor is one that was never added."""
        placed = sales.order(north.ids, "A-1", north.acme)
        add(north, placed)
        save(north, placed)
        assert raised(save, north, sales.afterlife(north.ids, placed)) == "stale"
        assert raised(save, north, sales.order(north.ids, "A-2", north.acme)) == "stale"
        assert get(north, placed) == evolve(placed, version=2)

    def test_references_are_unique_within_the_tenant(self, north: Place, south: Place) -> None:
        """A reference places one order; a neighbour may use the same one."""
        first = sales.order(north.ids, "A-1", north.acme)
        add(north, first)
        assert raised(add, north, sales.order(north.ids, "A-1", north.birch)) == "reference_taken"
        theirs = sales.order(south.ids, "A-1", south.acme)
        add(south, theirs)
        assert placed_as(north, "A-1", "A-2", "A-1") == {"A-1": Placed(first.id, "digest of A-1")}
        assert placed_as(south, "A-1") == {"A-1": Placed(theirs.id, "digest of A-1")}
        assert placed_as(north) == {}

    def test_one_of_many_placings_wins(self, north: Place) -> None:
        """Of many who place the same reference at once, exactly one does."""
        made = [sales.order(north.ids, "A-1", north.acme) for _ in range(4)]
        answers = at_once(lambda number: add(north, made[number]), times=4)
        assert codes(answers) == ["reference_taken"] * 3
        winner = made[[isinstance(answer, CityOSError) for answer in answers].index(False)]
        assert get(north, winner) == winner

    def test_pages_by_time_of_placing(self, north: Place) -> None:
        """Pages follow the time of placing, to the microsecond, whatever zone it was written in."""
        micro = timedelta(microseconds=1)
        steps = (-micro, 0 * micro, micro, 2 * micro, HOUR, HOUR, HOUR, 2 * HOUR)
        zones = itertools.cycle([AT.tzinfo, UTC])
        made: list[Order] = []
        for number, step in reversed(list(enumerate(steps))):
            at = (AT.replace(microsecond=0) + step).astimezone(next(zones))
            made.insert(0, sales.order(north.ids, f"A-{number}", north.acme, placed_at=at))
            add(north, made[0])
        for limit in (1, 2, 8, 100):
            found = pages(lambda request: north.see(lambda uow: uow.orders.page(OrderFilter(), request)), limit=limit)
            assert [order.placed_at for order in found] == [order.placed_at for order in made]
            assert sorted(found, key=lambda order: order.reference) == made

    def test_filters(self, north: Place) -> None:
        """Vendor, customer, store and time narrow the list, alone and together; a time's end is not part of it."""
        first = evolve(sales.order(north.ids, "1", north.acme, placed_at=AT, store=north.store.id), customer="c-1")
        both = evolve(sales.order(north.ids, "2", north.birch, north.acme, placed_at=AT + HOUR), customer="c-2")
        last = evolve(sales.order(north.ids, "3", north.birch, placed_at=LATER), customer="c-1")
        for order in (first, both, last):
            add(north, order)
        assert found(north, OrderFilter(vendor="acme")) == [first, both]
        assert found(north, OrderFilter(vendor="birch")) == [both, last]
        assert found(north, OrderFilter(vendor="nobody")) == []
        assert found(north, OrderFilter(customer="c-1")) == [first, last]
        assert found(north, OrderFilter(store=north.store.id)) == [first]
        assert found(north, OrderFilter(store=NodeId(nobody()))) == []
        assert found(north, OrderFilter(since=AT + HOUR)) == [both, last]
        assert found(north, OrderFilter(until=AT + HOUR)) == [first]
        assert found(north, OrderFilter(since=AT, until=LATER, vendor="acme", customer="c-2")) == [both]

    def test_what_is_still_to_be_sent(self, north: Place, south: Place) -> None:
        """A vendor's parts of orders are counted until all of one is sent, or it is cancelled."""
        for number, status in enumerate(VendorOrderStatus):
            order = sales.order(north.ids, f"A-{number}", north.acme, north.birch)
            mine, other = order.vendor_orders
            sent = evolve(other, status=VendorOrderStatus.FULFILLED)
            add(north, evolve(order, vendor_orders=(evolve(mine, status=status), sent)))
        assert north.see(lambda uow: uow.orders.to_send(north.acme.id)) == len(AWAITING)
        assert north.see(lambda uow: uow.orders.to_send(north.birch.id)) == 0
        assert south.see(lambda uow: uow.orders.to_send(north.acme.id)) == 0

    def test_due_earliest_first(self, north: Place) -> None:
        """Vendor orders whose release or reserve is due and not done are listed, earliest first, up to the limit."""
        order = sales.order(north.ids, "A-1", north.acme, north.birch)
        add(north, order)
        assert due(north, LATER) == []
        early, late = order.vendor_orders
        save(north, evolve(order, vendor_orders=(awaiting(early, AT + 2 * HOUR), awaiting(late, AT + HOUR))))
        assert due(north, AT) == []
        assert due(north, AT + HOUR) == [Due(order.id, late.id)]
        assert due(north, LATER) == [Due(order.id, late.id), Due(order.id, early.id)]
        assert due(north, LATER, limit=1) == [Due(order.id, late.id)]

    def test_released_is_no_longer_due_but_its_reserve_is(self, north: Place) -> None:
        """A released vendor order is due again when its reserve may go, until nothing is reserved."""
        order = sales.order(north.ids, "A-1", north.acme)
        add(north, order)
        released = evolve(awaiting(order.vendor_orders[0], AT), released_at=AT)
        save(north, evolve(order, vendor_orders=(released,)))
        assert due(north, LATER) == []
        reserved = evolve(released, reserved=5, reserve_due_at=AT + HOUR)
        save(north, evolve(order, vendor_orders=(reserved,), version=2))
        assert due(north, AT) == []
        assert due(north, AT + HOUR) == [Due(order.id, released.id)]
        save(north, evolve(order, vendor_orders=(evolve(reserved, reserved=0),), version=3))
        assert due(north, LATER) == []

    def test_parallel_refunds_of_a_held_order_follow_each_other(self, north: Place) -> None:
        """Refunds that hold the order see each other's work: none is lost."""
        order = sales.order(north.ids, "A-1", north.acme)
        add(north, order)
        refunds = [sales.refund(north.ids, order.lines[0], f"r-{number}") for number in range(4)]

        def refund(number: int) -> None:
            with north.open() as uow:
                held = uow.orders.get(order.id, lock=True)
                uow.orders.save(evolve(held, refunds=(*held.refunds, refunds[number])))
                uow.commit()

        assert codes(at_once(refund, times=4)) == []
        stored = get(north, order)
        assert sorted(refund.key for refund in stored.refunds) == [refund.key for refund in refunds]
        assert stored.version == 5

    def test_parallel_refunds_of_the_same_reading_exclude_each_other(self, north: Place) -> None:
        """Of refunds that started from the same reading of an order, exactly one is saved."""
        order = sales.order(north.ids, "A-1", north.acme)
        add(north, order)
        changed = [
            evolve(order, refunds=(sales.refund(north.ids, order.lines[0], f"r-{number}"),)) for number in range(4)
        ]
        assert codes(at_once(lambda number: save(north, changed[number]), times=4)) == ["stale"] * 3
        assert len(get(north, order).refunds) == 1

    def test_a_neighbours_order_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's order reads as none and cannot be written, held, listed or found due."""
        theirs = sales.order(south.ids, "A-1", south.acme)
        add(south, theirs)
        save(south, evolve(theirs, vendor_orders=(awaiting(theirs.vendor_orders[0], AT),)))
        stored = get(south, theirs)
        assert raised(get, north, theirs) == "order_not_found"
        assert raised(north.see, lambda uow: uow.orders.get(theirs.id, lock=True)) == "order_not_found"
        assert raised(north.see, lambda uow: uow.orders.get(OrderId(nobody()))) == "order_not_found"
        raised(save, north, evolve(stored, customer="mine"))
        raised(save, north, evolve(stored, customer="mine", tenant_id=north.id))
        assert found(north, OrderFilter()) == []
        assert due(north, LATER) == []
        assert get(south, theirs) == stored


def add(place: Place, order: Order) -> None:
    """Add an order."""
    place.do(lambda uow: uow.orders.add(order))


def save(place: Place, order: Order) -> None:
    """Save an order."""
    place.do(lambda uow: uow.orders.save(order))


def get(place: Place, order: Order) -> Order:
    """Read an order."""
    return place.see(lambda uow: uow.orders.get(order.id))


def found(place: Place, where: OrderFilter) -> list[Order]:
    """List orders."""
    return list(place.see(lambda uow: uow.orders.page(where, PageRequest())).items)


def placed_as(place: Place, *references: str) -> dict[str, Placed]:
    """Look references up."""
    return place.see(lambda uow: uow.orders.placed(references))


def due(place: Place, now: datetime, *, limit: int = 10) -> list[Due]:
    """List what is due."""
    return place.see(lambda uow: uow.orders.due(now, limit=limit))


def _released(order: Order) -> tuple[VendorOrder, ...]:
    first, *others = order.vendor_orders
    return evolve(first, released_at=AT, drawn=7), *others


def awaiting(part: VendorOrder, at: datetime) -> VendorOrder:
    """Give a vendor order that waits for its release."""
    return evolve(part, fulfilled_at=AT, release_due_at=at)
