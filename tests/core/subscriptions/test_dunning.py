"""What happens after a payment failed."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import DeclineClass, Origin, PaymentAttempt
from cityos_core.subscriptions.dunning import (
    Due,
    DunningCase,
    Template,
    first_failure,
    heed,
    new_method,
    next_run,
    retry_times,
)
from cityos_core.subscriptions.events import notice
from cityos_core.subscriptions.model import SUBSCRIPTION_LIFE, SubscriptionStatus
from cityos_core.subscriptions.plans import DunningEnd, DunningPolicy
from cityos_core.testing.strategies import ZONES, instants
from core.subscriptions.samples import TENANT, at

PARIS = "Europe/Paris"
POLICY = DunningPolicy()
FAILED = at("2025-03-28T21:30")
"""A Friday evening in Paris, two days before clocks go forward."""


def _sent(when: datetime = FAILED, origin: Origin = Origin.RETRY) -> PaymentAttempt:
    return PaymentAttempt(
        tenant_id=TENANT,
        subscription_id=SubscriptionId(UUID(int=1)),
        invoice_id=InvoiceId(UUID(int=1)),
        cycle=3,
        change=0,
        number=1,
        origin=origin,
        gateway="card",
        amount=Money(3000, "EUR"),
        started_at=when,
    )


def _attempt(
    when: datetime = FAILED, origin: Origin = Origin.RETRY, decline: DeclineClass | None = DeclineClass.SOFT
) -> PaymentAttempt:
    sent = _sent(when, origin)
    if decline is None:
        return sent.succeed(reference="ch_1", at=when)
    return sent.declined(decline, reason="no", at=when)


def _opened(decline: DeclineClass = DeclineClass.SOFT, policy: DunningPolicy = POLICY) -> DunningCase:
    return first_failure(_attempt(origin=Origin.BILLING, decline=decline), policy, place=PARIS, at=FAILED).case


def _fails(case: DunningCase, when: datetime, origin: Origin = Origin.RETRY) -> DunningCase:
    return heed(case, POLICY, _attempt(when, origin), at=when).case


def test_days_hold_across_a_clock_change() -> None:
    """Days 1, 3 and 7 are calendar days at 09:00 local: 08:00 UTC before the clocks go forward, 07:00 after."""
    assert retry_times(FAILED, POLICY, PARIS) == (
        at("2025-03-29T08:00"),
        at("2025-03-31T07:00"),
        at("2025-04-04T07:00"),
    )


@given(instants(), st.sampled_from(ZONES))
def test_runs_are_at_nine_and_seventeen(now: datetime, place: str) -> None:
    """The next run is later than now, within 25 hours, and at 09:00 or 17:00 by the clock on the wall."""
    run = next_run(now, place)
    assert now < run
    assert run - now <= timedelta(hours=17) or place == "Pacific/Apia"
    assert run.astimezone(ZoneInfo(place)).hour in (9, 17)


@given(instants(), st.sampled_from(ZONES))
def test_retries_fall_on_their_days(failed_at: datetime, place: str) -> None:
    """Whatever the zone, each retry is due on its day after the day of the failure, at a time when retries are made."""
    day = failed_at.astimezone(ZoneInfo(place)).date()
    for days, due in zip(POLICY.days, retry_times(failed_at, POLICY, place), strict=True):
        found = due.astimezone(ZoneInfo(place))
        assert ((found.date() - day).days, found.hour) == (days, 9) or place == "Pacific/Apia"
        assert next_run(due - timedelta(microseconds=1), place) == due or place == "Pacific/Apia"


def test_three_failures_are_the_end() -> None:
    """Each failed retry leads to the next day's; after the last the subscription is unpaid, or canceled by policy."""
    first = first_failure(_attempt(origin=Origin.BILLING), POLICY, place=PARIS, at=FAILED)
    assert (first.actions, first.template) == (("fail_payment",), Template.PAYMENT_FAILED)
    case = first.case
    for number, due in enumerate(retry_times(FAILED, POLICY, PARIS)[:2], start=1):
        assert (case.due(due - timedelta(seconds=1)), case.due(due)) == (Due.NOTHING, Due.RETRY)
        step = heed(case, POLICY, _attempt(due), at=due)
        assert (step.actions, step.template, step.case.retries) == (("fail_payment",), Template.RETRY_FAILED, number)
        case = step.case
    for policy, action in ((POLICY, "give_up"), (DunningPolicy(end=DunningEnd.CANCELED), "cancel")):
        last = heed(case, policy, _attempt(at("2025-04-04T15:00")), at=at("2025-04-04T15:00"))
        assert (last.actions, last.template) == (("fail_payment", action), Template.ENDED)
        assert (last.case.is_over, last.case.due(at("2026-01-01T00:00"))) == (True, Due.NOTHING)
        assert heed(last.case, policy, _attempt(), at=FAILED).actions == ()


