"""Taking an invoice back, because it should never have been, or giving it up, because it will not be paid."""

from attrs import frozen

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.applying import reread_credited
from cityos_core.subscriptions.bureau import Bureau, require_allowed, require_idle, stated
from cityos_core.subscriptions.cycles import CYCLE_LIFE, CycleStatus
from cityos_core.subscriptions.holding import Held
from cityos_core.subscriptions.invoices import BOOKED, Invoice
from cityos_core.subscriptions.journals import journal, written_off
from cityos_core.subscriptions.outcomes import give_up, relieve
from cityos_core.subscriptions.voiding import voided


@frozen
class Void:
    """Declare an open or written-off invoice void: it keeps its number, and all that was booked of it is taken back.

    ``Conflict`` for one that is paid, of which lines were given back, or with a payment under way: those are credited.
    """

    bureau: Bureau

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId, *, reason: str) -> Invoice:
        """Give the invoice as it is stored."""
        why = stated(reason)

        def void(held: Held, invoice: Invoice) -> None:
            require_allowed(invoice, "void", "credit it instead: what was paid becomes the subscriber's credit")
            require_idle(held, invoice)
            _require_whole(held, invoice)
            held.invoices[invoice.id] = voided(held.docket, invoice, why)
            for row in held.billed_by(invoice):
                if "void" in CYCLE_LIFE.allowed(row.status):
                    held.move(row.voided(why))
            reread_credited(held.docket, held.invoices.values(), invoice)
            relieve(held, invoice.id)

        done, _ = self.bureau.decide(scope, invoice_id, "invoices.void", void)
        return done


def _require_whole(held: Held, invoice: Invoice) -> None:
    """Refuse to void an invoice that was corrected, or whose charges another invoice gives back."""
    if invoice.credited:
        detail = "credit notes correct this invoice, and stand; credit the rest of it, or write it off"
        raise Conflict("invoice_credited", detail, current_state=invoice.status.value)
    for other in held.invoices.values():
        for line in other.lines if other.status in BOOKED else ():
            if line.credits is not None and line.credits.invoice_id == invoice.id:
                detail = f"invoice {other.entity}/{other.number} gives back what this one charged"
                remedy = "void that one first if it is open, or credit or write off what is left of this one"
                raise Conflict("lines_credited", f"{detail}; {remedy}", current_state=invoice.status.value)


@frozen
class WriteOff:
    """Give up an open invoice: what is owed becomes an expense, and can still be paid.

    Dunning ends as if its last retry had failed. Nobody is let off: what was unpaid stays unpaid.
    """

    bureau: Bureau

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId, *, reason: str) -> Invoice:
        """Give the invoice as it is stored."""
        why = stated(reason)

        def write_off(held: Held, invoice: Invoice) -> None:
            require_allowed(invoice, "write_off", "only what is owed can be written off")
            require_idle(held, invoice)
            docket = held.docket
            docket.journals += journal(
                invoice,
                docket.identifiers,
                key=f"invoice:{invoice.id}:write_off",
                kind="subscription_written_off",
                movements=written_off(invoice),
                at=docket.at,
                reason=why,
            )
            held.amend(invoice.step("write_off", at=docket.at))
            for row in held.billed_by(invoice):
                if row.status is CycleStatus.INVOICED:
                    held.move(row.failed(why))
            case = held.cases.get(invoice.id)
            if case is not None and not case.is_over:
                give_up(held, invoice.id)

        done, _ = self.bureau.decide(scope, invoice_id, "invoices.write_off", write_off)
        return done
