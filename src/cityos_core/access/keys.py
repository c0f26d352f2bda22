"""API keys: made, rotated, revoked, looked at. The text of a key is given once and never stored."""

from datetime import datetime

from attrs import evolve, frozen

from cityos_core.access import key_text
from cityos_core.access.granting import require_may_grant
from cityos_core.access.key_policy import KeyDraft, checked_role, end_of_overlap, networks, renewed_expiry
from cityos_core.access.model import ApiKey, KeyKind, Principal
from cityos_core.access.placing import placed
from cityos_core.access.ports import Randomness
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound
from cityos_core.kernel.ids import ApiKeyId, Identifiers
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@frozen(kw_only=True)
class CreateKey:
    """Make a key of a tenant, or of the platform."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    randomness: Randomness

    def __call__(self, scope: Scope, principal: Principal, draft: KeyDraft) -> tuple[ApiKey, str]:
        """Give the key as it is stored, and its text, which nobody can give again.

        Raises ``Invalid`` naming every mistake, ``Forbidden("beyond_own_access")`` if the key could do what its maker
        cannot.
        """
        now = self.clock.now()
        role = checked_role(draft, now)
        if draft.kind is KeyKind.PUBLISHABLE and isinstance(scope, PlatformScope):
            raise Invalid.at("$.kind", "not_on_the_platform", "a publishable key names a tenant; make it in the tenant")
        text = key_text.make(draft.kind, draft.environment, self.randomness)
        parsed = key_text.parse(text)
        with self.unit_of_work(scope) as uow:
            key = ApiKey(
                id=ApiKeyId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                name=draft.name.strip(),
                kind=draft.kind,
                environment=draft.environment,
                hash=parsed.hash,
                last_four=parsed.last_four,
                grant=placed(uow, scope, role, draft.where),
                scopes=draft.scopes,
                allow_list=networks(draft.allow_list),
                rate_limit=draft.rate_limit,
                created_at=now,
                created_by=principal.label,
                expires_at=draft.expires_at,
            )
            require_may_grant(principal, key.grant, scopes=key.scopes)
            uow.api_keys.add(key)
            uow.commit()
        return key, text


@frozen(kw_only=True)
class RotateKey:
    """Replace a key by a new one that may do the same; for a while both work."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    randomness: Randomness

    def __call__(
        self, scope: Scope, principal: Principal, key_id: ApiKeyId, *, works_until: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Give the new key and its text; the old one works until then, a day more unless said.

        The new key expires, if the old one does, after as long a life. Raises ``Conflict`` for a key that does not work
        or was rotated before, ``Forbidden("beyond_own_access")`` if it can do what the principal cannot.
        """
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            old = own_key(uow, scope, key_id)
            require_may_grant(principal, old.grant, scopes=old.scopes)
            end = end_of_overlap(old, now, works_until)
            text = key_text.make(old.kind, old.environment, self.randomness)
            parsed = key_text.parse(text)
            new = evolve(
                old,
                id=ApiKeyId(self.identifiers.new()),
                hash=parsed.hash,
                last_four=parsed.last_four,
                created_at=now,
                created_by=principal.label,
                expires_at=renewed_expiry(old, now),
                last_used_at=None,
                version=1,
            )
            uow.api_keys.add(new)
            uow.api_keys.save(evolve(old, expires_at=end, replaced_by=new.id))
            uow.commit()
        return new, text


@frozen(kw_only=True)
class RevokeKey:
    """Let a key work no more, from now on and for good."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: Scope, key_id: ApiKeyId) -> ApiKey:
        """Revoke a key, or raise ``Conflict("key_revoked")`` if it was before."""
        with self.unit_of_work(scope) as uow:
            key = own_key(uow, scope, key_id)
            if key.revoked_at is not None:
                raise Conflict("key_revoked", f"the key {key.name} was revoked before; nothing is left to do")
            revoked = evolve(key, revoked_at=self.clock.now())
            uow.api_keys.save(revoked)
            uow.commit()
        return revoked


@frozen
class GetKey:
    """Give what is stored of a key, or ``NotFound("api_key_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, key_id: ApiKeyId) -> ApiKey:
        """Give a key."""
        with self.unit_of_work(scope) as uow:
            return own_key(uow, scope, key_id)


@frozen
class ListKeys:
    """List the keys of a tenant, or the platform's own, oldest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, request: PageRequest | None = None) -> Page[ApiKey]:
        """List keys, revoked and expired ones too."""
        with self.unit_of_work(scope) as uow:
            return uow.api_keys.page(request or PageRequest())


def own_key(uow: UnitOfWork, scope: Scope, key_id: ApiKeyId) -> ApiKey:
    """Give a key that belongs to the scope itself; a tenant's key is looked after in the tenant."""
    key = uow.api_keys.get(key_id)
    if key.tenant_id != scope.tenant_id:
        raise NotFound("api_key_not_found", f"there is no API key {key_id}")
    return key
