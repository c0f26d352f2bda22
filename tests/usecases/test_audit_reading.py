"""Reading what was done: by whom, to what, when; in pages, one by one, and as a stream."""

from datetime import timedelta

import pytest

from cityos_core.app import CityOS
from cityos_core.audit.ports import AuditFilter
from cityos_core.kernel.caller import PROGRAM, Caller, acting, caller
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.paging import PageRequest, every
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.testing import START, SimulatedClock, city, market
from cityos_core.vendors.model import Profile

ADA = Caller(
    principal="user:7",
    name="Ada",
    on_behalf_of="user:9",
    action="vendors:change",
    reason="ticket 7",
    request_id="r-1",
    address="192.0.2.7",
)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def app(clock: SimulatedClock) -> CityOS:
    return city(clock=clock)


@pytest.fixture
def scope(app: CityOS, clock: SimulatedClock) -> TenantScope:
    """A tenant in which a program opened a market, and Ada changed a vendor an hour later."""
    scope = market(app).scope
    clock.advance(timedelta(hours=1))
    with acting(ADA):
        app.vendors.change(scope, "acme", profile=Profile(name="One"))
    return scope


def test_who_did_what(app: CityOS, scope: TenantScope) -> None:
    """An entry says who, on whose behalf, what, why, from where, by which request, when, and to what."""
    entry = app.audit.list(scope).items[0]
    vendor = app.vendors.get(scope, "acme")
    told = (entry.principal, entry.name, entry.on_behalf_of, entry.action, entry.reason, entry.request_id)
    assert told == (ADA.principal, ADA.name, ADA.on_behalf_of, ADA.action, ADA.reason, ADA.request_id)
    assert (entry.address, entry.occurred_at, entry.tenant_id) == (
        ADA.address,
        START + timedelta(hours=1),
        vendor.tenant_id,
    )
    assert [(change["kind"], change["target"], change["verb"]) for change in entry.changes] == [
        ("vendor", str(vendor.id), "changed")
    ]


def test_who_says_nothing_is_a_program(app: CityOS, scope: TenantScope) -> None:
    """Whoever uses the library without a word is called so, and the action is what happened first."""
    entry = app.audit.get(scope, 1)
    assert (entry.principal, entry.name, entry.action) == ("system:library", "", "vendor:added")
    assert caller() == PROGRAM


def test_pages_are_newest_first(app: CityOS, scope: TenantScope) -> None:
    """A list begins with what happened last, and its pages hold every entry once."""
    sequences = [entry.sequence for entry in every(lambda request: app.audit.list(scope, None, request))]
    assert sequences == sorted(sequences, reverse=True)
    first = app.audit.list(scope, None, PageRequest(limit=1))
    assert (first.items[0].sequence, first.has_more) == (max(sequences), True)


def test_the_stream_is_oldest_first(app: CityOS, scope: TenantScope) -> None:
    """An export gives the same entries the other way round; it may be left in the middle."""
    listed = list(every(lambda request: app.audit.list(scope, None, request)))
    assert list(app.audit.export(scope)) == listed[::-1]
    stream = app.audit.export(scope)
    assert next(stream).sequence == 1
    stream.close()
    assert app.audit.verify(scope).entries == len(listed)


def test_filters(app: CityOS, scope: TenantScope) -> None:
    """Entries are found by who, what, to what and when."""
    vendor = app.vendors.get(scope, "acme")
    last = app.audit.list(scope).items[0]
    for where in (
        AuditFilter(principal="user:7"),
        AuditFilter(action="vendors:change"),
        AuditFilter(request_id="r-1"),
        AuditFilter(since=START + timedelta(hours=1)),
        AuditFilter(sequence=last.sequence),
    ):
        assert list(app.audit.export(scope, where)) == list(app.audit.list(scope, where).items) == [last]
    about = AuditFilter(kind="vendor", target=str(vendor.id))
    assert [entry.sequence for entry in app.audit.list(scope, about).items] == [last.sequence, 1]
    assert app.audit.list(scope, AuditFilter(principal="user:8")).items == ()


def test_one_entry(app: CityOS, scope: TenantScope) -> None:
    """An entry is given by its place; where there is none, the list is named."""
    last = app.audit.list(scope).items[0]
    assert app.audit.get(scope, last.sequence) == last
    with pytest.raises(NotFound, match="no entry 99") as caught:
        app.audit.get(scope, 99)
    assert caught.value.code == "audit_entry_not_found"


def test_chains_are_apart(app: CityOS, scope: TenantScope) -> None:
    """Each tenant has a chain, and so has the platform: what was done there is in neither of the tenants'."""
    south = market(app, "south", parent="fr/paris/food/retail").scope
    chains = [list(app.audit.export(each)) for each in (scope, south, PlatformScope())]
    assert [chain[0].sequence for chain in chains] == [1, 1, 1]
    kinds = [{change["kind"] for entry in chain for change in entry.changes} for chain in chains]
    assert kinds == [{"vendor", "product"}, {"vendor", "product"}, {"node", "tenant"}]
    assert len({entry.id for chain in chains for entry in chain}) == sum(map(len, chains))
