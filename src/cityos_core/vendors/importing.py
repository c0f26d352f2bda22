"""Vendors from files: new ones are made, known ones brought to what the file says, nothing is done twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import evolve, field, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, VendorId
from cityos_core.kernel.imports import Outcome, Row, RowResult, import_in_chunks
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.events import VendorRegistered
from cityos_core.vendors.model import VENDOR_LIFE, Profile, Vendor, VendorStatus
from cityos_core.vendors.onboarding import refuse_open, stepped
from cityos_core.vendors.policy import asked, changeable, waived, with_account, with_owner
from cityos_core.vendors.settings import VENDOR_REQUIREMENTS


@frozen(kw_only=True)
class ImportVendors:
    """Bring vendors to what a file says, row by row; a second time nothing changes.

    A vendor imported as approved has its open requirements waived and, if it has no payout account, gets a verified one
    that is paid by hand. A status that cannot be reached from the present one rejects the row.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader
    open_business: Callable[[UnitOfWork, Vendor], Iterable[str]]

    def __call__(self, scope: TenantScope, rows: Iterable[Row[VendorDraft]]) -> Iterator[RowResult]:
        """Import rows as the answers are taken, in bounded memory; the work stops where the taking stops."""
        return import_in_chunks(rows, partial(self._write, scope))

    def _write(self, scope: TenantScope, rows: Sequence[Row[VendorDraft]]) -> Sequence[RowResult]:
        with self.unit_of_work(scope) as uow:
            chunk = _Chunk(
                scope=scope,
                at=self.clock.now(),
                new_id=lambda: VendorId(self.identifiers.new()),
                registry=self.configuration(uow, scope.tenant_id).value(VENDOR_REQUIREMENTS),
                known=uow.vendors.named({row.draft.handle for row in rows if row.draft is not None}),
                open_business=partial(self.open_business, uow),
            )
            results = [chunk.judge(row) for row in rows]
            for handle, vendor in chunk.after.items():
                if handle in chunk.known:
                    uow.vendors.save(vendor)
                else:
                    uow.vendors.add(vendor)
            uow.commit(chunk.events)
        return results


@frozen(kw_only=True)
class _Chunk:
    """Rows that are written together: what is known, what it becomes, and what happened."""

    scope: TenantScope
    at: datetime
    new_id: Callable[[], VendorId]
    registry: Sequence[str]
    known: Mapping[str, Vendor]
    open_business: Callable[[Vendor], Iterable[str]]
    after: dict[str, Vendor] = field(factory=dict)
    events: list[Event] = field(factory=list)

    def judge(self, row: Row[VendorDraft]) -> RowResult:
        try:
            draft = row.readable()
            before = self.after.get(draft.handle) or self.known.get(draft.handle)
            events: list[Event] = []
            vendor = before or self._new(draft, events)
            after = self._brought(vendor, draft, events)
        except (Invalid, NotFound, Conflict, Refused, Forbidden) as error:
            return row.answer(Outcome.REJECTED, error)
        if after == before:
            return row.answer(Outcome.UNCHANGED)
        self.after[draft.handle] = after
        self.events.extend(events)
        return row.answer(Outcome.UPDATED if before else Outcome.CREATED)

    def _new(self, draft: VendorDraft, events: list[Event]) -> Vendor:
        vendor = Vendor(
            id=self.new_id(),
            tenant_id=self.scope.tenant_id,
            handle=draft.handle,
            profile=Profile(name=draft.name),
            created_at=self.at,
        )
        events.append(VendorRegistered(subject=vendor.id, occurred_at=self.at, vendor=vendor.handle))
        return asked(vendor, self.registry, self.at)

    def _brought(self, vendor: Vendor, draft: VendorDraft, events: list[Event]) -> Vendor:
        profile = evolve(
            vendor.profile,
            name=draft.name,
            email=draft.email or vendor.profile.email,
            country=draft.country or vendor.profile.country,
            tax_id=draft.tax_id or vendor.profile.tax_id,
        )
        if profile != vendor.profile:
            vendor = evolve(changeable(vendor), profile=profile)
        for action in VENDOR_LIFE.route(vendor.status, draft.status or vendor.status):
            vendor = self._stepped(vendor, action)
            events.append(stepped(vendor, action, self.at))
        return vendor

    def _stepped(self, vendor: Vendor, action: str) -> Vendor:
        if action == "terminate":
            refuse_open(self.open_business(vendor), vendor.handle)
        if action == "approve":
            vendor = waived(asked(vendor, self.registry, self.at), "imported as approved", self.at)
            vendor = with_owner(with_account(vendor, verified=True), self.at)
        after = vendor.step(action)
        if after.status in (VendorStatus.REJECTED, VendorStatus.SUSPENDED):
            return evolve(after, reason=f"imported as {after.status.value}")
        return after
