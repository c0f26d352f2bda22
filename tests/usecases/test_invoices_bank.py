"""Money that came by bank: an invoice is paid all at once, and each transfer counts once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.testing.clock import START
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed
from usecases.accounts import Accounts, eur
from usecases.subscribing import CHARGED, KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S, I = SubscriptionStatus, InvoiceStatus  # noqa: E741  short, as in tables


def opened(**terms: Any) -> Accounts:
    """Invoice somebody 100.00 on account."""
    accounts = Accounts.open(**terms)
    accounts.club.sell(fixed("100.00"))
    accounts.club.begin()
    return accounts


def pay(accounts: Accounts, reference: str = "tr_1", **words: Any) -> Invoice:
    """Note that the first invoice was paid."""
    return accounts.invoices.mark_paid(accounts.scope, accounts.invoice().id, reference=reference, **words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_transfer_pays_an_invoice(kind: str, make_database: MakeDatabase) -> None:
    """It is paid when the money came, its cycle too, and the books say under which reference."""
    accounts = opened(database=make_database(kind))
    came_at = accounts.club.now + timedelta(days=2)
    accounts.wait(days=3)
    done = pay(accounts, at=came_at)
    assert done == accounts.invoice()
    assert (done.status, done.settled_at) == (I.PAID, came_at)
    assert accounts.club.states(accounts.club.subscriptions.list(accounts.scope).items[0])[0] == "paid"
    assert (accounts.holds("bank"), accounts.holds("customer:ada:receivable")) == ("100.00", "0.00")
    (journal,) = accounts.club.office.journals("subscription_paid")
    assert (journal.occurred_at, dict(journal.references)["reference"]) == (came_at, "tr_1")
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_counts_once(kind: str, make_database: MakeDatabase) -> None:
    """Noted again it changes nothing; with another amount it is refused, and so is another transfer."""
    accounts = opened(database=make_database(kind))
    done = pay(accounts, amount=eur("100.00"))
    assert pay(accounts) == pay(accounts, amount=eur("100.00")) == done
    for reference, amount, code in (("tr_1", "99.00", "reference_reused"), ("tr_2", "100.00", "invalid_state")):
        with pytest.raises(Conflict) as raised:
            pay(accounts, reference, amount=eur(amount))
        assert (raised.value.code, raised.value.current_state) == (code, "paid")
    assert accounts.holds("bank") == "100.00"
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_noted_twice_at_once_it_counts_once(kind: str, make_database: MakeDatabase) -> None:
    """Two people who note the same transfer at the same moment note one."""
    accounts = opened(database=make_database(kind))

    def note(_: int) -> Invoice | None:
        with suppress(Conflict):
            return pay(accounts)
        return None

    with ThreadPoolExecutor(4) as threads:
        done = [one for one in threads.map(note, range(4)) if one]
    assert done
    assert all(one.status is I.PAID for one in done)
    assert accounts.holds("bank") == "100.00"
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_paid_and_void_at_once(kind: str, make_database: MakeDatabase) -> None:
    """Of two people who decide at the same moment one is first, and the other is told."""
    accounts = opened(database=make_database(kind))
    invoice_id = accounts.invoice().id
    decisions = (
        lambda: pay(accounts),
        lambda: accounts.invoices.void(accounts.scope, invoice_id, reason="mistake"),
    )

    def decide(place: int) -> bool:
        with suppress(Conflict):
            decisions[place]()
            return True
        return False

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(decide, range(2))) == [False, True]
    accounts.audit()


@pytest.mark.parametrize("place", ["invoices.mark_paid.before_commit", "invoices.mark_paid.after_commit"])
def test_who_is_cut_off_notes_it_again(place: str) -> None:
    """Whether or not it was stored before the process died, noted again the transfer counts once."""
    accounts = opened()

    def die(name: str) -> None:
        if name == place:
            raise faults.Crash

    with pytest.raises(faults.Crash), faults.hooked(die):
        pay(accounts)
    assert pay(accounts).status is I.PAID
    assert accounts.holds("bank") == "100.00"
    accounts.audit()


def test_too_much_becomes_credit() -> None:
    """What is more than owed is the subscriber's, and pays of the next invoice."""
    accounts = opened()
    pay(accounts, amount=eur("130.00"))
    assert (accounts.holds("customer:ada:credit"), accounts.holds("bank")) == ("30.00", "130.00")
    accounts.bill(days=31)
    assert accounts.invoice(2).due == eur("70.00")
    accounts.audit()


