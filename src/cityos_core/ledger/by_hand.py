"""The journals that people post by hand, each with who did it and why."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import Identifiers, JournalId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal, Posted
from cityos_core.ledger.policy import adjustable
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


class AdjustmentKind(StrEnum):
    """What a journal posted by hand is."""

    FEE = "fee"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"


@frozen
class Adjust:
    """Post a fee, an adjustment or a write-off between two accounts, with who did it and why.

    It authorises: ``Refused("floor_breached")`` if an account of a vendor, or a subscriber's credit, would be overdrawn.
    The same ``key`` again posts nothing and answers the journal that stands. ``in_payout`` accounts are refused:
    payouts alone move them.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: TenantScope,
        *,
        kind: AdjustmentKind,
        amount: Money,
        debit: str,
        credit: str,
        actor: str,
        reason: str,
        key: str | None = None,
    ) -> Journal:
        _require_positive(amount)
        new = self.identifiers.new()
        journal = Journal.of(
            id=JournalId(new),
            tenant=scope.tenant_id,
            key=f"adjustment:{key or new}",
            kind=kind.value,
            movements=_move(scope, amount, debit=adjustable(debit), credit=adjustable(credit)),
            occurred_at=self.clock.now(),
            references=_signed(actor, reason),
        )
        with self.unit_of_work(scope) as uow:
            _require_vendors(uow, debit, credit)
            return _post(uow, journal, "ledger.adjust")


@frozen
class Reverse:
    """Undo a journal that was posted by hand: its exact negation, at most once.

    ``Refused("not_by_hand")`` for a journal that belongs to an order or a payout: refund or cancel that instead, so that
    it knows. ``Conflict("already_reversed")`` if it was undone before for another reason or by somebody else.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(self, scope: TenantScope, key: str, *, reason: str, actor: str) -> Journal:
        with self.unit_of_work(scope) as uow:
            journal = uow.ledger.find(key)
            if journal is None:
                raise NotFound("journal_not_found", f"there is no journal {key!r}")
            if journal.kind not in list(AdjustmentKind):
                raise Refused(
                    "not_by_hand", f"{key} is a {journal.kind}: refund the order or cancel the payout instead"
                )
            negation = journal.negated(
                id=JournalId(self.identifiers.new()),
                occurred_at=self.clock.now(),
                references=_signed(actor, reason),
            )
            before = uow.ledger.find(negation.key)
            if before is not None and before.digest != negation.digest:
                raise Conflict("already_reversed", f"journal {key} was reversed before; it can be only once")
            return _post(uow, negation, "ledger.reverse")


@frozen
class ReceiveUnknown:
    """Put money that nobody can explain yet into ``suspense:{source}``; the same reference again records nothing."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: TenantScope,
        *,
        source: str,
        amount: Money,
        reference: str,
        into: str = "bank",
        received_at: datetime | None = None,
    ) -> Journal:
        _require_positive(amount)
        journal = Journal.of(
            id=JournalId(self.identifiers.new()),
            tenant=scope.tenant_id,
            key=f"suspense:{source}:{_stated(reference, 'reference')}",
            kind="suspense_received",
            movements=_move(scope, amount, debit=adjustable(into), credit=adjustable(f"suspense:{source}")),
            occurred_at=received_at or self.clock.now(),
            references={"source": source, "reference": reference},
        )
        with self.unit_of_work(scope) as uow:
            return _post(uow, journal, "ledger.receive_unknown")


@frozen
class ResolveSuspense:
    """Move money out of suspense to the account it turned out to belong to, all of it, once."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(self, scope: TenantScope, *, source: str, reference: str, to: str, actor: str, reason: str) -> Journal:
        with self.unit_of_work(scope) as uow:
            received = uow.ledger.find(f"suspense:{source}:{reference}")
            if received is None:
                raise NotFound("journal_not_found", f"nothing was received from {source!r} under {reference!r}")
            _require_vendors(uow, to)
            suspense = next(posting for posting in received.postings if posting.amount < 0)
            amount = Money(-suspense.amount, suspense.account.currency)
            journal = Journal.of(
                id=JournalId(self.identifiers.new()),
                tenant=scope.tenant_id,
                key=f"suspense-resolved:{source}:{reference}",
                kind="suspense_resolved",
                movements=_move(scope, amount, debit=suspense.account.path, credit=adjustable(to)),
                occurred_at=self.clock.now(),
                references={**_signed(actor, reason), "resolves": received.key},
            )
            return _post(uow, journal, "ledger.resolve_suspense")


def _require_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise Invalid("amount_not_positive", f"{amount} moves nothing; to move it back, swap debit and credit")


def _stated(text: str, what: str) -> str:
    if not text.strip():
        raise Invalid(f"no_{what}", f"a journal posted by hand needs a {what} that says something")
    return text


def _signed(actor: str, reason: str) -> dict[str, str]:
    return {"actor": _stated(actor, "actor"), "reason": _stated(reason, "reason")}


def _move(scope: TenantScope, amount: Money, *, debit: str, credit: str) -> list[tuple[Account, int]]:
    if debit == credit:
        raise Invalid("same_account", f"{debit} cannot be both debit and credit; name two accounts")
    return [
        (Account(scope.tenant_id, debit, amount.currency), amount.minor),
        (Account(scope.tenant_id, credit, amount.currency), -amount.minor),
    ]


def _require_vendors(uow: UnitOfWork, *paths: str) -> None:
    for path in paths:
        if path.startswith("vendor:"):
            uow.vendors.get(VendorId(UUID(path.split(":")[1])))


def _post(uow: UnitOfWork, journal: Journal, name: str) -> Journal:
    uow.ledger.lock(posting.account for posting in journal.postings if posting.account.has_floor)
    if uow.ledger.post(journal) is Posted.REPLAYED:
        return uow.ledger.find(journal.key) or journal
    faults.point(f"{name}.before_commit")
    uow.commit()
    faults.point(f"{name}.after_commit")
    return journal
