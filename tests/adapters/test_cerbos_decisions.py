"""The real policy decision point: with the shipped policies it says what the table of roles says, and plans as it decides."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.cerbos import CerbosPolicy
from cityos_adapters.cerbos.plans import Unreadable, condition_of
from cityos_core.access.conditions import EVERYTHING, Value, holds
from cityos_core.access.model import Grant, Principal, Reach, Resource
from cityos_core.access.reaches import attributes_of
from cityos_core.access.roles import ROLES, RoleTable
from cityos_core.kernel.ids import TenantId
from core.access.people import (
    CUSTOMERS,
    NORTH,
    STORES,
    TENANTS,
    VENDORS,
    actions,
    principals,
    resources,
    someone,
    tenant_role,
)
from servers import cerbos as pdp
from servers.processes import free_port

TABLE = RoleTable()


@pytest.fixture(scope="module")
def policy(cerbos: str) -> Iterator[CerbosPolicy]:
    """A policy that asks the real server."""
    with CerbosPolicy(cerbos, timeout_s=10) as asked:
        yield asked


@settings(max_examples=150)
@given(principal=principals(), data=st.data())
def test_it_decides_as_the_table(policy: CerbosPolicy, principal: Principal, data: st.DataObject) -> None:
    """Whoever asks for whatever about anything gets the same answer from both."""
    action = data.draw(actions())
    resource = data.draw(resources(action.partition(":")[0]))
    assert policy.decide(principal, action, resource).allowed is TABLE.decide(principal, action, resource).allowed


PLACES: Final = {Reach.PLATFORM: "", Reach.SUBTREE: "de", Reach.STORE: f"{NORTH}/web"}


def test_every_role_is_there(policy: CerbosPolicy) -> None:
    """Each role is allowed the same by both, granted in every reach there is, also those that do not fit it."""
    for role, reach in product(ROLES, Reach):
        grant = Grant(role=role, reach=reach, path=PLACES.get(reach, NORTH), subject="vendor:acme")
        for action in ("orders:read", "products:change", "payouts:run", "tree:move", "orders:place"):
            resource = Resource(kind=action.partition(":")[0], path=NORTH, store="web", vendor="acme")
            expected = TABLE.decide(someone(grant), action, resource).allowed
            assert policy.decide(someone(grant), action, resource).allowed is expected


NAMES: Final = ("path", "store", "vendor", "customer")


def _rows(kind: str) -> list[Resource]:
    return [
        Resource(kind=kind, path=path, store=store, vendor=vendor, customer=customer)
        for path, store, (vendor, customer) in product(
            (*TENANTS[:3], ""), (STORES[0], None), ((VENDORS[0], None), (None, CUSTOMERS[0]), (None, None))
        )
    ]


@settings(max_examples=80)
@given(principal=principals(), data=st.data())
def test_it_plans_as_it_decides(policy: CerbosPolicy, principal: Principal, data: st.DataObject) -> None:
    """A plan shows exactly the rows that single decisions allow, whatever part of a row was known, as the table's does."""
    action = data.draw(actions())
    rows = _rows(action.partition(":")[0])
    known = data.draw(st.sampled_from(rows))
    for name in data.draw(st.sets(st.sampled_from(NAMES))):
        known = evolve(known, path="") if name == "path" else evolve(known, **{name: None})  # type: ignore[arg-type]
    plan, expected = policy.plan(principal, action, known), TABLE.plan(principal, action, known)
    for row in rows:
        if all(getattr(row, name) == getattr(known, name) for name in NAMES if getattr(known, name)):
            shown = holds(plan, attributes_of(row))
            assert shown is holds(expected, attributes_of(row))
            assert shown is policy.decide(principal, action, row).allowed


def test_one_resource_of_many_names(policy: CerbosPolicy) -> None:
    """Ids, subjects and attributes may be any text; nothing of it is taken for something else."""
    for text in ("é", "a b", '"', "\\", "\n", "*", "-", "x" * 2_000):
        grant = Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject=f"vendor:{text}")
        order = Resource(kind="orders", id=text, path=NORTH, vendor=text, attributes={"note": text, "gone": None})
        assert policy.decide(evolve(someone(grant), id=text), "orders:read", order).allowed
        assert not policy.decide(someone(grant), "orders:read", evolve(order, vendor="other")).allowed


