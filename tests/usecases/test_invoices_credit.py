"""Credit notes: they correct invoices, lower what is owed or become credit, and settle what is left with nothing to pay."""

from collections.abc import Callable

import pytest

from cityos_adapters.memory.gateway import Decline
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.events import CreditNoteIssued
from cityos_core.subscriptions.invoices import InvoiceStatus, NoteLine
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.accounts import Accounts, eur
from usecases.subscribing import CHARGED, KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S, I = SubscriptionStatus, InvoiceStatus  # noqa: E741  short, as in tables


@pytest.mark.parametrize("kind", KINDS)
def test_a_credit_note_lowers_what_is_owed(kind: str, make_database: MakeDatabase) -> None:
    """It has a number of its own series, gives tax back in proportion, and the invoice itself is not edited."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    accounts.club.begin(tax=VAT)
    note = accounts.credit(accounts.invoice(), "12.10")
    assert (note.number, note.entity, note.lines, note.reason) == (1, "north", (NoteLine(0, 1000, 210),), "outage")
    invoice = accounts.invoice()
    assert (invoice.status, invoice.total, invoice.credited, invoice.due) == (
        I.OPEN, eur("121.00"), 1210, eur("108.90"),
    )  # fmt: skip
    assert accounts.credit(invoice, "1.21").number == 2
    assert [one.number for one in accounts.invoices.credit_notes(accounts.scope, invoice.id)] == [1, 2]
    holds = {path: accounts.holds(path) for path in ("customer:ada:receivable", "tax:nl", "customer:ada:credit")}
    assert holds == {"customer:ada:receivable": "107.69", "tax:nl": "18.69", "customer:ada:credit": "0.00"}
    journal = accounts.club.office.journals("subscription_credited")[0]
    assert dict(journal.references) == {
        "invoice": str(invoice.id),
        "subscription": str(invoice.subscription_id),
        "credit_note": str(note.id),
        "number": "north/1",
        "reason": "outage",
    }
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_paid_becomes_credit(kind: str, make_database: MakeDatabase) -> None:
    """Of a paid invoice everything that is given back is the subscriber's credit, and pays of the next invoice."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    accounts.club.begin(collection=CHARGED)
    accounts.credit(accounts.invoice(), "40.00")
    assert (accounts.invoice().status, accounts.holds("customer:ada:credit")) == (I.PAID, "40.00")
    accounts.bill(days=31)
    assert (accounts.invoice(2).from_credit, accounts.holds("customer:ada:credit")) == (4000, "0.00")
    assert accounts.gateway.collected("EUR") == eur("160.00")
    accounts.audit()


def test_of_a_part_paid_from_credit_only_the_rest_lowers_what_is_owed() -> None:
    """What exceeds the amount due goes back to where it came from."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("100.00"))
    accounts.club.begin()
    accounts.invoices.mark_paid(accounts.scope, accounts.invoice().id, reference="tr_1", amount=eur("130.00"))
    accounts.bill(days=31)
    assert accounts.invoice(2).due == eur("70.00")
    accounts.credit(accounts.invoice(2), "80.00")
    assert (accounts.invoice(2).status, accounts.holds("customer:ada:credit")) == (I.PAID, "10.00")
    assert accounts.holds("customer:ada:receivable") == "0.00"
    accounts.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_crediting_all_of_it_settles_it(kind: str, make_database: MakeDatabase) -> None:
    """An invoice of which nothing is left to pay is paid, and so is its cycle; that is told."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell(fixed("100.00"))
    begun = accounts.club.begin()
    note = accounts.credit(accounts.invoice(), "100.00", reason="goodwill")
    invoice = accounts.invoice()
    assert (invoice.status, invoice.settled_at, accounts.club.states(begun)[0]) == (I.PAID, accounts.club.now, "paid")
    if kind == "memory":
        assert [one.name for one in accounts.club.happened("invoice.paid", "credit_note")] == [
            "credit_note.issued", "invoice.paid",
        ]  # fmt: skip
        (told,) = accounts.club.happened("credit_note")
        assert isinstance(told, CreditNoteIssued)
        assert (told.subject, told.invoice, told.number, told.total) == (note.id, invoice.id, 1, eur("100.00"))
        assert told.reason == "goodwill"
    accounts.audit()


