"""A vendor's transactions, payouts and statements."""

from cityos_core.commissions.ports import EntryFilter
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import PayoutId
from cityos_core.payouts.ports import PayoutFilter
from cityos_http.asking import NOWHERE, Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.money import (
    PayoutQuery,
    PayoutRequest,
    PayoutView,
    StatementQuery,
    StatementView,
    TransactionQuery,
    TransactionView,
)

routes = Routes("/vendor", tag="Vendor portal")


@routes.get("/transactions", action="commissions:list")
def list_transactions(asked: Asked, query: TransactionQuery) -> Listed[TransactionView]:
    """List what sold lines and refunds meant to the vendor, in order of occurrence."""
    where = EntryFilter(vendor=asked.vendor, status=query.status, since=query.since, until=query.until)
    return asked.listed(
        query, asked.city.commissions.entries(asked.scope, where, asked.page(query)), TransactionView.of
    )


@routes.get("/payouts", action="payouts:list")
def list_own_payouts(asked: Asked, query: PayoutQuery) -> Listed[PayoutView]:
    """List the vendor's payouts, oldest first."""
    where = PayoutFilter(vendor=asked.vendor, status=query.status)
    return asked.listed(query, asked.city.payouts.list(asked.scope, where, asked.page(query)), PayoutView.of)


@routes.get("/payouts/{payout}", action="payouts:read")
def get_own_payout(asked: Asked, payout: PayoutId) -> PayoutView:
    """Read one of the vendor's payouts."""
    found = asked.city.payouts.get(asked.scope, payout)
    if found.vendor != asked.vendor:
        raise NotFound("payout_not_found", NOWHERE)
    return PayoutView.of(found)


@routes.post("/payouts/request", action="payouts:request", moves_money=True)
def request_payout(asked: Asked, body: PayoutRequest) -> PayoutView:
    """Ask for money out of turn; it comes from what is available."""
    made = asked.city.payouts.request(asked.scope, asked.vendor, body.amount)
    return PayoutView.of(asked.city.payouts.get(asked.scope, made.id))


@routes.get("/statements", action="statements:read")
def get_statement(asked: Asked, query: StatementQuery) -> StatementView:
    """Read what happened to the vendor's money in a period."""
    return StatementView.of(asked.city.ledger.statement(asked.scope, asked.vendor, query.since, query.until))
