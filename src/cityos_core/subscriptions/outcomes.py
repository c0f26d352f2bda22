"""What the answer to a payment attempt means: for the invoice and its cycles, the subscription, dunning and the books."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.paging import every
from cityos_core.subscriptions.applying import apply
from cityos_core.subscriptions.asking import Asked, Unanswered
from cityos_core.subscriptions.attempts import UNSETTLED, AttemptStatus, DeclineClass, Origin, PaymentAttempt
from cityos_core.subscriptions.cycles import CYCLE_LIFE, CycleStatus, SkipReason, realigned, upcoming
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.dunning import Step, Template, ended, first_failure, heed
from cityos_core.subscriptions.events import notice
from cityos_core.subscriptions.gateway import ChargeState
from cityos_core.subscriptions.holding import Held
from cityos_core.subscriptions.invoices import INVOICE_LIFE, InvoiceStatus
from cityos_core.subscriptions.journals import gateway_account, journal, paid
from cityos_core.subscriptions.model import SUBSCRIPTION_LIFE, Cancellation, Subscription, SubscriptionStatus
from cityos_core.subscriptions.pausing import recover
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.reading import Situation, situations

PAYMENT_FAILED = "payment failed"
"""Why dunning cancels a subscription."""

OWES = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
"""A subscription in one of these states goes on as soon as nothing that failed is owed any more."""


def heard(held: Held, asked: Asked) -> bool:
    """Take in the answer about an attempt; tell whether it said anything new.

    An attempt that is settled stays as it is. Whatever somebody else did about it meanwhile is worth more than silence.
    """
    attempt, answer = held.attempts[asked.attempt.key], asked.answer
    if attempt.status not in UNSETTLED:
        return False
    if isinstance(answer, Unanswered):
        return _unanswered(held, attempt, asked, answer.reason)
    match answer.state:
        case ChargeState.SUCCEEDED:
            _succeeded(held, attempt, answer.reference or "")
        case ChargeState.DECLINED:
            _declined(held, attempt, answer.decline or DeclineClass.SOFT, answer.reason or "")
        case ChargeState.PENDING | ChargeState.UNSEEN:
            return _unseen(held, attempt, asked)
    return True


def _unanswered(held: Held, attempt: PaymentAttempt, asked: Asked, reason: str) -> bool:
    if attempt.version != asked.attempt.version:
        return False
    held.answered(attempt.lost(reason=reason, at=held.docket.at))
    return True


def _unseen(held: Held, attempt: PaymentAttempt, asked: Asked) -> bool:
    """Send an attempt again that never arrived, under the same key, unless nothing is owed any more."""
    if attempt.status is AttemptStatus.PENDING:
        reason = "the gateway knows nothing of a charge that it was just given"
        return _unanswered(held, attempt, asked, reason)
    if attempt.version != asked.attempt.version:
        return False
    if held.invoices[attempt.invoice_id].due:
        held.answered(attempt.resent(at=held.docket.at))
    else:
        _withdraw(held, attempt)
    return True


def _withdraw(held: Held, attempt: PaymentAttempt) -> None:
    """Settle an attempt that never reached its gateway, and need not any more."""
    reason = "nothing is owed any more, and nothing was charged"
    held.answered(attempt.declined(DeclineClass.SOFT, reason=reason, at=held.docket.at))


def _succeeded(held: Held, attempt: PaymentAttempt, reference: str) -> None:
    docket, invoice = held.docket, held.invoices[attempt.invoice_id]
    held.answered(attempt.succeed(reference=reference, at=docket.at))
    docket.journals += journal(
        invoice,
        docket.identifiers,
        key=f"attempt:{attempt.key}:paid",
        kind="subscription_paid",
        movements=paid(invoice, gateway_account(attempt), attempt.amount.minor),
        at=docket.at,
        attempt=attempt.key,
        reference=reference,
    )
    if "pay" in INVOICE_LIFE.allowed(invoice.status):
        held.amend(invoice.step("pay", at=docket.at))
        relieve(held, invoice.id)


def relieve(held: Held, invoice_id: InvoiceId) -> None:
    """Follow up on an invoice that was paid, voided or written off: its cycles, the first payment, dunning.

    Whether the subscription goes on is seen when all is known (:func:`go_on`).
    """
    invoice, subscription = held.invoices[invoice_id], held.subscription
    if invoice.status is InvoiceStatus.PAID:
        for row in held.billed_by(invoice):
            if "pay" in CYCLE_LIFE.allowed(row.status):
                held.move(row.paid())
        if subscription.status is SubscriptionStatus.INCOMPLETE:
            held.become(subscription.step("activate"))
    case = held.cases.get(invoice_id)
    if case is not None:
        held.close(case)
        held.relieved = invoice_id


def _declined(held: Held, attempt: PaymentAttempt, kind: DeclineClass, reason: str) -> None:
    docket, invoice = held.docket, held.invoices[attempt.invoice_id]
    done = attempt.declined(kind, reason=reason, at=docket.at)
    held.answered(done)
    if invoice.status is not InvoiceStatus.OPEN or attempt.origin is Origin.CUSTOMER:
        return
    for row in held.billed_by(invoice):
        if row.status is CycleStatus.INVOICED:
            held.move(row.failed(reason))
    if held.subscription.status is SubscriptionStatus.INCOMPLETE:
        return
    case = held.cases.get(invoice.id)
    if case is None:
        take(held, first_failure(done, held.dunning, place=docket.place, at=docket.at))
    else:
        take(held, heed(case, held.dunning, done, at=docket.at))


def give_up(held: Held, invoice_id: InvoiceId) -> None:
    """End a dunning case that waited in vain for another payment method."""
    take(held, ended(held.cases[invoice_id], held.dunning))


def take(held: Held, step: Step) -> None:
    """Take a step of dunning, as far as the state of the subscription lets it, and send its notice."""
    docket = held.docket
    held.keep(step.case)
    for action in step.actions:
        if action not in SUBSCRIPTION_LIFE.allowed(held.subscription.status):
            continue
        after = held.subscription.step(action)
        if action == "cancel":
            cancellation = Cancellation(reason=PAYMENT_FAILED, requested_at=docket.at, at_period_end=False)
            after = evolve(after, cancellation=cancellation, scheduled=None, ended_at=docket.at)
            _stop_dunning(held)
        held.become(after)
    if step.template is not None:
        docket.events.append(notice(step.case, step.template, docket.at))


def _stop_dunning(held: Held) -> None:
    """Close the other cases of a subscription that ends; what it owes is still owed."""
    for case in held.docket.uow.dunning.of([held.subscription.id]):
        known = held.cases.get(case.invoice_id, case)
        if not known.is_over:
            held.close(known)


def go_on(docket: Docket, everyone: Iterable[Held]) -> None:
    """Let subscriptions go on that owe nothing any more of what failed, after everything else is on the docket.

    Those that were unpaid begin the period that runs, or what is left of it. The anchor stays where it was.
    """
    may = [held for held in everyone if held.relieved and held.subscription.status in OWES and not any(_owed(held))]
    unpaid = [held for held in may if held.subscription.status is SubscriptionStatus.UNPAID]
    found = situations(docket.uow, [held.subscription for held in unpaid]) if unpaid else {}
    for held in may:
        if held.subscription.status is SubscriptionStatus.PAST_DUE:
            held.become(held.subscription.step("recover"))
        else:
            _revive(held, _by_now(held, found[held.subscription.id]))
        if held.relieved is not None:
            docket.events.append(notice(held.cases[held.relieved], Template.RECOVERED, docket.at))


def _owed(held: Held) -> Iterator[InvoiceId]:
    """Name the open invoices of a subscription whose payment failed."""
    uow, owner = held.docket.uow, held.subscription.id
    where = InvoiceFilter(status=InvoiceStatus.OPEN, subscription=owner)
    stored = every(lambda request: uow.invoices.page(where, request))
    still = [one.id for one in stored if held.invoices.get(one.id, one).status is InvoiceStatus.OPEN]
    failed = {*uow.dunning.find(still), *held.cases} if still else held.cases
    yield from (invoice_id for invoice_id in still if invoice_id in failed)


def _by_now(held: Held, found: Situation) -> Situation:
    """Correct what was read by what is on the docket; nobody else's work on the cycle that comes next counts any more."""
    latest = [held.invoices.get(one.id, one) for one in found.invoices]
    coming = held.rows.get(held.subscription.next_cycle, found.upcoming)
    if coming is not None and coming.status is CycleStatus.FAILED:
        coming = coming.retried(at=held.docket.at)
    elif coming is not None and coming.status is CycleStatus.PROCESSING:
        coming = coming.released()
    current = held.rows.get(held.subscription.next_cycle - 1, found.current)
    return evolve(found, invoices=tuple(latest), upcoming=coming, current=current)


