"""Revenue: each month gets what it earned, however late it is booked, and in the end nothing is left deferred."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError, Conflict
from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.recognising import Recognised
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.accounts import Accounts, eur
from usecases.subscribing import KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]

END_OF_JANUARY = datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)
END_OF_FEBRUARY = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Name an hour of 2026, in UTC."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS)
def test_each_month_gets_what_it_earned(kind: str, make_database: MakeDatabase) -> None:
    """Of 31 days from 5 January 27 are January's, booked when it ends and dated in it, and 4 are February's."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin(tax=VAT)
    assert accounts.recognise() == Recognised(invoices=1)
    accounts.wait(days=20)
    assert accounts.recognise() == Recognised()
    assert (accounts.revenue, accounts.deferred) == ("0.00", "31.00")
    accounts.wait(days=10)
    assert accounts.recognise() == Recognised(invoices=1, journals=1, amounts={"EUR": eur("27.00")})
    assert (accounts.revenue, accounts.deferred) == ("27.00", "4.00")
    accounts.wait(days=4)
    assert accounts.recognise() == Recognised(invoices=1, journals=1, amounts={"EUR": eur("4.00")})
    assert accounts.booked() == [(END_OF_JANUARY, 2700), (at(2, 5), 400)]
    assert (accounts.invoice().recognised, accounts.invoice().recognise_at) == (3100, None)
    assert accounts.recognise() == Recognised()
    journal = accounts.club.office.journals("subscription_recognised")[0]
    assert dict(journal.references)["invoice"] == str(accounts.invoice().id)
    accounts.audit()


