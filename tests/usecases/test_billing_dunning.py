"""Dunning: failed payments are tried again on day 1, 3 and 7, and paying at any point puts everything right."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.tiers import Tier
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, Origin
from cityos_core.subscriptions.dunning import RUNS
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, DunningEnd, DunningPolicy
from cityos_core.subscriptions.retrying import Retried, _Retrying
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed, metered
from usecases.cashier import Cashier
from usecases.subscribing import KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
PARIS = ZoneInfo("Europe/Paris")
NO = Decline()
STOLEN = Decline(DeclineClass.HARD, "the card was reported stolen")
CANCELS = DunningPolicy(end=DunningEnd.CANCELED)
LIMITED = metered(Tier(up_to=Fraction(10), unit=Fraction(1)))
"""Usage that has no price beyond ten."""


def failing(
    *reactions: Any, database: UnitOfWorkFactory | None = None, time_zone: str = "UTC", **terms: Any
) -> tuple[Cashier, Subscription]:
    """Bill Ada's second month, with a gateway that reacts so."""
    cashier = Cashier.open(database, time_zone=time_zone)
    cashier.sell(**terms)
    ada = cashier.join()
    cashier.until("2026-02-05T09:00")
    cashier.gateway.script(*(reactions or [NO]))
    cashier.run()
    return cashier, ada


def dying(place: str) -> Callable[[str], None]:
    """Kill at a fault point."""

    def die(name: str) -> None:
        if name == place:
            raise faults.Crash

    return die


def live(cashier: Cashier, days: int, place: ZoneInfo) -> list[datetime]:
    """Run the retries at 09:00 and 17:00 local time for some days; give the local times at which any was made."""
    made = []
    first = cashier.now.astimezone(place).date()
    for ahead in range(days):
        for run in RUNS:
            at = datetime.combine(first + timedelta(days=ahead), run, place)
            if at.astimezone(UTC) > cashier.now:
                cashier.club.office.clock.set(at)
                made += [at] * cashier.retry().retried
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_retries_on_day_one_three_and_seven(kind: str, make_database: MakeDatabase) -> None:
    """Retries fall on their days at nine, also where the clocks change between; after the last it is unpaid."""
    cashier = Cashier.open(make_database(kind), time_zone="Europe/Paris")
    cashier.until("2026-02-27T20:30")
    cashier.sell()
    ada = cashier.join()
    cashier.until("2026-03-27T20:31")
    cashier.gateway.script(*[NO] * 4)
    cashier.run()
    assert (cashier.status(ada), cashier.states(ada)) == ("past_due", ["paid", "failed", "upcoming"])
    made = [f"{at:%m-%d %H:%M}" for at in live(cashier, 12, PARIS)]
    assert made == ["03-28 09:00", "03-30 09:00", "04-03 09:00"]
    assert (cashier.status(ada), cashier.cases()[0].retries) == ("unpaid", 3)
    assert cashier.cycle(ada, 2).due_at is None
    assert [one.origin for one in cashier.attempts()] == [Origin.BILLING, Origin.BILLING, *[Origin.RETRY] * 3]
    cashier.wait(days=60)
    assert (cashier.run().due, cashier.retry()) == (0, Retried())
    cashier.audit()


def test_notices() -> None:
    """Each step sends its notice, which says when the next one follows."""
    cashier, ada = failing(*[NO] * 4)
    live(cashier, 10, ZoneInfo("UTC"))
    assert cashier.notices() == [
        "dunning.payment_failed", "dunning.retry_failed", "dunning.retry_failed", "dunning.ended"
    ]  # fmt: skip
    told: Any = cashier.club.happened("subscription.notice")
    assert [one.next_at and one.next_at.day for one in told] == [6, 8, 12, None]
    assert {one.subject for one in told} == {ada.id}
    (invoice,) = cashier.invoices(ada)[1:]
    cashier.club.subscriptions.pay(cashier.scope, invoice.id)
    assert cashier.notices()[-1] == "dunning.recovered"


