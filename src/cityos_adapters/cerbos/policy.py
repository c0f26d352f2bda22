"""Decisions of a Cerbos policy decision point, over HTTP."""

import logging
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import httpx2
from attrs import field, frozen

from cityos_adapters.cerbos.plans import LARGEST, Unreadable, condition_of
from cityos_adapters.exchange import Unanswered, exchange, web_address
from cityos_adapters.serialization import Json
from cityos_core.access.actions import ACTIONS, covered
from cityos_core.access.conditions import NOTHING, Condition, Value
from cityos_core.access.model import Decision, Grant, Principal, Reach, Resource
from cityos_core.access.reaches import OWNERS, attributes_of, tenant_path

TIMEOUT_S: Final = 1.0
LONGEST_ANSWER: Final = 1024 * 1024
"""In bytes."""

UNNAMED: Final = "-"
"""The id of a resource that has none yet; Cerbos wants one."""

_PATH: Final = re.compile(r"([a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*)?", re.ASCII)

_log = logging.getLogger(__name__)


@frozen
class CerbosPolicy:
    """Asks the policy decision point at ``url``; safe to share between threads. Close it, or use it as a context.

    Fails closed: an answer that is late, an error, unreadable or anything but a clear yes is a no. ``transport`` replaces
    the network in tests.

    Kinds of resource and actions are named as in the table of roles (``orders``, ``orders:refund``). The principal has the
    roles of its grants, and in ``P.attr.grants`` of each grant ``role``, ``reach``, ``path``, ``subject``, and what
    follows from these: ``tenant_path``, ``store``, ``vendor``, ``customer`` (empty where there is none). The resource has
    ``tenant_path``, ``tenant_id``, ``store``, ``vendor``, ``customer`` (null where there is none) and its own attributes.
    The tenant's path with dots is the scope: the server needs ``lenientScopeSearch``, unless every tenant has policies.
    """

    url: str = field(validator=web_address, metadata={"setting": "cerbos_url"})
    timeout_s: float = TIMEOUT_S
    transport: httpx2.BaseTransport | None = None
    _client: httpx2.Client = field(init=False)

    @_client.default
    def _connections(self) -> httpx2.Client:
        return httpx2.Client(transport=self.transport, trust_env=False)  # no proxy stands before what is close by

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Say whether a principal may do something to a resource."""
        refusal = _refusal(principal, action, resource)
        if refusal:
            return Decision(allowed=False, reason=refusal)
        try:
            asked = {**_resource(resource, _attributes(resource)), "id": resource.id or UNNAMED}
            answer = self._ask("check", principal, {"resources": [{"actions": [action], "resource": asked}]})
        except Unanswered as error:
            _log.warning("refused, because the policy decision point did not decide on %s: %s", action, error)
            return Decision(allowed=False, reason="the policy could not be asked; try again later")
        match answer:
            case {"results": [{"resource": {"kind": kind, "id": name}, "actions": {**effects}}]}:
                if (kind, name) == (asked["kind"], asked["id"]) and effects.get(action) == "EFFECT_ALLOW":
                    return Decision(allowed=True)
        return Decision(allowed=False, reason="the policy does not allow it")

    def plan(self, principal: Principal, action: str, resource: Resource) -> Condition:
        """Say for which resources it would be a yes, over whatever attributes the policy asks.

        What ``resource`` leaves out (none, or an empty path) is asked. Without a path the policies at the root plan;
        those of a tenant's own scope count in plans within that tenant.
        """
        if _refusal(principal, action, resource):
            return NOTHING
        known = {name: value for name, value in _attributes(resource).items() if value not in ("", None)}
        try:
            answer = self._ask("plan", principal, {"action": action, "resource": _resource(resource, known)})
            return _planned(answer, action, resource.kind)
        except (Unanswered, Unreadable) as error:
            _log.warning("nothing is shown, because the plan for %s cannot be used: %s", action, error)
            return NOTHING

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _ask(self, what: str, principal: Principal, question: Mapping[str, Json]) -> object:
        place = f"{self.url.rstrip('/')}/api/{what}/resources"
        body = {"principal": _principal(principal), **question}
        return exchange(self._client, "POST", place, send=body, within_s=self.timeout_s, at_most=LONGEST_ANSWER)


def _refusal(principal: Principal, action: str, resource: Resource) -> str:
    """Say why something need not be asked, because the answer is no; empty if it has to be."""
    if action not in ACTIONS or action.partition(":")[0] != resource.kind:
        return f"there is no action {action!r} on {resource.kind!r}"
    if principal.scopes is not None and action not in covered(principal.scopes):
        return "the scopes of the key do not include it"
    if not principal.grants or not principal.id:
        return "no role was granted"
    return ""


def _principal(principal: Principal) -> Json:
    grants: list[Json] = [_grant(grant) for grant in principal.grants]
    attributes: Json = {"kind": principal.kind.value, "grants": grants, "impersonator": principal.impersonator}
    roles: list[Json] = [*sorted({grant.role for grant in principal.grants})]
    return {"id": principal.id, "roles": roles, "attr": attributes}


def _grant(grant: Grant) -> Json:
    kind, _, owner = (grant.subject or "").partition(":")
    return {
        "role": grant.role,
        "reach": grant.reach.value,
        "path": grant.path,
        "subject": grant.subject or "",
        "tenant_path": tenant_path(grant),
        "store": grant.path.rpartition("/")[2] if grant.reach is Reach.STORE else "",
        **{name: owner if name == kind else "" for name in OWNERS},
    }


def _attributes(resource: Resource) -> dict[str, Value]:
    return {**attributes_of(resource), "tenant_id": str(resource.tenant_id) if resource.tenant_id else None}


def _resource(resource: Resource, attributes: Mapping[str, Value]) -> dict[str, Json]:
    if not _PATH.fullmatch(resource.path):
        raise Unanswered(f"the path {resource.path} cannot be a scope")
    if any(isinstance(value, int) and abs(value) > LARGEST for value in attributes.values()):
        raise Unanswered("a number of the resource is too large to be sent exactly")
    return {"kind": resource.kind, "scope": resource.path.replace("/", "."), "attr": {**attributes}}


def _planned(answer: object, action: str, kind: str) -> Condition:
    match answer:
        case {"filter": plan, "action": planned, "resourceKind": of} if (planned, of) == (action, kind):
            return condition_of(plan)
    raise Unreadable("it is not the plan that was asked for")
