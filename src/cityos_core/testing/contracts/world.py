"""Two neighbouring tenants to try an adapter on, each with vendors, a store and nothing sold yet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import pytest
from attrs import evolve, frozen

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import PLATFORM, NodeId, TenantId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.tenancy.model import Level, Node, Store, Tenant
from cityos_core.testing.contracts import examples
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor

T = TypeVar("T")


@frozen(kw_only=True, eq=False)
class Place:
    """One tenant of the city: what was settled there, and the way in."""

    unit_of_work: UnitOfWorkFactory
    ids: SequentialIdentifiers
    node: Node
    tenant: Tenant
    store: Store
    acme: Vendor
    birch: Vendor

    @property
    def id(self) -> TenantId:
        """The tenant's id."""
        return self.tenant.id

    @property
    def scope(self) -> TenantScope:
        """The tenant's scope."""
        return self.tenant.scope

    def open(self) -> UnitOfWork:
        """Make a unit of work in the tenant."""
        return self.unit_of_work(self.scope)

    def do(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do something in a unit of work of its own, and commit it."""
        with self.open() as uow:
            answer = work(uow)
            uow.commit()
        return answer

    def see(self, question: Callable[[UnitOfWork], T]) -> T:
        """Ask something in a unit of work that commits nothing."""
        with self.open() as uow:
            return question(uow)

    def above(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do something as the platform, and commit it."""
        with self.unit_of_work(PlatformScope()) as uow:
            answer = work(uow)
            uow.commit()
        return answer


class Contract:
    """What every suite has: an empty database as ``unit_of_work`` from its subclass, and two tenants settled in it."""

    @pytest.fixture
    def north(self, unit_of_work: UnitOfWorkFactory) -> Place:
        """Settle the tenant that tests work in."""
        return settle(unit_of_work, "north", seed=2)

    @pytest.fixture
    def south(self, unit_of_work: UnitOfWorkFactory, north: Place) -> Place:
        """Settle its neighbour, under the same category."""
        return settle(unit_of_work, "south", seed=3, beside=north)


def settle(unit_of_work: UnitOfWorkFactory, handle: str, *, seed: int, beside: Place | None = None) -> Place:
    """Make a tenant with a store and two vendors; the first one brings the upper tree."""
    ids = SequentialIdentifiers(seed)
    with unit_of_work(PlatformScope()) as uow:
        above = _upper_tree(uow, ids) if beside is None else uow.tree.at(["xa/food/retail"])[0]
        own_id = ids.new()
        node = examples.node(NodeId(own_id), TenantId(own_id), above, Level.TENANT, handle)
        uow.tree.add(node)
        tenant = evolve(examples.tenant(node), parent_tenant_id=None if beside is None else beside.id)
        uow.tenants.add(tenant)
        uow.commit()
    with unit_of_work(tenant.scope) as uow:
        place = examples.node(NodeId(ids.new()), tenant.id, node, Level.STORE, "web")
        uow.tree.add(place)
        store = examples.store(place)
        uow.stores.add(store)
        acme, birch = (examples.vendor(VendorId(ids.new()), tenant.id, name) for name in ("acme", "birch"))
        uow.vendors.add(acme)
        uow.vendors.add(birch)
        uow.commit()
    return Place(unit_of_work=unit_of_work, ids=ids, node=node, tenant=tenant, store=store, acme=acme, birch=birch)


def _upper_tree(uow: UnitOfWork, ids: SequentialIdentifiers) -> Node:
    above = None
    for level, handle in ((Level.COUNTRY, "xa"), (Level.SCOPE, "food"), (Level.CATEGORY, "retail")):
        above = examples.node(NodeId(ids.new()), PLATFORM, above, level, handle)
        uow.tree.add(above)
    if above is None:
        raise AssertionError("the upper tree has levels")
    return above


def pages(ask: Callable[[PageRequest], Page[T]], *, limit: int = 1) -> list[T]:
    """Collect a list page by page, checking that none is longer than asked and that the last one says so."""
    found: list[T] = []
    request = PageRequest(limit)
    while True:
        page = ask(request)
        assert len(page.items) <= limit
        found += page.items
        if page.after is None:
            return found
        assert len(page.items) == limit, "a page before the last one is full"
        assert page.after != request.after, "a page continues after the one before"
        request = PageRequest(limit, page.after)


def at_once(work: Callable[[int], T], *, times: int) -> list[T | CityOSError]:
    """Do something in many threads at the same moment; a refusal is an answer, anything else fails the test."""
    together = Barrier(times)

    def attempt(number: int) -> T | CityOSError:
        together.wait(timeout=30)
        try:
            return work(number)
        except CityOSError as error:
            return error

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(attempt, range(times)))


def codes(answers: list[T | CityOSError]) -> list[str]:
    """List the codes of the refusals among some answers."""
    return [answer.code for answer in answers if isinstance(answer, CityOSError)]


def raised(work: Callable[..., object], *given: object) -> str:
    """Give the code of the error that something raises."""
    with pytest.raises(CityOSError) as caught:
        work(*given)
    return caught.value.code


def nobody(number: int = 1) -> UUID:
    """Give an id that nothing has."""
    return examples.uuid(number)
