"""The vendors of one tenant, and who is on their teams."""

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen
from sqlalchemy import bindparam, delete, select

from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.vendors import team_members, vendors
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.vendors.model import Member, Profile, Vendor, VendorStatus

_VENDORS: Final = select(vendors).where(vendors.c.tenant_id == OWNER)
_BY_ID: Final = _VENDORS.where(vendors.c.id == ID)
_KNOWN: Final = _VENDORS.where(among(vendors.c.id))
_NEW: Final = growth(vendors)
_NAMED: Final = _VENDORS.where(among(vendors.c.handle, "handles"))
_NEW_MEMBERS: Final = growth(team_members)
_MEMBERS: Final = select(team_members.c.email).where(team_members.c.tenant_id == OWNER, team_members.c.vendor_id == ID)
_DROP_MEMBERS: Final = delete(team_members).where(
    team_members.c.tenant_id == OWNER, team_members.c.vendor_id == ID, among(team_members.c.email, "dropped")
)
_TEAMS: Final = (
    select(vendors.c.handle, vendors.c.team)
    .join(team_members, (team_members.c.tenant_id == vendors.c.tenant_id) & (team_members.c.vendor_id == vendors.c.id))
    .where(team_members.c.tenant_id == OWNER, team_members.c.email == bindparam("address"))
    .order_by(vendors.c.handle)
)


@frozen
class SqlVendors:
    """Vendors by id and handle; the addresses of their teams stand in a table of their own."""

    session: Session
    _teams: dict[VendorId, tuple[Member, ...]] = field(factory=dict, init=False)
    """Teams that were read in this unit of work, by those who may want to change them: saving writes what changed."""

    def add(self, vendor: Vendor) -> None:
        self.session.require_own(vendor.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW, [_vendor_row(vendor)]), (_NEW_MEMBERS, _member_rows(vendor, _addresses(vendor))))

    def save(self, vendor: Vendor) -> None:
        self.session.require_own(vendor.tenant_id)
        with self.session.whole():
            self.session.save(vendors, [_vendor_row(vendor)])
            if self._teams.pop(vendor.id, None) != vendor.team:
                self._replace_members(vendor)

    def get(self, vendor_id: VendorId) -> Vendor:
        row = self.session.first(_BY_ID, id_=vendor_id)
        if row is None:
            raise NotFound("vendor_not_found", f"there is no vendor {vendor_id}")
        self._teams[vendor_id] = row.team
        return _vendor(row)

    def known(self, vendor_ids: Iterable[VendorId]) -> dict[VendorId, Vendor]:
        return {row.id: _vendor(row) for row in self.session.all(_KNOWN, ids=sorted(set(vendor_ids)))}

    def named(self, handles: Iterable[str]) -> dict[str, Vendor]:
        rows = self.session.all(_NAMED, handles=sorted(set(handles)))
        self._teams.update((row.id, row.team) for row in rows)
        return {row.handle: _vendor(row) for row in rows}

    def page(self, request: PageRequest, *, status: VendorStatus | None = None) -> Page[Vendor]:
        statement = _VENDORS if status is None else _VENDORS.where(vendors.c.status == status)
        return page(self.session, statement, (vendors.c.handle,), request, lambda rows: [_vendor(row) for row in rows])

    def _replace_members(self, vendor: Vendor) -> None:
        before = {row.email for row in self.session.all(_MEMBERS, id_=vendor.id)}
        after = _addresses(vendor)
        if dropped := before - after:
            self.session.run(_DROP_MEMBERS, id_=vendor.id, dropped=sorted(dropped))
        self.session.grow((_NEW_MEMBERS, _member_rows(vendor, after - before)))


@frozen
class SqlTeamMembers:
    """Members by address, as the vendors that have them say."""

    session: Session

    def of(self, email: str) -> list[tuple[str, Member]]:
        address = email.lower()
        return [
            (row.handle, member)
            for row in self.session.all(_TEAMS, address=address)
            for member in row.team
            if member.email.lower() == address
        ]


def _addresses(vendor: Vendor) -> set[str]:
    return {member.email.lower() for member in vendor.team}


def _member_rows(vendor: Vendor, addresses: Iterable[str]) -> list[Values]:
    return [{"tenant_id": vendor.tenant_id, "email": email, "vendor_id": vendor.id} for email in sorted(addresses)]


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
