"""Payouts, transactions and statements as the API shows and takes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.commissions.lines import CommissionEntry, EntryKind, EntryStatus
from cityos_core.kernel.ids import BatchId, OrderId, PayoutId
from cityos_core.kernel.money import Money
from cityos_core.ledger.statements import Position, Section, Statement
from cityos_core.payouts.model import PAYOUT_LIFE, Attempt, Payout, PayoutStatus
from cityos_http.asking import Paged
from cityos_http.schema import about


@frozen(kw_only=True)
class AttemptView:
    """One try at sending a payout."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    reference: str | None
    reason: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Show an attempt."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            outcome=attempt.outcome,
            reference=attempt.reference,
            reason=attempt.reason,
        )


@frozen(kw_only=True)
class PayoutView:
    """Money leaving for one vendor."""

    id: PayoutId
    batch: BatchId | None
    vendor: str
    amount: Money
    method: str
    status: PayoutStatus
    reason: str | None
    reference: str | None = field(metadata=about("What the provider, or whoever paid, calls the payment."))
    attempts: tuple[AttemptView, ...]
    retries: PayoutId | None = field(metadata=about("The failed payout that this one tries again."))
    next_attempt_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    allowed_actions: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, payout: Payout) -> Self:
        """Show a payout."""
        return cls(
            id=payout.id,
            batch=payout.batch_id,
            vendor=payout.vendor,
            amount=payout.amount,
            method=payout.method,
            status=payout.status,
            reason=payout.reason,
            reference=payout.reference,
            attempts=tuple(map(AttemptView.of, payout.attempts)),
            retries=payout.retries,
            next_attempt_at=payout.next_attempt_at,
            created_at=payout.created_at,
            settled_at=payout.settled_at,
            allowed_actions=PAYOUT_LIFE.allowed(payout.status),
            version=payout.version,
        )


@frozen(kw_only=True)
class PayoutQuery(Paged):
    """Which payouts."""

    status: PayoutStatus | None = None


@frozen(kw_only=True)
class PayoutsQuery(PayoutQuery):
    """Which payouts of all vendors."""

    vendor: str | None = field(default=None, metadata=about("By handle."))
    batch: BatchId | None = field(default=None, metadata=about("Those of one run."))


@frozen(kw_only=True)
class ConfirmationRequest:
    """That a payment arrived."""

    reference: str = field(metadata=about("Of the payment, as the bank statement has it.", example="E2E-4711", least=1))


@frozen(kw_only=True)
class PayoutRequest:
    """A payout out of turn."""

    amount: Money = field(metadata=about("At most what is available."))


@frozen(kw_only=True)
class TransactionView:
    """What one sold line meant to its vendor. Reversals are negative."""

    order: OrderId
    order_reference: str
    line: str
    sku: str
    kind: EntryKind
    status: EntryStatus
    occurred_at: datetime
    gross: Money
    discounts: Money
    funding: Money = field(metadata=about("What others paid of the discounts."))
    shipping: Money
    tax: Money
    commission: Money
    commission_tax: Money
    net: Money = field(metadata=about("What the vendor gets."))
    payout: PayoutId | None

    @classmethod
    def of(cls, entry: CommissionEntry) -> Self:
        """Show a transaction."""
        currency = entry.currency
        return cls(
            order=entry.order_id,
            order_reference=entry.order_reference,
            line=entry.line_reference,
            sku=entry.sku,
            kind=entry.kind,
            status=entry.status,
            occurred_at=entry.occurred_at,
            gross=Money(entry.gross, currency),
            discounts=Money(entry.discounts, currency),
            funding=Money(entry.funding, currency),
            shipping=Money(entry.shipping, currency),
            tax=Money(entry.tax, currency),
            commission=Money(entry.commission, currency),
            commission_tax=Money(entry.commission_tax, currency),
            net=Money(entry.net, currency),
            payout=entry.payout_id,
        )


@frozen(kw_only=True)
class TransactionQuery(Paged):
    """Which transactions; instants are of the sale."""

    status: EntryStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen(kw_only=True)
class PositionView:
    """Where a vendor's money is, in one currency."""

    pending: Money
    available: Money
    reserve: Money
    in_payout: Money
    debt: Money
    total: Money

    @classmethod
    def of(cls, position: Position, currency: str) -> Self:
        """Show a position."""
        return cls(
            pending=Money(position.pending, currency),
            available=Money(position.available, currency),
            reserve=Money(position.reserve, currency),
            in_payout=Money(position.in_payout, currency),
            debt=Money(position.debt, currency),
            total=Money(position.total, currency),
        )


@frozen(kw_only=True)
class MovementView:
    """What one journal did to a vendor's money."""

    occurred_at: datetime
    kind: str
    journal: str
    references: Mapping[str, str]
    change: PositionView


@frozen(kw_only=True)
class SectionView:
    """A statement in one currency: opening, movements, closing."""

    currency: str
    opening: PositionView
    movements: tuple[MovementView, ...]
    closing: PositionView

    @classmethod
    def of(cls, section: Section) -> Self:
        """Show a section."""
        return cls(
            currency=section.currency,
            opening=PositionView.of(section.opening, section.currency),
            movements=tuple(
                MovementView(
                    occurred_at=movement.occurred_at,
                    kind=movement.kind,
                    journal=movement.journal,
                    references=dict(movement.references),
                    change=PositionView.of(movement.change, section.currency),
                )
                for movement in section.movements
            ),
            closing=PositionView.of(section.closing, section.currency),
        )


@frozen(kw_only=True)
class StatementView:
    """What happened to a vendor's money in `[since, until)`."""

    vendor: str
    since: datetime
    until: datetime
    sections: tuple[SectionView, ...]

    @classmethod
    def of(cls, statement: Statement) -> Self:
        """Show a statement."""
        return cls(
            vendor=statement.vendor,
            since=statement.since,
            until=statement.until,
            sections=tuple(map(SectionView.of, statement.sections)),
        )


@frozen(kw_only=True)
class StatementQuery:
    """Which period."""

    since: datetime = field(metadata=about("From this instant on.", example="2026-01-01T00:00:00Z"))
    until: datetime = field(metadata=about("Before this instant.", example="2026-02-01T00:00:00Z"))


@frozen(kw_only=True)
class VendorStatementQuery(StatementQuery):
    """Whose statement, and of which period."""

    vendor: str = field(metadata=about("The vendor's handle.", example="acme", least=1))
