"""The policy adapter by itself: what it asks, that anything but a clear yes is a no, and how plans become conditions."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
from attrs import define, evolve, field

from adapters.issuer import answer
from cityos_adapters.cerbos import CerbosPolicy, write_policies
from cityos_adapters.cerbos.policy import LONGEST_ANSWER
from cityos_core.access.actions import RESOURCES
from cityos_core.access.conditions import EVERYTHING, NOTHING
from cityos_core.access.model import Grant, Principal, Reach, Resource
from cityos_core.kernel.ids import TenantId
from core.access.people import NORTH, someone, tenant_role
from usecases.town import code

ORDER: Final = Resource(kind="orders", id="A-1", path=NORTH, tenant_id=TenantId(UUID(int=7)), vendor="acme")
OPERATOR: Final = someone(tenant_role("operator"))
YES: Final = {"results": [{"resource": {"kind": "orders", "id": "A-1"}, "actions": {"orders:read": "EFFECT_ALLOW"}}]}
ALL: Final = {"action": "orders:read", "resourceKind": "orders", "filter": {"kind": "KIND_ALWAYS_ALLOWED"}}


@define
class Server:
    """Stands for a policy decision point that says the same to everything, and remembers what it was asked."""

    reply: Callable[[httpx2.Request], httpx2.Response]
    asked: list[tuple[str, Any]] = field(factory=list)

    def policy(self) -> CerbosPolicy:
        """Build a policy that asks it."""
        return CerbosPolicy("http://localhost:3592", transport=httpx2.MockTransport(self))

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        self.asked.append((f"{request.method} {request.url}", json.loads(request.content)))
        return self.reply(request)


def saying(document: object, status: int = 200) -> Server:
    """Build a server that says one thing."""
    return Server(lambda _: answer(document, status))


def test_what_is_asked_about_a_resource() -> None:
    """A check brings who asks with all grants, and the resource with its place, its owners and what else is known."""
    server = saying(YES)
    grants = (
        Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
        Grant(role="operator", reach=Reach.STORE, path=f"{NORTH}/web"),
        Grant(role="operator", reach=Reach.SUBTREE, path="de"),
    )
    principal = evolve(someone(*grants), impersonator="user:support")
    order = evolve(ORDER, attributes={"total": 500, "is_open": True, "note": None})
    assert server.policy().decide(principal, "orders:read", order).allowed
    nobody = {"vendor": "", "customer": ""}
    assert server.asked == [
        (
            "POST http://localhost:3592/api/check/resources",
            {
                "principal": {
                    "id": "someone",
                    "roles": ["operator", "vendor_owner"],
                    "attr": {
                        "kind": "user",
                        "impersonator": "user:support",
                        "grants": [
                            {
                                "role": "vendor_owner",
                                "reach": "own",
                                "path": NORTH,
                                "subject": "vendor:acme",
                                "tenant_path": NORTH,
                                "store": "",
                                "vendor": "acme",
                                "customer": "",
                            },
                            {
                                "role": "operator",
                                "reach": "store",
                                "path": f"{NORTH}/web",
                                "subject": "",
                                "tenant_path": NORTH,
                                "store": "web",
                                **nobody,
                            },
                            {
                                "role": "operator",
                                "reach": "subtree",
                                "path": "de",
                                "subject": "",
                                "tenant_path": "",
                                "store": "",
                                **nobody,
                            },
                        ],
                    },
                },
                "resources": [
                    {
                        "actions": ["orders:read"],
                        "resource": {
                            "kind": "orders",
                            "id": "A-1",
                            "scope": "de.a.b.c.north",
                            "attr": {
                                "tenant_path": NORTH,
                                "tenant_id": str(UUID(int=7)),
                                "store": None,
                                "vendor": "acme",
                                "customer": None,
                                "total": 500,
                                "is_open": True,
                                "note": None,
                            },
                        },
                    }
                ],
            },
        )
    ]


def test_what_a_plan_is_asked_for() -> None:
    """A plan brings what is known of the resources, and leaves out what is to be asked."""
    server = saying(ALL)
    assert server.policy().plan(OPERATOR, "orders:read", evolve(ORDER, tenant_id=None)) == EVERYTHING
    place, body = server.asked[0]
    assert place == "POST http://localhost:3592/api/plan/resources"
    assert (body["action"], body["resource"]) == (
        "orders:read",
        {"kind": "orders", "scope": "de.a.b.c.north", "attr": {"tenant_path": NORTH, "vendor": "acme"}},
    )
    server.policy().plan(OPERATOR, "orders:read", Resource(kind="orders"))
    assert server.asked[1][1]["resource"] == {"kind": "orders", "scope": "", "attr": {}}


@pytest.mark.parametrize(
    ("principal", "action", "resource"),
    [
        (someone(), "orders:read", ORDER),
        (evolve(OPERATOR, id=""), "orders:read", ORDER),
        (evolve(OPERATOR, scopes=frozenset({"orders:list"})), "orders:read", ORDER),
        (evolve(OPERATOR, scopes=frozenset()), "orders:read", ORDER),
        (OPERATOR, "orders:bake", ORDER),
        (OPERATOR, "read", ORDER),
        (OPERATOR, "products:read", ORDER),
        (OPERATOR, "orders:read", evolve(ORDER, path="de/a.b")),
        (OPERATOR, "orders:read", evolve(ORDER, path="/de")),
        (OPERATOR, "orders:read", evolve(ORDER, path="de/é")),
        (OPERATOR, "orders:read", evolve(ORDER, attributes={"total": 2**53 + 1})),
        (evolve(OPERATOR, id="\ud800"), "orders:read", ORDER),
    ],
)
def test_what_is_refused_without_asking(principal: Principal, action: str, resource: Resource) -> None:
    """Without a role, beyond a key's scopes, for unknown actions and for what cannot be put in words, nobody is asked."""
    server = saying(YES)
    decision = server.policy().decide(principal, action, resource)
    assert (decision.allowed, bool(decision.reason)) == (False, True)
    assert server.policy().plan(principal, action, resource) == NOTHING
    assert not server.asked


