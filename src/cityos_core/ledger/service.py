"""Reading the books: balances, journals, statements, and the proof that they are right."""

from collections.abc import Generator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Self
from uuid import UUID

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Conflict, Invalid, NotFound
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.by_hand import Adjust, ReceiveUnknown, ResolveSuspense, Reverse
from cityos_core.ledger.model import Balance, Journal
from cityos_core.ledger.ports import Difference, JournalFilter
from cityos_core.ledger.statements import Statement, movements, positions, sections
from cityos_core.unit_of_work import UnitOfWorkFactory

FIRST_DIFFERENCES: Final = 10
"""How many differences a verification lists."""


@frozen(kw_only=True)
class Verification:
    """What recomputing the books found: how many accounts were checked, and the first differences."""

    accounts: int
    currencies: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """True if every balance is the sum of its postings and everything sums to zero."""
        return not self.differences


@frozen
class Balances:
    """Give what every account holds, or those whose path starts with a prefix, now or up to an instant."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, prefix: str = "", *, as_of: datetime | None = None) -> list[Balance]:
        with self.unit_of_work(scope) as uow:
            return uow.books.balances(prefix, as_of=as_of)


@frozen
class Journals:
    """List journals page by page, in order of recording."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: JournalFilter | None = None, request: PageRequest | None = None
    ) -> Page[Journal]:
        with self.unit_of_work(scope) as uow:
            return uow.books.journals(where or JournalFilter(), request or PageRequest())


@frozen
class Export:
    """Stream journals in order of recording; the unit of work stays open until the stream ends or is closed."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, where: JournalFilter | None = None) -> Generator[Journal, None, None]:
        with self.unit_of_work(scope) as uow:
            yield from uow.books.export(where or JournalFilter())


@frozen
class Verify:
    """Recompute every balance from its postings and say where the books differ; it changes nothing."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope) -> Verification:
        with self.unit_of_work(scope) as uow:
            differences = tuple(islice(uow.books.differences(), FIRST_DIFFERENCES))
            accounts = [balance.account for balance in uow.books.balances()]
        return Verification(
            accounts=len(accounts),
            currencies=tuple(sorted({account.currency for account in accounts})),
            differences=differences,
        )


@frozen
class GiveStatement:
    """Tell a vendor what it was owed at the start of ``[since, until)``, what moved, and what was owed at its end.

    The totals tie to the ledger: ``Conflict("books_moved")`` if a journal dated in the period came in while reading.
    """

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, vendor: str | VendorId, since: datetime, until: datetime) -> Statement:
        since, until = instant(since), instant(until)
        if since >= until:
            raise Invalid("empty_period", f"{since.isoformat()} is not before {until.isoformat()}")
        with self.unit_of_work(scope) as uow:
            seller = uow.vendors.get(vendor) if isinstance(vendor, UUID) else uow.vendors.named([vendor]).get(vendor)
            if seller is None:
                raise NotFound("vendor_not_found", f"there is no vendor {vendor!r}; list them to see their handles")
            prefix = f"vendor:{seller.id}:"
            opening = positions(seller.id, uow.books.balances(prefix, as_of=_just_before(since)))
            journals = uow.books.export(JournalFilter(account=prefix, since=since, until=until))
            found = sections(opening, movements(seller.id, journals))
            closing = positions(seller.id, uow.books.balances(prefix, as_of=_just_before(until)))
        if {part.currency: part.closing for part in found if not part.closing.is_nothing} != closing:
            raise Conflict("books_moved", "the books changed while the statement was made; ask for it again")
        return Statement(vendor=seller.handle, since=since, until=until, sections=found)


@frozen(kw_only=True)
class LedgerUseCases:
    """Everything that can be done with the ledger itself."""

    balances: Balances
    journals: Journals
    export: Export
    verify: Verify
    statement: GiveStatement
    adjust: Adjust
    reverse: Reverse
    receive_unknown: ReceiveUnknown
    resolve_suspense: ResolveSuspense

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        unit_of_work = dependencies.unit_of_work
        writes = (unit_of_work, dependencies.clock, dependencies.identifiers)
        return cls(
            balances=Balances(unit_of_work),
            journals=Journals(unit_of_work),
            export=Export(unit_of_work),
            verify=Verify(unit_of_work),
            statement=GiveStatement(unit_of_work),
            adjust=Adjust(*writes),
            reverse=Reverse(*writes),
            receive_unknown=ReceiveUnknown(*writes),
            resolve_suspense=ResolveSuspense(*writes),
        )


def _just_before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