def test_the_second_run_of_the_day_makes_up_for_the_first() -> None:
    """Where nothing ran at nine the retry is made at seventeen; the next one keeps its day."""
    cashier, _ = failing(*[NO] * 3)
    cashier.until("2026-02-06T17:00")
    assert cashier.retry().retried == 1
    assert cashier.retry() == Retried()
    cashier.until("2026-02-08T09:00")
    assert cashier.retry().retried == 1


def test_an_outage_is_not_made_up_for_in_a_rush() -> None:
    """After a week without retries there is one, which is the last."""
    cashier, ada = failing(*[NO] * 3)
    cashier.wait(days=9)
    assert cashier.retry().retried == 1
    assert (cashier.status(ada), len(cashier.attempts())) == ("unpaid", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_what_customers_try_does_not_count(kind: str, make_database: MakeDatabase) -> None:
    """However often customers try in vain, the retries stay as many and where they were."""
    cashier, ada = failing(*[NO] * 30, database=make_database(kind))
    invoice = cashier.invoices(ada)[-1]
    for _ in range(8):
        made = cashier.club.subscriptions.pay(cashier.scope, invoice.id)
        assert (made.status, made.origin) == (AttemptStatus.DECLINED, Origin.CUSTOMER)
        assert cashier.status(ada) == "past_due"
        cashier.wait(hours=2)
    assert cashier.cases()[0].retries == 0
    assert [at.day for at in live(cashier, 10, ZoneInfo("UTC"))] == [6, 8, 12]
    assert cashier.cases()[0].retries == 3
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_paying_at_any_point_recovers(after: int, kind: str, make_database: MakeDatabase) -> None:
    """Whenever it is paid, also when it was given up, the subscription is active and its anchor where it was."""
    cashier, ada = failing(*[NO] * (after + 1), database=make_database(kind))
    for day in (6, 8, 12)[:after]:
        cashier.until(f"2026-02-{day:02}T09:00")
        cashier.retry()
    cashier.until("2026-02-13T12:00")
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    again = cashier.get(ada)
    assert (again.status.value, again.anchor, again.due_at) == (
        "active",
        ada.anchor,
        datetime(2026, 3, 5, 9, tzinfo=UTC),
    )
    assert cashier.states(ada) == ["paid", "paid", "upcoming"]
    assert cashier.cycle(ada, 2).due_at == again.due_at
    assert cashier.retry() == Retried()
    cashier.until("2026-03-05T09:00")
    assert cashier.run().paid == 1
    cashier.audit()


def test_paid_long_after_it_was_given_up() -> None:
    """Periods that began while it was unpaid are not billed; what is left of the running one is, by the old anchor."""
    cashier, ada = failing(*[NO] * 4)
    live(cashier, 10, ZoneInfo("UTC"))
    cashier.until("2026-05-20T09:00")
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    assert cashier.states(ada) == ["paid", "paid", "skipped", "skipped", "paid", "upcoming"]
    assert [cashier.cycle(ada, index).reason for index in (2, 3)] == ["unpaid"] * 2
    assert cashier.club.totals(ada) == ["30.00", "30.00", "15.48"]
    assert cashier.get(ada).due_at == datetime(2026, 6, 5, 9, tzinfo=UTC)
    assert [one.kind.value for one in cashier.club.movements()] == ["new", "churn", "reactivation"]
    cashier.audit()


def test_what_follows_from_being_paid_may_fail_too() -> None:
    """The rest of the running period is charged as soon as it begins, and if that fails dunning begins anew."""
    cashier, ada = failing(*[NO] * 4)
    live(cashier, 10, ZoneInfo("UTC"))
    cashier.until("2026-05-20T09:00")
    cashier.gateway.script(Behaviour.APPROVE, NO)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    assert (cashier.status(ada), cashier.states(ada)[4]) == ("past_due", "failed")
    cashier.until("2026-05-21T09:00")
    assert cashier.retry().collected.paid == 1
    assert cashier.status(ada) == "active"
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decline", [STOLEN, Decline(DeclineClass.AUTHENTICATION, "confirm")])
def test_a_hard_decline_asks_for_another_method(decline: Decline, kind: str, make_database: MakeDatabase) -> None:
    """Nothing is retried before the customer gives another method; then the days that are left are kept."""
    cashier, ada = failing(decline, database=make_database(kind))
    calls = cashier.gateway.calls
    assert live(cashier, 3, ZoneInfo("UTC")) == []
    assert (cashier.gateway.calls, cashier.cases()[0].needs_method) == (calls, True)
    cashier.club.do("change_method", ada, "pm_new")
    assert [at.day for at in live(cashier, 10, ZoneInfo("UTC"))] == [8]
    assert (cashier.status(ada), cashier.gateway.charged[-1].payment_method) == ("active", "pm_new")
    cashier.audit()


@pytest.mark.parametrize(("policy", "state"), [(DunningPolicy(), "unpaid"), (CANCELS, "canceled")])
def test_nobody_gives_another_method(policy: DunningPolicy, state: str) -> None:
    """A hard decline without another method ends on the last day as the policy says, without another try."""
    cashier, ada = failing(STOLEN, dunning=policy)
    calls = cashier.gateway.calls
    cashier.until("2026-02-12T08:59")
    assert cashier.retry() == Retried()
    cashier.until("2026-02-12T09:00")
    assert cashier.retry().ended == 1
    assert (cashier.status(ada), cashier.gateway.calls) == (state, calls)
    assert cashier.notices()[-2:] == ["dunning.method_needed", "dunning.ended"]
    cashier.audit()


def test_canceled_by_policy() -> None:
    """A policy that cancels ends the subscription with the reason; what it owes is still owed, no cycle follows."""
    cashier, ada = failing(*[NO] * 4, dunning=CANCELS)
    live(cashier, 10, ZoneInfo("UTC"))
    over = cashier.get(ada)
    assert over.cancellation is not None
    assert (over.status.value, over.cancellation.reason, over.ended_at) == (
        "canceled", "payment failed", datetime(2026, 2, 12, 9, tzinfo=UTC)
    )  # fmt: skip
    assert (cashier.states(ada), cashier.owes()) == (["paid", "failed", "voided"], "30.00")
    cashier.wait(days=90)
    assert cashier.run().due == 0
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    assert (cashier.status(ada), cashier.owes()) == ("canceled", "0.00")
    cashier.audit()


def test_without_retry_days_the_first_failure_ends_it() -> None:
    """A policy without days gives up at once."""
    cashier, ada = failing(dunning=DunningPolicy(days=()))
    assert (cashier.status(ada), cashier.retry(), cashier.notices()) == ("unpaid", Retried(), ["dunning.ended"])
    states = [event.name for event in cashier.club.happened("subscription.past_due", "subscription.unpaid")]
    assert states == ["subscription.past_due", "subscription.unpaid"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_invoices_that_failed(kind: str, make_database: MakeDatabase) -> None:
    """While something that failed is owed it stays past due; paid is paid, in whatever order."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell()
    ada = cashier.join()
    cashier.wait(days=62)
    cashier.gateway.script(NO, NO)
    assert cashier.run().declined == 2
    first, second = cashier.invoices(ada)[1:]
    cashier.club.subscriptions.pay(cashier.scope, second.id)
    assert (cashier.status(ada), cashier.states(ada)) == ("past_due", ["paid", "failed", "paid", "upcoming"])
    cashier.wait(days=1)
    assert cashier.retry().collected.paid == 1
    assert cashier.status(ada) == "active"
    assert cashier.invoicing.get(cashier.scope, first.id).status.value == "paid"
    cashier.audit()


def test_a_change_whose_payment_failed() -> None:
    """An upgrade that cannot be collected is retried like a cycle; the cycle it is within stays paid."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.sell(fixed("90.00"), handle="dear")
    ada = cashier.join()
    cashier.wait(days=10)
    cashier.gateway.script(NO)
    cashier.club.do("change", ada, plan="dear")
    assert (cashier.status(ada), cashier.states(ada)) == ("past_due", ["paid", "upcoming"])
    cashier.wait(days=1)
    assert cashier.retry().collected.paid == 1
    assert (cashier.status(ada), cashier.get(ada).anchor, cashier.owes()) == ("active", ada.anchor, "0.00")
    cashier.audit()


@pytest.mark.parametrize("reactions", [(NO, Behaviour.APPROVE), (Behaviour.APPROVE, NO)])
def test_of_two_that_are_recorded_together_one_failed(reactions: tuple[Any, ...]) -> None:
    """A payment and a failure in one group leave it past due, whichever came first; so does the next retry's."""
    cashier = Cashier.open()
    cashier.sell()
    ada = cashier.join()
    cashier.wait(days=62)
    cashier.gateway.script(*reactions)
    cashier.run()
    assert (cashier.status(ada), cashier.owes()) == ("past_due", "30.00")
    cashier.wait(days=31)
    cashier.gateway.script(NO)
    cashier.run()
    cashier.gateway.script(*reactions)
    cashier.wait(hours=24)
    assert cashier.retry().retried == 2
    expected = "unpaid" if reactions[0] is NO else "past_due"
    assert (cashier.status(ada), cashier.owes()) == (expected, "30.00")
    cashier.club.subscriptions.pay(cashier.scope, next(one.id for one in cashier.invoices() if one.due))
    assert (cashier.status(ada), cashier.owes()) == ("active", "0.00")
    cashier.audit()


def test_one_of_two_is_given_up() -> None:
    """Where one of two was given up, paying the other is not enough; dunning of the other goes on meanwhile."""
    cashier, ada = failing(*[NO] * 3, dunning=DunningPolicy(days=(1, 30)))
    cashier.until("2026-02-06T09:00")
    cashier.retry()
    cashier.until("2026-03-05T09:00")
    cashier.run()
    assert cashier.states(ada) == ["paid", "failed", "failed", "upcoming"]
    cashier.gateway.script(NO, key=f"{ada.id}:1:3")
    cashier.until("2026-03-07T09:00")
    assert cashier.retry().retried == 2
    assert (cashier.status(ada), cashier.states(ada)) == ("unpaid", ["paid", "failed", "paid", "upcoming"])
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[1].id)
    assert (cashier.status(ada), cashier.owes()) == ("active", "0.00")
    cashier.audit()


def test_canceled_with_other_cases_open() -> None:
    """When dunning cancels, all of a subscription's dunning is over; what is owed can be paid."""
    cashier = Cashier.open()
    cashier.sell(dunning=CANCELS)
    ada = cashier.join()
    cashier.wait(days=62)
    cashier.gateway.script(*[NO] * 10)
    cashier.run()
    cashier.wait(days=8)
    cashier.retry()
    assert cashier.status(ada) == "canceled"
    assert all(case.is_over for case in cashier.cases())
    assert cashier.owes() == "60.00"
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["void", "mark_paid"])
def test_an_invoice_that_is_settled_otherwise(action: str, kind: str, make_database: MakeDatabase) -> None:
    """Paid by bank or void, there is nothing to retry, and the subscription goes on."""
    cashier, ada = failing(database=make_database(kind))
    invoice = cashier.invoices(ada)[-1]
    words = {"reason": "a mistake"} if action == "void" else {"reference": "B-1"}
    getattr(cashier.invoicing, action)(cashier.scope, invoice.id, **words)
    assert (cashier.status(ada), cashier.cases()[0].is_over) == ("active", True)
    cashier.wait(days=2)
    assert cashier.retry() == Retried()
    cashier.audit()


