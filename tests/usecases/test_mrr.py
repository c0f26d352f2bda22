"""Recurring revenue as it is reported: what counts, what moved it, and that its history never changes."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.growth import Standings
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.mrr import MovementKind
from cityos_core.subscriptions.plans import PlanItem
from cityos_core.subscriptions.terms import Discount, Subscriber, SubscriberKind
from cityos_core.subscriptions.wishes import When
from cityos_core.testing.clock import START
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.accounts import Accounts
from usecases.subscribing import CHARGED, KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S, K = SubscriptionStatus, MovementKind


def customer(name: str) -> Subscriber:
    """Name a customer."""
    return Subscriber(SubscriberKind.CUSTOMER, name)


def revenue(accounts: Accounts, at: datetime | None = None) -> str:
    """Tell what recurring revenue is, or was."""
    found = accounts.mrr.standings(accounts.scope, at)
    return found["EUR"].revenue.text if "EUR" in found else "0.00"


@pytest.mark.parametrize("kind", KINDS)
def test_a_week_is_a_part_of_a_month(kind: str, make_database: MakeDatabase) -> None:
    """50.00 a week counts 216.67 a month: one subscriber, twelve times as much a year."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("50.00"), metered(), interval=Interval.WEEK)
    accounts.club.begin(tax=VAT)
    found = accounts.mrr.standings(accounts.scope)
    assert found == {"EUR": Standings(revenue=Money(21667, "EUR"), subscriptions=1, subscribers=1)}
    assert (found["EUR"].annual.text, found["EUR"].per_subscriber.text) == ("2600.04", "216.67")


@pytest.mark.parametrize("kind", KINDS)
def test_the_movements_of_a_life(kind: str, make_database: MakeDatabase) -> None:
    """A trial counts nothing, a pause nothing, and one that is canceled at period end counts until then."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(seats("30.00"))
    begun = accounts.club.begin(quantities={"seats": 2}, trial_days=14)
    assert (revenue(accounts), accounts.mrr.movements(accounts.scope)) == ("0.00", [])
    accounts.bill(days=14)
    assert revenue(accounts) == "60.00"
    for action, words, expected in (
        ("change", {"quantities": {"seats": 5}}, "150.00"),
        ("change", {"quantities": {"seats": 1}}, "30.00"),
        ("pause", {}, "0.00"),
        ("resume", {}, "30.00"),
    ):
        accounts.wait(days=1)
        accounts.club.do(action, begun, **words)
        assert revenue(accounts) == expected
    accounts.club.do("cancel", begun, "enough", at_period_end=True)
    accounts.bill(days=26)
    assert revenue(accounts) == "30.00"
    accounts.bill(days=1)
    assert revenue(accounts) == "0.00"
    moved = accounts.mrr.movements(accounts.scope)
    assert [(one.kind, one.change.text) for one in moved] == [
        (K.NEW, "60.00"),
        (K.EXPANSION, "90.00"),
        (K.CONTRACTION, "-120.00"),
        (K.CHURN, "-30.00"),
        (K.REACTIVATION, "30.00"),
        (K.CHURN, "-30.00"),
    ]
    assert moved[-1].at == accounts.club.now


def test_unpaid_is_not_revenue() -> None:
    """Past due counts, for it is tried again; unpaid does not; paid after all it is back."""
    accounts = Accounts.open()
    accounts.club.sell()
    begun = accounts.club.begin(collection=CHARGED)
    accounts.gateway.script(*[Decline()] * 4)
    accounts.bill(days=31)
    assert (accounts.club.get(begun).status, revenue(accounts)) == (S.PAST_DUE, "30.00")
    for _ in range(7):
        accounts.wait(days=1)
        accounts.club.office.retry()
    assert (accounts.club.get(begun).status, revenue(accounts)) == (S.UNPAID, "0.00")
    accounts.club.subscriptions.pay(accounts.scope, accounts.invoice(2).id)
    assert revenue(accounts) == "30.00"
    kinds = [one.kind for one in accounts.mrr.movements(accounts.scope)]
    assert kinds == [K.NEW, K.CHURN, K.REACTIVATION]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_and_spans(kind: str, make_database: MakeDatabase) -> None:
    """A span has its first instant and not its last; an instant is asked about as it was before it; per currency."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell()
    accounts.club.sell(dollars("7.00"), handle="abroad", currency="USD")
    accounts.club.begin()
    start = accounts.club.now
    accounts.wait(days=1)
    accounts.club.begin("abroad", subscriber=customer("bob"))
    end = accounts.club.now

    def moved(**words: object) -> list[str]:
        return [str(one.change) for one in accounts.mrr.movements(accounts.scope, **words)]  # type: ignore[arg-type]

    assert moved() == ["30.00 EUR", "7.00 USD"]
    assert (moved(until=end), moved(since=end), moved(since=start, until=end)) == (
        ["30.00 EUR"], ["7.00 USD"], ["30.00 EUR"],
    )  # fmt: skip
    assert (moved(currency="USD"), moved(currency="JPY")) == (["7.00 USD"], [])
    assert list(accounts.mrr.standings(accounts.scope)) == ["EUR", "USD"]
    assert list(accounts.mrr.standings(accounts.scope, end)) == ["EUR"]
    assert accounts.mrr.standings(accounts.scope, start) == {}
    bridge = accounts.mrr.bridge(accounts.scope, start, end)["EUR"]
    assert (bridge.start.text, bridge.moved[K.NEW].text, bridge.end.text) == ("0.00", "30.00", "30.00")
    with pytest.raises(Invalid):
        accounts.mrr.bridge(accounts.scope, end, start)
    with pytest.raises(Invalid):
        accounts.mrr.cohorts(accounts.scope, "euro")


