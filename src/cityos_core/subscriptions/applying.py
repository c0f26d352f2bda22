"""Carrying out what a change proposes: the subscription, its cycles, the invoice, and the attempt to collect it."""

from collections.abc import Iterable

from attrs import evolve

from cityos_core.kernel.time import Period
from cityos_core.subscriptions.attempts import Origin, PaymentAttempt, attempt
from cityos_core.subscriptions.changes import Proposal
from cityos_core.subscriptions.cycles import CYCLE_LIFE, BillingCycle, CycleStatus, SkipReason, realigned, upcoming
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus, LineKind
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.reading import Situation
from cityos_core.subscriptions.recognition import reread
from cityos_core.subscriptions.settings import BILLING_GATEWAY
from cityos_core.subscriptions.terms import CollectionMethod

OVER = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.EXPIRED})
"""A subscription in one of these states is never billed again."""


def drafted(docket: Docket, found: Situation, proposal: Proposal) -> Invoice | None:
    """Write the invoice of a change, not issued yet; a change within a cycle that moves nothing has none."""
    if proposal.begins is not None:
        return docket.draft(proposal.subscription, proposal.lines, cycle=proposal.cycle)
    if not proposal.lines:
        return None
    change = found.next_change
    return docket.draft(proposal.subscription, proposal.lines, cycle=proposal.cycle, change=change)


def apply(
    docket: Docket, found: Situation, proposal: Proposal, *, skipping: SkipReason = SkipReason.PAUSED
) -> Invoice | None:
    """Put a change on the docket, with its invoice if it has one; give that as it was issued."""
    before, after = found.subscription, proposal.subscription
    docket.plans.setdefault(found.plan.id, found.plan)
    invoice = drafted(docket, found, proposal)
    done = docket.issue([invoice])[0] if invoice else None
    if done is not None and any(line.kind is LineKind.LATE_USAGE for line in done.lines):
        docket.usage_settled.append(after.id)
    docket.save(before, after)
    reread_credited(docket, found.invoices, done)
    _move_cycles(docket, found, proposal, done, skipping)
    if done is not None:
        collect(docket, done)
    return done


def collect(docket: Docket, invoice: Invoice) -> PaymentAttempt | None:
    """Lay out the first attempt to collect an invoice, if it is charged and something is due."""
    if not invoice.due or invoice.collection.method is not CollectionMethod.CHARGE:
        return None
    gateway = docket.configuration.value(BILLING_GATEWAY)
    first = attempt(invoice, (), origin=Origin.BILLING, gateway=gateway, at=docket.at)
    docket.attempt(first)
    return first


def reread_credited(docket: Docket, invoices: Iterable[Invoice], done: Invoice | None) -> None:
    """Have it looked at how much of the invoices is revenue whose lines are given back by another one."""
    credited = {line.credits.invoice_id for line in done.lines if line.credits} if done else set()
    for one in invoices:
        if one.id in credited:
            docket.amend(reread(one, docket.at))


def _move_cycles(
    docket: Docket, found: Situation, proposal: Proposal, done: Invoice | None, skipping: SkipReason
) -> None:
    after, row = proposal.subscription, found.upcoming
    for index in proposal.skipped:
        period = after.period(index)
        if row is not None and row.index == index:
            docket.move(evolve(row, ends_at=period.end_utc).skipped(skipping))
        else:
            docket.lay(_laid(after, index, period).skipped(skipping))
    if proposal.begins is None or done is None:
        if row is not None and (moved := aligned(row, after)) != row:
            docket.move(moved)
        return
    begun = billed(_placed(row, after, proposal.cycle, proposal.begins), done)
    if row is not None and row.index == proposal.cycle:
        docket.move(begun)
    else:
        docket.lay(begun)
    if found.current is not None and found.current.index not in proposal.skipped:
        docket.move(evolve(found.current, ends_at=min(found.current.ends_at, proposal.begins.start_utc)))
    docket.lay(upcoming(after))


def _placed(row: BillingCycle | None, after: Subscription, index: int, period: Period) -> BillingCycle:
    if row is None or row.index != index:
        return _laid(after, index, period)
    return evolve(row, starts_at=period.start_utc, ends_at=period.end_utc)


def _laid(subscription: Subscription, index: int, period: Period) -> BillingCycle:
    return BillingCycle(
        tenant_id=subscription.tenant_id,
        subscription_id=subscription.id,
        index=index,
        starts_at=period.start_utc,
        ends_at=period.end_utc,
        due_at=period.start_utc,
    )


def billed(cycle: BillingCycle, invoice: Invoice) -> BillingCycle:
    """Note the invoice that bills a cycle, and that it is paid if nothing is due on it."""
    noted = cycle.invoiced(invoice.id)
    return noted.paid() if invoice.status is InvoiceStatus.PAID else noted


def aligned(cycle: BillingCycle, subscription: Subscription) -> BillingCycle:
    """Move a cycle that is still to come to where its subscription has it; void it if that is over."""
    if subscription.status in OVER:
        is_open = "void" in CYCLE_LIFE.allowed(cycle.status) and cycle.invoice_id is None
        return cycle.voided("the subscription ended") if is_open else cycle
    return realigned(cycle, subscription) if cycle.status is CycleStatus.UPCOMING else cycle