def test_a_case_whose_invoice_is_not_owed_is_closed() -> None:
    """A case that nobody closed when its invoice was void is closed by the retries, and the subscription goes on."""
    cashier, ada = failing()
    cashier.void(cashier.invoices(ada)[-1])
    cashier.wait(days=1)
    found = cashier.retry()
    assert (found.closed, found.retried, cashier.status(ada)) == (1, 0, "active")
    cashier.audit()


@pytest.mark.parametrize("origin", [Origin.RETRY, Origin.CUSTOMER])
def test_nothing_is_retried_while_an_outcome_is_open(origin: Origin) -> None:
    """While nobody knows what became of an attempt no other is made; when it is known dunning goes on."""
    cashier, ada = failing(NO, Behaviour.LOSE_ANSWER)
    if origin is Origin.CUSTOMER:
        cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    cashier.until("2026-02-06T09:00")
    if origin is Origin.RETRY:
        cashier.retry()
    cashier.gateway.is_silent = True
    cashier.wait(hours=8)
    found = cashier.retry()
    assert (found.waiting, found.retried) == (1, 0)
    cashier.gateway.is_silent = False
    cashier.wait(days=2)
    found = cashier.retry()
    assert (found.retried, found.collected.paid, cashier.status(ada)) == (0, 1, "active")
    assert len(cashier.gateway.charged) == 2
    cashier.audit()


