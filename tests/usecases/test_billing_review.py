"""Where rules of billing meet: usage and changes of price, catching up and changes that wait, unpaid and what waits."""

from datetime import timedelta
from fractions import Fraction

import pytest

from cityos_adapters.memory.gateway import Decline
from cityos_core.kernel.tiers import PricingMode, Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, DunningPolicy, PlanItem
from core.subscriptions.samples import fixed, metered, seats
from usecases.cashier import Cashier


def calls(price: int | Fraction) -> PlanItem:
    """Make an item that costs so much a unit."""
    return metered(Tier(unit=Fraction(price)))


def opened(*items: PlanItem, **terms: object) -> tuple[Cashier, Subscription]:
    """Sell a plan, and let Ada have it."""
    cashier = Cashier.open()
    cashier.sell(*(items or (fixed(),)), **terms)
    return cashier, cashier.join(quantities={"seats": 1} if any(item.key == "seats" for item in items) else {})


def use(cashier: Cashier, who: Subscription, quantity: int, *, days_ago: int = 0) -> None:
    """Use something."""
    used_at = cashier.now - timedelta(days=days_ago)
    key = f"{cashier.now.isoformat()} {days_ago}"
    cashier.club.do("record_usage", who, [(key, "calls", quantity, used_at)])


def usage(cashier: Cashier) -> list[tuple[str, str]]:
    """List what was charged for usage."""
    lines = [line for one in cashier.invoices() for line in one.lines if line.item == "calls"]
    return [(str(line.quantity), f"{line.gross / 100:.2f}") for line in lines if line.quantity]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(1, 2, ["100.00", "200.00"]), (2, 1, ["200.00", "100.00"])],
)
@pytest.mark.parametrize("mode", [PricingMode.GRADUATED, PricingMode.VOLUME])
def test_usage_costs_what_it_cost_when_it_was_used(
    before: int, after: int, expected: list[str], mode: PricingMode
) -> None:
    """A new price within a period holds from then on: what was used before is billed with the change, and only once."""
    cashier, ada = opened(fixed(), metered(Tier(unit=Fraction(before)), mode=mode))
    cashier.sell(fixed(), metered(Tier(unit=Fraction(after)), mode=mode), handle="new")
    cashier.wait(days=5)
    use(cashier, ada, 100)
    cashier.club.do("change", ada, plan="new")
    cashier.wait(days=5)
    use(cashier, ada, 100)
    cashier.wait(days=21)
    cashier.run()
    assert [amount for _, amount in usage(cashier)] == expected
    cashier.audit()


def test_usage_stays_together_where_its_price_stays() -> None:
    """Other seats do not cut a period's usage in two, which volume bands would make dearer; a change of nothing costs nothing."""
    bands = Tier(up_to=Fraction(100), unit=Fraction(1)), Tier(unit=Fraction(1, 20))
    cashier, ada = opened(seats(), metered(*bands, mode=PricingMode.VOLUME))
    cashier.wait(days=5)
    use(cashier, ada, 100)
    cashier.club.do("change", ada, quantities={"seats": 2})
    count = len(cashier.invoices())
    cashier.club.do("change", ada, quantities={"seats": 2})
    assert len(cashier.invoices()) == count
    cashier.wait(days=5)
    use(cashier, ada, 900)
    cashier.wait(days=21)
    cashier.run()
    assert usage(cashier) == [("1000", "50.00")]
    cashier.audit()


def test_usage_that_comes_after_the_price_changed() -> None:
    """Reported late, usage costs what it adds at the price that holds now; what was billed is not priced again."""
    cashier, ada = opened(fixed(), calls(Fraction(1, 10)))
    cashier.sell(fixed(), calls(1), handle="new")
    use(cashier, ada, 100)
    cashier.club.do("change", ada, plan="new", when="period_end")
    cashier.wait(days=31)
    cashier.run()
    use(cashier, ada, 10, days_ago=20)
    cashier.wait(days=31)
    cashier.run()
    assert usage(cashier) == [("100", "10.00"), ("10", "10.00")]
    cashier.audit()


@pytest.mark.parametrize("policy", [CatchUp.FORGIVE, CatchUp.BILL_CURRENT])
def test_what_was_left_out_stays_left_out(policy: CatchUp) -> None:
    """Usage of a period that was left out is not billed because some more of it is reported."""
    cashier, ada = opened(fixed(), calls(1), catch_up=policy)
    cashier.wait(days=40)
    use(cashier, ada, 100)
    cashier.wait(days=70)
    cashier.run()
    use(cashier, ada, 1, days_ago=70)
    cashier.wait(days=31)
    cashier.run()
    assert usage(cashier) == []
    cashier.audit()


@pytest.mark.parametrize(
    ("policy", "totals"),
    [
        (CatchUp.BILL_EACH, ["40.00"] * 5),
        (CatchUp.BILL_CURRENT, ["40.00"]),
        (CatchUp.MERGE, ["200.00"]),
        (CatchUp.FORGIVE, []),
        (CatchUp.HALT, []),
    ],
)
def test_catching_up_over_a_change_that_waits(policy: CatchUp, totals: list[str]) -> None:
    """The plan that a subscription changed to says what becomes of all cycles that began since, the first included."""
    cashier, ada = opened()
    cashier.sell(fixed("40.00"), handle="new", catch_up=policy)
    cashier.club.do("change", ada, plan="new", when="period_end")
    cashier.wait(days=31 * 5)
    found = cashier.run()
    assert cashier.club.totals(ada)[1:] == totals
    assert dict(found.failed) == ({"halted": 1} if policy is CatchUp.HALT else {})
    for row in cashier.failed():
        cashier.billing.retry_cycle(cashier.scope, row.subscription_id, row.index)
        cashier.run()
        assert cashier.club.totals(ada)[1:] == ["40.00"] * 5
    assert cashier.get(ada).scheduled is None
    cashier.audit()


