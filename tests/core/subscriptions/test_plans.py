"""What can be sold, agreed and reported."""

from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.tiers import Tier
from cityos_core.subscriptions.plans import DunningPolicy, ItemKind, LateUsage, PlanItem
from cityos_core.subscriptions.terms import Collection, Discount, Subscriber, SubscriberKind
from cityos_core.subscriptions.usage import UsageRecord, counts_at
from core.subscriptions.samples import START, TENANT, fixed, metered, plan, seats, subscribe


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"count": 0}, "count"),
        ({"count": True}, "count"),
        ({"count": 1001}, "count"),
        ({"trial_days": -1}, "trial_days"),
        ({"trial_days": 731}, "trial_days"),
        ({"currency": "XXQ"}, "unknown_currency"),
        ({"currency": "USD"}, "currency_mismatch"),
    ],
)
def test_plans_are_checked(terms: dict[str, Any], code: str) -> None:
    """A plan with a length, trial or currency that makes no sense is refused."""
    with pytest.raises(Invalid) as refused:
        plan(**terms)
    assert refused.value.code == code


def test_items_are_checked() -> None:
    """Keys are unique, prices and bands stand where they belong, and there are not too many items."""
    with pytest.raises(Invalid, match="unique"):
        plan(fixed(), fixed())
    with pytest.raises(Invalid, match="1 to 50"):
        plan(*(fixed(key=f"i{number}") for number in range(51)))
    with pytest.raises(Invalid, match="have a `price`"):
        PlanItem(key="base", name="Base")
    with pytest.raises(Invalid, match="metered items"):
        PlanItem(key="calls", name="Calls", kind=ItemKind.METERED)
    with pytest.raises(Invalid, match="metered ones have none"):
        PlanItem(key="x", name="X", kind=ItemKind.METERED, price=UnitPrice.of("1", "EUR"), pricing=metered().pricing)
    with pytest.raises(NotFound, match="it has base"):
        plan().item("seats")


@pytest.mark.parametrize("days", [(0,), (3, 3), (7, 1), tuple(range(1, 12))])
def test_retry_days_rise(days: tuple[int, ...]) -> None:
    """Retries fall on rising days after the first failure, ten at most."""
    with pytest.raises(Invalid, match="rising days"):
        DunningPolicy(days=days)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"percentage": Percentage.of("5"), "amount": Money(1, "EUR")},
        {"amount": Money(-1, "EUR")},
        {"percentage": Percentage.of("5"), "cycles": 0},
    ],
)
def test_discounts_are_checked(form: dict[str, Any]) -> None:
    """A discount is a percentage or an amount, not negative, for one cycle or more."""
    with pytest.raises(Invalid):
        Discount(code="x", **form)


def test_subscribers_terms_and_quantities_are_checked() -> None:
    """A subscriber has a name, terms are days of a year, quantities are of items charged per seat."""
    for act in (
        lambda: Subscriber(SubscriberKind.COMPANY, " "),
        lambda: Collection(terms_days=366),
        lambda: subscribe(plan(seats()), quantities={"seats": -1}),
        lambda: subscribe(plan(), quantities={"base": 2}),
    ):
        with pytest.raises(Invalid):
            act()
    with pytest.raises(Refused, match="not sold any more"):
        subscribe(plan(retired_at=START))


def _record(**changes: Any) -> UsageRecord:
    known = {"key": "k1", "item": "calls", "quantity": 5, "used_at": START, "recorded_at": START, "counts_at": START}
    return UsageRecord(tenant_id=TENANT, subscription_id=SubscriptionId(UUID(int=1)), **{**known, **changes})


def test_usage_is_reported_once() -> None:
    """The same report again is the same; another one under its key is a conflict."""
    _record().check_same(_record(recorded_at=START + timedelta(days=1)))
    for other in ({"quantity": Fraction(11, 2)}, {"item": "mails"}, {"used_at": START + timedelta(seconds=1)}):
        with pytest.raises(Conflict) as refused:
            _record().check_same(_record(**other))
        assert refused.value.code == "usage_key_reused"
    for wrong in ({"key": " "}, {"quantity": -1}, {"quantity": 2**63}):
        with pytest.raises(Invalid):
            _record(**wrong)


@pytest.mark.parametrize(
    ("policy", "used", "expected"),
    [
        (LateUsage.REPRICE, 1, 1),
        (LateUsage.CURRENT, 1, 30),
        (LateUsage.REFUSE, 1, "usage_late"),
        *((policy, 20, 20) for policy in LateUsage),
        *((policy, 31, "usage_in_future") for policy in LateUsage),
    ],
)
def test_late_usage_follows_the_policy(policy: LateUsage, used: int, expected: int | str) -> None:
    """Of a billed period usage is priced there, now, or not at all; of the open one it always counts."""
    day, sold = timedelta(days=1), plan(metered(), late_usage=policy)
    now, open_since = START + 30 * day, START + 10 * day
    if isinstance(expected, str):
        with pytest.raises(CityOSError) as refused:
            counts_at(sold, "calls", used_at=START + used * day, now=now, open_since=open_since)
        assert refused.value.code == expected
    else:
        found = counts_at(sold, "calls", used_at=START + used * day, now=now, open_since=open_since)
        assert found == START + expected * day


def test_only_metered_items_take_usage() -> None:
    """Usage of an item with a price is refused."""
    with pytest.raises(Refused, match="not charged by usage"):
        counts_at(plan(), "base", used_at=START, now=START, open_since=START)
    assert plan(metered(Tier(unit=Fraction(1)))).item("calls").is_metered