def test_a_retry_whose_decline_comes_late_counts_for_its_day() -> None:
    """A retry of day 1 whose decline is heard on day 2 is followed by the one of day 3."""
    cashier, _ = failing(NO, Behaviour.PEND)
    cashier.until("2026-02-06T09:00")
    cashier.retry()
    cashier.gateway.settle(cashier.last().key, NO)
    cashier.until("2026-02-07T17:00")
    assert cashier.retry().collected.declined == 1
    (case,) = cashier.cases()
    assert (case.retries, case.next_at) == (1, datetime(2026, 2, 8, 9, tzinfo=UTC))


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_shows_what_would_be_retried(kind: str, make_database: MakeDatabase) -> None:
    """Retries are shown without being made."""
    cashier, ada = failing(NO, database=make_database(kind))
    cashier.join("bob")
    cashier.wait(days=1)
    calls = cashier.gateway.calls
    dry = cashier.billing.retry(cashier.scope, dry_run=True)
    assert (dry.retried, dry.collected.paid, cashier.gateway.calls) == (1, 0, calls)
    assert cashier.status(ada) == "past_due"
    assert cashier.retry().retried == 1


@pytest.mark.parametrize("days", [10, 40])
def test_a_halted_cycle_of_one_that_was_given_up(days: int) -> None:
    """A cycle that waited for a person is left out when its subscription begins anew after having been unpaid."""
    cashier = Cashier.open()
    cashier.sell(catch_up=CatchUp.HALT)
    ada = cashier.join()
    cashier.wait(days=31)
    cashier.gateway.script(NO, NO)
    cashier.run()
    cashier.wait(days=62)
    cashier.run()
    assert cashier.states(ada) == ["paid", "failed", "failed"]
    cashier.retry()
    assert cashier.status(ada) == "unpaid"
    cashier.wait(days=days)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    skipped = ["skipped"] * (1 if days == 10 else 2)
    assert (cashier.status(ada), cashier.states(ada)) == ("active", ["paid", "paid", *skipped, "paid", "upcoming"])
    cashier.audit()


