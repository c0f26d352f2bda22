"""Payouts, for administrators."""

from cityos_core.kernel.ids import PayoutId
from cityos_core.payouts.ports import PayoutFilter
from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Key, Routes, Steps
from cityos_http.schemas.money import ConfirmationRequest, PayoutsQuery, PayoutView
from cityos_http.schemas.runs import ProcessedView
from cityos_http.schemas.vendors import ReasonRequest

routes = Routes("/admin/payouts", tag="Payouts")


def _shown(asked: Asked, payout: PayoutId) -> PayoutView:
    return PayoutView.of(asked.city.payouts.get(asked.scope, payout))


@routes.get("", action="payouts:list")
def list_payouts(asked: Asked, query: PayoutsQuery) -> Listed[PayoutView]:
    """List payouts, oldest first."""
    where = PayoutFilter(vendor=query.vendor, status=query.status, batch=query.batch)
    return asked.listed(query, asked.city.payouts.list(asked.scope, where, asked.page(query)), PayoutView.of)


@routes.post("/process", action="payouts:process", status=200, steps=Steps.SEVERAL, key=Key.REQUIRED)
def process_payouts(asked: Asked) -> ProcessedView:
    """Send the payouts that are due, and ask what became of those nobody knows about."""
    return ProcessedView.of(asked.city.payouts.process(asked.scope))


@routes.get("/{payout}", action="payouts:read")
def get_payout(asked: Asked, payout: PayoutId) -> PayoutView:
    """Read a payout with every attempt at it."""
    return _shown(asked, payout)


@routes.post("/{payout}/hold", action="payouts:hold", status=200)
def hold_payout(asked: Asked, payout: PayoutId, body: ReasonRequest) -> PayoutView:
    """Stop a payout for review; the money stays reserved for the vendor."""
    asked.city.payouts.hold(asked.scope, payout, reason=body.reason)
    return _shown(asked, payout)


@routes.post("/{payout}/release", action="payouts:release", status=200)
def release_payout(asked: Asked, payout: PayoutId) -> PayoutView:
    """Let a held payout go on."""
    asked.city.payouts.release(asked.scope, payout)
    return _shown(asked, payout)


@routes.post("/{payout}/approve-account", action="payouts:approve", status=200)
def approve_payout_account(asked: Asked, payout: PayoutId) -> PayoutView:
    """Let a held payout go to the account that the vendor has now, and release it."""
    asked.city.payouts.approve_account(asked.scope, payout)
    return _shown(asked, payout)


@routes.post("/{payout}/retry", action="payouts:retry", status=200, moves_money=True)
def retry_payout(asked: Asked, payout: PayoutId) -> PayoutView:
    """Try a payout again: at once if it waits, as a new one if it failed; the answer is the one that will be sent."""
    return _shown(asked, asked.city.payouts.retry(asked.scope, payout).id)


@routes.post("/{payout}/cancel", action="payouts:cancel", status=200, moves_money=True)
def cancel_payout(asked: Asked, payout: PayoutId, body: ReasonRequest) -> PayoutView:
    """Call a payout off before it is sent; the vendor has the money available again."""
    asked.city.payouts.cancel(asked.scope, payout, reason=body.reason)
    return _shown(asked, payout)


@routes.post("/{payout}/confirm", action="payouts:confirm", status=200, moves_money=True)
def confirm_payout(asked: Asked, payout: PayoutId, body: ConfirmationRequest) -> PayoutView:
    """Record that a payout arrived."""
    asked.city.payouts.confirm(asked.scope, payout, reference=body.reference)
    return _shown(asked, payout)


@routes.post("/{payout}/fail", action="payouts:fail", status=200, moves_money=True)
def fail_payout(asked: Asked, payout: PayoutId, body: ReasonRequest) -> PayoutView:
    """Record that a payout will not arrive; the vendor has the money available again."""
    asked.city.payouts.fail(asked.scope, payout, reason=body.reason)
    return _shown(asked, payout)


@routes.post("/{payout}/return", action="payouts:return", status=200, moves_money=True)
def return_payout(asked: Asked, payout: PayoutId, body: ReasonRequest) -> PayoutView:
    """Record that the bank sent a paid payout back; the vendor has the money available again."""
    asked.city.payouts.returned(asked.scope, payout, reason=body.reason)
    return _shown(asked, payout)
