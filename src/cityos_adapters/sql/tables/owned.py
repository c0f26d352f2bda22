"""What tables have in common: the tenant leads every key."""

from uuid import UUID

from sqlalchemy import BigInteger, Column, Named, TypedColumns, Uuid


class Owned(TypedColumns):
    """Rows of a tenant."""

    tenant_id: Named[UUID] = Column(Uuid, primary_key=True)


class Identified(Owned):
    """Rows of a tenant with an id of their own."""

    id: Named[UUID] = Column(Uuid, primary_key=True)


class Versioned(Identified):
    """Rows that are changed by whoever read their latest version."""

    version: Named[int] = Column(BigInteger)
