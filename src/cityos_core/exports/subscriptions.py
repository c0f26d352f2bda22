"""Subscriptions as records, with the handles of their plans; their cycles, and what billing them came to."""

from collections.abc import Mapping
from typing import Final

from cityos_core.kernel.ids import PlanId
from cityos_core.kernel.money import Money
from cityos_core.kernel.rendering import Record
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.tallying import Billed
from cityos_core.subscriptions.terms import Discount

COLUMNS: Final = ("id", "subscriber", "plan", "status", "currency", "due_at", "trial_ends_at", "ends_at", "created_at")
CYCLE_COLUMNS: Final = ("subscription", "index", "status", "starts_at", "ends_at", "due_at", "invoice", "reason")
BILLED_COLUMNS: Final = ("subscription", "cycle", "outcome", "number", "total", "currency", "code", "reason")
RUN_COLUMNS: Final = (
    *("id", "started_at", "finished_at", "due", "billed", "closed", "skipped", "failed"),
    *("invoices", "paid", "declined", "unknown", "ties"),
)

Handles = Mapping[PlanId, str]
"""The handle of every plan, by its id."""


def summary(subscription: Subscription, plans: Handles) -> Record:
    """Give a subscription in one row."""
    return {
        "id": subscription.id,
        "subscriber": subscription.subscriber.reference,
        "subscriber_kind": subscription.subscriber.kind,
        "plan": plans[subscription.plan_id],
        "status": subscription.status,
        "currency": subscription.currency,
        "due_at": subscription.due_at,
        "trial_ends_at": subscription.trial_ends_at,
        "ends_at": subscription.ends_at,
        "created_at": subscription.created_at,
    }


def whole(subscription: Subscription, plans: Handles) -> Record:
    """Give everything about a subscription."""
    anchor, tax, canceled = subscription.anchor, subscription.tax, subscription.cancellation
    scheduled = subscription.scheduled
    return {
        **summary(subscription, plans),
        "quantities": dict(subscription.quantities),
        "discounts": [_discount(discount) for discount in subscription.discounts],
        "tax": tax and {"percentage": tax.percentage, "jurisdiction": tax.jurisdiction, "included": tax.included},
        "collection": subscription.collection.method,
        "terms_days": subscription.collection.terms_days,
        "payment_method": subscription.payment_method,
        "anchor": {
            "local": anchor.local.isoformat(),
            "zone": anchor.zone,
            "interval": anchor.interval,
            "count": anchor.count,
        },
        "next_cycle": subscription.next_cycle,
        "cancellation": canceled
        and {
            "reason": canceled.reason,
            "requested_at": canceled.requested_at,
            "at_period_end": canceled.at_period_end,
        },
        "scheduled": scheduled
        and {
            "plan": plans[scheduled.plan_id],
            "quantities": dict(scheduled.quantities),
            "requested_at": scheduled.requested_at,
        },
        "paused_at": subscription.paused_at,
        "ended_at": subscription.ended_at,
        "version": subscription.version,
    }


def _discount(discount: Discount) -> Record:
    return {
        "code": discount.code,
        "percentage": discount.percentage,
        "amount": discount.amount,
        "cycles": discount.cycles,
        "used": discount.used,
    }


def cycle_record(cycle: BillingCycle) -> Record:
    """Give a cycle."""
    return {
        "subscription": cycle.subscription_id,
        "index": cycle.index,
        "status": cycle.status,
        "starts_at": cycle.starts_at,
        "ends_at": cycle.ends_at,
        "due_at": cycle.due_at,
        "invoice": cycle.invoice_id,
        "reason": cycle.reason,
        "claimed_by": cycle.claim and cycle.claim.worker,
        "claimed_until": cycle.claim and cycle.claim.until,
    }


def billed_record(billed: Billed) -> Record:
    """Give what a billing run did with one cycle."""
    return {
        "subscription": billed.subscription_id,
        "cycle": billed.cycle,
        "outcome": billed.came,
        "number": billed.invoice,
        "total": billed.total,
        "currency": None if billed.total is None else billed.total.currency,
        "code": billed.code,
        "reason": billed.reason,
    }


def certificate_record(certificate: Certificate) -> Record:
    """Give what a billing run proves."""
    return {
        "due": certificate.due,
        "billed": certificate.billed,
        "closed": certificate.closed,
        "skipped": dict(certificate.skipped),
        "failed": dict(certificate.failed),
        "taken_by_others": certificate.taken_by_others,
        "invoices": certificate.invoices,
        "invoiced": [_sum(amount) for amount in certificate.invoiced],
        "booked": [_sum(amount) for amount in certificate.booked],
        "paid": certificate.paid,
        "declined": certificate.declined,
        "unknown": certificate.unknown,
        "ties": certificate.ties,
        "differences": certificate.differences,
    }


def _sum(amount: Money) -> Record:
    return {"currency": amount.currency, "amount": amount}


def run_record(run: BillingRun) -> Record:
    """Give a billing run with its certificate."""
    return {
        "id": run.id,
        "worker": run.worker,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        **certificate_record(run.certificate),
    }
