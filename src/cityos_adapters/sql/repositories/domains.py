"""Domains of tenants and stores."""

from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import bindparam, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session, reached
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.tenancy import IS_ACTIVE, domains
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import DomainId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.tenancy.domains import Domain

_c = domains.c
_REACHED: Final = select(domains).where(reached(domains))
_BY_ID: Final = _REACHED.where(_c.id == ID)
_ACTIVE: Final = _REACHED.where(_c.name == bindparam("wanted"), IS_ACTIVE)
_OWN: Final = select(domains).where(_c.tenant_id == OWNER)
_DUE: Final = (
    select(_c.id)
    .where(reached(domains), _c.check_at <= bindparam("now", type_=Instant()))
    .order_by(_c.check_at, _c.id)
    .limit(bindparam("most"))
)
_NEW: Final = growth(domains)


@frozen
class SqlDomains:
    """Domains by id and name; the platform has all, a tenant has its own."""

    session: Session

    def add(self, domain: Domain) -> None:
        self.session.require_own(domain.tenant_id, platform_may=True)
        with self.session.whole():
            self.session.grow((_NEW, [_domain_row(domain)]))

    def save(self, domain: Domain) -> None:
        self.session.require_own(domain.tenant_id, platform_may=True)
        with self.session.whole():
            self.session.save(domains, [_domain_row(domain)])

    def get(self, domain_id: DomainId) -> Domain:
        row = self.session.first(_BY_ID, id_=domain_id)
        if row is None:
            raise NotFound("domain_not_found", f"there is no domain {domain_id}")
        return _domain(row)

    def active(self, name: str) -> Domain | None:
        row = self.session.first(_ACTIVE, wanted=name)
        return None if row is None else _domain(row)

    def page(self, request: PageRequest) -> Page[Domain]:
        return page(self.session, _OWN, (_c.name, _c.id), request, lambda rows: [_domain(row) for row in rows])

    def due(self, now: datetime, *, limit: int) -> list[DomainId]:
        return [row.id for row in self.session.all(_DUE, now=now, most=limit)]


def _domain_row(domain: Domain) -> Values:
    return {
        "tenant_id": domain.tenant_id,
        "id": domain.id,
        "version": domain.version,
        "name": domain.name,
        "store": domain.store,
        "token": domain.token,
        "status": domain.status,
        "reason": domain.reason,
        "created_at": domain.created_at,
        "proven_at": domain.proven_at,
        "check_at": domain.check_at,
    }


def _domain(row: AnyRow) -> Domain:
    return Domain(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        store=row.store,
        token=row.token,
        status=row.status,
        reason=row.reason,
        created_at=row.created_at,
        proven_at=row.proven_at,
        check_at=row.check_at,
        version=row.version,
    )