def test_what_customers_try_does_not_count() -> None:
    """However often the customer fails, the retries stay where and as many as they were."""
    case = _opened()
    for hour in range(5):
        assert _fails(case, FAILED + timedelta(hours=hour), Origin.CUSTOMER) == case
    assert case.retries == 0


@pytest.mark.parametrize("origin", Origin)
def test_whoever_pays_it_is_over(origin: Origin) -> None:
    """Paying at any point recovers the subscription, and nothing is retried any more."""
    step = heed(_opened(DeclineClass.HARD), POLICY, _attempt(origin=origin, decline=None), at=FAILED)
    assert (step.actions, step.template, step.case.is_over) == (("recover",), Template.RECOVERED, True)


def test_an_open_outcome_moves_nothing() -> None:
    """While nobody knows whether a retry was paid, nothing follows from it."""
    case = _opened()
    lost = _sent().lost(reason="timed out", at=FAILED)
    assert heed(case, POLICY, lost, at=FAILED).case == case
    assert heed(case, POLICY, lost, at=FAILED).actions == ()


@pytest.mark.parametrize("decline", [DeclineClass.HARD, DeclineClass.AUTHENTICATION])
def test_a_hard_decline_asks_for_another_method(decline: DeclineClass) -> None:
    """Nothing is retried without the customer; the last day ends it, unless another method is given before."""
    step = first_failure(_attempt(origin=Origin.BILLING, decline=decline), POLICY, place=PARIS, at=FAILED)
    assert (step.actions, step.template) == (("fail_payment",), Template.METHOD_NEEDED)
    last = at("2025-04-04T07:00")
    assert (step.case.due(last - timedelta(seconds=1)), step.case.due(last)) == (Due.NOTHING, Due.END)
    again = new_method(step.case, POLICY, at=at("2025-03-30T12:00"))
    assert (again.next_at, again.due(at("2025-03-31T07:00"))) == (at("2025-03-31T07:00"), Due.RETRY)
    assert new_method(again, POLICY, at=last) == again
    assert new_method(step.case, POLICY, at=last + timedelta(days=9)).next_at == last


def test_an_outage_is_not_made_up_for_in_a_rush() -> None:
    """A retry made on day 5 stands for days 1 and 3; the next is on day 7."""
    late = _fails(_opened(), at("2025-04-02T15:00"))
    assert (late.next_at, late.retries) == (at("2025-04-04T07:00"), 1)
    assert _fails(_opened(), at("2025-05-01T15:00")).is_over


def test_the_second_run_of_a_day_keeps_the_plan() -> None:
    """A retry that the 17:00 run makes is followed by the next of the days, as if it had been made at 09:00."""
    assert _fails(_opened(), at("2025-03-29T16:00")).next_at == at("2025-03-31T07:00")


def test_without_retry_days_the_first_failure_ends_it() -> None:
    """A policy without days gives up at once."""
    step = first_failure(_attempt(origin=Origin.BILLING), DunningPolicy(days=()), place=PARIS, at=FAILED)
    assert (step.actions, step.case.is_over) == (("fail_payment", "give_up"), True)


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([*DeclineClass, None]), st.sampled_from(Origin)), max_size=12
    ),
    st.sampled_from(DunningEnd),
)
def test_a_case_and_its_subscription_agree(
    steps: list[tuple[int, DeclineClass | None, Origin]], end: DunningEnd
) -> None:
    """Over any history at most three retries fail, every step is one of the table, and the end or payment is final."""
    policy, now = DunningPolicy(end=end), FAILED
    case, status = _opened(policy=policy), SubscriptionStatus.PAST_DUE
    for hours, decline, origin in steps:
        now += timedelta(hours=hours)
        if origin is Origin.RETRY and case.due(now) is not Due.RETRY:
            continue
        step = heed(case, policy, _attempt(now, origin, decline), at=now)
        for action in step.actions:
            status = SUBSCRIPTION_LIFE.next(status, action)
        assert step.case.retries <= len(policy.days)
        assert step.case.is_over == (status is not SubscriptionStatus.PAST_DUE)
        assert (step.template is None) == (step.case == case and not step.actions)
        case = step.case


def test_a_notice_names_what_happens_next() -> None:
    """Each step's notice goes out with its template and the time of the next step."""
    step = first_failure(_attempt(origin=Origin.BILLING), POLICY, place=PARIS, at=FAILED)
    assert step.template is not None
    told = notice(step.case, step.template, FAILED)
    assert (told.name, told.template.value, told.next_at) == (
        "subscription.notice", "dunning.payment_failed", at("2025-03-29T08:00"),
    )  # fmt: skip
