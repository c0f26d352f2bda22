"""Invoices that should never have been, or will never be paid: declared void, or written off."""

from collections.abc import Callable

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.plans import DunningEnd, DunningPolicy
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, seats
from usecases.accounts import Accounts, eur
from usecases.subscribing import CHARGED, KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S, I = SubscriptionStatus, InvoiceStatus  # noqa: E741  short, as in tables

DECISIONS = ("void", "write_off")


def decide(accounts: Accounts, decision: str, number: int = 1, reason: str = "mistake") -> None:
    """Void or write off an invoice."""
    getattr(accounts.invoices, decision)(accounts.scope, accounts.invoice(number).id, reason=reason)


def refused(accounts: Accounts, decision: str, number: int = 1) -> Conflict:
    """Void or write off an invoice for which that is refused; nothing moves."""
    before = accounts.invoice(number)
    with pytest.raises(Conflict) as raised:
        decide(accounts, decision, number)
    assert accounts.invoice(number) == before
    accounts.audit()
    return raised.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_void_invoice_keeps_its_number_and_nothing_else(kind: str, make_database: MakeDatabase) -> None:
    """All that was booked is taken back, its cycle is void, and the reason is in the books."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    begun = accounts.club.begin(tax=VAT)
    decide(accounts, "void", reason="wrong plan")
    invoice = accounts.invoice()
    assert (invoice.status, invoice.number, invoice.due) == (I.VOID, 1, eur("0.00"))
    assert accounts.club.states(begun) == ["voided", "upcoming"]
    for path in ("customer:ada:receivable", "tax:nl", "deferred:subscription"):
        assert accounts.holds(path) == "0.00"
    reversal = accounts.club.office.journals()[-1]
    assert (reversal.reverses, dict(reversal.references)["reason"]) == (f"invoice:{invoice.id}:issue", "wrong plan")
    accounts.bill(days=31)
    assert [one.number for one in accounts.club.invoices()] == [1, 2]
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_credit_that_a_void_invoice_took_goes_back(kind: str, make_database: MakeDatabase) -> None:
    """The subscriber can spend it on the next invoice."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    accounts.club.begin()
    accounts.invoices.mark_paid(accounts.scope, accounts.invoice().id, reference="tr_1", amount=eur("160.00"))
    accounts.bill(days=31)
    assert (accounts.invoice(2).due, accounts.holds("customer:ada:credit")) == (eur("40.00"), "0.00")
    decide(accounts, "void", 2)
    assert accounts.holds("customer:ada:credit") == "60.00"
    accounts.bill(days=31)
    assert accounts.invoice(3).due == eur("40.00")
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_bad_debt_is_an_expense(kind: str, make_database: MakeDatabase) -> None:
    """What is written off is owed no more; the cycle failed, and the subscription goes on."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    begun = accounts.club.begin()
    accounts.credit(accounts.invoice(), "30.00")
    decide(accounts, "write_off", reason="gone away")
    assert (accounts.invoice().status, accounts.club.get(begun).status) == (I.UNCOLLECTIBLE, S.ACTIVE)
    assert accounts.club.cycles(begun)[0].reason == "gone away"
    assert (accounts.holds("expense:write_off"), accounts.holds("customer:ada:receivable")) == ("70.00", "0.00")
    (journal,) = accounts.club.office.journals("subscription_written_off")
    assert dict(journal.references)["reason"] == "gone away"
    if kind == "memory":
        assert [one.name for one in accounts.club.happened("invoice.uncollectible")] == ["invoice.uncollectible"]
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_off_can_be_void_after_all(kind: str, make_database: MakeDatabase) -> None:
    """The expense is taken back with everything else."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("31.00"))
    begun = accounts.club.begin()
    decide(accounts, "write_off")
    accounts.wait(days=30)
    accounts.recognise()
    decide(accounts, "void")
    assert accounts.club.states(begun)[0] == "voided"
    assert (accounts.holds("expense:write_off"), accounts.revenue, accounts.deferred) == ("0.00",) * 3
    accounts.audit()


@pytest.mark.parametrize("decision", DECISIONS)
def test_paid_invoices_are_credited_instead(decision: str) -> None:
    """Money that came is not forgotten."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.club.begin(collection=CHARGED)
    error = refused(accounts, decision)
    assert (error.code, error.current_state) == ("invalid_state", "paid")


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("reaction", [Behaviour.LOSE_ANSWER, Behaviour.PEND, Behaviour.UNAVAILABLE])
def test_while_a_payment_is_under_way_nothing_is_decided(decision: str, reaction: Behaviour) -> None:
    """Its money may come; once its outcome is known, it goes on."""
    accounts = Accounts.open()
    accounts.club.sell(trial_days=1)
    accounts.club.begin(collection=CHARGED)
    accounts.gateway.script(reaction)
    accounts.bill(days=1)
    assert refused(accounts, decision).code == "attempt_unsettled"
    if reaction is Behaviour.PEND:
        (tried,) = accounts.invoices.attempts(accounts.scope, accounts.invoice().id)
        accounts.gateway.settle(tried.key, Decline())
    accounts.wait(minutes=6)
    accounts.club.office.inquire()
    if reaction is Behaviour.PEND:
        decide(accounts, decision)
    else:
        assert accounts.invoice().status is I.PAID
    accounts.audit()


def test_an_invoice_that_was_corrected_is_not_void() -> None:
    """Its credit notes stand; the rest of it can be credited or written off."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.club.begin()
    accounts.credit(accounts.invoice(), "1.00")
    assert refused(accounts, "void").code == "invoice_credited"
    decide(accounts, "write_off")