def _revive(held: Held, found: Situation) -> None:
    """Begin the period that runs. If it has no price it waits for a person, for the payment stands all the same."""
    scheduled = found.subscription.scheduled
    to = None if scheduled is None else held.docket.plans[scheduled.plan_id]
    try:
        proposal = recover(found.present, at=held.docket.at, to=to)
        apply(held.docket, found, proposal, skipping=SkipReason.UNPAID)
    except (Conflict, Refused, Invalid) as trouble:
        held.subscription = _waiting(held.docket, found, str(trouble))
    else:
        held.subscription = proposal.subscription


def _waiting(docket: Docket, found: Situation, reason: str) -> Subscription:
    """Let a subscription go on whose running cycle could not be billed; those before it passed while it was unpaid."""
    before = found.subscription
    again = before.step("recover")
    until = again.cycle_at(docket.at)
    for index in range(before.next_cycle, until + 1):
        after = evolve(again, next_cycle=index)
        known = found.upcoming if index == before.next_cycle else None
        row = upcoming(after) if known is None else realigned(known, after)
        failed = index == until
        row = row.claimed("", now=docket.at).failed(reason) if failed else row.skipped(SkipReason.UNPAID)
        if known is None:
            docket.lay(row)
        else:
            docket.move(row)
    after = evolve(again, next_cycle=until)
    docket.save(before, after)
    return after
