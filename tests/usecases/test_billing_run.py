"""The billing run: everything that is due is billed once, left out by policy, or failed with a reason."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.tiers import Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.cycles import CycleStatus
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.plans import CatchUp, DunningPolicy
from cityos_core.subscriptions.tallying import Came
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import TERMS
from usecases.cashier import Cashier
from usecases.subscribing import KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
DAILY = {"interval": Interval.DAY}
LIMITED = metered(Tier(up_to=Fraction(10), unit=Fraction(1)))
"""Usage that has no price beyond ten."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_due_is_billed_once(kind: str, make_database: MakeDatabase) -> None:
    """At the end of its period a subscription is invoiced, charged and paid, once, however often billing runs."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell()
    ada = cashier.join()
    assert cashier.run().due == 0
    cashier.wait(days=31)
    found = cashier.run()
    assert (found.due, found.billed, found.invoices, found.paid) == (1, 1, 1, 1)
    assert found.invoiced == found.booked == (Money.of("30.00", "EUR"),)
    assert cashier.told[0].invoice == "north/2"
    assert cashier.states(ada) == ["paid", "paid", "upcoming"]
    assert cashier.run().due == 0
    assert cashier.gateway.collected("EUR").text == "60.00"
    cashier.audit()


CAUGHT_UP = {
    CatchUp.BILL_EACH: (["paid"] * 5 + ["upcoming"], ["30.00"] * 5),
    CatchUp.BILL_CURRENT: (["paid", "skipped", "skipped", "skipped", "paid", "upcoming"], ["30.00"] * 2),
    CatchUp.MERGE: (["paid"] * 5 + ["upcoming"], ["30.00", "120.00"]),
    CatchUp.FORGIVE: (["paid", "skipped", "skipped", "skipped", "skipped", "upcoming"], ["30.00"]),
    CatchUp.HALT: (["paid", "failed"], ["30.00"]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", CatchUp)
def test_an_outage_over_several_due_dates(policy: CatchUp, kind: str, make_database: MakeDatabase) -> None:
    """After months without a scheduler each due cycle is billed, merged, left out or halted by policy, once."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell(catch_up=policy)
    ada, anchor = cashier.join(), cashier.now
    cashier.wait(days=130)
    cashier.run()
    states, totals = CAUGHT_UP[policy]
    assert (cashier.states(ada), cashier.club.totals(ada)) == (states, totals)
    assert cashier.run().due == 0
    if policy is not CatchUp.HALT:
        assert cashier.get(ada).due_at == anchor.replace(month=6)
        cashier.wait(days=30)
        assert cashier.run().billed == 1
    cashier.audit()


