"""The contract of payouts, batches and payables."""

from datetime import timedelta

from attrs import evolve

from cityos_core.kernel.ids import BatchId, PayoutId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.ledger.model import vendor_account
from cityos_core.payouts.model import Payout, PayoutBatch, PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.testing.contracts import examples
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.journals import gateway, post
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised
from cityos_core.vendors.model import Vendor

HOUR = timedelta(hours=1)


class PayoutsContract(Contract):
    """Payouts of one tenant with their attempts: oldest first, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A payout comes back with its attempts in order, its batch, and the one it repeats."""
        batch = batched(north)
        first = paid_to(north, north.acme, batch)
        second = evolve(paid_to(north, north.acme, batch), retries=first.id)
        bare = evolve(
            paid_to(north, north.birch),
            attempts=(),
            reason=None,
            next_attempt_at=None,
            approved_account=None,
            settled_at=None,
            status=PayoutStatus.PENDING,
        )
        north.do(lambda uow: uow.payouts.add([first, second, bare]))
        for payout in (first, second, bare):
            assert get(north, payout) == payout

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved payout is one version up, attempts that changed and new ones included; the one read before is stale."""
        payout = added(north, paid_to(north, north.acme))
        first, second = payout.attempts
        changed = evolve(
            payout,
            status=PayoutStatus.PAID,
            reason=None,
            attempts=(
                first,
                evolve(second, outcome="paid", reference="tr_2", finished_at=LATER),
                evolve(second, number=3, key=f"{payout.id}:3"),
            ),
            next_attempt_at=None,
            approved_account=None,
            settled_at=AT,
        )
        save(north, changed)
        assert get(north, payout) == evolve(changed, version=2)
        assert raised(save, north, payout) == "stale"
        assert raised(save, north, paid_to(north, north.acme)) == "stale"

    def test_one_of_many_workers_submits(self, north: Place) -> None:
        """Of workers that take the same payout at once, exactly one does; the others are told that theirs is stale."""
        payout = added(north, evolve(paid_to(north, north.acme), status=PayoutStatus.PENDING))
        taken = evolve(payout, status=PayoutStatus.PROCESSING)

        def submit(number: int) -> None:
            save(north, evolve(taken, next_attempt_at=AT + number * HOUR))

        assert codes(at_once(submit, times=5)) == ["stale"] * 4
        assert get(north, payout).version == 2

    def test_pages_oldest_first(self, north: Place) -> None:
        """Pages follow the time of creation, whatever the order of adding and the size."""
        steps = (2 * HOUR, HOUR, HOUR, timedelta(microseconds=1), timedelta(0))
        made = [evolve(paid_to(north, north.acme), created_at=AT + step) for step in steps]
        north.do(lambda uow: uow.payouts.add(made))
        made.reverse()
        for limit in (1, 2, 5, 100):
            found = pages(lambda request: north.see(lambda uow: uow.payouts.page(PayoutFilter(), request)), limit=limit)
            assert [payout.created_at for payout in found] == [payout.created_at for payout in made]
            assert {payout.id for payout in found} == {payout.id for payout in made}

    def test_filters(self, north: Place) -> None:
        """Vendor, status and batch narrow the list, alone and together."""
        batch = batched(north)
        first = added(north, paid_to(north, north.acme, batch))
        second = added(north, evolve(paid_to(north, north.birch, batch), created_at=AT + HOUR))
        third = added(north, evolve(paid_to(north, north.acme), status=PayoutStatus.PAID, created_at=AT + 2 * HOUR))
        assert listed(north, PayoutFilter()) == [first, second, third]
        assert listed(north, PayoutFilter(vendor="acme")) == [first, third]
        assert listed(north, PayoutFilter(status=PayoutStatus.PAID)) == [third]
        assert listed(north, PayoutFilter(batch=batch.id)) == [first, second]
        assert listed(north, PayoutFilter(vendor="acme", batch=batch.id, status=PayoutStatus.UNKNOWN)) == [first]
        assert listed(north, PayoutFilter(batch=BatchId(nobody()))) == []

    def test_due(self, north: Place) -> None:
        """Payouts whose next attempt has come are due, whatever their state, longest due first, up to a limit."""
        steps = (-2 * HOUR, -timedelta(microseconds=1), timedelta(0), timedelta(microseconds=1), HOUR, None)
        states = (PayoutStatus.PENDING, PayoutStatus.UNKNOWN, PayoutStatus.PROCESSING, *(PayoutStatus.PENDING,) * 3)
        made = [
            evolve(
                paid_to(north, north.acme),
                status=status,
                next_attempt_at=None if step is None else AT + step,
                created_at=AT - number * HOUR,
            )
            for number, (step, status) in enumerate(zip(steps, states, strict=True))
        ]
        north.do(lambda uow: uow.payouts.add(made[3:] + made[:3]))
        expected = [payout.id for payout in made[:3]]
        assert north.see(lambda uow: uow.payouts.due(AT, limit=100)) == expected
        assert north.see(lambda uow: uow.payouts.due(AT, limit=2)) == expected[:2]
        assert north.see(lambda uow: uow.payouts.due(AT - 3 * HOUR, limit=2)) == []

    def test_a_neighbours_payout_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's payout reads as none, is never due, and cannot be written."""
        theirs = added(south, paid_to(south, south.acme, batched(south)))
        assert raised(get, north, theirs) == "payout_not_found"
        assert raised(north.see, lambda uow: uow.payouts.get(PayoutId(nobody()))) == "payout_not_found"
        assert north.see(lambda uow: uow.payouts.due(LATER, limit=10)) == []
        assert listed(north, PayoutFilter()) == []
        raised(save, north, evolve(theirs, reason="mine"))
        raised(save, north, evolve(theirs, reason="mine", tenant_id=north.id))
        raised(added, north, evolve(theirs, id=PayoutId(north.ids.new())))
        assert listed(south, PayoutFilter()) == [theirs]


