"""One's own invoices, for customers."""

from collections.abc import Iterable

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import InvoiceId
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_http.asking import NOWHERE, Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.invoices import InvoiceView, OwnInvoicesQuery

routes = Routes("/store/invoices", tag="Storefront")


def is_own(asked: Asked, subscriber: Subscriber) -> bool:
    """Tell whether something is the customer's; a company may bear the name of a customer."""
    return (subscriber.kind, subscriber.reference) == (SubscriberKind.CUSTOMER, asked.customer)


def require_own_invoice(asked: Asked, invoice: InvoiceId) -> Invoice:
    """Give an invoice of the customer's; of others' they do not learn that they are there."""
    found = asked.city.invoices.get(asked.scope, invoice)
    if not is_own(asked, found.subscriber):
        raise NotFound("invoice_not_found", NOWHERE)
    return found


@routes.get("", action="invoices:list")
def list_own_invoices(asked: Asked, query: OwnInvoicesQuery) -> Listed[InvoiceView]:
    """List one's own invoices, newest first."""
    where = InvoiceFilter(subscriber=asked.customer, status=query.status)

    def own(found: Iterable[Invoice]) -> list[Invoice]:
        return [one for one in found if is_own(asked, one.subscriber)]

    page = asked.some(query, lambda request: asked.city.invoices.list(asked.scope, where, request), own)
    return asked.listed(query, page, InvoiceView.of_own)


@routes.get("/{invoice}", action="invoices:read")
def get_own_invoice(asked: Asked, invoice: InvoiceId) -> InvoiceView:
    """Read one of one's own invoices."""
    return InvoiceView.of_own(require_own_invoice(asked, invoice))
