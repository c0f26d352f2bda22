"""The contract of reported usage and of movements of recurring revenue."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction

from attrs import evolve

from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import LIMIT, Money
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.usage import UsageRecord, Used
from cityos_core.testing.contracts import subscribed
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.subscribed import DAY, HOUR, movement, usage
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, raised

UNSEEN = timedelta(microseconds=1)
SPAN = (AT, AT + DAY)


class UsageContract(Contract):
    """What was used: each report once, sums to the last fraction."""

    def test_round_trip(self, north: Place, south: Place) -> None:
        """Reports are found by their keys, their quantities exact; nobody else's are."""
        one, two = subscribed.subscribed(north, times=2)
        (theirs,) = subscribed.subscribed(south)
        quantities = ("1/3", "0", "0.0000001", f"{LIMIT - 1}", f"{10**40 + 1}/{10**40}")
        made = {f"k{number}": usage(one, f"k{number}", text) for number, text in enumerate(quantities)}
        made[WORDS] = evolve(usage(one, WORDS), is_late=False)
        add(north, *made.values())
        add(north, usage(two, "other"))
        add(south, usage(theirs, "k0", "7"))
        assert found(north, one.id, iter([*made, "k0", "other", "none"])) == made
        assert found(north, one.id, []) == found(north, theirs.id, ["k0"]) == {}

    def test_a_key_is_used_once(self, north: Place) -> None:
        """A report that is there is not stored again, nor anything that came with it; whoever is second is told."""
        one, two = subscribed.subscribed(north, times=2)
        add(north, usage(one))
        assert raised(add, north, usage(one, "new"), usage(one, "k", "5")) == "usage_recorded"
        assert found(north, one.id, ["k", "new"]) == {"k": usage(one)}
        add(north, usage(two))
        answers = at_once(lambda number: add(north, usage(one, "m", str(number))), times=4)
        assert codes(answers) == ["usage_recorded"] * 3
        north.do(lambda uow: uow.usage.add([]))

    def test_sums_are_exact(self, north: Place) -> None:
        """Thirds and tenths add up to the last fraction, however many there are and however large they get."""
        (one,) = subscribed.subscribed(north)
        quantities = ["1/3"] * 7 + ["0.1"] * 3 + ["1/7", f"{LIMIT - 1}", f"{LIMIT - 1}", f"1/{10**40}"]
        add(north, *(usage(one, str(number), text) for number, text in enumerate(quantities)))
        (used,) = sums(north, {one.id: [SPAN]})
        assert used.quantity == sum(map(Fraction, quantities))

    def test_sums_by_span_and_item(self, north: Place, south: Place) -> None:
        """A span has its start and not its end; what counts in several spans is in each; order is by span and item."""
        one, two = subscribed.subscribed(north, times=2)
        (theirs,) = subscribed.subscribed(south)
        steps = (-UNSEEN, timedelta(0), DAY - UNSEEN, DAY)
        add(north, *(usage(two, str(n), str(10**n), counts_at=AT + step) for n, step in enumerate(steps)))
        add(north, evolve(usage(two, "item", "5"), item="A"), usage(one, "k", "7", counts_at=AT + HOUR))
        add(south, usage(theirs, "k", "9"))
        before, whole = (AT - DAY, AT), (AT, AT + 2 * DAY)
        wanted = {
            two.id: [whole, SPAN, before, SPAN],
            one.id: [SPAN, before],
            theirs.id: [SPAN],
            SubscriptionId(nobody()): [SPAN],
        }
        assert sums(north, wanted) == [
            summed(one.id, SPAN, "use-0", 7),
            summed(two.id, before, "use-0", 1),
            summed(two.id, SPAN, "A", 5),
            summed(two.id, SPAN, "use-0", 110),
            summed(two.id, whole, "A", 5),
            summed(two.id, whole, "use-0", 1110),
        ]
        assert sums(north, {}) == sums(north, {one.id: []}) == []

    def test_late_reports(self, north: Place, south: Place) -> None:
        """The instants of late reports are told, each once, until they are settled; nobody else's are touched."""
        one, two, three = subscribed.subscribed(north, times=3)
        (theirs,) = subscribed.subscribed(south)
        for place, of in ((north, one), (north, two), (south, theirs)):
            add(
                place,
                usage(of, "later", counts_at=AT + HOUR),
                usage(of, "a"),
                usage(of, "b"),
                evolve(usage(of, "in time", counts_at=AT - HOUR), is_late=False),
            )
        some = [one.id, three.id, theirs.id, SubscriptionId(nobody())]
        assert unbilled(north, iter(some)) == {one.id: [AT, AT + HOUR]}
        assert unbilled(north, []) == {}
        assert [settle(north, some), settle(north, some), settle(north, [])] == [3, 0, 0]
        assert unbilled(north, [one.id, two.id]) == {two.id: [AT, AT + HOUR]}
        assert unbilled(south, [theirs.id]) == {theirs.id: [AT, AT + HOUR]}
        assert found(north, one.id, ["a"]) == {"a": evolve(usage(one, "a"), is_late=False)}

    def test_a_neighbours_usage_cannot_be_written(self, north: Place, south: Place) -> None:
        """Nothing is reported in another tenant's name."""
        (theirs,) = subscribed.subscribed(south)
        assert raised(add, north, usage(theirs)) == "foreign_tenant"
        assert found(south, theirs.id, ["k"]) == {}