class BatchesContract(Contract):
    """Payout batches of one tenant, oldest first."""

    def test_round_trip_and_saving(self, north: Place) -> None:
        """A batch comes back with whom it left out, and with what the run added to it."""
        batch = batched(north)
        assert batches(north) == [batch]
        skipped = (*batch.skipped, evolve(batch.skipped[0], vendor="cedar"))
        more = evolve(batch, payouts=9, skipped=skipped, swept_at=None)
        north.do(lambda uow: uow.batches.save(more))
        assert batches(north) == [more]
        assert north.see(lambda uow: uow.batches.get(batch.id)) == more

    def test_pages_oldest_first(self, north: Place, south: Place) -> None:
        """Pages follow the time of creation; a neighbour's batches are not among them."""
        steps = (2 * HOUR, 0 * HOUR, HOUR)
        made = [evolve(examples.batch(BatchId(north.ids.new()), north.id), created_at=AT + step) for step in steps]
        for batch in made:
            add_batch(north, batch)
        batched(south)
        found = pages(lambda request: north.see(lambda uow: uow.batches.page(request)))
        assert found == [made[1], made[2], made[0]]

    def test_the_last_sweep(self, north: Place, south: Place) -> None:
        """The last sweep is the latest beginning of a run that saw everyone; a neighbour's does not count."""
        assert north.see(lambda uow: uow.batches.last_sweep()) is None
        for step, swept in ((2 * HOUR, AT + 3 * HOUR), (HOUR, AT + 9 * HOUR), (5 * HOUR, None)):
            batch = examples.batch(BatchId(north.ids.new()), north.id)
            add_batch(north, evolve(batch, created_at=AT + step, swept_at=swept))
        assert north.see(lambda uow: uow.batches.last_sweep()) == AT + 2 * HOUR
        assert south.see(lambda uow: uow.batches.last_sweep()) is None

    def test_a_neighbours_batch_is_out_of_reach(self, north: Place, south: Place) -> None:
        """A tenant cannot read or write another's batch, under either name."""
        theirs = batched(south)
        assert raised(north.see, lambda uow: uow.batches.get(theirs.id)) == "payout_batch_not_found"
        raised(north.do, lambda uow: uow.batches.save(evolve(theirs, payouts=99)))
        raised(north.do, lambda uow: uow.batches.save(evolve(theirs, payouts=99, tenant_id=north.id)))
        assert batches(south) == [theirs]
        assert batches(north) == []


