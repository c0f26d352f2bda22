"""What HTTP tests start from: a city in memory, open for business, and clients that show different keys."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from litestar import Litestar
from litestar.testing import TestClient

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import Claims, KeyKind
from cityos_core.access.placing import Where
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import city, market
from cityos_core.testing.clock import SimulatedClock
from cityos_http import HttpOptions, create_app
from clients import Client
from usecases.door import KnownTokens

SYSTEM = part_of_the_system("tests")

SEATS = {"key": "seats", "name": "Seats", "kind": "per_seat", "price": "10.00"}
CALLS = {"key": "calls", "name": "Calls", "kind": "metered", "pricing": {"tiers": [{"unit": "0.05"}]}}


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Write no line per request."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock() -> SimulatedClock:
    """The time in the city."""
    return SimulatedClock()


@pytest.fixture
def tokens() -> KnownTokens:
    """The access tokens that are worth something."""
    return KnownTokens()


@pytest.fixture
def gateway(clock: SimulatedClock) -> ScriptedGateway:
    """Who collects the payments of subscriptions."""
    return ScriptedGateway(clock=clock)


@pytest.fixture
def app(clock: SimulatedClock, tokens: KnownTokens, gateway: ScriptedGateway) -> CityOS:
    """A city in memory."""
    return city(clock=clock, tokens=tokens, gateways={gateway.name: gateway})


@pytest.fixture
def north(app: CityOS) -> Tenant:
    """A tenant with approved vendors and published products."""
    return market(app)


@pytest.fixture
def http(app: CityOS, north: Tenant) -> Iterator[TestClient[Litestar]]:
    """The city over HTTP, at the host of the tenant."""
    served = create_app(app, HttpOptions(secret_key="the same in every run"))
    with TestClient(served, base_url=f"http://{north.handle}.localhost") as client:
        yield client


@pytest.fixture
def admin(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Client:
    """An administrator of the tenant."""
    _, key = app.access.create_key(north.scope, SYSTEM, KeyDraft(name="admin", role="administrator"))
    return Client(http, key)


@pytest.fixture
def platform(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Client:
    """An administrator of the platform."""
    del north
    _, key = app.access.create_key(PlatformScope(), SYSTEM, KeyDraft(name="platform", role="administrator"))
    return Client(http, key)


@pytest.fixture
def acme(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Client:
    """The owner of the vendor acme."""
    draft = KeyDraft(name="acme", role="vendor_owner", where=Where(vendor="acme"))
    return Client(http, app.access.create_key(north.scope, SYSTEM, draft)[1])


@pytest.fixture
def ann(http: TestClient[Litestar], tokens: KnownTokens) -> Client:
    """A customer of the tenant."""
    tokens.claims["token of ann"] = Claims(subject="ann", organizations=frozenset({"north"}))
    return Client(http, "token of ann")


@pytest.fixture
def bob(http: TestClient[Litestar], tokens: KnownTokens) -> Client:
    """Another customer of the tenant."""
    tokens.claims["token of bob"] = Claims(subject="bob", organizations=frozenset({"north"}))
    return Client(http, "token of bob")


@pytest.fixture
def visitor(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Client:
    """A visitor of the tenant's storefront."""
    draft = KeyDraft(name="web", kind=KeyKind.PUBLISHABLE)
    return Client(http, app.access.create_key(north.scope, SYSTEM, draft)[1], header="X-Publishable-Key")


@pytest.fixture
def team(admin: Client) -> str:
    """The id of a plan: 10.00 a month for each seat, and 0.05 for each call."""
    return sold(admin, "team", SEATS, CALLS)


@pytest.fixture
def pro(admin: Client) -> str:
    """The id of a dearer plan: 15.00 a month for each seat, and 0.05 for each call."""
    return sold(admin, "pro", {**SEATS, "price": "15.00"}, CALLS)


def sold(admin: Client, handle: str, *items: dict[str, Any], **terms: Any) -> str:
    """Put a plan on sale and give its id."""
    body = {"handle": handle, "name": handle.title(), "currency": "EUR", "items": items, **terms}
    made = admin.post("/admin/plans", body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])
