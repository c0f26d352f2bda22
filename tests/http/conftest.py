"""What HTTP tests start from: a city in memory, open for business, and clients that show different keys."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from litestar import Litestar
from litestar.testing import TestClient

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import KeyKind
from cityos_core.access.placing import Where
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import city, market
from cityos_core.testing.clock import SimulatedClock
from cityos_http import HttpOptions, create_app
from clients import Client

SYSTEM = part_of_the_system("tests")


@pytest.fixture(autouse=True, scope="package")
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
def app(clock: SimulatedClock) -> CityOS:
    """A city in memory."""
    return city(clock=clock)


@pytest.fixture
def north(app: CityOS) -> Tenant:
    """A tenant with approved vendors and published products."""
    return market(app)


@pytest.fixture
def http(app: CityOS, north: Tenant) -> Iterator[TestClient[Litestar]]:
    """The city over HTTP, at the host of the tenant."""
    served = create_app(app, HttpOptions(secret_key="the same in every run", has_background_work=False))
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
def visitor(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Client:
    """A visitor of the tenant's storefront."""
    draft = KeyDraft(name="web", kind=KeyKind.PUBLISHABLE)
    return Client(http, app.access.create_key(north.scope, SYSTEM, draft)[1], header="X-Publishable-Key")