def test_settling_a_failed_payment_ends_its_dunning() -> None:
    """A subscription that was past due is active again once what failed was credited, as if it had been paid."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("100.00"))
    begun = accounts.club.begin(collection=CHARGED)
    accounts.gateway.script(Decline())
    accounts.bill(days=31)
    assert accounts.club.get(begun).status is S.PAST_DUE
    accounts.credit(accounts.invoice(2), "99.99")
    assert accounts.club.get(begun).status is S.PAST_DUE
    accounts.credit(accounts.invoice(2), "0.01")
    assert accounts.club.get(begun).status is S.ACTIVE
    assert accounts.club.states(begun) == ["paid", "paid", "upcoming"]
    accounts.wait(days=7)
    assert accounts.club.office.retry().retried == 0
    accounts.audit()


def test_an_unpaid_subscription_goes_on_and_is_charged_for_what_is_left() -> None:
    """Once what was owed is credited, the rest of the period that runs is invoiced and collected."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"))
    begun = accounts.club.begin(collection=CHARGED)
    accounts.gateway.script(Decline(), Decline(), Decline(), Decline())
    accounts.bill(days=31)
    for _ in range(8):
        accounts.wait(days=1)
        accounts.club.office.retry()
    assert accounts.club.get(begun).status is S.UNPAID
    accounts.bill(days=31)
    assert len(accounts.club.invoices()) == 2
    accounts.credit(accounts.invoice(2), "31.00")
    assert accounts.club.get(begun).status is S.ACTIVE
    rest = accounts.invoice(3)
    assert (rest.status, rest.total.text) == (I.PAID, "20.00")
    assert accounts.gateway.collected("EUR") == eur("51.00")
    accounts.audit()


def test_crediting_the_first_invoice_completes_a_subscription() -> None:
    """One that waits for its first payment is in force once that is not owed any more."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("100.00"))
    accounts.gateway.script(Decline())
    begun = accounts.club.begin(collection=CHARGED)
    assert begun.status is S.INCOMPLETE
    accounts.credit(accounts.invoice(), "100.00")
    assert accounts.club.get(begun).status is S.ACTIVE
    accounts.audit()


def test_lines_are_never_credited_twice() -> None:
    """What a change gave back, and what other notes gave back, cannot be given back again."""
    accounts = Accounts.open()
    accounts.club.sell(seats("31.00"))
    begun = accounts.club.begin(quantities={"seats": 2})
    accounts.wait(days=11)
    accounts.club.do("change", begun, quantities={"seats": 1})
    invoice = accounts.invoice()
    with pytest.raises(Refused) as raised:
        accounts.credit(invoice, "22.01")
    assert raised.value.code == "exceeds_line"
    accounts.credit(invoice, "22.00")
    with pytest.raises(Refused, match=r"0\.00 EUR is left"):
        accounts.credit(accounts.invoice(), "0.01")
    assert accounts.holds("deferred:subscription") == "20.00"
    accounts.audit()


def test_used_amounts_are_credited_from_revenue() -> None:
    """What was used was revenue when it was invoiced, and its credit comes out of that."""
    accounts = Accounts.open()
    accounts.club.sell(metered())
    begun = accounts.club.begin()
    accounts.club.do("record_usage", begun, [("first", "calls", 4, accounts.club.now)])
    accounts.bill(days=31)
    accounts.credit(accounts.invoice(2), "1.00")
    assert (accounts.revenue, accounts.deferred) == ("3.00", "0.00")
    assert accounts.invoice(2).recognise_at is None
    accounts.audit()


@pytest.mark.parametrize(
    ("corrections", "reason", "error", "code"),
    [
        ([], "outage", Invalid, "corrections"),
        ([Correction(line=0, amount=eur("1.00"))] * 2, "outage", Invalid, "corrections"),
        ([Correction(line=7, amount=eur("1.00"))], "outage", Invalid, "no_such_line"),
        ([Correction(line=0, amount=eur("0.00"))], "outage", Invalid, "correction"),
        ([Correction(line=0, amount=eur("31.01"))], "outage", Refused, "exceeds_line"),
        ([Correction(line=0, amount=Money.of("1.00", "USD"))], "outage", Invalid, "currency_mismatch"),
        ([Correction(line=0, amount=eur("1.00"))], "  ", Invalid, "no_reason"),
        ([Correction(line=0, amount=eur("1.00"))], "x" * 501, Invalid, "no_reason"),
    ],
)
def test_refused_credit_notes_leave_nothing(
    corrections: list[Correction], reason: str, error: type[CityOSError], code: str
) -> None:
    """What makes no sense is refused with a reason, takes no number and moves nothing."""
    accounts = Accounts.open()
    accounts.club.sell(fixed("31.00"))
    accounts.club.begin()
    before = accounts.invoice()
    with pytest.raises(error) as raised:
        accounts.invoices.credit(accounts.scope, before.id, corrections, reason=reason)
    assert raised.value.code == code
    assert accounts.invoice() == before
    assert accounts.credit(before, "1.00").number == 1


def test_a_void_invoice_is_not_corrected() -> None:
    """Nothing is left of it that could be."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.club.begin()
    accounts.invoices.void(accounts.scope, accounts.invoice().id, reason="mistake")
    with pytest.raises(Conflict) as raised:
        accounts.credit(accounts.invoice(), "1.00")
    assert (raised.value.code, raised.value.current_state) == ("invalid_state", "void")


