"""Which way an account grows, whether it has a floor, and whether its balance is kept."""

from uuid import UUID

import pytest

from cityos_core.kernel.ids import TenantId
from cityos_core.ledger.model import Account


@pytest.mark.parametrize(
    ("path", "sign", "has_floor", "is_kept"),
    [
        ("vendor:7:pending", -1, True, True),
        ("vendor:7:available", -1, True, True),
        ("vendor:7:reserve", -1, True, True),
        ("vendor:7:in_payout", -1, True, True),
        ("vendor:7:debt", 1, False, True),
        ("customer:7:receivable", 1, False, False),
        ("company:7:receivable", 1, False, False),
        ("customer:7:credit", -1, True, True),
        ("company:7:credit", -1, True, True),
        ("customer:auth0:7:credit", -1, True, True),
        ("company:debt:credit:receivable", 1, False, False),
        ("customer:vendor:available:credit", -1, True, True),
        ("customer:7:available", -1, False, False),
        ("company:7:funds", 1, False, False),
        ("gateway:card:pending", 1, False, False),
        ("bank", 1, False, False),
        ("funding:platform", 1, False, False),
        ("expense:write_off", 1, False, False),
        ("fx:EUR", 1, False, False),
        ("deferred:subscription", -1, False, False),
        ("revenue:credit", -1, False, False),
        ("tax:de", -1, False, False),
        ("suspense:bank", -1, False, False),
    ],
)
def test_the_chart(path: str, sign: int, has_floor: bool, is_kept: bool) -> None:
    """Each kind of account grows by debits or by credits, and may be overdrawn or not."""
    account = Account(TenantId(UUID(int=1)), path, "EUR")
    assert (account.sign, account.has_floor, account.is_kept) == (sign, has_floor, is_kept)
