"""Taking money that is gone already: available, pending, reserve, then debt."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.ids import TenantId, VendorId
from cityos_core.ledger.model import Account, vendor_account
from cityos_core.ledger.policy import adjustable, waterfall

TENANT, VENDOR = TenantId(UUID(int=1)), VendorId(UUID(int=2))


def account(state: str) -> Account:
    """Name one of the vendor's accounts."""
    return vendor_account(TENANT, VENDOR, state, "EUR")


AVAILABLE, PENDING, RESERVE, DEBT = (account(state) for state in ("available", "pending", "reserve", "debt"))


def test_takes_in_order_and_the_rest_as_debt() -> None:
    """Accounts give in their order, each down to zero, and what is missing is owed."""
    taken = waterfall(100, [(AVAILABLE, 30), (PENDING, 20), (RESERVE, 10)], DEBT)
    assert taken == [(AVAILABLE, 30), (PENDING, 20), (RESERVE, 10), (DEBT, 40)]


def test_stops_when_enough_is_taken() -> None:
    """Accounts further down are not touched once the amount is there."""
    assert waterfall(35, [(AVAILABLE, 30), (PENDING, 20), (RESERVE, 10)], DEBT) == [(AVAILABLE, 30), (PENDING, 5)]


def test_nothing_moves_nothing() -> None:
    """Taking nothing makes no movements at all."""
    assert waterfall(0, [(AVAILABLE, 30)], DEBT) == []


def test_a_negative_amount_is_refused() -> None:
    """Money is not given back by taking less than nothing."""
    with pytest.raises(Invalid):
        waterfall(-1, [(AVAILABLE, 30)], DEBT)


@given(st.integers(0, 10**12), st.lists(st.integers(-100, 10**12), max_size=4))
def test_sums_to_the_amount_and_overdraws_nobody(amount: int, balances: list[int]) -> None:
    """What is taken sums to the amount, and no account but the last gives more than it has."""
    places = [Account(TENANT, f"tax:{number}", "EUR") for number in range(len(balances))]
    taken = waterfall(amount, list(zip(places, balances, strict=True)), DEBT)
    assert sum(part for _, part in taken) == amount
    held = dict(zip(places, balances, strict=True))
    assert all(0 < part <= held.get(place, part) for place, part in taken)
    given_up = dict(taken)
    owing = given_up.get(DEBT, 0)
    assert not owing or all(given_up.get(place, 0) == max(balance, 0) for place, balance in held.items())


@pytest.mark.parametrize(
    "path",
    [
        "bank",
        "expense:fees",
        "gateway:card:available",
        f"vendor:{VENDOR}:available",
        "customer:c-1:credit",
        "customer:ann@example.com:receivable",
        "company:7:receivable",
        "company:crm:7:credit",
        "tax:de",
        "fx:EUR",
        "suspense:bank",
    ],
)
def test_the_chart_has_the_accounts_of_the_ledger(path: str) -> None:
    """People may post to every kind of account by hand."""
    assert adjustable(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "banks",
        "vendor:acme:available",
        "gateway:card",
        "tax:",
        "expense:a b",
        "fx:eur",
        "bank\n",
        "tax:=1+1",
        "customer:7",
        "company:7:debt",
    ],
)
def test_a_path_off_the_chart_is_refused(path: str) -> None:
    """A typing mistake cannot open a new account."""
    with pytest.raises(Invalid) as refused:
        adjustable(path)
    assert refused.value.code == "unknown_account"


def test_payouts_alone_move_in_payout() -> None:
    """Money of payouts on their way is not adjusted by hand."""
    with pytest.raises(Refused) as refused:
        adjustable(f"vendor:{VENDOR}:in_payout")
    assert refused.value.code == "account_in_use"
