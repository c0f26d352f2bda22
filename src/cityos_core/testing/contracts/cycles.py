"""The contract of billing cycles and billing runs."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from cityos_core.kernel.ids import BillingRunId, InvoiceId, SubscriptionId
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle, Claim, CycleStatus
from cityos_core.testing.contracts import subscribed
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import DAY, HOUR, LEASE, cycle, upcoming
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

SECOND = timedelta(seconds=1)
UNSEEN = timedelta(microseconds=1)


class CyclesContract(Contract):
    """The cycles of one tenant: one for each period of a subscription, each claimed by one worker at a time."""

    def test_round_trip(self, north: Place) -> None:
        """Cycles come back with who works on them, and without what is not known."""
        one, two = subscribed.subscribed(north, times=2)
        made = [cycle(one), upcoming(one, 1, due_at=None), evolve(cycle(two, 7), due_at=None)]
        add(north, *reversed(made))
        assert of(north, [one.id, two.id]) == made

    def test_a_period_has_one_cycle(self, north: Place) -> None:
        """A cycle that is there is not stored again, nor anything that came with it; whoever is second is told."""
        (one,) = subscribed.subscribed(north)
        made = upcoming(one)
        add(north, made)
        assert raised(add, north, upcoming(one, 1), evolve(made, reason="again")) == "cycle_exists"
        assert of(north, [one.id]) == [made]
        answers = at_once(lambda number: add(north, upcoming(one, 2, due_at=AT + number * HOUR)), times=4)
        assert codes(answers) == ["cycle_exists"] * 3
        north.do(lambda uow: uow.cycles.add([]))

    def test_saving_many_counts_versions(self, north: Place) -> None:
        """Saved cycles are one version up; if one of them is stale, none is stored."""
        one, two = subscribed.subscribed(north, times=2)
        made = [upcoming(one), upcoming(one, 1), upcoming(two)]
        add(north, *made)
        changed = [evolve(cycle(one), version=1), evolve(made[2], status=CycleStatus.FAILED, reason="halted")]
        save(north, *changed)
        assert of(north, [one.id, two.id]) == [
            evolve(changed[0], version=2),
            made[1],
            evolve(changed[1], version=2),
        ]
        assert raised(save, north, evolve(made[1], reason="x"), made[0]) == "stale"
        assert raised(save, north, evolve(made[1], reason="x"), upcoming(two, 9)) == "stale"
        assert of(north, [one.id])[1] == made[1]
        north.do(lambda uow: uow.cycles.save([]))

    def test_one_of_many_writers_is_first(self, north: Place) -> None:
        """Of those who save the same cycles at once, one does; the others are told that theirs are stale."""
        made = [upcoming(one) for one in subscribed.subscribed(north, times=3)]
        add(north, *made)
        answers = at_once(lambda number: save(north, *(evolve(one, reason=str(number)) for one in made)), times=4)
        assert codes(answers) == ["stale"] * 3

    def test_claiming_what_is_due(self, north: Place) -> None:
        """Cycles that are due are taken, longest due first, up to a limit, and are stored as they are given."""
        some = subscribed.subscribed(north, times=6)
        steps = (HOUR, timedelta(0), -HOUR, UNSEEN, -UNSEEN, None)
        made = [
            upcoming(one, 3, due_at=None if step is None else AT + step) for one, step in zip(some, steps, strict=True)
        ]
        add(north, *made)
        due = [made[2], made[4], made[1]]
        expected = [evolve(one.claimed("w1", now=AT, lease=LEASE), version=2) for one in due]
        assert claim(north, "w1", limit=2) == expected[:2]
        assert claim(north, "w2") == [evolve(made[1].claimed("w2", now=AT, lease=LEASE), version=2)]
        assert claim(north, "w3") == []
        assert of(north, [due[0].subscription_id, due[1].subscription_id]) == sorted(
            expected[:2], key=lambda one: one.subscription_id
        )
        save(north, expected[0].released())
        assert [one.version for one in claim(north, "w3")] == [4]

    @pytest.mark.parametrize("status", sorted(set(CycleStatus) - {CycleStatus.UPCOMING, CycleStatus.PROCESSING}))
    def test_what_is_done_is_not_claimed(self, north: Place, status: CycleStatus) -> None:
        """A cycle in any other state than upcoming or processing is nobody's to take, whatever else it says."""
        (one,) = subscribed.subscribed(north)
        add(north, evolve(upcoming(one), status=status))
        assert claim(north, "w1", now=LATER) == []

    def test_a_lease_is_respected_until_it_ends(self, north: Place) -> None:
        """A claimed cycle is left alone while its lease holds; from the instant it ends another worker takes it over."""
        one, two = subscribed.subscribed(north, times=2)
        add(north, upcoming(one), upcoming(two, due_at=AT + HOUR))
        (first,) = claim(north, "w1")
        assert claim(north, "w2", now=AT + LEASE - UNSEEN) == []
        (taken,) = claim(north, "w2", now=AT + LEASE)
        assert taken == evolve(first, claim=Claim(worker="w2", until=AT + LEASE + LEASE), version=3)
        assert raised(save, north, first.invoiced(InvoiceId(nobody()))) == "stale"
        assert [found.subscription_id for found in claim(north, "w3", now=AT + HOUR)] == [one.id, two.id]

    def test_one_cycle_of_a_subscription(self, north: Place) -> None:
        """Of a subscription the longest due cycle is taken, and no other before it is done or its lease ended."""
        one, two = subscribed.subscribed(north, times=2)
        made = [upcoming(one, index, due_at=AT - index * HOUR) for index in (1, 2, 3)]
        add(north, *made, upcoming(two, due_at=AT))
        first, other = claim(north, "w1")
        assert [(found.subscription_id, found.index) for found in (first, other)] == [(one.id, 3), (two.id, 0)]
        assert claim(north, "w2") == []
        save(north, first.invoiced(InvoiceId(nobody())))
        assert [found.index for found in claim(north, "w2")] == [2]
        assert [found.index for found in claim(north, "w3", now=AT + LEASE, limit=1)] == [2]
        same = [upcoming(two, index, due_at=AT) for index in (9, 8)]
        save(north, other.invoiced(InvoiceId(nobody())))
        add(north, *same)
        assert [found.index for found in claim(north, "w4", now=AT + LEASE)] == [8]

    def test_no_two_workers_claim_the_same(self, north: Place) -> None:
        """Workers who claim at the same moment take different subscriptions, and in the end all of them."""
        some = subscribed.subscribed(north, times=12)
        add(north, *(upcoming(one, index, due_at=AT - index * HOUR) for one in some for index in (0, 1)))
        answers = at_once(lambda number: claim(north, f"w{number}", limit=4), times=4)
        assert codes(answers) == []
        taken = [found.subscription_id for answer in answers if isinstance(answer, list) for found in answer]
        taken += [found.subscription_id for found in claim(north, "last")]
        assert sorted(taken) == [one.id for one in some]

    def test_a_claim_that_is_not_committed_never_was(self, north: Place) -> None:
        """What a worker claimed without a commit is there for the next one."""
        (one,) = subscribed.subscribed(north)
        add(north, upcoming(one))
        with north.open() as uow:
            assert len(uow.cycles.claim("w1", AT, lease=LEASE, limit=9)) == 1
        assert [found.version for found in claim(north, "w2")] == [2]

    def test_of_subscriptions(self, north: Place, south: Place) -> None:
        """Cycles are listed by subscription and index, all of them or the last few of each."""
        one, two, three = subscribed.subscribed(north, times=3)
        (theirs,) = subscribed.subscribed(south)
        made = [upcoming(two, index) for index in (0, 1, 4, 7)] + [upcoming(three, 0)]
        add(north, *reversed(made), upcoming(one))
        add(south, upcoming(theirs))
        wanted = [three.id, two.id, two.id, theirs.id, SubscriptionId(nobody())]
        assert of(north, iter(wanted)) == made
        assert of(north, wanted, last=2) == [made[2], made[3], made[4]]
        assert of(north, iter(wanted), last=9) == made
        assert of(north, wanted, last=0) == []
        assert of(north, []) == of(north, [], last=1) == []

    def test_counts(self, north: Place, south: Place) -> None:
        """What had started is counted by state; what is upcoming only where it is due."""
        one, two, three = subscribed.subscribed(north, times=3)
        add(north, cycle(one), evolve(cycle(one, 1), status=CycleStatus.PAID), cycle(two, 1))
        add(north, upcoming(one, 2), upcoming(two), upcoming(two, 3, due_at=AT + 9 * DAY), upcoming(three, due_at=None))
        add(south, *(upcoming(theirs) for theirs in subscribed.subscribed(south)))
        assert counted(north, AT - UNSEEN) == {}
        assert counted(north, AT) == {CycleStatus.PROCESSING: 1, CycleStatus.UPCOMING: 1}
        everything = {CycleStatus.PROCESSING: 2, CycleStatus.PAID: 1, CycleStatus.UPCOMING: 2}
        assert counted(north, AT + 3 * DAY) == everything
        assert counted(north, AT + 9 * DAY) == everything | {CycleStatus.UPCOMING: 3}

    def test_pages_by_start(self, north: Place, south: Place) -> None:
        """Pages follow the start, and within it subscription and index; one state can be asked for."""
        one, two = subscribed.subscribed(north, times=2)
        made = [cycle(one), cycle(two), upcoming(two, 2), *(evolve(cycle(one, n), starts_at=LATER) for n in (9, 10))]
        add(north, *reversed(made))
        add(south, *(upcoming(theirs) for theirs in subscribed.subscribed(south)))
        for limit in (1, 2, 100):
            found = pages(lambda request: north.see(lambda uow: uow.cycles.page(None, request)), limit=limit)
            assert found == made
        request = PageRequest()
        assert north.see(lambda uow: uow.cycles.page(CycleStatus.UPCOMING, request)).items == (made[2],)
        assert north.see(lambda uow: uow.cycles.page(CycleStatus.FAILED, request)).items == ()

    def test_a_neighbours_cycle_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's cycle reads as none, is never claimed and cannot be written, under either tenant's name."""
        (theirs,) = subscribed.subscribed(south)
        made = upcoming(theirs)
        add(south, made)
        assert claim(north, "w1", now=LATER) == []
        assert of(north, [theirs.id]) == of(north, [theirs.id], last=1) == []
        raised(save, north, evolve(made, reason="mine"))
        raised(save, north, evolve(made, reason="mine", tenant_id=north.id))
        raised(add, north, upcoming(theirs, 1))
        assert of(south, [theirs.id]) == [made]


class BillingRunsContract(Contract):
    """The billing runs of one tenant, newest first."""

    def test_round_trip_and_pages(self, north: Place, south: Place) -> None:
        """Runs come back with their certificates, the latest begun first; a neighbour's are out of reach."""
        made = [
            evolve(subscribed.billing_run(north), started_at=AT + step)
            for step in (2 * HOUR, HOUR, 3 * HOUR, timedelta(0))
        ]
        theirs = subscribed.billing_run(south)
        south.do(lambda uow: uow.billing_runs.add(theirs))
        for run in made:
            add_run(north, run)
        assert north.see(lambda uow: uow.billing_runs.get(made[0].id)) == made[0]
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.billing_runs.page(request)), limit=limit)
            assert found == [made[2], made[0], made[1], made[3]]
        for unknown in (theirs.id, BillingRunId(nobody())):
            assert raised(read_run, north, unknown) == "billing_run_not_found"
        raised(add_run, north, subscribed.billing_run(south))
        assert south.see(lambda uow: uow.billing_runs.page(PageRequest())).items == (theirs,)


def add(place: Place, *cycles: BillingCycle) -> None:
    """Add cycles."""
    place.do(lambda uow: uow.cycles.add(cycles))


def save(place: Place, *cycles: BillingCycle) -> None:
    """Save cycles."""
    place.do(lambda uow: uow.cycles.save(cycles))


def claim(place: Place, worker: str, *, now: datetime = AT, limit: int = 100) -> list[BillingCycle]:
    """Claim cycles."""
    return place.do(lambda uow: uow.cycles.claim(worker, now, lease=LEASE, limit=limit))


def of(place: Place, wanted: Iterable[SubscriptionId], *, last: int | None = None) -> list[BillingCycle]:
    """List the cycles of subscriptions."""
    return place.see(lambda uow: uow.cycles.of(wanted, last=last))


def counted(place: Place, now: datetime) -> dict[CycleStatus, int]:
    """Count cycles."""
    return dict(place.see(lambda uow: uow.cycles.counts(now)))


def add_run(place: Place, run: BillingRun) -> None:
    """Add a billing run."""
    place.do(lambda uow: uow.billing_runs.add(run))


def read_run(place: Place, run_id: BillingRunId) -> BillingRun:
    """Read a billing run."""
    return place.see(lambda uow: uow.billing_runs.get(run_id))