def test_a_resource_without_a_name(policy: CerbosPolicy) -> None:
    """What does not exist yet has no id, and can be decided on."""
    assert policy.decide(someone(tenant_role("operator")), "orders:place", Resource(kind="orders", path=NORTH)).allowed


ATOMS: Final = (
    'R.attr.word == "b"',
    'R.attr.word != "b"',
    '"b" == R.attr.word',
    "R.attr.word == null",
    'R.attr.word in ["a", "b"]',
    'R.attr.word in ["b"]',
    "R.attr.word in P.attr.words",
    'R.attr.word.startsWith("b")',
    "R.attr.word.startsWith(P.attr.word)",
    'R.attr.word < "b"',
    "R.attr.number < 5",
    "R.attr.number <= 5",
    "R.attr.number > 5",
    "R.attr.number >= 5",
    "5 < R.attr.number",
    "5 == R.attr.number",
    "R.attr.number in [1, 5]",
    "R.attr.is_open",
    "R.attr.is_open == true",
    "R.attr.is_open != true",
    "R.attr.number > P.attr.number",
    "R.attr.word == P.attr.word",
)
"""Questions to a resource that plans may hold."""

MIXED: Final = (
    *ATOMS,
    *(f"!({atom})" for atom in ATOMS),
    *(f"{ATOMS[0]} {sign} {atom}" for sign in ("&&", "||") for atom in ATOMS[::2]),
    *(f"!({ATOMS[10]} {sign} !({atom}))" for sign in ("&&", "||") for atom in ATOMS[1::2]),
)

BEYOND: Final = (
    'R.attr.word.endsWith("b")',
    'R.attr.word.contains("b")',
    '"bb".startsWith(R.attr.word)',
    "R.attr.number + 1 > 5",
    "R.attr.number == R.attr.other",
    "R.attr.number > 1.5",
    "size(R.attr.word) > 1",
    'R.id == "1"',
    'R.attr["odd name"] == "b"',
    "R.attr.deep.word == 'b'",
    "R.attr.number in [1, true]",
    "timestamp(R.attr.word) > now()",
    "R.attr.word == P.attr.missing",
)
"""Questions that have no counterpart here."""


TENANT: Final = TenantId(UUID(int=7))


def _policy(kind: str, rules: list[dict[str, Any]], **more: str) -> dict[str, Any]:
    resource = {"resource": kind, "version": "default", "rules": rules, **more}
    return {"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": resource}


def _rule(action: str, effect: str, question: str) -> dict[str, Any]:
    condition = {"match": {"expr": question}}
    return {"actions": [action], "effect": effect, "roles": ["*"], "condition": condition}


def _of_a_tenant() -> Iterator[dict[str, Any]]:
    """Write policies for a tenant's scope, and the empty ones that every scope above it needs."""
    consent = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
    large = f'R.attr.tenant_id == "{TENANT}" && R.attr.total > 10000'
    places = NORTH.split("/")
    for depth in range(1, len(places) + 1):
        rules = [_rule("orders:refund", "EFFECT_DENY", large)] if depth == len(places) else []
        yield _policy("orders", rules, scope=".".join(places[:depth]), scopePermissions=consent)


def _of_questions() -> dict[str, Any]:
    """Write a policy with two actions per question: one that it allows, and one that it denies."""
    rules = [
        rule
        for number, question in enumerate((*MIXED, *BEYOND))
        for rule in (
            _rule(f"allow-{number}", "EFFECT_ALLOW", question),
            _rule(f"deny-{number}", "EFFECT_DENY", question),
            _rule(f"deny-{number}", "EFFECT_ALLOW", "true"),
        )
    ]
    return _policy("question", rules)


