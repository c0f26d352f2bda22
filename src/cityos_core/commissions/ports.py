"""What commissions need from storage."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from attrs import frozen

from cityos_core.commissions.lines import CommissionEntry, EntryStatus, VendorTotals
from cityos_core.commissions.rules import StoredRule
from cityos_core.kernel.ids import OrderId, OrderLineId, PayoutId, RuleId, VendorId, VendorOrderId
from cityos_core.kernel.paging import Page, PageRequest


class Rules(Protocol):
    """Commission rules: a tenant reads the platform's and its own, and writes its own. Lists are oldest rule first."""

    def add(self, rules: Iterable[StoredRule]) -> None:
        """Store new rules or new versions; ``Conflict("stale")`` if a rule of that id or name has that version."""
        ...

    def supersede(self, rules: Iterable[StoredRule]) -> None:
        """Mark the versions these carry as superseded at their ``superseded_at``."""
        ...

    def current(self) -> list[StoredRule]:
        """List the latest version of every rule."""
        ...

    def recorded(self, at: datetime) -> list[StoredRule]:
        """List the versions that were the latest at an instant."""
        ...

    def versions(self, rule: RuleId) -> list[StoredRule]:
        """List every version of one rule, first to latest; none if the scope does not see the rule."""
        ...


@frozen(kw_only=True)
class EntryFilter:
    """Which commission transactions: every given part must hold; instants are of the sale, ``[since, until)``."""

    vendor: str | None = None
    order: str | None = None
    line: OrderLineId | None = None
    status: EntryStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


class Entries(Protocol):
    """The commission transactions of one tenant, in order of occurrence."""

    def add(self, entries: Iterable[CommissionEntry]) -> None:
        """Store new transactions."""
        ...

    def of_order(self, order_id: OrderId) -> list[CommissionEntry]:
        """List an order's transactions with their frozen lines, sales in line order first."""
        ...

    def page(self, where: EntryFilter, request: PageRequest) -> Page[CommissionEntry]:
        """List transactions, each with its frozen line and the facts it was decided from."""
        ...

    def totals(self, where: EntryFilter, *, by_vendor: bool = True) -> list[VendorTotals]:
        """Sum per vendor and currency, by vendor; ``orders`` counts distinct orders with a sale.

        Or sum over all vendors per currency, by currency; ``vendor`` is then empty.
        """
        ...

    def volume(
        self, vendors: Iterable[VendorId], currency: str, *, since: datetime, before: datetime
    ) -> Mapping[VendorId, int]:
        """Sum ``volume`` of sales in ``[since, before]`` placed so far, in one query.

        The vendors' volumes are held until the unit of work ends, so that two orders cannot both be the next.
        """
        ...

    def mark(
        self,
        status: EntryStatus,
        *,
        vendor_order: VendorOrderId | None = None,
        line: OrderLineId | None = None,
        payout: PayoutId | None = None,
    ) -> None:
        """Set the status of all transactions of a vendor order, a line or a payout, in one statement.

        Those that are reversed stay so.
        """
        ...


class Coverage(Protocol):
    """Which transactions a payout covers."""

    def cover(self, payout: PayoutId, vendor: VendorId, currency: str) -> None:
        """Tie every approved, uncovered transaction of a vendor and currency to a payout, in one statement."""
        ...

    def uncover(self, payout: PayoutId) -> None:
        """Untie what a payout covered; the transactions are approved again."""
        ...
