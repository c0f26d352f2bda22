"""Somebody who looks after invoices: what tests of invoices, of revenue and of reports start from."""

from datetime import datetime
from typing import Any, Self

from attrs import frozen

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Journal
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoice_service import InvoiceUseCases
from cityos_core.subscriptions.invoices import BOOKED, IN_ADVANCE, CreditNote, Invoice, standing
from cityos_core.subscriptions.mrr_service import MrrUseCases
from cityos_core.subscriptions.recognising import Recognise, Recognised
from usecases.billing import Office
from usecases.subscribing import Club

RECOGNISED = "subscription_recognised"


def eur(text: str) -> Money:
    """Read an amount in euro."""
    return Money.of(text, "EUR")


@frozen(kw_only=True)
class Accounts:
    """A club, its gateway, and the use cases of those who keep its accounts."""

    club: Club
    gateway: ScriptedGateway
    invoices: InvoiceUseCases
    mrr: MrrUseCases
    recogniser: Recognise

    @classmethod
    def open(cls, **terms: Any) -> Self:
        """Open them, over memory unless told otherwise, with a gateway that approves everything."""
        gateway = ScriptedGateway()
        office = Office.open(gateways={"card": gateway}, **terms)
        ports = office.dependencies
        return cls(
            club=Club.open(office),
            gateway=gateway,
            invoices=InvoiceUseCases.of(ports),
            mrr=MrrUseCases.of(ports),
            recogniser=Recognise.of(ports),
        )

    @property
    def scope(self) -> Any:
        """The tenant's."""
        return self.club.scope

    def wait(self, **parts: int) -> None:
        """Let time pass; nobody bills anything."""
        self.club.wait(**parts)

    def bill(self, **parts: int) -> None:
        """Let time pass, and bill what is due by then."""
        self.club.wait(**parts)
        self.club.office.bill()

    def invoice(self, number: int = 1) -> Invoice:
        """Give an invoice by its number."""
        return self.club.office.invoice(number)

    def credit(self, invoice: Invoice, amount: str, *, line: int = 0, reason: str = "outage") -> CreditNote:
        """Credit some of a line."""
        return self.invoices.credit(self.scope, invoice.id, [Correction(line=line, amount=eur(amount))], reason=reason)

    def recognise(self, *, dry_run: bool = False) -> Recognised:
        """Book what was earned."""
        return self.recogniser(self.scope, dry_run=dry_run)

    def holds(self, path: str) -> str:
        """Tell what an account holds."""
        return self.club.office.holds(path)

    @property
    def revenue(self) -> str:
        """What was booked as revenue."""
        return self.holds("revenue:subscription")

    @property
    def deferred(self) -> str:
        """What is deferred."""
        return self.holds("deferred:subscription")

    def booked(self) -> list[tuple[datetime, int]]:
        """List what was recognised, and when it counts."""
        return [(one.occurred_at, _revenue(one)) for one in self.club.office.journals(RECOGNISED)]

    def audit(self) -> None:
        """Check what holds whatever was done: what is deferred and what was recognised is what is left of the charges."""
        self.club.audit()
        invoices = self.club.invoices()
        with self.club.office.database(self.scope) as uow:
            notes = uow.credit_notes.of([one.id for one in invoices])
        left = sum(one.net for one in standing(invoices, notes, among=BOOKED) if one.line.kind in IN_ADVANCE)
        recognised = sum(one.recognised for one in invoices)
        assert eur(self.deferred).minor + recognised == left
        assert sum(amount for _, amount in self.booked()) >= recognised


def _revenue(journal: Journal) -> int:
    (amount,) = (-one.amount for one in journal.postings if one.account.path == "revenue:subscription")
    return amount
