"""What changes would come to, and what the next cycles will bill."""

from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.money import Money
from cityos_core.subscriptions.billing import Bill
from cityos_core.subscriptions.desk import Preview
from cityos_core.subscriptions.invoices import Invoice
from cityos_http.schema import about
from cityos_http.schemas.invoices import CREDIT, DUE, InvoiceLineView, lines_of
from cityos_http.schemas.subscriptions import SubscriptionView


@frozen(kw_only=True)
class PreviewedInvoiceView:
    """An invoice as it would be issued."""

    cycle: int
    change: int
    currency: str
    lines: tuple[InvoiceLineView, ...]
    net: Money
    tax: Money
    total: Money = field(metadata=about("Negative where credits outweigh charges."))
    from_credit: Money = field(metadata=CREDIT)
    to_credit: Money = field(metadata=about("What the subscriber gets as credit."))
    due: Money = field(metadata=DUE)

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """Show an invoice that is not issued."""
        return cls(
            cycle=invoice.cycle,
            change=invoice.change,
            currency=invoice.currency,
            lines=lines_of(invoice.lines, invoice.currency),
            net=invoice.net,
            tax=invoice.tax_total,
            total=invoice.total,
            from_credit=Money(invoice.from_credit, invoice.currency),
            to_credit=invoice.to_credit,
            due=invoice.due,
        )


@frozen(kw_only=True)
class PreviewView:
    """What would come of it. Whoever sends the token with it gets exactly that, or a refusal."""

    token: str
    expires_at: datetime
    invoice: PreviewedInvoiceView | None = field(metadata=about("Null if nothing is invoiced."))
    subscription: SubscriptionView = field(metadata=about("As it would be."))

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show a preview to those who look after the subscription."""
        return cls._of(preview, SubscriptionView.of(preview.subscription))

    @classmethod
    def of_own(cls, preview: Preview) -> Self:
        """Show a preview to the subscriber."""
        return cls._of(preview, SubscriptionView.of_own(preview.subscription))

    @classmethod
    def _of(cls, preview: Preview, subscription: SubscriptionView) -> Self:
        return cls(
            token=preview.token,
            expires_at=preview.expires_at,
            invoice=None if preview.invoice is None else PreviewedInvoiceView.of(preview.invoice),
            subscription=subscription,
        )


@frozen(kw_only=True)
class ForecastCycleView:
    """A cycle to come, billed on paper; the last one of a subscription that ends has no period."""

    cycle: int
    start: datetime | None
    end: datetime | None
    lines: tuple[InvoiceLineView, ...]
    total: Money

    @classmethod
    def of(cls, bill: Bill) -> Self:
        """Show a bill."""
        currency = bill.subscription.currency
        return cls(
            cycle=bill.cycle,
            start=None if bill.period is None else bill.period.start_utc,
            end=None if bill.period is None else bill.period.end_utc,
            lines=lines_of(bill.lines, currency),
            total=Money(bill.total, currency),
        )


@frozen(kw_only=True)
class ForecastView:
    """What the next cycles will bill, as far as it is known today; usage is not."""

    cycles: tuple[ForecastCycleView, ...]