@pytest.mark.parametrize("interval", [Interval.MONTH, Interval.WEEK])
@pytest.mark.parametrize("policy", CatchUp)
def test_usage_over_a_change_that_was_missed(policy: CatchUp, interval: Interval) -> None:
    """What is billed of usage is billed at the price under which it was used, whatever is left out or merged."""
    cashier, ada = opened(fixed(), calls(1))
    cashier.sell(fixed("40.00"), calls(2), handle="new", catch_up=policy, interval=interval)
    cashier.club.do("change", ada, plan="new", when="period_end")
    use(cashier, ada, 10)
    for _ in range(5):
        cashier.wait(days=31)
        use(cashier, ada, 10)
    cashier.run()
    billed = usage(cashier)
    assert set(billed) <= {("10", "10.00"), ("10", "20.00")}
    assert billed.count(("10", "10.00")) == (policy in (CatchUp.BILL_EACH, CatchUp.MERGE))
    cashier.audit()


@pytest.mark.parametrize("days", [3, 40])
def test_what_was_canceled_and_is_paid_late_is_not_billed_on(days: int) -> None:
    """Canceled at the period's end and unpaid meanwhile: paid before, it goes on until then; paid after, it has ended."""
    cashier, ada = opened(dunning=DunningPolicy(days=(1,)))
    unpaid_then = cashier.now + timedelta(days=59)
    cashier.gateway.script(Decline(), Decline())
    cashier.wait(days=31)
    cashier.run()
    cashier.club.do("cancel", ada, reason="moving", at_period_end=True)
    cashier.wait(days=1)
    cashier.retry()
    assert cashier.status(ada) == "unpaid"
    cashier.wait(days=days)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices()[-1].id)
    assert cashier.status(ada) == ("active" if days == 3 else "canceled")
    cashier.wait(days=60)
    cashier.run()
    assert (cashier.status(ada), cashier.get(ada).ended_at) == ("canceled", unpaid_then)
    assert cashier.club.totals(ada) == ["30.00", "30.00"]
    assert [one.kind.value for one in cashier.club.movements()].count("reactivation") == (days == 3)
    cashier.audit()


@pytest.mark.parametrize(("interval", "rest"), [(Interval.MONTH, "5.16"), (Interval.WEEK, "8.57")])
def test_a_change_that_waited_while_it_was_unpaid_has_arrived(interval: Interval, rest: str) -> None:
    """Paid long after the boundary of a scheduled change, the rest of the running period is one of the new plan's."""
    cashier, ada = opened(dunning=DunningPolicy(days=(1,)))
    cashier.sell(fixed("10.00"), handle="new", interval=interval)
    cashier.gateway.script(Decline(), Decline())
    cashier.wait(days=31)
    cashier.run()
    cashier.club.do("change", ada, plan="new", when="period_end")
    cashier.wait(days=1)
    cashier.retry()
    cashier.wait(days=42)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices()[-1].id)
    assert cashier.club.totals(ada) == ["30.00", "30.00", rest]
    assert (cashier.status(ada), cashier.get(ada).scheduled) == ("active", None)
    cashier.audit()


def test_another_method_where_the_plan_has_no_days_any_more() -> None:
    """Changed to a plan that does not retry, one that waits for another payment method is tried once with it."""
    cashier, ada = opened()
    cashier.sell(handle="new", dunning=DunningPolicy(days=()))
    cashier.gateway.script(Decline(DeclineClass.HARD))
    cashier.wait(days=31)
    cashier.run()
    cashier.club.do("change", ada, plan="new")
    cashier.club.do("change_method", ada, "pm_2")
    assert cashier.retry().retried == 1
    assert cashier.status(ada) == "active"
    cashier.audit()


def test_usage_of_periods_that_rested_is_not_billed_later() -> None:
    """What is dated in a period that was paused as a whole is never billed, also when it is reported after the pause."""
    cashier, ada = opened(fixed(), calls(1))
    cashier.wait(days=5)
    cashier.club.do("pause", ada)
    cashier.wait(days=75)
    cashier.club.do("resume", ada)
    assert cashier.states(ada) == ["paid", "skipped", "paid", "upcoming"]
    use(cashier, ada, 50, days_ago=30)
    cashier.wait(days=31)
    cashier.run()
    assert usage(cashier) == []
    cashier.audit()


def test_usage_at_the_instant_of_a_change_is_billed_once() -> None:
    """Where another interval cuts a period short, what is used at that very instant belongs to the period that begins."""
    cashier, ada = opened(fixed(), calls(1))
    cashier.sell(fixed("7.00"), calls(1), handle="weekly", interval=Interval.WEEK)
    cashier.wait(days=5)
    use(cashier, ada, 10, days_ago=1)
    use(cashier, ada, 20)
    cashier.club.do("change", ada, plan="weekly")
    use(cashier, ada, 3, days_ago=2)
    cashier.wait(days=7)
    cashier.run()
    assert usage(cashier) == [("10", "10.00"), ("20", "20.00"), ("3", "3.00")]
    cashier.audit()


def test_now_is_now_in_plain_text_too() -> None:
    """Whoever writes the word instead of the member has the change at once, and not at the period's end."""
    cashier, ada = opened()
    new = cashier.sell(fixed("60.00"), handle="new")
    done = cashier.club.do("change", ada, plan="new", when="now")
    assert (done.plan_id, done.scheduled) == (new.id, None)