def dollars(price: str) -> PlanItem:
    """Make an item that is sold in dollars."""
    return PlanItem(key="base", name="Base", price=UnitPrice.of(price, "USD"))


@pytest.mark.parametrize("kind", KINDS)
def test_who_stays(kind: str, make_database: MakeDatabase) -> None:
    """Subscriptions are followed by the month in which they began where the tenant is."""
    accounts = Accounts.open(database=make_database(kind), time_zone="Pacific/Auckland")
    accounts.club.sell()
    first = accounts.club.begin()
    accounts.club.office.clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    accounts.club.begin(subscriber=customer("bob"))
    accounts.club.do("cancel", first, "enough", at_period_end=False)
    accounts.bill(days=40)
    january, february = accounts.mrr.cohorts(accounts.scope, "EUR")
    assert (january.month, january.retained) == (date(2026, 1, 1), (1, 0, 0))
    assert (february.month, february.retained) == (date(2026, 2, 1), (1, 1))
    assert [one.text for one in february.revenue] == ["30.00", "30.00"]
    (alone,) = accounts.mrr.cohorts(accounts.scope, "EUR", datetime(2026, 1, 20, tzinfo=UTC))
    assert alone.retained == (1,)


@frozen
class Year:
    """A year of ten subscribers who do everything that can be done, and what was reported on each of its days."""

    accounts: Accounts
    reported: dict[datetime, dict[str, Standings]]
    done: frozenset[str]


@cache
def year(seed: int) -> Year:
    """Live through a year."""
    chance, accounts, done = Random(seed), Accounts.open(time_zone="Europe/Berlin"), set[str]()
    accounts.club.sell(fixed("30.00"), seats("9.99"), metered())
    accounts.club.sell(seats("3.33"), handle="weekly", interval=Interval.WEEK)
    accounts.club.sell(fixed("1200.00"), handle="yearly", interval=Interval.YEAR, trial_days=30)
    accounts.club.sell(dollars("12.50"), handle="abroad", currency="USD", interval=Interval.QUARTER)
    subscriptions, reported = list[Subscription](), dict[datetime, dict[str, Standings]]()
    for day in range(365):
        accounts.bill(days=1, hours=chance.randrange(-6, 6))
        accounts.club.office.retry()
        if len(subscriptions) < 10 and day % 20 == 0:
            subscriptions.append(subscribe(accounts, chance, f"subscriber-{len(subscriptions) % 8}"))
        for one in subscriptions:
            if chance.random() < 0.06:
                done |= set(act(accounts, one, chance))
        accounts.gateway.script(chance.choice((Behaviour.APPROVE, Behaviour.APPROVE, Decline(), Behaviour.LOSE_ANSWER)))
        accounts.wait(minutes=1)
        reported[accounts.club.now] = accounts.mrr.standings(accounts.scope)
        accounts.wait(minutes=1)
    return Year(accounts, reported, frozenset(done))