class PayablesContract(Contract):
    """Who could be paid."""

    def test_who_has_money_available_or_a_debt(self, north: Place, south: Place) -> None:
        """Vendors with available money or a debt are listed per currency, in order, after a cursor, up to a limit."""
        assert payable(north) == []
        for place in (north, south):
            give(place, place.acme, "available", "KWD")
            give(place, place.acme, "available", "EUR")
            give(place, place.birch, "available", "EUR")
            give(place, place.birch, "debt", "EUR", amount=-100)
            give(place, place.birch, "debt", "USD", amount=-100)
            give(place, place.birch, "pending", "JPY")
            give(place, place.birch, "reserve", "CHF")
        acme, birch = str(north.acme.id), str(north.birch.id)
        everyone = sorted([(acme, "EUR"), (acme, "KWD"), (birch, "EUR"), (birch, "USD")])
        assert payable(north) == everyone
        assert payable(north, limit=2) == everyone[:2]
        for number, (vendor, currency) in enumerate(everyone):
            assert payable(north, after=f"{vendor}/{currency}") == everyone[number + 1 :]

    def test_what_a_vendor_holds(self, north: Place, south: Place) -> None:
        """A vendor's accounts are listed with what they hold, by account and currency; nobody else's are."""
        for place in (north, south):
            give(place, place.acme, "pending", "EUR", amount=70)
            give(place, place.acme, "available", "KWD")
            give(place, place.acme, "debt", "EUR", amount=-30)
            give(place, place.birch, "available", "EUR")
        held = north.see(lambda uow: uow.payables.of(north.acme.id))
        assert [(item.account.path.rpartition(":")[2], item.money) for item in held if item.money] == [
            ("available", Money(100, "KWD")),
            ("debt", Money(30, "EUR")),
            ("pending", Money(70, "EUR")),
        ]
        assert {item.account.tenant for item in held} == {north.id}
        prefix = f"vendor:{north.acme.id}:"
        assert held == north.see(lambda uow: uow.books.balances(prefix))
        assert north.see(lambda uow: uow.payables.of(south.acme.id)) == []

    def test_who_has_nothing_left(self, north: Place) -> None:
        """A vendor whose available money went, and whose debt was paid, is not listed."""
        give(north, north.acme, "available", "EUR")
        give(north, north.acme, "debt", "EUR", amount=-100)
        debt, available, paid = (
            vendor_account(north.id, north.acme.id, state, "EUR") for state in ("debt", "available", "in_payout")
        )
        post(north, "netted", {available: 40, debt: -40})
        assert payable(north) == [(str(north.acme.id), "EUR")]
        post(north, "paid", {available: 60, paid: -60})
        assert payable(north) == [(str(north.acme.id), "EUR")]
        post(north, "forgiven", {gateway(north): 60, debt: -60})
        assert payable(north) == []


def paid_to(place: Place, seller: Vendor, batch: PayoutBatch | None = None) -> Payout:
    """Build a payout."""
    payout = examples.payout(PayoutId(place.ids.new()), seller, batch_id=None if batch is None else batch.id)
    return evolve(payout, amount=Money(100, "EUR")) if seller.handle == "birch" else payout


def added(place: Place, payout: Payout) -> Payout:
    """Add a payout."""
    place.do(lambda uow: uow.payouts.add([payout]))
    return payout


def save(place: Place, payout: Payout) -> None:
    """Save a payout."""
    place.do(lambda uow: uow.payouts.save(payout))


def get(place: Place, payout: Payout) -> Payout:
    """Read a payout."""
    return place.see(lambda uow: uow.payouts.get(payout.id))


def listed(place: Place, where: PayoutFilter) -> list[Payout]:
    """List payouts."""
    return list(place.see(lambda uow: uow.payouts.page(where, PageRequest())).items)


def batched(place: Place) -> PayoutBatch:
    """Add a batch."""
    batch = examples.batch(BatchId(place.ids.new()), place.id)
    add_batch(place, batch)
    return batch


def add_batch(place: Place, batch: PayoutBatch) -> None:
    """Add one that was made before."""
    place.do(lambda uow: uow.batches.add(batch))


def batches(place: Place) -> list[PayoutBatch]:
    """List batches."""
    return list(place.see(lambda uow: uow.batches.page(PageRequest())).items)


def give(place: Place, seller: Vendor, state: str, currency: str, *, amount: int = 100) -> None:
    """Credit a vendor's account."""
    account = vendor_account(place.id, seller.id, state, currency)
    post(place, f"{seller.handle}-{state}-{currency}", {gateway(place, currency): amount, account: -amount})


def payable(place: Place, *, after: str | None = None, limit: int = 10) -> list[tuple[str, str]]:
    """List who could be paid."""
    return list(place.see(lambda uow: uow.payables.payable(after=after, limit=limit)))