def test_late_or_on_time_the_books_are_the_same() -> None:
    """After three months without a run, one run books each month as if it had been booked at its end."""
    told = []
    for days in (1, 90):
        accounts = Accounts.open()
        accounts.club.sell(fixed("365.00"), interval=Interval.YEAR)
        accounts.club.begin()
        for _ in range(90 // days):
            accounts.bill(days=days)
            accounts.recognise()
        told.append((accounts.booked(), accounts.revenue, accounts.deferred, accounts.invoice().recognise_at))
        accounts.audit()
    assert told[0] == told[1]
    assert [amount for _, amount in told[0][0]] == [2700, 2800, 3100]


def test_a_cycle_billed_late_is_revenue_of_the_month_it_is_billed_in() -> None:
    """What was earned before it was invoiced counts when it is invoiced, not in months before."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin()
    accounts.bill(days=85)
    accounts.recognise()
    assert accounts.booked()[:2] == [(END_OF_JANUARY, 2700), (at(2, 5), 400)]
    assert accounts.booked()[2:] == [(at(3, 31, 9), 3100), (at(3, 31, 9), 2600)]
    accounts.audit()


def test_usage_is_earned_at_once() -> None:
    """What was used already is revenue as soon as it is invoiced, and never deferred."""
    accounts = Accounts.open()
    accounts.club.sell(metered())
    begun = accounts.club.begin()
    accounts.club.do("record_usage", begun, [("first", "calls", 4, at(1, 5, 9))])
    accounts.bill(days=31)
    assert (accounts.revenue, accounts.deferred) == ("4.00", "0.00")
    assert accounts.recognise() == Recognised()
    accounts.audit()


def test_months_are_the_tenants_and_days_the_subscriptions() -> None:
    """January ends when it ends where the tenant is."""
    accounts = Accounts.open(time_zone="America/Los_Angeles")
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin()
    accounts.recognise()
    accounts.club.office.clock.set(at(2, 1, 7))
    assert accounts.recognise() == Recognised()
    accounts.club.office.clock.set(at(2, 1, 8))
    assert accounts.recognise().amounts == {"EUR": eur("27.00")}
    ((dated, _),) = accounts.booked()
    assert dated == at(2, 1, 8) - timedelta(microseconds=1)


def test_what_a_month_earned_is_its_own_though_a_change_came_before_the_booking() -> None:
    """A change in February does not move to February what January earned and nobody had booked."""
    accounts = Accounts.open()
    accounts.club.sell(seats("31.00"))
    begun = accounts.club.begin(quantities={"seats": 1})
    accounts.recognise()
    accounts.wait(days=29)
    accounts.club.do("change", begun, quantities={"seats": 2})
    accounts.recognise()
    assert accounts.booked() == [(END_OF_JANUARY, 2700), (at(2, 3), 200)]
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_credit_note_takes_revenue_back(kind: str, make_database: MakeDatabase) -> None:
    """Of a line that is credited after its time no more is revenue than is left of it."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin(tax=VAT)
    accounts.wait(days=60)
    accounts.recognise()
    accounts.credit(accounts.invoice(), "12.10")
    assert (accounts.revenue, accounts.deferred) == ("31.00", "-10.00")
    assert accounts.recognise().amounts == {"EUR": eur("-10.00")}
    assert (accounts.revenue, accounts.deferred) == ("21.00", "0.00")
    accounts.audit()


def test_what_a_change_gives_back_is_not_earned() -> None:
    """A pause ends the earning of a line where its rest was credited, and its end is when it is looked at again."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"))
    begun = accounts.club.begin()
    accounts.recognise()
    accounts.wait(days=10)
    accounts.club.do("pause", begun)
    assert (accounts.revenue, accounts.deferred) == ("0.00", "10.00")
    assert accounts.recognise().amounts == {"EUR": eur("10.00")}
    assert accounts.booked() == [(at(1, 15, 9), 1000)]
    assert accounts.invoice().recognise_at is None
    accounts.audit()


def test_bad_debt_is_earned_and_an_expense() -> None:
    """A written-off invoice goes on becoming revenue; that it was never paid is an expense."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin()
    accounts.invoices.write_off(accounts.scope, accounts.invoice().id, reason="gone away")
    accounts.wait(days=60)
    assert accounts.recognise().amounts == {"EUR": eur("31.00")}
    assert (accounts.revenue, accounts.deferred, accounts.holds("expense:write_off")) == ("31.00", "0.00", "31.00")
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_void_invoice_earned_nothing(kind: str, make_database: MakeDatabase) -> None:
    """Declaring an invoice void takes back what of it was revenue, and nothing of it becomes revenue later."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin()
    accounts.wait(days=27)
    accounts.recognise()
    accounts.invoices.void(accounts.scope, accounts.invoice().id, reason="wrong plan")
    assert (accounts.revenue, accounts.deferred) == ("0.00", "0.00")
    accounts.wait(days=60)
    assert accounts.recognise() == Recognised()
    accounts.audit()


def test_voiding_a_change_lets_the_line_before_it_earn_again() -> None:
    """What a void invoice gave back was never given: the line that it credited is earned to its end after all."""
    accounts = Accounts.open()
    accounts.club.sell(seats("31.00"))
    begun = accounts.club.begin(quantities={"seats": 1})
    accounts.wait(days=10)
    accounts.club.do("change", begun, quantities={"seats": 3})
    accounts.recognise()
    assert accounts.invoice(1).recognise_at is None
    accounts.invoices.void(accounts.scope, accounts.invoice(2).id, reason="agreed otherwise")
    accounts.wait(days=60)
    accounts.recognise()
    assert (accounts.revenue, accounts.deferred) == ("31.00", "0.00")
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_rehearsal_changes_nothing(kind: str, make_database: MakeDatabase) -> None:
    """Run dry it says what the run after it does, and books nothing."""
    accounts = many(5, database=make_database(kind))
    before = accounts.club.invoices()
    told = accounts.recognise(dry_run=True)
    assert (accounts.club.invoices(), accounts.booked()) == (before, [])
    assert accounts.recognise() == told == Recognised(invoices=5, journals=10, amounts={"EUR": eur("155.00")})


def many(number: int, **terms: object) -> Accounts:
    """Let many subscribe for one month, and wait until it is over."""
    accounts = Accounts.open(**terms)
    accounts.club.sell(fixed("31.00"))
    for place in range(number):
        accounts.club.begin(key=str(place))
    accounts.wait(days=31)
    return accounts


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many invoices a transaction takes, each is recognised once; those that are due at one time too."""
    for chunk in (1, 2, 100):
        monkeypatch.setattr("cityos_core.subscriptions.recognising.CHUNK", chunk)
        accounts = many(5)
        assert accounts.recognise(dry_run=True) == accounts.recognise()
        assert accounts.revenue == "155.00"
        accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_workers_at_once_book_each_invoice_once(kind: str, make_database: MakeDatabase) -> None:
    """Three workers share what is due; together they book what one would."""
    accounts = many(12, database=make_database(kind))
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: accounts.recognise(), range(3)))
    assert sum(one.invoices for one in done) == 12
    assert (accounts.revenue, accounts.deferred) == ("372.00", "0.00")
    accounts.audit()


