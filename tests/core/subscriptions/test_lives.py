"""The lives of subscriptions, cycles, invoices and attempts: every step that is allowed, and no other."""

from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.states import Machine
from cityos_core.subscriptions.attempts import ATTEMPT_LIFE, AttemptStatus, DeclineClass, Origin, attempt
from cityos_core.subscriptions.cycles import (
    CYCLE_LIFE,
    LEASE,
    BillingCycle,
    CycleStatus,
    SkipReason,
    realigned,
    upcoming,
)
from cityos_core.subscriptions.events import (
    INVOICE_EVENTS,
    SUBSCRIPTION_EVENTS,
    entered,
    settled,
)
from cityos_core.subscriptions.invoices import INVOICE_LIFE, InvoiceStatus
from cityos_core.subscriptions.model import BILLED, SUBSCRIPTION_LIFE, SubscriptionStatus
from cityos_core.subscriptions.pausing import pause
from core.subscriptions.samples import START, Book, at, invoice, plan, subscribe

WRITTEN: dict[str, tuple[Machine[Any], type[Enum], dict[str, str]]] = {
    "subscription": (
        SUBSCRIPTION_LIFE,
        SubscriptionStatus,
        {
            "incomplete": "activate>active expire>expired cancel>canceled",
            "trialing": "activate>active change_trial>trialing change>trialing cancel_later>trialing undo>trialing "
            "cancel>canceled",
            "active": "change>active pause>paused fail_payment>past_due cancel_later>active undo>active cancel>canceled",
            "past_due": "change>past_due fail_payment>past_due recover>active give_up>unpaid cancel_later>past_due "
            "undo>past_due cancel>canceled",
            "unpaid": "recover>active cancel>canceled",
            "paused": "resume>active cancel>canceled",
            "canceled": "",
            "expired": "",
        },
    ),
    "cycle": (
        CYCLE_LIFE,
        CycleStatus,
        {
            "upcoming": "claim>processing invoice>invoiced skip>skipped void>voided",
            "processing": "claim>processing release>upcoming invoice>invoiced skip>skipped fail>failed void>voided",
            "invoiced": "pay>paid fail>failed void>voided",
            "failed": "pay>paid retry>upcoming skip>skipped void>voided",
            "paid": "",
            "skipped": "",
            "voided": "",
        },
    ),
    "invoice": (
        INVOICE_LIFE,
        InvoiceStatus,
        {
            "draft": "open>open void>void",
            "open": "pay>paid void>void write_off>uncollectible",
            "uncollectible": "pay>paid void>void",
            "paid": "",
            "void": "",
        },
    ),
    "attempt": (
        ATTEMPT_LIFE,
        AttemptStatus,
        {
            "pending": "succeed>succeeded decline>declined lose_track>unknown",
            "unknown": "succeed>succeeded decline>declined resend>pending",
            "succeeded": "",
            "declined": "",
        },
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_pair_of_state_and_action(name: str) -> None:
    """Each action in each state leads where it is written, or is a conflict that names what can be done."""
    machine, states, written = WRITTEN[name]
    assert set(written) == {state.value for state in states}
    actions = {action for _, action in machine.table}
    for state in states:
        steps = dict(step.split(">") for step in written[state.value].split())
        assert machine.allowed(state) == tuple(steps)
        for action in actions | {"explode"}:
            if action in steps:
                assert machine.next(state, action) is states(steps[action])
            else:
                with pytest.raises(Conflict) as refused:
                    machine.next(state, action)
                assert refused.value.allowed_actions == tuple(steps)


def test_only_billed_subscriptions_fall_due() -> None:
    """While paused, unpaid, incomplete or over, no cycle is due."""
    billed = {"trialing", "active", "past_due"}
    assert {status.value for status in BILLED} == billed
    book = Book(plan())
    book.bill()
    paused = pause(book.present, at=at("2025-02-10T12:00")).subscription
    assert paused.due_at is None
    assert upcoming(paused).due_at is None


def test_every_state_has_its_event() -> None:
    """Entering any state is told of, but for an invoice's draft."""
    assert set(SUBSCRIPTION_EVENTS) == set(SubscriptionStatus)
    assert set(INVOICE_EVENTS) == set(InvoiceStatus) - {InvoiceStatus.DRAFT}
    names = [event.name for event in (*SUBSCRIPTION_EVENTS.values(), *INVOICE_EVENTS.values())]
    assert len(set(names)) == len(names)
    assert entered(subscribe(plan()), START).name == "subscription.active"
    assert settled(invoice([]), START).name == "invoice.open"


CYCLE = upcoming(subscribe(plan()))
CLAIMED = CYCLE.claimed("one", now=START)
FACTURE = InvoiceId(UUID(int=9))


def test_a_claim_lasts_as_long_as_its_lease() -> None:
    """A due cycle has one worker; when its lease expires, and not before, another takes the cycle up."""
    with pytest.raises(Conflict, match="another worker"):
        CLAIMED.claimed("two", now=START + LEASE - timedelta(seconds=1))
    taken = CLAIMED.claimed("two", now=START + LEASE)
    assert taken.claim is not None
    assert (taken.status, taken.claim.worker) == (CycleStatus.PROCESSING, "two")
    with pytest.raises(Conflict):
        CYCLE.claimed("one", now=START - timedelta(seconds=1))
    assert CLAIMED.released() == CYCLE


@pytest.mark.parametrize(
    "cycle", [CLAIMED.invoiced(FACTURE), CLAIMED.skipped(SkipReason.CATCH_UP), CLAIMED.voided("x")]
)
def test_a_settled_cycle_is_never_claimed(cycle: BillingCycle) -> None:
    """What was invoiced, skipped or voided is not due, whatever the time."""
    assert not cycle.is_due(START + timedelta(days=9999))
    assert cycle.claim is None
    with pytest.raises(Conflict):
        cycle.claimed("two", now=START + timedelta(days=9999))


def test_a_failed_cycle_is_retried_only_without_an_invoice() -> None:
    """A halted cycle is billed or skipped when a person says so; one that was invoiced is only paid or voided."""
    halted = CLAIMED.failed("halted")
    assert halted.retried(at=START).is_due(START)
    assert halted.skipped(SkipReason.BY_HAND).status is CycleStatus.SKIPPED
    with pytest.raises(Conflict, match="no invoice"):
        halted.paid()
    unpaid = CLAIMED.invoiced(FACTURE).failed("no money")
    assert unpaid.paid().status is CycleStatus.PAID
    with pytest.raises(Conflict, match="was invoiced"):
        unpaid.retried(at=START)
    with pytest.raises(Conflict, match="was invoiced"):
        unpaid.skipped(SkipReason.BY_HAND)


def test_an_upcoming_cycle_follows_its_subscription() -> None:
    """A pause takes the due time from the coming cycle, and nothing moves one that is billed."""
    book = Book(plan())
    book.bill()
    coming = upcoming(book.subscription)
    assert coming.due_at == at("2025-02-28T12:00")
    paused = pause(book.present, at=at("2025-02-10T12:00")).subscription
    assert realigned(coming, paused).due_at is None
    with pytest.raises(Conflict, match="only the cycle that comes next"):
        realigned(CYCLE, paused)


DUE = invoice(Book(plan()).bill().lines)


def test_attempts_have_keys_of_their_own() -> None:
    """An attempt's key is made of subscription, cycle and number; a change's invoice counts apart."""
    first = attempt(DUE, (), origin=Origin.BILLING, gateway="card", at=START)
    assert (first.key, first.amount) == (f"{DUE.subscription_id}:0:1", DUE.total)
    second = attempt(
        DUE, [first.declined(DeclineClass.SOFT, reason="no", at=START)], origin=Origin.RETRY, gateway="card", at=START
    )
    assert second.key == f"{DUE.subscription_id}:0:2"
    change = attempt(invoice(DUE.lines, change=1), (), origin=Origin.BILLING, gateway="card", at=START)
    assert change.key == f"{DUE.subscription_id}:0.1:1"


def test_nothing_is_attempted_while_an_outcome_is_open() -> None:
    """A pending or lost attempt blocks every other, however old; the same one may be sent again under its key."""
    first = attempt(DUE, (), origin=Origin.BILLING, gateway="card", at=START)
    lost = first.lost(reason="timed out", at=START)
    for open_one in (first, lost, lost.resent(at=START)):
        with pytest.raises(Conflict) as refused:
            attempt(DUE, [open_one], origin=Origin.CUSTOMER, gateway="card", at=START + timedelta(days=2))
        assert refused.value.code == "attempt_unsettled"
    assert lost.resent(at=START).key == first.key
    assert lost.succeed(reference="ch_1", at=START).status is AttemptStatus.SUCCEEDED


def test_nothing_is_attempted_that_is_not_owed() -> None:
    """A paid invoice, or one paid from credit, is not collected."""
    for settled_one in (DUE.step("pay", at=START), invoice(DUE.lines, from_credit=DUE.total.minor)):
        with pytest.raises(Conflict) as refused:
            attempt(settled_one, (), origin=Origin.CUSTOMER, gateway="card", at=START)
        assert refused.value.code == "nothing_due"


def test_an_invoice_is_overdue_by_the_clock() -> None:
    """Overdue is an open invoice past its due time, and no state of its own."""
    draft = invoice(DUE.lines, status=InvoiceStatus.DRAFT, number=0)
    opened = draft.opened(number=7, issued_at=START, due_at=START + timedelta(days=14), from_credit=1000)
    assert (opened.number, opened.due.text) == (7, "20.00")
    assert not opened.is_overdue(START + timedelta(days=14))
    assert opened.is_overdue(START + timedelta(days=15))
    assert not opened.step("pay", at=START).is_overdue(START + timedelta(days=15))
    with pytest.raises(Invalid, match="from credit"):
        draft.opened(number=7, issued_at=START, due_at=START, from_credit=3001)