def test_the_certificate_tells_them_apart() -> None:
    """Skipped cycles are counted by reason, halted ones by theirs, and every cycle has its line."""
    cashier = Cashier.open()
    for policy in CatchUp:
        cashier.sell(handle=policy.value.replace("_", "-"), catch_up=policy)
        cashier.join(policy.value, plan=policy.value.replace("_", "-"))
    cashier.wait(days=130)
    found = cashier.run()
    assert (found.due, found.billed, found.invoices) == (17, 9, 6)
    assert (found.skipped, found.failed) == ({"catch_up": 7}, {"halted": 1})
    assert found.paid == 6
    merged = [one for one in cashier.told if one.total == Money.of("120.00", "EUR")]
    assert len({one.invoice for one in merged}) == 1
    assert [one.came for one in merged] == [Came.BILLED] * 4
    (halted,) = (one for one in cashier.told if one.came is Came.FAILED)
    assert halted.reason is not None
    assert "4 cycles are due" in halted.reason
    assert cashier.runs()[0].certificate == found
    assert cashier.billing.get_run(cashier.scope, cashier.runs()[0].id) == cashier.runs()[0]
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_looks_at_what_halted(kind: str, make_database: MakeDatabase) -> None:
    """Once a person has looked every cycle that was due by then is billed; another outage halts again."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell(catch_up=CatchUp.HALT, **DAILY)
    ada = cashier.join()
    cashier.wait(days=40)
    cashier.run()
    (waiting,) = cashier.failed()
    assert (waiting.index, cashier.states(ada)) == (1, ["paid", "failed"])
    cashier.wait(days=2)
    retried = cashier.billing.retry_cycle(cashier.scope, ada.id, 1)
    assert (retried.status, retried.due_at, retried) == (CycleStatus.UPCOMING, cashier.now, cashier.cycle(ada, 1))
    cashier.wait(days=3)
    found = cashier.run()
    assert (found.billed, found.failed) == (42, {"halted": 1})
    assert cashier.states(ada) == ["paid"] * 43 + ["failed"]
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_skips_what_halted(kind: str, make_database: MakeDatabase) -> None:
    """A cycle that a person skips is never billed; the one after it falls due where it would have."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell(catch_up=CatchUp.HALT)
    ada = cashier.join()
    cashier.wait(days=65)
    cashier.run()
    skipped = cashier.billing.skip_cycle(cashier.scope, ada.id, 1)
    assert (skipped.status, skipped.reason, skipped) == (CycleStatus.SKIPPED, "by_hand", cashier.cycle(ada, 1))
    assert cashier.run().billed == 1
    assert cashier.states(ada) == ["paid", "skipped", "paid", "upcoming"]
    for index, code in ((1, "invalid_state"), (3, "invalid_state"), (9, "cycle_not_found")):
        for use in (cashier.billing.skip_cycle, cashier.billing.retry_cycle):
            with pytest.raises((Conflict, NotFound)) as caught:
                use(cashier.scope, ada.id, index)
            assert caught.value.code == code
    cashier.audit()


def test_a_cycle_that_is_retried_while_nothing_is_billed() -> None:
    """A cycle of a subscription that is unpaid waits until that is paid, however often a person retries it."""
    cashier = Cashier.open()
    cashier.sell(catch_up=CatchUp.HALT, dunning=DunningPolicy(days=()))
    ada = cashier.join()
    cashier.wait(days=70)
    cashier.run()
    with cashier.club.office.database(cashier.scope) as uow:
        held = uow.subscriptions.get(ada.id)
        uow.subscriptions.save([evolve(held, status=SubscriptionStatus.UNPAID)])
        uow.commit()
    assert cashier.billing.retry_cycle(cashier.scope, ada.id, 1).due_at is None
    assert cashier.run().due == 0


def test_what_was_to_happen_at_a_skipped_boundary_happens() -> None:
    """Skipping the cycle at which a subscription ends, or changes, ends or changes it."""
    cashier = Cashier.open()
    cashier.sell(LIMITED)
    cashier.sell(fixed("5.00"), handle="cheap", interval=Interval.WEEK)
    ends, changes = cashier.join("ada"), cashier.join("bob")
    for one in (ends, changes):
        cashier.club.do("record_usage", one, [("a", "calls", 99, cashier.now)])
    cashier.club.do("cancel", ends, reason="too dear", at_period_end=True)
    cashier.club.do("change", changes, plan="cheap", when="period_end")
    cashier.wait(days=31)
    assert cashier.run().failed == {"beyond_last_band": 2}
    due_at = cashier.get(changes).due_at
    for one in (ends, changes):
        cashier.billing.skip_cycle(cashier.scope, one.id, 1)
    assert (cashier.status(ends), cashier.get(ends).ended_at) == ("canceled", due_at)
    assert (cashier.get(changes).plan_id, cashier.get(changes).due_at) == (
        cashier.club.plans.get(cashier.scope, "cheap").id,
        (due_at or cashier.now) + timedelta(days=7),
    )
    cashier.wait(days=7)
    assert cashier.run().billed == 1
    assert cashier.invoices(changes)[-1].total.text == "5.00"
    cashier.audit()


