"""Storing, removing and explaining settings."""

from difflib import get_close_matches

from attrs import frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Forbidden, Invalid, NotFound
from cityos_core.kernel.ids import PLATFORM, TenantId
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.tenancy.configuration import places
from cityos_core.tenancy.events import SettingChanged
from cityos_core.tenancy.model import Json, SettingEntry
from cityos_core.tenancy.placing import lineage
from cityos_core.tenancy.setting_values import without_floats
from cityos_core.tenancy.settings import Explanation, Held, Place, Setting, effective, held, refuse_if_locked
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

Declared = tuple[Setting[object], ...]


@frozen
class _Spot:
    """A place in the tree as a setting sees it: who owns it, and what is stored on the way down to it."""

    place: Place
    owner: TenantId
    stored: dict[str, list[Held]]

    def explain(self, setting: Setting[object]) -> Explanation:
        explanation = effective(setting, self.stored.get(setting.key, ()), path=self.place.path)
        return explanation.masked() if setting.secret else explanation

    def with_value(self, key: str, value: Held | None) -> None:
        others = [place for place in self.stored.get(key, ()) if place.path != self.place.path]
        self.stored[key] = [*others, value] if value else others


def _spot(uow: UnitOfWork, scope: Scope, path: str | None) -> _Spot:
    own = "" if isinstance(scope, PlatformScope) else uow.tenants.get(scope.tenant_id).path
    path = own if path is None else path
    nodes = uow.tree.at(lineage(path))
    way = places(nodes)
    if way[-1].path != path or not _are_in_line(own, path):
        raise NotFound(
            "node_not_found", f"there is nothing at {path!r} in the tree; list the tree to see what there is"
        )
    stored = held(uow.settings.at([place.node_id for place in way]), way)
    owner = nodes[-1].tenant_id if nodes else PLATFORM
    return _Spot(way[-1], owner, {key: list(values) for key, values in stored.items()})


def _are_in_line(one: str, other: str) -> bool:
    """Tell whether one place is the other, or above or below it; a tenant has no business in other branches."""
    return not one or not other or f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _own_spot(uow: UnitOfWork, scope: Scope, path: str | None) -> _Spot:
    spot = _spot(uow, scope, path)
    if spot.owner != scope.tenant_id and not isinstance(scope, PlatformScope):
        raise Forbidden(
            "not_your_node",
            f"{spot.place.path or 'the platform'} is not this tenant's; only the platform sets values there",
        )
    return spot


def _setting(declared: Declared, key: str) -> Setting[object]:
    for setting in declared:
        if setting.key == key:
            return setting
    near = get_close_matches(key, [setting.key for setting in declared], n=1)
    hint = f"did you mean {near[0]}?" if near else "list the declared settings to see what there is"
    raise Invalid("unknown_setting", f"there is no setting {key!r}; {hint}")


@frozen
class SetSetting:
    """Store a value for the nodes from one place of the tree down, and lock it for those below if asked."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    declared: Declared

    def __call__(
        self, scope: Scope, key: str, value: Json, *, node: str | None = None, locked: bool = False
    ) -> Explanation:
        """Set a value at the scope's own place, or at the node with a path, and say what holds there now.

        Raises ``Invalid`` for a value that is not of the setting's kind, ``Refused("setting_locked")`` below a lock,
        ``Forbidden("not_your_node")`` outside the tenant.
        """
        setting = _setting(self.declared, key)
        value = _checked(setting, value)
        if locked and not setting.lockable:
            raise Invalid("not_lockable", f"{key} cannot be locked; every level below may always set its own")
        with self.unit_of_work(scope) as uow:
            spot = _own_spot(uow, scope, node)
            refuse_if_locked(key, spot.stored.get(key, ()), path=spot.place.path)
            uow.settings.put(
                SettingEntry(node_id=spot.place.node_id, tenant_id=spot.owner, key=key, value=value, locked=locked)
            )
            uow.commit([_event(self.clock, spot, key, is_set=True, locked=locked)])
        spot.with_value(key, Held(path=spot.place.path, value=value, locked=locked))
        return spot.explain(setting)


@frozen
class UnsetSetting:
    """Take away the value stored at one place, and its lock with it; what is inherited holds there again."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    declared: Declared

    def __call__(self, scope: Scope, key: str, *, node: str | None = None) -> Explanation:
        """Remove a value and say what holds there now; nothing happens if there is none."""
        setting = _setting(self.declared, key)
        with self.unit_of_work(scope) as uow:
            spot = _own_spot(uow, scope, node)
            uow.settings.remove(spot.place.node_id, key)
            uow.commit([_event(self.clock, spot, key, is_set=False, locked=False)])
        spot.with_value(key, None)
        return spot.explain(setting)


@frozen
class ExplainSetting:
    """Say which value holds at a place, where it comes from, what it overrides and who locked it."""

    unit_of_work: UnitOfWorkFactory
    declared: Declared

    def __call__(self, scope: Scope, key: str, *, node: str | None = None) -> Explanation:
        """Explain one setting at the scope's own place, or at the node with a path; secrets are masked."""
        setting = _setting(self.declared, key)
        with self.unit_of_work(scope) as uow:
            return _spot(uow, scope, node).explain(setting)


@frozen
class ShowSettings:
    """Explain every declared setting at a place."""

    unit_of_work: UnitOfWorkFactory
    declared: Declared

    def __call__(self, scope: Scope, *, node: str | None = None) -> list[Explanation]:
        """List them by key; secrets are masked."""
        with self.unit_of_work(scope) as uow:
            spot = _spot(uow, scope, node)
        return [spot.explain(setting) for setting in sorted(self.declared, key=lambda setting: setting.key)]


@frozen
class ListDeclared:
    """List what can be set."""

    declared: Declared

    def __call__(self) -> Declared:
        """List the declarations by key."""
        return tuple(sorted(self.declared, key=lambda setting: setting.key))


def _checked(setting: Setting[object], value: Json) -> Json:
    try:
        value = without_floats(value)
        setting.parse(value)
    except Invalid as error:
        told = setting.doc if setting.secret else error.detail
        raise Invalid(error.code, f"{setting.key}: {told}") from None
    return value


def _event(clock: Clock, spot: _Spot, key: str, *, is_set: bool, locked: bool) -> SettingChanged:
    return SettingChanged(
        subject=spot.place.node_id,
        occurred_at=clock.now(),
        key=key,
        path=spot.place.path,
        is_set=is_set,
        locked=locked,
    )