class MovementsContract(Contract):
    """The movements of one tenant's recurring revenue: they never change."""

    def test_appending(self, north: Place, south: Place) -> None:
        """The latest movement of subscriptions is the one with the highest number; nobody else's is told."""
        one, two, three = subscribed.subscribed(north, times=3)
        (theirs,) = subscribed.subscribed(south)
        made = [movement(one), movement(one, 10, revenue=0), movement(one, 9), movement(two)]
        add_movements(north, *made)
        add_movements(south, movement(theirs))
        some = [one.id, two.id, two.id, three.id, theirs.id, SubscriptionId(nobody())]
        assert north.see(lambda uow: uow.movements.latest(iter(some))) == {one.id: made[1], two.id: made[3]}
        assert north.see(lambda uow: uow.movements.latest([])) == {}
        north.do(lambda uow: uow.movements.add([]))

    def test_a_number_is_used_once(self, north: Place) -> None:
        """A movement that is there is not written again, nor anything that came with it; whoever is second is told."""
        (one,) = subscribed.subscribed(north)
        add_movements(north, movement(one))
        assert raised(add_movements, north, movement(one, 1), movement(one, revenue=1)) == "movement_exists"
        assert until(north, LATER) == [movement(one)]
        answers = at_once(lambda number: add_movements(north, movement(one, 1, revenue=number)), times=4)
        assert codes(answers) == ["movement_exists"] * 3

    def test_until_an_instant(self, north: Place, south: Place) -> None:
        """Movements before an instant are listed by time, subscription and number; one currency can be asked for."""
        one, two = subscribed.subscribed(north, times=2)
        euros = evolve(movement(two, 3, at=AT), change=Money(1, "EUR"), revenue=Money(2, "EUR"))
        made = [
            movement(two, 2, at=AT - HOUR),
            movement(one, 0),
            movement(one, 1),
            movement(one, 10),
            movement(two, 0),
            euros,
            movement(one, 2, at=AT + HOUR),
        ]
        add_movements(north, *reversed(made))
        add_movements(south, *(movement(theirs) for theirs in subscribed.subscribed(south)))
        assert until(north, LATER) == made
        assert until(north, AT + HOUR) == made[:6]
        assert until(north, AT) == made[:1]
        assert until(north, LATER, currency="EUR") == [euros]
        assert until(north, LATER, currency="KWD") == [one for one in made if one != euros]
        assert until(north, AT, currency="EUR") == []

    def test_a_neighbours_movement_cannot_be_written(self, north: Place, south: Place) -> None:
        """Nothing is written down in another tenant's name."""
        (theirs,) = subscribed.subscribed(south)
        assert raised(add_movements, north, movement(theirs)) == "foreign_tenant"
        assert until(south, LATER) == []


def add(place: Place, *records: UsageRecord) -> None:
    """Add reports."""
    place.do(lambda uow: uow.usage.add(records))


def found(place: Place, subscription: SubscriptionId, keys: Iterable[str]) -> dict[str, UsageRecord]:
    """Find reports."""
    return dict(place.see(lambda uow: uow.usage.find(subscription, keys)))


def sums(place: Place, spans: dict[SubscriptionId, list[tuple[datetime, datetime]]]) -> list[Used]:
    """Sum usage."""
    return place.see(lambda uow: uow.usage.sums(spans))


def summed(subscription: SubscriptionId, span: tuple[datetime, datetime], item: str, quantity: int) -> Used:
    """Say what was used of an item in a span."""
    return Used(subscription_id=subscription, start=span[0], end=span[1], item=item, quantity=Fraction(quantity))


def unbilled(place: Place, subscriptions: Iterable[SubscriptionId]) -> dict[SubscriptionId, list[datetime]]:
    """Tell the instants of late reports."""
    late = place.see(lambda uow: uow.usage.unbilled(subscriptions))
    return {subscription: list(instants) for subscription, instants in late.items()}


def settle(place: Place, subscriptions: list[SubscriptionId]) -> int:
    """Settle late reports."""
    return place.do(lambda uow: uow.usage.settle(subscriptions))


def add_movements(place: Place, *movements: Movement) -> None:
    """Append movements."""
    place.do(lambda uow: uow.movements.add(movements))


def until(place: Place, before: datetime, *, currency: str | None = None) -> list[Movement]:
    """List movements."""
    return place.see(lambda uow: uow.movements.until(before, currency=currency))