def test_merged_cycles_are_taxed_together() -> None:
    """Merged cycles make one invoice whose tax is that of its total, rounded once; paying it pays them all."""
    cashier = Cashier.open()
    cashier.sell(fixed("0.33"), seats("0.10"), metered(), catch_up=CatchUp.MERGE)
    ada = cashier.join(tax=VAT, quantities={"seats": 3})
    cashier.club.do("record_usage", ada, [("a", "calls", 12, cashier.now)])
    cashier.wait(days=100)
    cashier.gateway.script(Decline())
    cashier.run()
    merged = cashier.invoices(ada)[-1]
    assert [line.kind.value for line in merged.lines] == ["recurring", "recurring", "usage"] * 3
    assert (merged.net.text, merged.tax_total.text) == ("12.89", "2.71")
    assert cashier.states(ada) == ["paid", "failed", "failed", "failed", "upcoming"]
    cashier.wait(days=2)
    cashier.retry()
    assert cashier.states(ada) == ["paid"] * 4 + ["upcoming"]
    cashier.audit()


def test_a_long_outage_of_a_daily_plan() -> None:
    """However many cycles are due they are billed in portions, each once."""
    cashier = Cashier.open()
    cashier.sell(metered(), **DAILY)
    ada = cashier.join()
    for day in range(60):
        cashier.club.do("record_usage", ada, [(f"k{day}", "calls", 1, cashier.now)])
        cashier.wait(days=1)
    found = cashier.run()
    assert (found.due, found.billed, found.invoices, found.paid) == (60, 60, 60, 60)
    assert [one.total.text for one in cashier.invoices()] == ["0.00"] + ["1.00"] * 60
    assert cashier.states(ada) == ["paid"] * 61 + ["upcoming"]
    cashier.audit()


def test_a_change_that_was_due_during_an_outage() -> None:
    """A scheduled change arrives at its boundary, and what is due after it is billed by the new plan."""
    cashier = Cashier.open()
    cashier.sell(fixed(), metered())
    cashier.sell(fixed("7.00"), metered(Tier(unit=Fraction(2))), handle="weekly", interval=Interval.WEEK)
    ada = cashier.join()
    boundary = ada.due_at
    assert boundary is not None
    cashier.club.do("change", ada, plan="weekly", when="period_end")
    cashier.club.do("record_usage", ada, [("old", "calls", 3, cashier.now)])
    cashier.wait(days=45)
    cashier.club.do("record_usage", ada, [("new", "calls", 3, boundary + timedelta(days=8))])
    found = cashier.run()
    assert (found.due, found.billed) == (3, 3)
    assert cashier.club.totals(ada) == ["30.00", "10.00", "7.00", "13.00"]
    assert cashier.get(ada).due_at == boundary + timedelta(days=21)
    assert [one.starts_at for one in cashier.club.cycles(ada)][1:] == [
        boundary + timedelta(days=7 * number) for number in range(4)
    ]
    cashier.audit()


@pytest.mark.parametrize("used", [0, 4])
def test_canceled_at_period_end(used: int) -> None:
    """The boundary ends it, and bills what was used; no cycle follows, however long nobody looked."""
    cashier = Cashier.open()
    cashier.sell(fixed(), *([metered()] if used else []), catch_up=CatchUp.MERGE)
    ada = cashier.join()
    due_at = ada.due_at
    if used:
        cashier.club.do("record_usage", ada, [("a", "calls", used, cashier.now)])
    cashier.club.do("cancel", ada, reason="too dear", at_period_end=True)
    cashier.wait(days=100)
    found = cashier.run()
    assert (found.due, found.closed, found.invoices) == (1, 1, 1 if used else 0)
    assert (cashier.status(ada), cashier.get(ada).ended_at) == ("canceled", due_at)
    assert cashier.states(ada) == ["paid", "paid" if used else "voided"]
    assert cashier.club.totals(ada) == ["30.00", *(["4.00"] if used else [])]
    assert cashier.run().due == 0
    cashier.audit()


def test_a_trial_ends_in_an_outage() -> None:
    """A trial's first period begins where the trial ended, and everything after it is due."""
    cashier = Cashier.open()
    cashier.sell(trial_days=14)
    ada = cashier.join()
    assert (cashier.status(ada), cashier.states(ada)) == ("trialing", ["upcoming"])
    cashier.wait(days=50)
    assert cashier.run().billed == 2
    assert (cashier.status(ada), cashier.club.totals(ada)) == ("active", ["30.00", "30.00"])
    cashier.audit()