def test_too_little_pays_nothing() -> None:
    """A part of what is owed is refused with what to do instead: credit the rest, and then it is enough."""
    accounts = opened()
    with pytest.raises(Refused, match=r"100\.00 EUR is owed, and 99\.99 EUR came") as raised:
        pay(accounts, amount=eur("99.99"))
    assert raised.value.code == "partial_payment"
    accounts.credit(accounts.invoice(), "0.01", reason="bank charges")
    pay(accounts, amount=eur("99.99"))
    assert accounts.invoice().status is I.PAID
    accounts.audit()


def test_what_was_written_off_can_still_be_paid() -> None:
    """The expense is taken back; what had been credited before was not owed."""
    accounts = opened()
    accounts.credit(accounts.invoice(), "20.00")
    accounts.invoices.write_off(accounts.scope, accounts.invoice().id, reason="gone away")
    pay(accounts)
    assert (accounts.holds("bank"), accounts.holds("expense:write_off")) == ("80.00", "0.00")
    accounts.audit()


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        ({"reference": " "}, Invalid, "no_reference"),
        ({"reference": "x" * 201}, Invalid, "no_reference"),
        ({"amount": Money.of("100.00", "USD")}, Invalid, "currency_mismatch"),
        ({"at": START + timedelta(seconds=1)}, Invalid, "paid_in_future"),
    ],
)
def test_what_cannot_be(words: dict[str, Any], error: type[CityOSError], code: str) -> None:
    """Without a reference, in another currency, or before it happened nothing is noted."""
    accounts = opened()
    with pytest.raises(error) as raised:
        pay(accounts, **words)
    assert raised.value.code == code
    assert (accounts.invoice().status, accounts.holds("bank")) == (I.OPEN, "0.00")


def test_a_void_invoice_is_not_paid() -> None:
    """Its money is unknown money, until somebody says what it is."""
    accounts = opened()
    accounts.invoices.void(accounts.scope, accounts.invoice().id, reason="mistake")
    with pytest.raises(Conflict, match="receive_unknown") as raised:
        pay(accounts)
    assert raised.value.code == "invalid_state"


def test_while_a_charge_is_under_way_nothing_is_noted() -> None:
    """The same invoice is not paid twice because nobody waited for an answer."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("100.00"))
    accounts.gateway.script(Behaviour.LOSE_ANSWER)
    accounts.club.begin(collection=CHARGED)
    with pytest.raises(Conflict) as raised:
        pay(accounts)
    assert raised.value.code == "attempt_unsettled"
    accounts.wait(minutes=6)
    accounts.club.office.inquire()
    assert accounts.invoice().status is I.PAID
    accounts.audit()


def test_a_transfer_completes_and_recovers() -> None:
    """Paid by bank, the first invoice puts a subscription in force, and a failed one ends its dunning."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("100.00"))
    accounts.gateway.script(Decline(), Decline())
    begun = accounts.club.begin(collection=CHARGED)
    assert begun.status is S.INCOMPLETE
    pay(accounts)
    assert accounts.club.get(begun).status is S.ACTIVE
    accounts.bill(days=31)
    assert accounts.club.get(begun).status is S.PAST_DUE
    accounts.invoices.mark_paid(accounts.scope, accounts.invoice(2).id, reference="tr_2")
    assert accounts.club.get(begun).status is S.ACTIVE
    assert accounts.club.states(begun) == ["paid", "paid", "upcoming"]
    accounts.audit()
