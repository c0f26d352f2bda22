"""Vendors, and who is on their teams."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, Index, Named, Table, Text, UniqueConstraint, Uuid

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.vendors.model import Member, PayoutAccount, Requirement, VendorStatus


class VendorColumns(Versioned):
    """A vendor with its profile."""

    handle: Named[str] = Column(KEY)
    name: Named[str] = Column(Text)
    legal_name: Named[str | None] = Column(Text)
    kind: Named[str] = Column(Text)
    email: Named[str | None] = Column(Text)
    phone: Named[str | None] = Column(Text)
    website: Named[str | None] = Column(Text)
    country: Named[str | None] = Column(Text)
    address: Named[str | None] = Column(Text)
    tax_id: Named[str | None] = Column(Text)
    status: Named[VendorStatus] = Column(Choice(VendorStatus))
    reason: Named[str | None] = Column(Text)
    requirements: Named[tuple[Requirement, ...]] = Column(Document(tuple[Requirement, ...]))
    team: Named[tuple[Member, ...]] = Column(Document(tuple[Member, ...]))
    stores: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    payout_account: Named[PayoutAccount | None] = Column(Document(PayoutAccount))
    payout_schedule: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(Instant)


vendors: Final = Table(
    "vendors", METADATA, VendorColumns, UniqueConstraint("tenant_id", "handle"), one_of("status", VendorStatus)
)


class TeamMemberColumns(Owned):
    """An address, in lower case, that is on a vendor's team; what it is there stands in the vendor."""

    email: Named[str] = Column(KEY, primary_key=True)
    vendor_id: Named[UUID] = Column(Uuid, primary_key=True)


team_members: Final = Table(
    "team_members",
    METADATA,
    TeamMemberColumns,
    ForeignKeyConstraint(["tenant_id", "vendor_id"], ["vendors.tenant_id", "vendors.id"]),
)
Index(None, team_members.c.tenant_id, team_members.c.vendor_id)
