"""Which kinds of exports there are: how each is filtered, read page by page, and written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cityos_core.audit.ports import AuditFilter
from cityos_core.catalog.model import Product, ProductStatus
from cityos_core.commissions.lines import EntryStatus
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.reading import entry_row
from cityos_core.exports import audit_log, commissions, journals, orders, payouts, products, vendors
from cityos_core.exports.model import ExportKind
from cityos_core.exports.sheets import Reader, Sheet, identifier, one_of, pair, word
from cityos_core.kernel.clock import moment
from cityos_core.kernel.rendering import Record
from cityos_core.ledger.ports import JournalFilter
from cityos_core.orders.ports import OrderFilter
from cityos_core.payouts.model import PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.model import VendorStatus

_SINCE_UNTIL: Final[Mapping[str, Reader]] = {"since": moment, "until": moment}


def _product_records(uow: UnitOfWork, found: Sequence[Product]) -> Iterator[Record]:
    handles = uow.vendors.known({product.vendor_id for product in found})
    return (products.record(product, vendor=handles[product.vendor_id].handle) for product in found)


SHEETS: Final[Mapping[ExportKind, Sheet[Any]]] = {
    ExportKind.ORDERS: Sheet(
        filters={"vendor": word, "customer": word, **_SINCE_UNTIL},
        page=lambda uow, where, request: uow.orders.page(OrderFilter(**where), request),
        columns=orders.COLUMNS,
        records=lambda _, found: map(orders.whole, found),
        rows=lambda _, found: map(orders.summary, found),
    ),
    ExportKind.COMMISSIONS: Sheet(
        filters={"vendor": word, "order": word, "line": identifier, "status": one_of(EntryStatus), **_SINCE_UNTIL},
        page=lambda uow, where, request: uow.entries.page(EntryFilter(**where), request),
        columns=commissions.COLUMNS,
        records=lambda _, found: (commissions.record(entry_row(entry)) for entry in found),
    ),
    ExportKind.JOURNALS: Sheet(
        filters={"kind": word, "account": word, "reference": pair, **_SINCE_UNTIL},
        page=lambda uow, where, request: uow.books.journals(JournalFilter(**where), request),
        columns=journals.COLUMNS,
        records=lambda _, found: map(journals.record, found),
        rows=lambda _, found: journals.postings(found),
    ),
    ExportKind.PAYOUTS: Sheet(
        filters={"vendor": word, "status": one_of(PayoutStatus), "batch": identifier},
        page=lambda uow, where, request: uow.payouts.page(PayoutFilter(**where), request),
        columns=payouts.COLUMNS,
        records=lambda _, found: map(payouts.whole, found),
    ),
    ExportKind.AUDIT_LOG: Sheet(
        filters={"principal": word, "action": word, "kind": word, "target": word, "request_id": word, **_SINCE_UNTIL},
        page=lambda uow, where, request: uow.audit.page(AuditFilter(**where), request),
        columns=audit_log.COLUMNS,
        records=lambda _, found: map(audit_log.record, found),
        has_platform=True,
        is_bounded=True,
    ),
    ExportKind.PRODUCTS: Sheet(
        filters={"vendor": word, "status": one_of(ProductStatus)},
        page=lambda uow, where, request: uow.products.page(request, **where),
        columns=products.COLUMNS,
        records=_product_records,
    ),
    ExportKind.VENDORS: Sheet(
        filters={"status": one_of(VendorStatus)},
        page=lambda uow, where, request: uow.vendors.page(request, **where),
        columns=vendors.COLUMNS,
        records=lambda _, found: map(vendors.whole, found),
    ),
}
