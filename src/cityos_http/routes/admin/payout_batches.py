"""Payout runs and the batches they make, for administrators."""

from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes, Steps
from cityos_http.schemas.runs import PayoutBatchView, PayoutRunView, RunRequest, Seen

routes = Routes("/admin/payout-batches", tag="Payouts")


@routes.get("", action="payout-batches:list")
def list_payout_batches(asked: Asked, query: Paged) -> Listed[PayoutBatchView]:
    """List the batches of past runs, oldest first."""
    return asked.listed(query, asked.city.payouts.batches(asked.scope, asked.page(query)), PayoutBatchView.of)


@routes.post("", action="payout-batches:run", steps=Steps.SEVERAL, moves_money=True)
def run_payouts(asked: Asked, body: RunRequest) -> PayoutRunView:
    """Release what is due, pay every vendor whose turn it is, send it, and say why the others are not paid."""
    seen = Seen()
    run = asked.city.payouts.run(asked.scope, dry_run=asked.is_rehearsal, vendors=body.vendors, each=seen.add)
    return PayoutRunView.of(run, seen)
