"""The contract of plans and subscriptions."""

from collections.abc import Iterable, Mapping

from attrs import evolve

from cityos_core.kernel.ids import PlanId, SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.testing.contracts import subscribed
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import COMPANY, HOUR
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised


class PlansContract(Contract):
    """The plans of one tenant: by handle, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A plan comes back with every kind of item, price and rule, by its id and by its handle."""
        full = added(north, subscribed.plan(north))
        bare = Plan(
            id=PlanId(north.ids.new()),
            tenant_id=north.id,
            handle="bare",
            name="",
            currency="JPY",
            items=full.items[2:3],
            created_at=AT,
        )
        added(north, bare)
        for made in (full, bare):
            assert read(north, made) == [made, made]

    def test_a_handle_is_used_once(self, north: Place, south: Place) -> None:
        """No two plans of a tenant have one handle, and the refused one leaves no trace; tenants do not share handles."""
        first = added(north, subscribed.plan(north))
        with north.open() as uow:
            assert raised(uow.plans.add, subscribed.plan(north)) == "handle_taken"
            assert uow.plans.named("gold") == first
            uow.plans.add(subscribed.plan(north, "silver"))
            uow.commit()
        assert added(south, subscribed.plan(south)).handle == "gold"
        assert [plan.handle for plan in every_plan(north)] == ["gold", "silver"]
        assert codes(at_once(lambda _: added(north, subscribed.plan(north, "new")), times=3)) == ["handle_taken"] * 2

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved plan is one version up; the one read before is stale, and so is one that was never added."""
        made = added(north, subscribed.plan(north))
        changed = evolve(made, name="Renamed", retired_at=None)
        save_plan(north, changed)
        assert every_plan(north) == [evolve(changed, version=2)]
        assert raised(save_plan, north, made) == "stale"
        assert raised(save_plan, north, subscribed.plan(north, "other")) == "stale"

    def test_many(self, north: Place, south: Place) -> None:
        """Those there are come back by their ids, nobody else's."""
        made = [added(north, subscribed.plan(north, handle)) for handle in ("one", "two", "three")]
        theirs = added(south, subscribed.plan(south))
        wanted = [made[0].id, made[2].id, made[2].id, theirs.id, PlanId(nobody())]
        assert north.see(lambda uow: uow.plans.many(iter(wanted))) == {plan.id: plan for plan in (made[0], made[2])}
        assert north.see(lambda uow: uow.plans.many([])) == {}

    def test_pages_by_handle(self, north: Place, south: Place) -> None:
        """Pages follow the handles by code point, whatever the order of adding and the size."""
        for handle in ("b", "a-1", "a", "a1", "c"):
            added(north, subscribed.plan(north, handle))
        added(south, subscribed.plan(south))
        for limit in (1, 2, 100):
            found = pages(lambda request: north.see(lambda uow: uow.plans.page(request)), limit=limit)
            assert [plan.handle for plan in found] == ["a", "a-1", "a1", "b", "c"]

    def test_a_neighbours_plan_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's plan reads as none and cannot be written, under either tenant's name."""
        theirs = added(south, subscribed.plan(south))
        assert raised(north.see, lambda uow: uow.plans.get(theirs.id)) == "plan_not_found"
        assert raised(north.see, lambda uow: uow.plans.named(theirs.handle)) == "plan_not_found"
        raised(save_plan, north, evolve(theirs, name="mine"))
        raised(save_plan, north, evolve(theirs, name="mine", tenant_id=north.id))
        raised(added, north, subscribed.plan(south, "new"))
        assert every_plan(south) == [theirs]


class SubscriptionsContract(Contract):
    """The subscriptions of one tenant: oldest first, optimistic versions, held on request."""

    def test_round_trip(self, north: Place) -> None:
        """A subscription comes back with everything that was agreed, and without what was not."""
        plan = added(north, subscribed.plan(north))
        full = subscribe(north, subscribed.subscription(north, plan))
        bare = subscribe(north, subscribed.bare(subscribed.subscription(north, plan)))
        for made in (full, bare):
            assert get(north, made) == made
            assert get(north, made, lock=True) == made

    def test_saving_many_counts_versions(self, north: Place) -> None:
        """Saved subscriptions are one version up; if one of them is stale, none is stored."""
        one, two, three = subscribed.subscribed(north, times=3)
        full = evolve(subscribed.subscription(north, subscribed.plan(north)), plan_id=one.plan_id)
        changed = [evolve(full, id=one.id), evolve(two, quantities={"seat": 2}, status=SubscriptionStatus.PAUSED)]
        save(north, *changed)
        assert [get(north, made) for made in (one, two)] == [evolve(made, version=2) for made in changed]
        assert raised(save, north, evolve(three, next_cycle=9), evolve(one, next_cycle=9)) == "stale"
        assert raised(save, north, evolve(three, next_cycle=9), subscribed.bare(evolve(full))) == "stale"
        assert get(north, three) == three
        north.do(lambda uow: uow.subscriptions.save([]))
        save(north, evolve(get(north, one), next_cycle=7))
        assert get(north, one).version == 3

    def test_one_of_many_writers_is_first(self, north: Place) -> None:
        """Of those who save the same subscriptions at once, one does; the others are told that theirs are stale."""
        made = subscribed.subscribed(north, times=3)
        answers = at_once(lambda number: save(north, *(evolve(one, next_cycle=number) for one in made)), times=4)
        assert codes(answers) == ["stale"] * 3
        assert len({get(north, one).next_cycle for one in made}) == 1

    def test_what_is_held_is_changed_one_after_the_other(self, north: Place) -> None:
        """Who holds subscriptions reads their latest version: counting up in many threads loses nothing."""
        made = subscribed.subscribed(north, times=3)

        def count(number: int) -> None:
            with north.open() as uow:
                wanted = [one.id for one in made]
                held = uow.subscriptions.many(wanted[::-1] if number % 2 else wanted, lock=True)
                last = uow.subscriptions.get(made[0].id, lock=True)
                assert last == held[last.id]
                uow.subscriptions.save([evolve(one, next_cycle=one.next_cycle + 1) for one in held.values()])
                uow.commit()

        assert codes(at_once(count, times=5)) == []
        assert [get(north, one).next_cycle for one in made] == [5] * 3

    def test_many(self, north: Place, south: Place) -> None:
        """Those there are come back by their ids, nobody else's, held or not."""
        made = subscribed.subscribed(north, times=3)
        (theirs,) = subscribed.subscribed(south)
        wanted = [made[0].id, made[2].id, made[2].id, theirs.id, SubscriptionId(nobody())]
        expected = {one.id: one for one in (made[0], made[2])}
        for lock in (False, True):
            assert some(north, iter(wanted), lock=lock) == expected
            assert some(north, [], lock=lock) == {}

    def test_pages_oldest_first_and_filters(self, north: Place, south: Place) -> None:
        """Pages follow the time of creation; status, subscriber and plan narrow them, alone and together."""
        silver = [evolve(one, created_at=AT + 9 * HOUR) for one in subscribed.subscribed(north, "silver")]
        gold = sorted(subscribed.subscribed(north, times=4), key=lambda one: one.created_at)
        subscribed.subscribed(south)
        company = subscribed.subscription(north, subscribed.plan(north)).subscriber
        gold[1] = evolve(gold[1], subscriber=company, status=SubscriptionStatus.UNPAID)
        gold[2] = evolve(gold[2], status=SubscriptionStatus.UNPAID)
        save(north, gold[1], gold[2], *silver)
        everyone = [gold[0], evolve(gold[1], version=2), evolve(gold[2], version=2), gold[3]]
        everyone += [evolve(one, version=2) for one in silver]
        for limit in (1, 2, 100):
            assert pages(lambda request: page(north, SubscriptionFilter(), request), limit=limit) == everyone
        assert listed(north, SubscriptionFilter(status=SubscriptionStatus.UNPAID)) == everyone[1:3]
        assert listed(north, SubscriptionFilter(subscriber=COMPANY)) == everyone[1:2]
        assert listed(north, SubscriptionFilter(plan=silver[0].plan_id)) == everyone[4:]
        whole = SubscriptionFilter(status=SubscriptionStatus.UNPAID, subscriber=COMPANY, plan=gold[1].plan_id)
        assert listed(north, whole) == everyone[1:2]
        assert listed(north, evolve(whole, plan=PlanId(nobody()))) == []

    def test_abandoned(self, north: Place, south: Place) -> None:
        """Incomplete ones that were created before an instant are listed oldest first, up to a limit."""
        made = sorted(subscribed.subscribed(north, times=5), key=lambda one: one.created_at)
        save(north, *(evolve(one, status=SubscriptionStatus.INCOMPLETE) for one in [*made[3:], *made[:2]]))
        save(south, *(evolve(one, status=SubscriptionStatus.INCOMPLETE) for one in subscribed.subscribed(south)))
        expected = [made[0].id, made[1].id, made[3].id]
        assert north.see(lambda uow: uow.subscriptions.abandoned(AT + 4 * HOUR, limit=9)) == expected
        assert north.see(lambda uow: uow.subscriptions.abandoned(LATER, limit=2)) == expected[:2]
        assert north.see(lambda uow: uow.subscriptions.abandoned(AT, limit=2)) == []

    def test_a_neighbours_subscription_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's subscription reads as none and cannot be written, under either tenant's name."""
        (theirs,) = subscribed.subscribed(south)
        (own,) = subscribed.subscribed(north)
        assert raised(get, north, theirs) == "subscription_not_found"
        assert raised(get, north, evolve(theirs, id=SubscriptionId(nobody()))) == "subscription_not_found"
        raised(save, north, evolve(theirs, next_cycle=9))
        raised(save, north, own, evolve(theirs, next_cycle=9, tenant_id=north.id))
        raised(subscribe, north, evolve(theirs, id=SubscriptionId(north.ids.new())))
        assert listed(south, SubscriptionFilter()) == [theirs]
        assert listed(north, SubscriptionFilter()) == [own]


def added(place: Place, plan: Plan) -> Plan:
    """Add a plan."""
    place.do(lambda uow: uow.plans.add(plan))
    return plan


def read(place: Place, plan: Plan) -> list[Plan]:
    """Read a plan by its id, and by its handle."""
    return place.see(lambda uow: [uow.plans.get(plan.id), uow.plans.named(plan.handle)])


def save_plan(place: Place, plan: Plan) -> None:
    """Save a plan."""
    place.do(lambda uow: uow.plans.save(plan))


def every_plan(place: Place) -> list[Plan]:
    """List the plans."""
    return list(place.see(lambda uow: uow.plans.page(PageRequest())).items)


def subscribe(place: Place, subscription: Subscription) -> Subscription:
    """Add a subscription."""
    place.do(lambda uow: uow.subscriptions.add(subscription))
    return subscription


def save(place: Place, *subscriptions: Subscription) -> None:
    """Save subscriptions."""
    place.do(lambda uow: uow.subscriptions.save(subscriptions))


def get(place: Place, subscription: Subscription, *, lock: bool = False) -> Subscription:
    """Read a subscription."""
    return place.see(lambda uow: uow.subscriptions.get(subscription.id, lock=lock))


def some(
    place: Place, wanted: Iterable[SubscriptionId], *, lock: bool = False
) -> Mapping[SubscriptionId, Subscription]:
    """Read several subscriptions."""
    return place.see(lambda uow: uow.subscriptions.many(wanted, lock=lock))


def page(place: Place, where: SubscriptionFilter, request: PageRequest) -> Page[Subscription]:
    """Read a page of subscriptions."""
    return place.see(lambda uow: uow.subscriptions.page(where, request))


def listed(place: Place, where: SubscriptionFilter) -> list[Subscription]:
    """List subscriptions."""
    return list(page(place, where, PageRequest()).items)
