"""Which of a gateway's answers are believed."""

from typing import Any
from uuid import UUID

import pytest

from cityos_core.kernel.errors import OutcomeUnknown, Unavailable
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.asking import LONGEST_REASON, Unanswered, ask, trusted
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState
from core.subscriptions.samples import CUSTOMER

CHARGE = Charge(
    key="1:2:1",
    amount=Money(3000, "EUR"),
    subscriber=CUSTOMER,
    payment_method=None,
    subscription_id=SubscriptionId(UUID(int=1)),
    invoice_id=InvoiceId(UUID(int=2)),
    description="Invoice main/1",
)


def succeeded(**words: Any) -> ChargeResult:
    """Say that it was collected."""
    return ChargeResult(state=ChargeState.SUCCEEDED, **{"reference": "ch_1", **words})


@pytest.mark.parametrize("amount", [None, Money(3000, "EUR")])
def test_a_success_is_believed(amount: Money | None) -> None:
    """A success with a reference counts, if it says nothing else of the amount than was asked for."""
    assert trusted(succeeded(amount=amount), CHARGE) == succeeded(amount=amount)


@pytest.mark.parametrize(
    "answer",
    [
        succeeded(amount=Money(2999, "EUR")),
        succeeded(amount=Money(3000, "USD")),
        succeeded(amount=Money(-3000, "EUR")),
        succeeded(amount="30.00"),
        succeeded(reference=None),
        succeeded(reference=7),
        succeeded(reference=" "),
        succeeded(reference="a\nb"),
        ChargeResult(state=ChargeState.PENDING),
        None,
        {"state": "succeeded"},
    ],
)
def test_anything_else_is_not(answer: Any) -> None:
    """Another amount or currency, no reference, or no answer at all: nobody knows."""
    assert isinstance(trusted(answer, CHARGE), Unanswered)


def test_declines() -> None:
    """A decline counts as what it says it is, as a soft one otherwise; its words are cut to what can be kept."""
    hard = ChargeResult(state=ChargeState.DECLINED, decline=DeclineClass.HARD, reason="x" * 1000)
    found = trusted(hard, CHARGE)
    assert isinstance(found, ChargeResult)
    assert (found.decline, found.reason) == (DeclineClass.HARD, "x" * LONGEST_REASON)
    vague = trusted(ChargeResult(state=ChargeState.DECLINED, decline="bad"), CHARGE)  # type: ignore[arg-type]
    assert isinstance(vague, ChargeResult)
    assert (vague.decline, vague.reason) == (DeclineClass.SOFT, "the gateway gave no reason")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable("x", "not there"), "not there"),
        (OutcomeUnknown("x", "timed\x00 out"), "timed out"),
        (ZeroDivisionError("secret"), "unexpected ZeroDivisionError"),
    ],
)
def test_whatever_is_raised_leaves_it_open(error: Exception, reason: str) -> None:
    """An error is no answer; of one that is not ours only its kind is kept."""

    def question(_charge: Charge) -> ChargeResult:
        raise error

    assert ask(question, CHARGE) == Unanswered(reason)
