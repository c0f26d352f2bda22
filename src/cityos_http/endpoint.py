"""What an endpoint is: a path, who may use it, what goes in and out, and the one use case behind it."""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from inspect import getdoc
from types import NoneType
from typing import Any, Final, get_type_hints

from attrs import Factory, field, frozen

from cityos_core.access.model import Resource

SAFE: Final = frozenset({"GET"})
CREATED: Final = frozenset({201, 202})


class Needs(StrEnum):
    """Where an endpoint works."""

    TENANT = "tenant"
    """In the tenant that the request is for; without one there is nothing here."""
    PLATFORM = "platform"
    """On what the platform owns, whatever the host says."""
    NOTHING = "nothing"
    """Anywhere, for anyone."""


class Key(StrEnum):
    """What an endpoint does with an ``Idempotency-Key``."""

    REQUIRED = "required"
    ACCEPTED = "accepted"
    NONE = "none"


class Steps(StrEnum):
    """How much of an endpoint's work is one transaction."""

    ONE = "one"
    """All of it, with the answer that is kept for repeated requests."""
    SEVERAL = "several"
    """It takes several transactions, or asks others in between; it can be repeated safely after a crash."""
    CHARGING = "charging"
    """One, and when that is committed a gateway is asked for money and its answer recorded; a rehearsal asks nobody."""


@frozen(kw_only=True)
class Endpoint:
    """One operation of the API. Everything about it that a caller can notice stands here, and the document is made of it."""

    method: str
    path: str
    run: Callable[..., object]
    action: str
    """What is decided on, as ``resource:verb``; empty where nobody is asked."""
    status: int = 200
    needs: Needs = Needs.TENANT
    key: Key = Key.NONE
    steps: Steps = Steps.ONE
    moves_money: bool = False
    """True if ``?dry_run=true`` is offered: everything happens but for the commit."""
    versioned: str | None = None
    """The path parameter whose resource changes only with ``If-Match``."""
    about: Callable[..., Resource] | None = None
    """What is decided on, where more than the action and the tenant counts; it is given the path parameters."""
    filters: bool = False
    """True if the answer leaves out what the policy does not show."""
    streams: tuple[str, ...] = ()
    """The media types of an answer that is not JSON but comes in pieces."""
    shown_once: str | None = None
    """The member of the answer that is stored nowhere: a replay has null in its place."""
    tag: str = ""
    hints: Mapping[str, Any] = field(
        init=False, default=Factory(lambda self: get_type_hints(self.run), takes_self=True)
    )

    @property
    def operation(self) -> str:
        """The operation id: a verb and a noun."""
        return self.run.__name__

    @property
    def audience(self) -> str:
        """The first segment of the path."""
        return self.path.split("/")[1]

    @property
    def body(self) -> type | None:
        """What the request body is."""
        return self.hints.get("body")

    @property
    def query(self) -> type | None:
        """What the query parameters are."""
        return self.hints.get("query")

    @property
    def answer(self) -> Any:
        """What the answer is; none for an empty one."""
        found = self.hints.get("return")
        return None if found is NoneType else found

    @property
    def places(self) -> Mapping[str, Any]:
        """The path parameters and their types."""
        return {name: self.hints[name] for name in re.findall(r"\{(\w+)\}", self.path)}

    @property
    def resource(self) -> str:
        """The resource that the action is on."""
        return self.action.partition(":")[0]

    @property
    def is_safe(self) -> bool:
        """True if nothing changes by it."""
        return self.method in SAFE

    @property
    def reads(self) -> bool:
        """True if it only shows something, also where what is asked for takes a body."""
        return self.is_safe or (self.method == "POST" and self.key is Key.NONE)

    @property
    def words(self) -> tuple[str, str]:
        """The first line of what it says about itself, and the rest."""
        first, _, rest = (getdoc(self.run) or "").partition("\n")
        return first.rstrip("."), rest.strip()


Run = Callable[..., object]


@frozen
class Routes:
    """Endpoints below one path, in the order of the document."""

    prefix: str
    tag: str
    _found: list[Endpoint] = field(factory=list)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._found)

    def get(self, path: str, **about: Any) -> Callable[[Run], Run]:
        """Declare a read."""
        return self._declare("GET", path, about)

    def post(self, path: str, **about: Any) -> Callable[[Run], Run]:
        """Declare a creation (201, unless said otherwise) or a step; creations and money need an idempotency key."""
        about.setdefault("status", 201)
        needs_key = about["status"] in CREATED or about.get("moves_money")
        about.setdefault("key", Key.REQUIRED if needs_key else Key.ACCEPTED)
        return self._declare("POST", path, about)

    def put(self, path: str, **about: Any) -> Callable[[Run], Run]:
        """Declare a replacement."""
        return self._declare("PUT", path, about)

    def patch(self, path: str, **about: Any) -> Callable[[Run], Run]:
        """Declare a change of what is given."""
        return self._declare("PATCH", path, about)

    def delete(self, path: str, **about: Any) -> Callable[[Run], Run]:
        """Declare a removal."""
        about.setdefault("status", 204)
        return self._declare("DELETE", path, about)

    def _declare(self, method: str, path: str, about: dict[str, Any]) -> Callable[[Run], Run]:
        def declare(run: Run) -> Run:
            self._found.append(Endpoint(method=method, path=self.prefix + path, run=run, **{"tag": self.tag, **about}))
            return run

        return declare