def test_what_cannot_be_billed_stops_nobody() -> None:
    """A cycle that has no price fails with the reason; the others are billed, and it is after a person saw to it."""
    cashier = Cashier.open()
    cashier.sell(LIMITED)
    everybody = [cashier.join(f"c{number}") for number in range(5)]
    troubled = everybody[2]
    cashier.club.do("record_usage", troubled, [("a", "calls", 11, cashier.now)])
    cashier.wait(days=62)
    found = cashier.run()
    assert (found.billed, found.failed) == (8, {"beyond_last_band": 1})
    (failed,) = cashier.failed()
    assert (failed.subscription_id, failed.index) == (troubled.id, 1)
    assert failed.reason is not None
    assert "band" in failed.reason
    assert cashier.states(troubled) == ["paid", "failed"]
    assert cashier.run().due == 0
    cashier.billing.retry_cycle(cashier.scope, troubled.id, 1)
    assert cashier.run().failed == {"beyond_last_band": 1}
    cashier.billing.skip_cycle(cashier.scope, troubled.id, 1)
    assert cashier.run().billed == 1
    cashier.audit()


def test_the_second_of_several_cycles_cannot_be_billed() -> None:
    """What is due before a cycle without a price is billed, what comes after it waits."""
    cashier = Cashier.open()
    cashier.sell(LIMITED)
    ada = cashier.join()
    cashier.wait(days=40)
    cashier.club.do("record_usage", ada, [("a", "calls", 11, cashier.now)])
    cashier.wait(days=60)
    found = cashier.run()
    assert (found.due, found.billed, found.failed) == (2, 1, {"beyond_last_band": 1})
    assert cashier.states(ada) == ["paid", "paid", "failed"]
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_shows_the_same_without_effect(kind: str, make_database: MakeDatabase) -> None:
    """A dry run tells what a run would bill, asks no gateway and leaves nothing behind."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell(fixed(), LIMITED)
    cashier.sell(handle="halting", catch_up=CatchUp.HALT)
    everybody = [cashier.join(f"c{number}") for number in range(4)]
    cashier.join("halted", plan="halting")
    cashier.club.do("record_usage", everybody[0], [("a", "calls", 11, cashier.now)])
    cashier.wait(days=70)
    calls, before = cashier.gateway.calls, cashier.invoices()
    dry = cashier.run(dry_run=True)
    shown = list(cashier.told)
    assert (dry.paid, dry.declined, dry.unknown) == (0, 0, 0)
    assert (cashier.gateway.calls, cashier.invoices(), cashier.runs()) == (calls, before, [])
    assert [cashier.states(one) for one in everybody] == [["paid", "upcoming"]] * 4
    real = cashier.run()
    assert list(cashier.told) == shown
    assert (real.due, real.billed, real.failed, real.invoiced) == (dry.due, dry.billed, dry.failed, dry.invoiced)
    assert dry.failed == {"beyond_last_band": 1, "halted": 1}
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_payment_that_never_comes(kind: str, make_database: MakeDatabase) -> None:
    """After 23 hours an incomplete subscription expires, its invoice is void, and nothing is owed."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell()
    cashier.gateway.script(Decline())
    ada = cashier.join(tax=VAT)
    assert (cashier.status(ada), cashier.states(ada)) == ("incomplete", ["failed", "upcoming"])
    cashier.wait(hours=23)
    cashier.run()
    assert cashier.status(ada) == "incomplete"
    assert not cashier.cases()
    cashier.wait(minutes=1)
    cashier.run()
    assert (cashier.status(ada), cashier.states(ada)) == ("expired", ["voided", "voided"])
    assert cashier.get(ada).ended_at == cashier.now
    assert cashier.invoices()[0].status is InvoiceStatus.VOID
    assert {item.money.minor for item in cashier.club.office.ledger.balances(cashier.scope)} == {0}
    cashier.audit()


