"""The vendors of one tenant."""

from collections.abc import Iterable
from typing import Final

from attrs import frozen
from sqlalchemy import select

from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.vendors import vendors
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.vendors.model import Profile, Vendor, VendorStatus

_VENDORS: Final = select(vendors).where(vendors.c.tenant_id == OWNER)
_BY_ID: Final = _VENDORS.where(vendors.c.id == ID)
_KNOWN: Final = _VENDORS.where(among(vendors.c.id))
_NEW: Final = growth(vendors)
_NAMED: Final = _VENDORS.where(among(vendors.c.handle, "handles"))


@frozen
class SqlVendors:
    """Vendors by id and handle."""

    session: Session

    def add(self, vendor: Vendor) -> None:
        self.session.require_own(vendor.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW, [_vendor_row(vendor)]))

    def save(self, vendor: Vendor) -> None:
        self.session.require_own(vendor.tenant_id)
        with self.session.whole():
            self.session.save(vendors, [_vendor_row(vendor)])

    def get(self, vendor_id: VendorId) -> Vendor:
        row = self.session.first(_BY_ID, id_=vendor_id)
        if row is None:
            raise NotFound("vendor_not_found", f"there is no vendor {vendor_id}")
        return _vendor(row)

    def known(self, vendor_ids: Iterable[VendorId]) -> dict[VendorId, Vendor]:
        return {row.id: _vendor(row) for row in self.session.all(_KNOWN, ids=sorted(set(vendor_ids)))}

    def named(self, handles: Iterable[str]) -> dict[str, Vendor]:
        return {row.handle: _vendor(row) for row in self.session.all(_NAMED, handles=sorted(set(handles)))}

    def page(self, request: PageRequest, *, status: VendorStatus | None = None) -> Page[Vendor]:
        statement = _VENDORS if status is None else _VENDORS.where(vendors.c.status == status)
        return page(self.session, statement, (vendors.c.handle,), request, lambda rows: [_vendor(row) for row in rows])


def _vendor_row(vendor: Vendor) -> Values:
    profile = vendor.profile
    return {
        "tenant_id": vendor.tenant_id,
        "id": vendor.id,
        "version": vendor.version,
        "handle": vendor.handle,
        "name": profile.name,
        "legal_name": profile.legal_name,
        "kind": profile.kind,
        "email": profile.email,
        "phone": profile.phone,
        "website": profile.website,
        "country": profile.country,
        "address": profile.address,
        "tax_id": profile.tax_id,
        "status": vendor.status,
        "reason": vendor.reason,
        "requirements": vendor.requirements,
        "team": vendor.team,
        "stores": vendor.stores,
        "payout_account": vendor.payout_account,
        "payout_schedule": vendor.payout_schedule,
        "created_at": vendor.created_at,
    }


def _vendor(row: AnyRow) -> Vendor:
    return Vendor(
        id=row.id,
        tenant_id=row.tenant_id,
        handle=row.handle,
        profile=Profile(
            name=row.name,
            legal_name=row.legal_name,
            kind=row.kind,
            email=row.email,
            phone=row.phone,
            website=row.website,
            country=row.country,
            address=row.address,
            tax_id=row.tax_id,
        ),
        status=row.status,
        reason=row.reason,
        requirements=row.requirements,
        team=row.team,
        stores=row.stores,
        payout_account=row.payout_account,
        payout_schedule=row.payout_schedule,
        created_at=row.created_at,
        version=row.version,
    )
