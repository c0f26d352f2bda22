"""Usage, as meters report it."""

from cityos_http.asking import Asked
from cityos_http.endpoint import Routes
from cityos_http.schemas.usage import MeterRequest, UsageView

routes = Routes("/api/usage", tag="Machines")


@routes.post("", action="usage:create", status=200)
def report_usage(asked: Asked, body: MeterRequest) -> UsageView:
    """Write down what a subscription used: all of it or nothing. What is reported again under its key counts once."""
    return UsageView.of(asked.city.subscriptions.record_usage(asked.scope, body.subscription, body.reports))
