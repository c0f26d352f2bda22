"""API keys, assignments and impersonations: a tenant's own, and all of them for the platform."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import bindparam, delete, select, update

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session, reached
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.access import api_keys, assignments, impersonations
from cityos_core.access.model import ApiKey, Assignment, Grant, Impersonation
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId
from cityos_core.kernel.paging import Page, PageRequest

_k = api_keys.c
_KEY_BY_ID: Final = select(api_keys).where(reached(api_keys), _k.id == ID)
_KEYS_BY_HASH: Final = select(api_keys).where(reached(api_keys), among(_k.hash, "hashes"))
_OWN_KEYS: Final = select(api_keys).where(_k.tenant_id == OWNER)
_TOUCH: Final = (
    update(api_keys).where(reached(api_keys), _k.id == ID).values(last_used_at=bindparam("used_at", type_=Instant()))
)
_NEW_KEY: Final = growth(api_keys)


@frozen
class SqlApiKeys:
    """Keys by id and hash."""

    session: Session

    def add(self, key: ApiKey) -> None:
        self.session.require_own(key.tenant_id, platform_may=True)
        self.session.grow((_NEW_KEY, [_key_row(key)]))

    def save(self, key: ApiKey) -> None:
        self.session.require_own(key.tenant_id, platform_may=True)
        self.session.save(api_keys, [_key_row(key)])

    def get(self, key_id: ApiKeyId) -> ApiKey:
        row = self.session.first(_KEY_BY_ID, id_=key_id)
        if row is None:
            raise NotFound("api_key_not_found", f"there is no API key {key_id}")
        return _key(row)

    def with_hashes(self, hashes: Collection[str]) -> dict[str, ApiKey]:
        return {row.hash: _key(row) for row in self.session.all(_KEYS_BY_HASH, hashes=sorted(set(hashes)))}

    def page(self, request: PageRequest) -> Page[ApiKey]:
        return page(self.session, _OWN_KEYS, (_k.created_at, _k.id), request, lambda rows: [_key(row) for row in rows])

    def touch(self, key_id: ApiKeyId, at: datetime) -> None:
        self.session.run(_TOUCH, id_=key_id, used_at=at)


def _key_row(key: ApiKey) -> Values:
    return {
        "tenant_id": key.tenant_id,
        "id": key.id,
        "version": key.version,
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "hash": key.hash,
        "last_four": key.last_four,
        "grant": key.grant,
        "scopes": None if key.scopes is None else tuple(sorted(key.scopes)),
        "allow_list": key.allow_list,
        "rate_limit": key.rate_limit,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "replaced_by": key.replaced_by,
        "last_used_at": key.last_used_at,
    }


def _key(row: AnyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        kind=row.kind,
        environment=row.environment,
        hash=row.hash,
        last_four=row.last_four,
        grant=row.grant,
        scopes=None if row.scopes is None else frozenset(row.scopes),
        allow_list=row.allow_list,
        rate_limit=row.rate_limit,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        replaced_by=row.replaced_by,
        last_used_at=row.last_used_at,
        version=row.version,
    )


_a = assignments.c
_ASSIGNMENT_BY_ID: Final = select(assignments).where(reached(assignments), _a.id == ID)
_OF_USER: Final = (
    select(assignments).where(reached(assignments), among(_a.user_name, "names")).order_by(_a.created_at, _a.id)
)
_OWN_ASSIGNMENTS: Final = select(assignments).where(_a.tenant_id == OWNER)
_NEW_ASSIGNMENT: Final = growth(assignments)
_UNASSIGN: Final = delete(assignments).where(reached(assignments), _a.id == ID)


@frozen
class SqlAssignments:
    """Assignments by id and user."""

    session: Session

    def add(self, assignment: Assignment) -> None:
        self.session.require_own(assignment.tenant_id, platform_may=True)
        with self.session.whole():
            self.session.grow((_NEW_ASSIGNMENT, [_assignment_row(assignment)]))

    def remove(self, assignment_id: AssignmentId) -> None:
        if self.session.run(_UNASSIGN, id_=assignment_id) != 1:
            raise _no_assignment(assignment_id)

    def get(self, assignment_id: AssignmentId) -> Assignment:
        row = self.session.first(_ASSIGNMENT_BY_ID, id_=assignment_id)
        if row is None:
            raise _no_assignment(assignment_id)
        return _assignment(row)

    def of_user(self, names: Collection[str]) -> list[Assignment]:
        return [_assignment(row) for row in self.session.all(_OF_USER, names=sorted(set(names)))]

    def page(self, request: PageRequest) -> Page[Assignment]:
        keys = (_a.created_at, _a.id)
        return page(self.session, _OWN_ASSIGNMENTS, keys, request, lambda rows: [_assignment(row) for row in rows])


def _no_assignment(assignment_id: AssignmentId) -> NotFound:
    return NotFound("assignment_not_found", f"there is no assignment {assignment_id}")


def _assignment_row(assignment: Assignment) -> Values:
    return {
        "tenant_id": assignment.tenant_id,
        "id": assignment.id,
        "user_name": assignment.user,
        "role": assignment.grant.role,
        "reach": assignment.grant.reach,
        "path": assignment.grant.path,
        "subject": assignment.grant.subject or "",
        "created_at": assignment.created_at,
        "created_by": assignment.created_by,
    }


def _assignment(row: AnyRow) -> Assignment:
    return Assignment(
        id=row.id,
        tenant_id=row.tenant_id,
        user=row.user_name,
        grant=Grant(role=row.role, reach=row.reach, path=row.path, subject=row.subject or None),
        created_at=row.created_at,
        created_by=row.created_by,
    )


_i = impersonations.c
_IMPERSONATION_BY_ID: Final = select(impersonations).where(reached(impersonations), _i.id == ID)
_OWN_IMPERSONATIONS: Final = select(impersonations).where(_i.tenant_id == OWNER)
_NEW_IMPERSONATION: Final = growth(impersonations)


@frozen
class SqlImpersonations:
    """Impersonations by id."""

    session: Session

    def add(self, impersonation: Impersonation) -> None:
        self.session.require_own(impersonation.tenant_id, platform_may=True)
        self.session.grow((_NEW_IMPERSONATION, [_impersonation_row(impersonation)]))

    def save(self, impersonation: Impersonation) -> None:
        self.session.require_own(impersonation.tenant_id, platform_may=True)
        self.session.save(impersonations, [_impersonation_row(impersonation)])

    def get(self, impersonation_id: ImpersonationId) -> Impersonation:
        row = self.session.first(_IMPERSONATION_BY_ID, id_=impersonation_id)
        if row is None:
            raise NotFound("impersonation_not_found", f"there is no impersonation {impersonation_id}")
        return _impersonation(row)

    def page(self, request: PageRequest) -> Page[Impersonation]:
        return page(
            self.session,
            _OWN_IMPERSONATIONS,
            (_i.started_at, _i.id),
            request,
            lambda rows: [_impersonation(row) for row in rows],
            newest_first=True,
        )


def _impersonation_row(impersonation: Impersonation) -> Values:
    return {
        "tenant_id": impersonation.tenant_id,
        "id": impersonation.id,
        "version": impersonation.version,
        "actor": impersonation.actor,
        "user_name": impersonation.user,
        "grants": impersonation.grants,
        "reason": impersonation.reason,
        "started_at": impersonation.started_at,
        "expires_at": impersonation.expires_at,
        "status": impersonation.status,
    }


def _impersonation(row: AnyRow) -> Impersonation:
    return Impersonation(
        id=row.id,
        tenant_id=row.tenant_id,
        actor=row.actor,
        user=row.user_name,
        grants=row.grants,
        reason=row.reason,
        started_at=row.started_at,
        expires_at=row.expires_at,
        status=row.status,
        version=row.version,
    )
