"""Cards that are declined, heal and are replaced; invoices that are paid by hand, credited, voided and written off."""

from typing import Final

from attrs import frozen

from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.journals import owed
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import CollectionMethod
from cityos_core.testing.simulation.membership import Member, Membership

CLASSES: Final = (
    DeclineClass.SOFT,
    DeclineClass.SOFT,
    DeclineClass.SOFT,
    DeclineClass.HARD,
    DeclineClass.AUTHENTICATION,
)
WHY: Final = "agreed on the telephone"


@frozen
class Payments:
    """What subscribers of one tenant do about money, and what is done for them."""

    those: Membership

    def break_a_card(self) -> None:
        """Let a card be declined from now on."""
        cards = [one.card for one in self.those.members if one.card is not None]
        if cards:
            self.those.gateway.decline(self.those.random.choice(cards), self.those.random.choice(CLASSES))
            self.those.chance.count("cards declined")

    def mind_cards(self) -> None:
        """Let cards that are declined heal, or be replaced."""
        those, chance = self.those, self.those.chance
        for member in those.members:
            if member.card is not None and those.gateway.declines(member.card):
                if chance.is_one_of(those.habits.healing):
                    those.gateway.heal(member.card)
                elif chance.is_one_of(those.habits.replacing):
                    self._replace(member)

    def _replace(self, member: Member) -> None:
        those, card = self.those, self.those.new_card()
        change = those.app.subscriptions.change_method
        if those.chance.allowed("cards replaced", lambda: change(those.scope, member.subscription_id, card)):
            member.card = card

    def pay(self) -> None:
        """Let open invoices be paid by card or into the bank, and some that were written off after all."""
        for invoice in (*self._invoices(InvoiceStatus.OPEN), *self._invoices(InvoiceStatus.UNCOLLECTIBLE)):
            if self.those.chance.is_one_of(self.those.habits.paying):
                self._pay(invoice)

    def _pay(self, invoice: Invoice) -> None:
        those, app = self.those, self.those.app
        if invoice.due and invoice.collection.method is CollectionMethod.CHARGE and those.random.randrange(4):
            those.chance.allowed("payments by hand", lambda: app.subscriptions.pay(those.scope, invoice.id))
            return
        too_much = 0 if those.random.randrange(6) else those.random.randint(1, 500)
        amount, reference = Money(owed(invoice) + too_much, invoice.currency), f"bank-{invoice.number}"
        mark = app.invoices.mark_paid
        those.chance.allowed(
            "payments by bank", lambda: mark(those.scope, invoice.id, reference=reference, amount=amount)
        )

    def correct(self) -> None:
        """Let an invoice be corrected by a credit note, declared void, or written off."""
        those = self.those
        found = self._invoices()
        if not found:
            return
        decide = those.random.choice([self._credit, self._credit, self._void, self._write_off])
        wanted = found if decide == self._credit else [one for one in found if one.due] or found
        decide(those.random.choice(wanted))

    def _credit(self, invoice: Invoice) -> None:
        those = self.those
        charged = [number for number, line in enumerate(invoice.lines) if line.credits is None and line.total > 0]
        if not charged:
            return
        number = those.random.choice(charged)
        amount = invoice.lines[number].total
        part = amount if not those.random.randrange(3) else those.random.randint(1, amount)
        corrections = [Correction(line=number, amount=Money(part, invoice.currency))]
        credit = those.app.invoices.credit
        those.chance.allowed("credit notes", lambda: credit(those.scope, invoice.id, corrections, reason=WHY))

    def _void(self, invoice: Invoice) -> None:
        void = self.those.app.invoices.void
        self.those.chance.allowed("invoices voided", lambda: void(self.those.scope, invoice.id, reason=WHY))

    def _write_off(self, invoice: Invoice) -> None:
        write_off = self.those.app.invoices.write_off
        self.those.chance.allowed("invoices written off", lambda: write_off(self.those.scope, invoice.id, reason=WHY))

    def _invoices(self, status: InvoiceStatus | None = None) -> list[Invoice]:
        app, where = self.those.app, InvoiceFilter(status=status)
        return list(every(lambda request: app.invoices.list(self.those.scope, where, request)))