@pytest.mark.parametrize("kind", KINDS)
def test_finding_invoices(kind: str, make_database: MakeDatabase) -> None:
    """By id, by state, by who owes, by subscription, and those that are overdue; newest first, page by page."""
    accounts = Accounts.open(database=make_database(kind))
    accounts.club.sell()
    begun = accounts.club.begin()
    accounts.invoices.mark_paid(accounts.scope, accounts.invoice().id, reference="tr_1")
    accounts.bill(days=31)
    accounts.bill(days=31)
    first, second, third = accounts.club.invoices()

    def found(**words: object) -> list[int | None]:
        page = accounts.invoices.list(accounts.scope, InvoiceFilter(**words))  # type: ignore[arg-type]
        return [one.number for one in page.items]

    assert accounts.invoices.get(accounts.scope, second.id) == second
    assert [one.number for one in accounts.invoices.list(accounts.scope).items] == [3, 2, 1]
    assert found(status=I.OPEN) == [3, 2]
    assert (found(subscriber="ada", status=I.PAID), found(subscriber="bob")) == ([1], [])
    assert found(subscription=begun.id) == [3, 2, 1]
    assert found(overdue_at=accounts.club.now) == [2]
    page = accounts.invoices.list(accounts.scope, request=PageRequest(limit=2))
    assert (page.items, page.has_more) == ((third, second), True)
    rest = accounts.invoices.list(accounts.scope, request=PageRequest(limit=2, after=page.after))
    assert rest.items == (first,)


def test_what_is_not_there() -> None:
    """An invoice that does not exist is not found, whatever is asked of it."""
    accounts = Accounts.open()
    missing = InvoiceId(accounts.club.office.identifiers.new())
    for asked in (accounts.invoices.get, accounts.invoices.attempts, accounts.invoices.credit_notes):
        with pytest.raises(NotFound) as raised:
            asked(accounts.scope, missing)
        assert raised.value.code == "invoice_not_found"


def test_the_attempts_at_an_invoice() -> None:
    """Each try to collect it is listed, with what came of it."""
    accounts = Accounts.open()
    accounts.club.sell()
    accounts.gateway.script(Decline())
    accounts.club.begin(collection=CHARGED)
    accounts.club.subscriptions.pay(accounts.scope, accounts.invoice().id)
    tried = accounts.invoices.attempts(accounts.scope, accounts.invoice().id)
    assert [(one.number, one.status.value) for one in tried] == [(1, "declined"), (2, "succeeded")]