@pytest.mark.parametrize("is_interval", [False, True])
def test_an_invoice_that_was_given_back_is_not_void(is_interval: bool) -> None:
    """While another invoice gives back what it charged it stands; once that one is void, it can be."""
    accounts = Accounts.open()
    accounts.club.sell(seats("31.00"))
    accounts.club.sell(seats("400.00"), handle="other", count=12 if is_interval else 1)
    begun = accounts.club.begin(quantities={"seats": 1})
    accounts.wait(days=10)
    accounts.club.do("change", begun, plan="other")
    assert accounts.invoice(2).cycle == int(is_interval)
    assert refused(accounts, "void").code == "lines_credited"
    decide(accounts, "void", 2)
    decide(accounts, "void")
    assert (accounts.deferred, accounts.holds("customer:ada:receivable")) == ("0.00", "0.00")
    accounts.audit()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
@pytest.mark.parametrize("decision", DECISIONS)
def test_a_reason_is_needed(decision: str, reason: str) -> None:
    """Nobody voids or writes off without saying why."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.club.begin()
    with pytest.raises(Invalid) as raised:
        decide(accounts, decision, reason=reason)
    assert raised.value.code == "no_reason"


def past_due(end: DunningEnd = DunningEnd.UNPAID) -> Accounts:
    """Let the second payment of a subscription fail."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"), dunning=DunningPolicy(end=end))
    begun = accounts.club.begin(collection=CHARGED)
    accounts.gateway.script(Decline())
    accounts.bill(days=31)
    assert accounts.club.get(begun).status is S.PAST_DUE
    return accounts


def status(accounts: Accounts) -> SubscriptionStatus:
    """Tell where the one subscription stands."""
    (one,) = accounts.club.subscriptions.list(accounts.scope).items
    return one.status


def test_voiding_what_failed_ends_its_dunning() -> None:
    """Nothing is owed any more, and nothing was: the subscription is active, and no retry is made."""
    accounts = past_due()
    decide(accounts, "void", 2)
    assert status(accounts) is S.ACTIVE
    accounts.wait(days=7)
    assert accounts.club.office.retry().retried == 0
    accounts.audit()


def test_voiding_what_was_never_paid_lets_an_unpaid_subscription_go_on() -> None:
    """The period that was voided is free, and the next one is billed when it begins."""
    accounts = past_due()
    accounts.gateway.script(Decline(), Decline(), Decline())
    for _ in range(7):
        accounts.wait(days=1)
        accounts.club.office.retry()
    assert status(accounts) is S.UNPAID
    decide(accounts, "void", 2)
    assert (status(accounts), len(accounts.club.invoices())) == (S.ACTIVE, 2)
    accounts.bill(days=31)
    assert (accounts.invoice(3).cycle, accounts.invoice(3).status) == (2, I.PAID)
    accounts.audit()


@pytest.mark.parametrize(("end", "after"), [(DunningEnd.UNPAID, S.UNPAID), (DunningEnd.CANCELED, S.CANCELED)])
def test_writing_off_what_failed_gives_up(end: DunningEnd, after: SubscriptionStatus) -> None:
    """The subscription becomes what it would have become after the last retry; nobody is let off."""
    accounts = past_due(end)
    decide(accounts, "write_off", 2)
    assert status(accounts) is after
    accounts.wait(days=7)
    assert accounts.club.office.retry().retried == 0
    accounts.bill(days=31)
    assert len(accounts.club.invoices()) == 2
    accounts.audit()


def test_writing_off_after_dunning_ended_changes_nothing_else() -> None:
    """An unpaid subscription stays unpaid, and nobody is told again that payment was given up."""
    accounts = past_due()
    decide(accounts, "write_off", 2)
    told = len(accounts.club.happened("subscription."))
    accounts.invoices.mark_paid(accounts.scope, accounts.invoice(2).id, reference="tr_1")
    assert (status(accounts), accounts.holds("expense:write_off")) == (S.ACTIVE, "0.00")
    assert len(accounts.club.happened("subscription.")) == told + 2
    accounts.audit()


def test_voiding_the_first_invoice_leaves_nothing_to_wait_for() -> None:
    """A subscription that waits for its first payment is not in force because of it, and expires."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.gateway.script(Decline())
    begun = accounts.club.begin(collection=CHARGED)
    decide(accounts, "void")
    assert accounts.club.get(begun).status is S.INCOMPLETE
    accounts.bill(days=1)
    assert accounts.club.get(begun).status is S.EXPIRED
    accounts.audit()
