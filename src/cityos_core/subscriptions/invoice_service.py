"""Everything that can be done with invoices once they are issued."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.bureau import Bureau
from cityos_core.subscriptions.collecting import Collect
from cityos_core.subscriptions.correcting import Credit
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.invoices import CreditNote, Invoice
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.receiving import MarkPaid
from cityos_core.subscriptions.withdrawing import Void, WriteOff
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class GetInvoice:
    """Give an invoice with its lines."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId) -> Invoice:
        with self.unit_of_work(scope) as uow:
            return uow.invoices.get(invoice_id)


@frozen
class ListInvoices:
    """List invoices page by page, newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: InvoiceFilter | None = None, request: PageRequest | None = None
    ) -> Page[Invoice]:
        with self.unit_of_work(scope) as uow:
            return uow.invoices.page(where or InvoiceFilter(), request or PageRequest())


@frozen
class ListAttempts:
    """List the attempts to collect an invoice, in their order."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId) -> list[PaymentAttempt]:
        with self.unit_of_work(scope) as uow:
            return uow.attempts.of([uow.invoices.get(invoice_id).id])


@frozen
class ListCreditNotes:
    """List the credit notes that correct an invoice, in their order."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId) -> list[CreditNote]:
        with self.unit_of_work(scope) as uow:
            return uow.credit_notes.of([uow.invoices.get(invoice_id).id])


@frozen(kw_only=True)
class InvoiceUseCases:
    """What was charged, how it was corrected, and how it was paid."""

    get: GetInvoice
    list: ListInvoices
    attempts: ListAttempts
    credit_notes: ListCreditNotes
    credit: Credit
    void: Void
    write_off: WriteOff
    mark_paid: MarkPaid

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow = dependencies.unit_of_work
        bureau = Bureau(
            Desk(
                unit_of_work=uow,
                clock=dependencies.clock,
                identifiers=dependencies.identifiers,
                configuration=dependencies.configuration,
                gateways=dependencies.gateways,
                collect=Collect.of(dependencies),
            )
        )
        return cls(
            get=GetInvoice(uow),
            list=ListInvoices(uow),
            attempts=ListAttempts(uow),
            credit_notes=ListCreditNotes(uow),
            credit=Credit(bureau),
            void=Void(bureau),
            write_off=WriteOff(bureau),
            mark_paid=MarkPaid(bureau),
        )
