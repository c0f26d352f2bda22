"""Vendors ask for payouts themselves."""

import pytest

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Payout, PayoutStatus
from cityos_core.vendors.model import VendorStatus
from usecases.town import code
from usecases.treasury import Treasury, eur


@pytest.fixture
def treasury() -> Treasury:
    """A vendor with 100.00 available, paid by nobody's schedule but its own wish."""
    opened = Treasury.open()
    opened.vendor("acme", "100.00", payout_schedule="manual")
    return opened


def ask(treasury: Treasury, amount: str, *, key: str | None = None, vendor: str = "acme") -> Payout:
    """Ask for a payout."""
    return treasury.payouts.request(treasury.scope, vendor, eur(amount), key=key)


def test_any_amount_up_to_what_is_available(treasury: Treasury) -> None:
    """Part of the money is paid, then the rest; more is refused and changes nothing."""
    ask(treasury, "30.00")
    assert code(lambda: ask(treasury, "70.01")) == "not_available"
    ask(treasury, "70.00")
    assert code(lambda: ask(treasury, "0.01")) == "not_available"
    treasury.payouts.process(treasury.scope)
    assert treasury.provider.paid("EUR") == eur("100.00")
    treasury.audit()


def test_only_the_payout_that_takes_the_rest_covers(treasury: Treasury) -> None:
    """Commission transactions are paid by the payout that empties what is available."""
    ask(treasury, "30.00")
    treasury.payouts.process(treasury.scope)
    assert treasury.entries() == [EntryStatus.APPROVED]
    ask(treasury, "70.00")
    treasury.payouts.process(treasury.scope)
    assert treasury.entries() == [EntryStatus.PAID]


def test_at_or_above_the_minimum(treasury: Treasury) -> None:
    """The minimum may be asked for, less may not."""
    treasury.settings.set(treasury.scope, "payout_minimums", {"EUR": "25.00"})
    assert code(lambda: ask(treasury, "24.99")) == "below_minimum"
    assert ask(treasury, "25.00").status is PayoutStatus.PENDING


def test_debt_comes_first(treasury: Treasury) -> None:
    """What is owed is netted and cannot be asked for."""
    treasury.earn("acme", eur("40.00"), "debt")
    assert code(lambda: ask(treasury, "60.01")) == "not_available"
    ask(treasury, "10.00")
    assert (treasury.balance("acme"), treasury.balance("acme", "debt")) == (eur("50.00"), eur("0.00"))
    treasury.audit()


def test_the_same_key_asks_once(treasury: Treasury) -> None:
    """A request repeated under its key gives the payout that stands, even once it is paid; other content is refused."""
    first = ask(treasury, "30.00", key="click")
    treasury.payouts.process(treasury.scope)
    again = ask(treasury, "30.00", key="click")
    assert (again.id, again.status, len(treasury.all())) == (first.id, PayoutStatus.PAID, 1)
    assert code(lambda: ask(treasury, "31.00", key="click")) == "key_reused"
    assert ask(treasury, "30.00", key="another click").id != first.id


def test_what_cannot_be_asked_for(treasury: Treasury) -> None:
    """Nothing, less than nothing, and another vendor's name are refused."""
    assert code(lambda: ask(treasury, "0.00")) == "amount_not_positive"
    assert code(lambda: ask(treasury, "-5.00")) == "amount_not_positive"
    assert code(lambda: ask(treasury, "5.00", vendor="nobody")) == "vendor_not_found"
    treasury.change("acme", status=VendorStatus.SUSPENDED)
    assert code(lambda: ask(treasury, "5.00")) == "not_approved"
    treasury.change("acme", status=VendorStatus.APPROVED, payout_account=None)
    assert code(lambda: ask(treasury, "5.00")) == "account_not_verified"
    assert treasury.all() == []


def test_only_payable_units_go_out(treasury: Treasury) -> None:
    """A request for a broken forint is paid in whole ones."""
    treasury.earn("acme", Money.of("500.90", "HUF"))
    payout = treasury.payouts.request(treasury.scope, "acme", Money.of("300.50", "HUF"))
    assert payout.amount == Money.of("300.00", "HUF")
    assert treasury.balance("acme", currency="HUF") == Money.of("200.90", "HUF")
    request = treasury.payouts.request
    assert code(lambda: request(treasury.scope, "acme", Money.of("0.50", "HUF"))) == "below_minimum"