@pytest.mark.parametrize("days", [10, 70])
def test_a_payment_stands_although_what_follows_has_no_price(days: int) -> None:
    """If the running period cannot be billed when the money has come, its cycle waits for a person."""
    cashier = Cashier.open()
    cashier.sell(fixed(), LIMITED)
    ada = cashier.join()
    cashier.wait(days=31)
    cashier.gateway.script(NO, NO)
    cashier.run()
    cashier.club.do("record_usage", ada, [("b", "calls", 99, cashier.now)])
    cashier.wait(days=31)
    assert cashier.run().failed == {"beyond_last_band": 1}
    cashier.retry()
    assert (cashier.status(ada), cashier.states(ada)) == ("unpaid", ["paid", "failed", "failed"])
    cashier.wait(days=days)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    skipped = ["skipped"] * (0 if days == 10 else 2)
    assert (cashier.status(ada), cashier.states(ada)) == ("active", ["paid", "paid", *skipped, "failed"])
    (waiting,) = cashier.failed()
    cashier.billing.skip_cycle(cashier.scope, ada.id, waiting.index)
    cashier.wait(days=31)
    assert cashier.run().billed == 1
    cashier.audit()


def test_a_cycle_claimed_when_its_subscription_is_given_up() -> None:
    """A cycle that a worker holds while dunning gives up is let go; paid later, it begins as if nobody had held it."""
    for days in (0, 40):
        cashier, ada = failing(NO, NO, dunning=DunningPolicy(days=(28,)))
        cashier.until("2026-03-05T09:00")
        with faults.hooked(dying("billing.claim.after_commit")), pytest.raises(faults.Crash):
            cashier.run()
        cashier.retry()
        assert (cashier.status(ada), cashier.states(ada)[-1]) == ("unpaid", "processing")
        if not days:
            cashier.wait(hours=1)
            assert cashier.run().due == 0
            assert (cashier.states(ada)[-1], cashier.cycle(ada, 2).due_at) == ("upcoming", None)
        cashier.wait(days=days)
        cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
        skipped = ["skipped"] if days else []
        assert (cashier.status(ada), cashier.states(ada)[2:]) == ("active", [*skipped, "paid", "upcoming"])
        cashier.audit()


