"""Settings: declared once, inherited down the tree, locked from above, explained. No other code inherits anything.

Each context declares its own in its ``settings.py``; :mod:`cityos_core.declared` lists all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Final, Generic, TypeVar, cast

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import PLATFORM, NodeId
from cityos_core.tenancy.model import Json, SettingEntry, Store, Tenant

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MASK: Final = "********"
"""What stands in place of a secret value."""

DEFAULT: Final = "default"
"""The origin of a value that nobody stored."""


@frozen(kw_only=True)
class Setting(Generic[T_co]):
    """A declared key. ``parse`` turns stored JSON into the typed value or raises ``Invalid`` saying what it expects.

    A setting that is not ``inheritable`` counts only at the very node it is stored at; one that is not ``lockable``
    can always be changed further down; the value of a ``secret`` one is never shown.
    """

    key: str
    doc: str
    parse: Callable[[Json], T_co]
    default: Json = None
    inheritable: bool = True
    lockable: bool = True
    secret: bool = False

    def __attrs_post_init__(self) -> None:
        self.parse(self.default)


ROOT: Final = NodeId(PLATFORM)
"""The node id under which the platform's own values are stored: above every country, without a row in the tree."""


@frozen
class Place:
    """Where values can be stored: a node, or the platform itself, whose path is empty."""

    node_id: NodeId
    path: str


TOP: Final = Place(ROOT, "")
"""The platform itself."""


@frozen(kw_only=True)
class Held:
    """A value stored at one place of the tree; the empty path is the platform itself, above all countries."""

    path: str
    value: Json
    locked: bool = False

    @property
    def where(self) -> str:
        """The path, or ``platform``."""
        return self.path or "platform"


@frozen(kw_only=True)
class Explanation:
    """A setting's effective value at a node: where it comes from, what it overrides, who locked it.

    ``origin`` is a path, ``platform`` or ``default``. ``overrides`` are the wider values that do not count, nearest
    first; ``ignored`` are the narrower ones below the lock.
    """

    key: str
    path: str
    value: Json
    origin: str
    overrides: tuple[Held, ...] = ()
    ignored: tuple[Held, ...] = ()
    locked_by: str | None = None

    def masked(self) -> "Explanation":
        """Give the same with every stored value hidden."""

        def hidden(places: Iterable[Held]) -> tuple[Held, ...]:
            return tuple(evolve(place, value=MASK) for place in places)

        value = self.value if self.origin == DEFAULT else MASK
        return evolve(self, value=value, overrides=hidden(self.overrides), ignored=hidden(self.ignored))


def held(entries: Iterable[SettingEntry], places: Sequence[Place]) -> Mapping[str, Sequence[Held]]:
    """Sort stored values by key, each key's in the order of the places; values stored elsewhere are left out."""
    order = {place.node_id: number for number, place in enumerate(places)}
    found: dict[str, list[Held]] = {}
    for entry in sorted((e for e in entries if e.node_id in order), key=lambda e: order[e.node_id]):
        path = places[order[entry.node_id]].path
        found.setdefault(entry.key, []).append(Held(path=path, value=entry.value, locked=entry.locked))
    return found


def effective(setting: Setting[object], held: Sequence[Held], *, path: str) -> Explanation:
    """Resolve a setting at a path from the values held on the way down to it, widest first.

    The nearest value wins, unless one above it is locked: then the widest lock does.
    """
    counting = list(held) if setting.inheritable else [place for place in held if place.path == path]
    lock = next((place for place in counting if place.locked), None)
    reached = counting.index(lock) + 1 if lock else len(counting)
    heard, ignored = counting[:reached], counting[reached:]
    winner = heard[-1] if heard else None
    return Explanation(
        key=setting.key,
        path=path,
        value=winner.value if winner else deepcopy(setting.default),
        origin=winner.where if winner else DEFAULT,
        overrides=tuple(reversed(heard[:-1])),
        ignored=tuple(ignored),
        locked_by=lock.where if lock else None,
    )


def refuse_if_locked(key: str, held: Iterable[Held], *, path: str) -> None:
    """Raise ``Refused("setting_locked")`` if the value at a path cannot count because a wider one is locked."""
    for place in held:
        if place.locked and place.path != path:
            raise Refused(
                "setting_locked",
                f"{key} is locked by {place.where}; whoever runs {place.where} can change it or remove the lock",
            )


@frozen(kw_only=True)
class Configuration:
    """Everything that is set for a tenant, or for one of its stores: a snapshot that is safe to share.

    ``hierarchy`` gives the path of the node at each level, by the level's name.
    """

    tenant: Tenant
    store: Store | None = None
    hierarchy: Mapping[str, str]
    held: Mapping[str, Sequence[Held]]
    _values: dict[str, object] = field(factory=dict, init=False, eq=False, repr=False)

    def value(self, setting: Setting[T]) -> T:
        """Give the effective value; each is resolved and parsed once."""
        try:
            return cast("T", self._values[setting.key])
        except KeyError:
            value = setting.parse(self.explain(setting).value)
            self._values[setting.key] = value
            return value

    def explain(self, setting: Setting[object]) -> Explanation:
        """Say where the effective value comes from; secrets are not masked here."""
        path = f"{self.tenant.path}/{self.store.handle}" if self.store else self.tenant.path
        return effective(setting, self.held.get(setting.key, ()), path=path)