@pytest.fixture(scope="module")
def own_server(cerbos_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with policies of a tenant and of questions beside the shipped ones."""
    folder = tmp_path_factory.mktemp("cerbos")
    (folder / "policies").mkdir()
    for number, policy in enumerate((*_of_a_tenant(), _of_questions())):
        (folder / "policies" / f"own-{number}.json").write_text(json.dumps(policy))
    with pdp.started(cerbos_program, folder) as url:
        yield url


def test_a_tenant_with_policies_of_its_own(own_server: str) -> None:
    """A policy in a tenant's scope narrows what holds in this tenant; other tenants are as they were."""
    operator = someone(Grant(role="operator", reach=Reach.SUBTREE, path="de"))
    with CerbosPolicy(own_server, timeout_s=10) as policy:

        def allowed(path: str, total: int, action: str = "orders:refund") -> bool:
            order = Resource(kind="orders", path=path, tenant_id=TENANT, attributes={"total": total})
            return policy.decide(operator, action, order).allowed

        assert allowed(NORTH, 10_000)
        assert not allowed(NORTH, 10_001)
        assert allowed(NORTH, 10_001, "orders:read")
        assert allowed(TENANTS[1], 10_001)
        plan = policy.plan(operator, "orders:refund", Resource(kind="orders", path=NORTH, tenant_id=TENANT))
        assert [holds(plan, {"total": total}) for total in (9_999, 10_000, 10_001)] == [True, True, False]


def test_a_server_that_stops(cerbos_program: Path, tmp_path: Path) -> None:
    """While the server is not there everything is refused, before it was started and after it was stopped."""
    port = free_port()
    orders, operator = Resource(kind="orders", path=NORTH), someone(tenant_role("operator"))
    with CerbosPolicy(f"http://127.0.0.1:{port}/", timeout_s=10) as policy:

        def answers() -> tuple[bool, bool]:
            plan = policy.plan(operator, "orders:read", orders)
            return policy.decide(operator, "orders:read", orders).allowed, plan == EVERYTHING

        assert answers() == (False, False)
        with pdp.started(cerbos_program, tmp_path, port):
            assert answers() == (True, True)
        assert answers() == (False, False)


PRINCIPAL: Final = {"id": "p", "roles": ["someone"], "attr": {"word": "b", "words": ["a", "b"], "number": 5}}
ANSWERS: Final[list[dict[str, Value]]] = [
    {"word": word, "number": number, "is_open": is_open}
    for word, number, is_open in product((None, "a", "b", "bb"), (None, 4, 5, 6), (None, True, False))
]


def _planned(client: httpx2.Client, action: str) -> object:
    body = {"principal": PRINCIPAL, "action": action, "resource": {"kind": "question", "attr": {}}}
    return client.post("/api/plan/resources", json=body).raise_for_status().json()["filter"]


def _checked(client: httpx2.Client, actions: Sequence[str]) -> Iterator[list[bool]]:
    """Tell for each action which of the rows it is allowed on; a server takes fifty by fifty at once."""
    for some in (actions[start : start + 50] for start in range(0, len(actions), 50)):
        asked = [
            {"actions": some, "resource": {"kind": "question", "id": str(number), "attr": attributes}}
            for number, attributes in enumerate(ANSWERS)
        ]
        body = {"principal": PRINCIPAL, "resources": asked}
        results = client.post("/api/check/resources", json=body).raise_for_status().json()["results"]
        for action in some:
            yield [result["actions"][action] == "EFFECT_ALLOW" for result in results]


def test_plans_never_show_more_than_checks_allow(own_server: str) -> None:
    """Over rows with and without nulls a plan shows what checks allow; where a rule denies and meets null, maybe less."""
    asked = [f"{effect}-{number}" for number in range(len(MIXED)) for effect in ("allow", "deny")]
    with httpx2.Client(base_url=own_server, trust_env=False, timeout=30) as client:
        for action, allowed in zip(asked, _checked(client, asked), strict=True):
            plan = condition_of(_planned(client, action))
            for attributes, is_allowed in zip(ANSWERS, allowed, strict=True):
                is_shown = holds(plan, attributes)
                is_exact = action.startswith("allow") or None not in attributes.values()
                assert is_shown <= is_allowed, (action, plan, attributes)
                assert is_shown == is_allowed or not is_exact, (action, plan, attributes)


def test_plans_that_have_no_counterpart(own_server: str) -> None:
    """Whatever a condition cannot say is refused as a whole, also where only a part of it is like this."""
    with httpx2.Client(base_url=own_server, trust_env=False, timeout=30) as client:
        for number in range(len(MIXED), len(MIXED) + len(BEYOND)):
            for effect in ("allow", "deny"):
                with pytest.raises(Unreadable):
                    condition_of(_planned(client, f"{effect}-{number}"))
