"""The contract of transactions."""

from collections.abc import Callable

import pytest
from attrs import evolve

from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import ProductId, TenantId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Posted
from cityos_core.ledger.ports import JournalFilter
from cityos_core.orders.ports import OrderFilter
from cityos_core.testing.contracts import examples, sales
from cityos_core.testing.contracts.journals import balances, earn, made_of, sale, transfer, verified
from cityos_core.testing.contracts.world import Contract, Place, nobody
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

ENDED = (CityOSError, RuntimeError)


class UnitOfWorkContract(Contract):
    """Everything or nothing, once, and never halfway."""

    def test_nothing_stays_without_commit(self, north: Place) -> None:
        """Leaving without commit undoes every write, in every repository."""
        with north.open() as uow:
            write_everywhere(north, uow)
        assert nothing_written(north)

    def test_nothing_stays_after_an_error(self, north: Place) -> None:
        """An error that leaves the unit of work passes on and undoes every write."""
        with pytest.raises(ZeroDivisionError):
            north.do(lambda uow: fail_after_writing(north, uow))
        assert nothing_written(north)

    def test_everything_stays_after_commit(self, north: Place) -> None:
        """After commit every write is there for the next unit of work."""
        with north.open() as uow:
            write_everywhere(north, uow)
            uow.commit()
        assert not nothing_written(north)
        with north.open() as uow:
            assert uow.vendors.get(north.acme.id).reason == "written"
            assert list(uow.products.by_sku(["chair"])) == ["chair"]
            assert list(uow.orders.placed(["A-1"])) == ["A-1"]
            assert uow.ledger.find("sale-1") is not None
            assert uow.stores.named("web").name == "written"

    def test_own_writes_are_read(self, north: Place) -> None:
        """Within a unit of work its own writes are seen before they are committed."""
        with north.open() as uow:
            write_everywhere(north, uow)
            assert uow.vendors.get(north.acme.id).version == 2
            assert list(uow.products.by_sku(["chair"])) == ["chair"]
            assert len(uow.orders.page(OrderFilter(), PageRequest()).items) == 1
            assert [found.money.minor for found in uow.books.balances("vendor:")] == [500]

    def test_a_key_that_was_rolled_back_is_free(self, north: Place) -> None:
        """A journal that was not committed leaves neither its key nor its amounts behind."""
        earn(north, "start", 50)
        with north.open() as uow:
            uow.ledger.post(transfer(north, "move", 50, "pending", "available"))
        assert north.see(lambda uow: uow.ledger.find("move")) is None
        assert north.do(lambda uow: uow.ledger.post(transfer(north, "move", 20, "pending", "reserve"))) is Posted.POSTED
        assert balances(north) == {"pending": 30, "reserve": 20}
        assert [journal.key for journal in north.see(lambda uow: list(uow.books.export(JournalFilter())))] == [
            "start",
            "move",
        ]
        assert verified(north)

    def test_nothing_works_after_commit(self, north: Place) -> None:
        """A committed unit of work neither reads nor writes nor commits again, and what it did stays."""
        with north.open() as uow:
            uow.vendors.save(evolve(north.acme, reason="written"))
            uow.commit()
            refuse_everything(north, uow)
        refuse_everything(north, uow)
        assert north.see(lambda uow: uow.vendors.get(north.acme.id).reason) == "written"
        assert north.see(lambda uow: uow.vendors.get(north.birch.id)) == north.birch

    def test_nothing_works_after_leaving(self, north: Place) -> None:
        """A unit of work that was left without commit is over too."""
        with north.open() as uow:
            repository = uow.vendors
        refuse_everything(north, uow)
        with pytest.raises(ENDED):
            repository.get(north.acme.id)

    def test_it_is_entered_once(self, north: Place) -> None:
        """A unit of work is neither committed before it is entered nor entered again."""
        uow = north.open()
        with pytest.raises(ENDED):
            uow.commit()
        with uow:
            uow.commit()
        with pytest.raises(ENDED), uow:
            pass

    def test_a_crash_before_the_commit_leaves_nothing(self, north: Place) -> None:
        """A process that dies before the commit has done nothing."""
        with pytest.raises(faults.Crash), faults.hooked(crash_at("commit.before")):
            north.do(lambda uow: write_everywhere(north, uow))
        assert nothing_written(north)

    def test_a_crash_after_the_commit_leaves_everything(self, north: Place) -> None:
        """A process that dies right after the commit has done everything."""
        with pytest.raises(faults.Crash), faults.hooked(crash_at("commit.after")):
            north.do(lambda uow: write_everywhere(north, uow))
        assert not nothing_written(north)
        assert north.see(lambda uow: uow.ledger.find("sale-1")) is not None
        assert verified(north)

    def test_fault_points(self, north: Place) -> None:
        """A commit passes the fault points before and after it, and leaving without one passes neither."""
        passed: list[str] = []
        with faults.hooked(passed.append):
            with north.open() as uow:
                uow.vendors.save(evolve(north.acme, reason="written"))
            assert passed == []
            north.do(lambda uow: uow.vendors.save(evolve(north.acme, reason="written")))
        assert passed == ["commit.before", "commit.after"]

    def test_the_next_one_starts_from_what_was_committed(self, north: Place) -> None:
        """A unit of work starts from what was committed, whatever was undone before it."""
        with north.open() as uow:
            uow.vendors.save(evolve(north.acme, reason="undone"))
        with north.open() as uow:
            assert uow.vendors.get(north.acme.id) == north.acme

    def test_an_unknown_tenant_has_nothing(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """In the scope of a tenant that does not exist there is nothing but what the platform shares."""
        earn(north, "sale-1", 500)
        with unit_of_work(TenantScope(TenantId(nobody()))) as uow:
            assert uow.vendors.page(PageRequest()).items == ()
            assert uow.books.balances() == []
            assert uow.tenants.all() == []
            assert [node.path for node in uow.tree.under()] == ["xa", "xa/food", "xa/food/retail"]


def write_everywhere(place: Place, uow: UnitOfWork) -> None:
    """Write something of every kind."""
    uow.vendors.save(evolve(place.acme, reason="written"))
    uow.stores.save(evolve(place.store, name="written"))
    uow.products.add(examples.product(ProductId(place.ids.new()), place.id, place.acme.id, "chair"))
    uow.inventory.save([examples.stock(place.id, place.acme.id, "chair")])
    order = sales.order(place.ids, "A-1", place.acme)
    uow.orders.add(order)
    uow.entries.add([sales.sale_entry(place.ids, order)])
    uow.ledger.post(made_of(place, "sale-1", sale(place, 500)))


def fail_after_writing(place: Place, uow: UnitOfWork) -> None:
    """Write something of every kind, then break."""
    write_everywhere(place, uow)
    raise ZeroDivisionError


def nothing_written(place: Place) -> bool:
    """Tell whether nothing of it is there; anything less than all of it fails."""
    with place.open() as uow:
        signs = [
            uow.vendors.get(place.acme.id) == place.acme,
            uow.stores.named("web") == place.store,
            uow.products.by_sku(["chair"]) == {},
            uow.inventory.lock(["chair"]) == {},
            uow.orders.placed(["A-1"]) == {},
            uow.books.balances() == [],
            uow.ledger.find("sale-1") is None,
        ]
    assert len(set(signs)) == 1, "a transaction happened halfway"
    return signs[0]


def refuse_everything(place: Place, uow: UnitOfWork) -> None:
    """Check that a unit of work is over."""
    with pytest.raises(ENDED):
        uow.vendors.get(place.birch.id)
    with pytest.raises(ENDED):
        uow.vendors.save(evolve(place.birch, reason="too late"))
    with pytest.raises(ENDED):
        uow.ledger.post(made_of(place, "late", sale(place, 1)))
    with pytest.raises(ENDED):
        list(uow.books.export(JournalFilter()))
    with pytest.raises(ENDED):
        uow.commit()


def crash_at(name: str) -> Callable[[str], None]:
    """Die at a fault point."""

    def hook(passed: str) -> None:
        if passed == name:
            raise faults.Crash(name)

    return hook