def test_a_first_payment_that_comes_in_time() -> None:
    """Whoever pays the first invoice within the day is active from then on, and the next cycle falls due."""
    cashier = Cashier.open()
    cashier.sell()
    ada = cashier.join(payment_method="declined")
    cashier.club.do("change_method", ada, "pm_good")
    cashier.wait(hours=22)
    cashier.club.subscriptions.pay(cashier.scope, cashier.invoices()[0].id)
    assert (cashier.status(ada), cashier.states(ada)) == ("active", ["paid", "upcoming"])
    cashier.wait(days=31)
    assert cashier.run().paid == 1
    cashier.audit()


def test_a_first_payment_of_unknown_outcome_is_waited_for() -> None:
    """As long as the first payment may have come the subscription waits; when it did, it begins."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.gateway.script(Behaviour.LOSE_ANSWER)
    cashier.gateway.is_silent = True
    ada = cashier.join()
    bob = cashier.join("bob", payment_method="declined")
    cashier.wait(days=2)
    cashier.run()
    assert (cashier.status(ada), cashier.status(bob)) == ("incomplete", "expired")
    cashier.gateway.is_silent = False
    cashier.wait(hours=7)
    assert cashier.run().paid == 1
    assert (cashier.status(ada), cashier.states(ada)) == ("active", ["paid", "upcoming"])
    assert cashier.cycle(ada, 1).due_at == cashier.get(ada).due_at
    cashier.audit()


def test_credit_that_an_expired_subscription_took_goes_back() -> None:
    """What an invoice took from the subscriber's credit is credit again when it is void."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.sell(fixed("50.00"), handle="dear")
    first = cashier.join()
    cashier.club.do("cancel", first, reason="no", at_period_end=False, gives_back=True)
    assert cashier.credit() == "30.00"
    cashier.gateway.script(Decline())
    ada = cashier.join(plan="dear")
    assert (cashier.credit(), cashier.owes()) == ("0.00", "20.00")
    cashier.wait(hours=24)
    cashier.run()
    assert (cashier.status(ada), cashier.credit(), cashier.owes()) == ("expired", "30.00", "0.00")
    cashier.audit()


def test_invoiced_with_terms_nothing_is_charged() -> None:
    """Who pays on account is invoiced and not charged; the cycle is paid when the money has come."""
    cashier = Cashier.open()
    cashier.sell()
    ada = cashier.join(collection=TERMS)
    cashier.wait(days=31)
    assert cashier.run().paid == 0
    assert (cashier.gateway.calls, cashier.states(ada)) == (0, ["invoiced", "invoiced", "upcoming"])
    cashier.audit()


def test_credit_pays_first() -> None:
    """What a subscriber has in credit is used up before anything is charged; a cycle it covers is paid at once."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.sell(fixed("50.00"), handle="dear")
    cashier.club.do("cancel", cashier.join(plan="dear"), reason="no", at_period_end=False, gives_back=True)
    ada = cashier.join()
    assert (cashier.credit(), cashier.gateway.calls) == ("20.00", 1)
    cashier.wait(days=31)
    assert cashier.run().paid == 1
    assert (cashier.last().amount.text, cashier.states(ada)) == ("10.00", ["paid", "paid", "upcoming"])
    cashier.audit()


def test_late_usage_is_billed_with_the_next_cycle_once() -> None:
    """Usage that comes after its period was billed is on the next invoice, and on no other."""
    cashier = Cashier.open()
    cashier.sell(metered())
    ada = cashier.join()
    used_at = cashier.now
    cashier.wait(days=31)
    cashier.run()
    cashier.club.do("record_usage", ada, [("late", "calls", 4, used_at)])
    cashier.wait(days=62)
    cashier.run()
    assert cashier.club.totals(ada) == ["0.00", "0.00", "4.00", "0.00"]
    cashier.audit()


def test_runs_and_cycles_are_listed() -> None:
    """Runs are listed newest first, cycles by what became of them."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)
    cashier.run(worker="one")
    cashier.run(worker="two")
    assert [one.worker for one in cashier.runs()] == ["two", "one"]
    assert [one.index for one in cashier.billing.cycles(cashier.scope, CycleStatus.PAID).items] == [0, 1]
    assert [one.index for one in cashier.billing.cycles(cashier.scope, request=PageRequest(2)).items] == [0, 1]