def subscribe(accounts: Accounts, chance: Random, name: str) -> Subscription:
    """Let somebody subscribe to something."""
    plan = chance.choice(("basic", "weekly", "yearly", "abroad"))
    return accounts.club.begin(
        plan,
        subscriber=customer(name),
        quantities={"seats": 2} if plan in ("basic", "weekly") else {},
        discounts=[Discount(code="start", percentage=Percentage.of("10"), cycles=3)],
        **({"collection": CHARGED} if chance.random() < 0.7 else {}),
    )


def act(accounts: Accounts, one: Subscription, chance: Random) -> Iterator[str]:
    """Do something with a subscription, if it may be done; say what was done."""
    action = chance.choice(
        ("seats", "plan", "later", "pause", "resume", "cancel", "undo", "convert", "discount", "pay")
    )
    if chance.random() < 0.1:
        action = "end"
    try:
        match action:
            case "seats":
                accounts.club.do("change", one, quantities={"seats": chance.randrange(6)})
            case "plan":
                accounts.club.do("change", one, plan=chance.choice(("basic", "weekly", "yearly")))
            case "later":
                accounts.club.do("change", one, plan=chance.choice(("basic", "weekly")), when=When.PERIOD_END)
            case "cancel" | "end":
                accounts.club.do("cancel", one, "enough", at_period_end=action == "cancel")
            case "discount":
                percentage = Percentage.of(str(chance.randrange(1, 40)))
                accounts.club.do("add_discount", one, Discount(code=f"x{chance.random()}", percentage=percentage))
            case "pay":
                accounts.club.subscriptions.pay(accounts.scope, accounts.club.invoices(one)[-1].id)
            case _:
                accounts.club.do(action, one)
    except (CityOSError, IndexError):
        return
    yield action


SEEDS = st.sampled_from(range(3))
DAYS = st.integers(-1, 366)


@given(seed=SEEDS, first=DAYS, second=DAYS, hours=st.integers(0, 23))
def test_start_and_movements_are_the_end(seed: int, first: int, second: int, hours: int) -> None:
    """Between any two instants of a year, per currency; and both ends are what stood there."""
    lived = year(seed)
    start, end = (START + timedelta(days=day, hours=hours) for day in sorted((first, second)))
    mrr, scope = lived.accounts.mrr, lived.accounts.scope
    before, after = mrr.standings(scope, start), mrr.standings(scope, end)
    for currency, bridge in mrr.bridge(scope, start, end).items():
        zero = Money.zero(currency)
        assert bridge.start + sum(bridge.moved.values(), zero) == bridge.end
        assert bridge.start == (before[currency].revenue if currency in before else zero)
        assert bridge.end == (after[currency].revenue if currency in after else zero)
        assert bridge.subscribers == (before[currency].subscribers if currency in before else 0)
        assert 0 <= bridge.subscriber_churn <= 1


@pytest.mark.parametrize("seed", range(3))
def test_history_never_changes(seed: int) -> None:
    """What was reported on each day of a year is what is reported of it when the year is over."""
    lived = year(seed)
    assert len({str(found) for found in lived.reported.values()}) > 10
    for day, found in lived.reported.items():
        assert lived.accounts.mrr.standings(lived.accounts.scope, day) == found


def test_the_years_had_everything() -> None:
    """Each thing that can be done was done, and each kind of movement came of it."""
    years = [year(seed) for seed in range(3)]
    done = frozenset().union(*(lived.done for lived in years))
    assert done >= {"seats", "plan", "later", "pause", "resume", "cancel", "end", "undo", "discount", "pay"}
    kinds = {one.kind for lived in years for one in lived.accounts.mrr.movements(lived.accounts.scope)}
    assert kinds == set(K)
    for lived in years:
        lived.accounts.club.audit()


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_add_up(seed: int) -> None:
    """All cohorts together come to what stands at the end of the year."""
    lived = year(seed)
    now = lived.accounts.mrr.standings(lived.accounts.scope)
    for currency in ("EUR", "USD"):
        found = lived.accounts.mrr.cohorts(lived.accounts.scope, currency)
        last = sum((one.revenue[-1] for one in found), Money.zero(currency))
        assert last == (now[currency].revenue if currency in now else Money.zero(currency))
        assert sum(one.retained[-1] for one in found) == (now[currency].subscriptions if currency in now else 0)