def test_scopes_that_include_it_are_asked() -> None:
    """A key's scopes take away, they do not give."""
    principal = evolve(OPERATOR, scopes=frozenset({"orders:*"}))
    assert saying(YES).policy().decide(principal, "orders:read", ORDER).allowed
    assert not saying({"results": []}).policy().decide(principal, "orders:read", ORDER).allowed


def _fails(error: Exception) -> Server:
    def reply(_: httpx2.Request) -> httpx2.Response:
        raise error

    return Server(reply)


def _said(**changes: Any) -> Server:
    return saying({"results": [{**YES["results"][0], **changes}]})


@pytest.mark.parametrize(
    "server",
    [
        _fails(httpx2.ConnectError("refused")),
        _fails(httpx2.ConnectTimeout("slow")),
        _fails(httpx2.ReadTimeout("slow")),
        _fails(httpx2.PoolTimeout("busy")),
        _fails(httpx2.RemoteProtocolError("odd")),
        saying({"code": 3, "message": "validation error"}, 400),
        saying({}, 401),
        saying(YES, 500),
        saying(YES, 201),
        Server(lambda _: httpx2.Response(302, headers={"Location": "http://localhost:1/"})),
        saying(b""),
        saying(b"yes"),
        saying(b"\xff"),
        saying(b"[" * 100_000),
        saying(b" " * LONGEST_ANSWER + json.dumps(YES).encode()),
        saying(b'{"results":[],"results":[]}'),
        saying([]),
        saying("EFFECT_ALLOW"),
        saying({}),
        saying({"results": {}}),
        saying({"results": []}),
        saying({"results": [YES["results"][0], YES["results"][0]]}),
        _said(actions={}),
        _said(actions={"orders:read": "EFFECT_DENY"}),
        _said(actions={"orders:read": "EFFECT_NO_MATCH"}),
        _said(actions={"orders:read": "effect_allow"}),
        _said(actions={"orders:read": True}),
        _said(actions={"orders:refund": "EFFECT_ALLOW"}),
        _said(actions={"orders:*": "EFFECT_ALLOW"}),
        _said(actions=["orders:read"]),
        _said(resource={"kind": "orders", "id": "A-2"}),
        _said(resource={"kind": "products", "id": "A-1"}),
        _said(resource={}),
    ],
)
def test_anything_but_a_clear_yes_is_a_no(server: Server) -> None:
    """An answer that is late, an error, unreadable, or about something else allows nothing and shows nothing."""
    decision = server.policy().decide(OPERATOR, "orders:read", ORDER)
    assert (decision.allowed, bool(decision.reason)) == (False, True)
    assert server.policy().plan(OPERATOR, "orders:read", ORDER) == NOTHING


@pytest.mark.parametrize(
    "plan",
    [
        {"kind": "KIND_ALWAYS_DENIED"},
        {"kind": "KIND_UNSPECIFIED"},
        {"kind": "KIND_CONDITIONAL"},
        {"kind": "KIND_CONDITIONAL", "condition": {"expression": {"operator": "contains", "operands": []}}},
        {},
        None,
        "KIND_ALWAYS_ALLOWED",
    ],
)
def test_plans_that_show_nothing(plan: object) -> None:
    """A plan that denies, is of an unknown kind or cannot be translated shows nothing."""
    assert saying({**ALL, "filter": plan}).policy().plan(OPERATOR, "orders:read", ORDER) == NOTHING


@pytest.mark.parametrize("changes", [{"action": "orders:list"}, {"resourceKind": "products"}, {"action": None}])
def test_plans_for_something_else(changes: Mapping[str, object]) -> None:
    """A plan for another action or another kind of resource shows nothing."""
    assert saying({**ALL, **changes}).policy().plan(OPERATOR, "orders:read", ORDER) == NOTHING


def test_an_address_that_is_none() -> None:
    """The address of a server is checked when it is configured."""
    assert code(lambda: CerbosPolicy("localhost:3592")) == "invalid_address"
    with CerbosPolicy("http://localhost:3592/") as policy:
        assert policy.url == "http://localhost:3592/"


def test_policies_are_written(tmp_path: Path) -> None:
    """There is a file with the roles and one per kind of resource; they replace older ones and leave others alone."""
    (tmp_path / "orders.json").write_text("old")
    (tmp_path / "mine.yaml").write_text("mine")
    write_policies(tmp_path)
    write_policies(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.yaml",
        "cityos_roles.json",
        *(f"{kind}.json" for kind in RESOURCES),
    }
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    policy = json.loads((tmp_path / "orders.json").read_text())["resourcePolicy"]
    rules = {rule["derivedRoles"][0]: rule["actions"] for rule in policy["rules"]}
    assert rules["administrator_within_reach"] == ["orders:*"]
    assert rules["customer_within_reach"] == ["orders:list", "orders:place", "orders:read"]
    assert rules["storefront_within_reach"] == ["orders:quote"]