@pytest.mark.parametrize("place", ["billing.recognise.before_commit", "billing.recognise.after_commit"])
def test_a_run_that_dies_is_run_again(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before or after any commit, the next run finishes, and the books are those of a run that was not killed."""
    monkeypatch.setattr("cityos_core.subscriptions.recognising.CHUNK", 2)
    accounts, passed = many(5), list[str]()

    def die(name: str) -> None:
        passed.append(name)
        if name == place and passed.count(place) == 2:
            raise faults.Crash

    with pytest.raises(faults.Crash), faults.hooked(die):
        accounts.recognise()
    accounts.recognise()
    assert (accounts.revenue, accounts.deferred, len(accounts.booked())) == ("155.00", "0.00", 10)
    accounts.audit()


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_race_is_run_again(times: int) -> None:
    """When another transaction gets in the way of many, each is recognised by itself."""
    accounts = many(3)
    lost = iter([Conflict("stale", "another transaction was first")] * times)

    def race(name: str) -> None:
        if name == "billing.recognise.before_commit" and (conflict := next(lost, None)):
            raise conflict

    with faults.hooked(race):
        done = accounts.recognise()
    assert (done.invoices, accounts.revenue) == (3, "93.00")


def test_what_is_wrong_with_one_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trouble with one invoice is raised once all others are recognised, whatever the size of a chunk."""
    for chunk in (1, 10):
        monkeypatch.setattr("cityos_core.subscriptions.recognising.CHUNK", chunk)
        accounts = many(3)
        broken = accounts.invoice(2)
        taken_id = f"recognition:{broken.id}:{broken.version}.0"
        accounts.club.office.post_by_hand(taken_id)
        with pytest.raises(Conflict) as raised:
            accounts.recognise()
        assert raised.value.code == "journal_key_reused"
        assert accounts.revenue == "62.00"


ACTIONS = ("seats", "plan", "pause", "resume", "credit", "write_off", "void", "pay", "cancel")

STEPS = st.lists(st.tuples(st.integers(0, 45), st.sampled_from(ACTIONS), st.integers(0, 3)), max_size=9)


@settings(max_examples=40)
@given(steps=STEPS, proration=st.sampled_from(Resolution))
@example(steps=[(3, "seats", 3), (2, "write_off", 1), (2, "seats", 1)], proration=Resolution.DAY)
@example(steps=[(3, "seats", 3), (2, "void", 1), (2, "pause", 0), (40, "resume", 0)], proration=Resolution.SECOND)
def test_nothing_is_left_deferred(steps: list[tuple[int, str, int]], proration: Resolution) -> None:
    """Through anything that happens, deferred and recognised are what is left of the charges; in the end all is earned.

    Whether revenue is booked after each step or once in the end, it comes to the same.
    """
    ends = []
    for is_often in (True, False):
        accounts = Accounts.open()
        accounts.club.sell(fixed("30.01"), seats("9.99"), proration=proration)
        accounts.club.sell(seats("3.33"), handle="weekly", interval=Interval.WEEK, proration=proration)
        begun = accounts.club.begin(quantities={"seats": 2}, tax=VAT)
        for days, action, number in (*steps, (0, "cancel", 0)):
            accounts.bill(days=days, hours=7 * number)
            with suppress(CityOSError):
                act(accounts, begun, action, number)
            if is_often:
                accounts.recognise()
            accounts.audit()
        assert accounts.club.get(begun).status in (SubscriptionStatus.CANCELED, SubscriptionStatus.UNPAID)
        accounts.wait(days=40)
        accounts.recognise()
        accounts.audit()
        assert accounts.deferred == "0.00"
        ends.append((accounts.revenue, sorted(one.recognised for one in accounts.club.invoices())))
    assert ends[0] == ends[1]


def act(accounts: Accounts, begun: Subscription, action: str, number: int) -> None:
    """Do one thing, if it may be done."""
    scope, invoices = accounts.scope, accounts.club.invoices()
    invoice = invoices[-1 - number % len(invoices)]
    match action:
        case "seats":
            accounts.club.do("change", begun, quantities={"seats": number})
        case "plan":
            plan = ("basic", "weekly")[number % 2]
            accounts.club.do("change", begun, plan=plan)
        case "pause" | "resume":
            accounts.club.do(action, begun)
        case "credit":
            line = number % max(1, len(invoice.lines))
            accounts.credit(invoice, Money(1 + 137 * number, "EUR").text, line=line)
        case "write_off":
            accounts.invoices.write_off(scope, invoice.id, reason="gone away")
        case "void":
            accounts.invoices.void(scope, invoice.id, reason="mistake")
        case "pay":
            accounts.invoices.mark_paid(scope, invoice.id, reference="transfer")
        case "cancel":
            accounts.club.do("cancel", begun, "enough", at_period_end=False, gives_back=bool(number % 2))