def test_a_cycle_claimed_when_its_subscription_is_canceled() -> None:
    """A cycle that a worker holds while its subscription ends is void, and counts as another's work."""
    cashier, ada = failing(NO, NO, dunning=DunningPolicy(days=(28,), end=DunningEnd.CANCELED))
    cashier.until("2026-03-05T09:00")
    with faults.hooked(dying("billing.claim.after_commit")), pytest.raises(faults.Crash):
        cashier.run()
    cashier.retry()
    assert (cashier.status(ada), cashier.states(ada)) == ("canceled", ["paid", "failed", "voided"])
    cashier.audit()


def test_the_last_usage_of_one_that_ended_is_collected() -> None:
    """What a subscription owes when it ends is tried again on the days of its plan; it stays ended."""
    cashier = Cashier.open()
    cashier.sell(fixed(), metered())
    ada = cashier.join()
    cashier.club.do("record_usage", ada, [("a", "calls", 4, cashier.now)])
    cashier.club.do("cancel", ada, reason="too dear", at_period_end=True)
    cashier.wait(days=31)
    cashier.gateway.script(NO)
    assert cashier.run().closed == 1
    assert (cashier.status(ada), cashier.owes()) == ("canceled", "4.00")
    cashier.wait(days=1)
    assert cashier.retry().collected.paid == 1
    assert (cashier.status(ada), cashier.owes(), cashier.states(ada)) == ("canceled", "0.00", ["paid", "paid"])
    cashier.audit()


def test_a_case_that_was_taken_further_meanwhile() -> None:
    """A case that another worker took further after it was listed is left alone."""
    cashier, ada = failing(NO)
    cashier.join("bob")
    cashier.wait(days=1)
    due = [case for case in cashier.cases() if case.next_at is not None]
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices(ada)[-1].id)
    step = _Retrying(cashier.club.office.dependencies, cashier.scope, None)._take_further(due)
    assert (step.counted, step.attempts) == (Retried(), ())


@pytest.mark.parametrize("code", ["stale", "broken"])
def test_a_retry_that_cannot_be_laid_out(code: str) -> None:
    """What is in the way of one retry is told when the others are made; a lost race is tried again by the next run."""
    cashier = Cashier.open()
    cashier.sell()
    for number in range(3):
        cashier.join(f"c{number}")
    cashier.wait(days=31)
    cashier.gateway.script(*[NO] * 3)
    cashier.run()
    cashier.wait(days=1)
    times = iter([True, True, *([code == "stale"] * 2)])

    def interfere(name: str) -> None:
        if name == "billing.retry.before_commit" and next(times, False):
            raise Conflict(code, "another transaction was first")

    with faults.hooked(interfere):
        if code == "broken":
            with pytest.raises(Conflict):
                cashier.retry()
        else:
            assert cashier.retry().retried == 2
    assert cashier.retry().retried == 1
    assert len([one for one in cashier.attempts() if one.status is AttemptStatus.SUCCEEDED]) == 6
    cashier.audit()
