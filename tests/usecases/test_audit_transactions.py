"""Several use cases as one transaction: all or nothing, one entry, on the version that the caller saw."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve, frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.app import CityOS
from cityos_core.audit.model import Entry
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Conflict, PreconditionFailed, Refused
from cityos_core.kernel.ids import NodeId
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.recording import Expectation, Transactions, is_part, note_seen
from cityos_core.testing import SequentialIdentifiers, SimulatedClock, line, market, order_draft
from cityos_core.testing.commissions import rule
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Profile, Vendor


@frozen
class City:
    """A market over a database, and the transactions that its use cases are made from."""

    app: CityOS
    transactions: Transactions
    scope: TenantScope

    @classmethod
    def over(cls, database: UnitOfWorkFactory) -> "City":
        """Open one."""
        ports = Dependencies(unit_of_work=database, clock=SimulatedClock(), identifiers=SequentialIdentifiers())
        app = CityOS.of(ports)
        return cls(app, ports.unit_of_work, market(app).scope)

    def entries(self) -> Sequence[Entry]:
        """List the tenant's chain."""
        return list(self.app.audit.export(self.scope))

    def names(self) -> dict[str, str]:
        """Tell what the vendors are called."""
        return {vendor.handle: vendor.profile.name for vendor in self.app.vendors.list(self.scope).items}

    def rename(self, handle: str, name: str) -> Vendor:
        """Change what a vendor is called."""
        return self.app.vendors.change(self.scope, handle, profile=Profile(name=name))


@pytest.fixture
def city() -> City:
    return City.over(MemoryDatabase())


def test_parts_are_one_transaction(city: City) -> None:
    """What several use cases do in a block is one entry and one commit, and the later see what the earlier did."""
    database = city.transactions.open
    assert isinstance(database, MemoryDatabase)
    told, before = len(database.outbox), len(city.entries())
    with acting(Caller(principal="user:7", action="vendors:rename")), city.transactions.one(city.scope) as uow:
        city.rename("acme", "One")
        city.rename("birch", "Two")
        assert city.names() == {"acme": "One", "birch": "Two"}
        assert city.rename("acme", "Three").profile.name == "Three"
        assert len(database.outbox) == told
        uow.commit()
    (entry,) = city.entries()[before:]
    assert entry.action == "vendors:rename"
    assert [(change["verb"], change["before"], change["after"]) for change in entry.changes] == [
        ("changed", {"profile": profile(old)}, {"profile": profile(new)})
        for old, new in (("Acme", "One"), ("Birch", "Two"), ("One", "Three"))
    ]


def profile(name: str) -> dict[str, str | None]:
    """Give a profile as it is written."""
    nothing = ("legal_name", "email", "phone", "website", "country", "address", "tax_id")
    return {"name": name, "kind": "company", **dict.fromkeys(nothing)}


def test_events_keep_their_order(city: City) -> None:
    """The events of the parts are told in the order in which the parts were done, the block's own last."""
    database = city.transactions.open
    assert isinstance(database, MemoryDatabase)
    told = len(database.outbox)
    with city.transactions.one(city.scope) as uow:
        first = city.app.orders.place(city.scope, order_draft("A-1"))
        second = city.app.orders.place(city.scope, order_draft("A-2"))
        uow.commit([database.outbox[0]])
    happened = database.outbox[told:]
    assert [event.subject for event in happened if event.name == "order.placed"] == [first.id, second.id]
    assert happened[-1] is database.outbox[0]


def test_what_is_not_committed_did_not_happen(city: City) -> None:
    """A block that is left without a commit, or by an error, leaves no change and no entry."""
    before = (city.names(), city.entries())

    def break_down() -> None:
        with city.transactions.one(city.scope):
            city.rename("acme", "One")
            raise ZeroDivisionError

    with city.transactions.one(city.scope):
        city.rename("acme", "One")
    with pytest.raises(ZeroDivisionError):
        break_down()
    assert (city.names(), city.entries()) == before


def give_up(city: City, error: Exception | None = None, **changes: Any) -> None:
    """Begin to change a vendor and leave."""
    with city.transactions(city.scope) as part:
        part.vendors.save(evolve(part.vendors.named(["birch"])["birch"], **changes))
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
def test_a_part_that_is_given_up_half_way_gives_up_the_whole(city: City, error: Exception | None) -> None:
    """A part cannot be undone alone: once one was left with something begun, nothing may follow and nothing is kept."""
    before = (city.names(), city.entries())

    def commit() -> None:
        with city.transactions.one(city.scope) as uow:
            city.rename("acme", "One")
            with suppress(ZeroDivisionError):
                give_up(city, error, reason="odd")
            uow.commit()

    def go_on() -> None:
        with city.transactions.one(city.scope):
            with suppress(ZeroDivisionError):
                give_up(city, error, reason="odd")
            city.rename("acme", "One")

    for block in (commit, go_on):
        with pytest.raises(RuntimeError, match="given up"):
            block()
    assert (city.names(), city.entries()) == before


def test_a_part_that_lost_a_race_says_so(city: City) -> None:
    """Where someone else was faster in the middle of a part, the caller is told to try again, whatever comes after."""

    def lose() -> None:
        with city.transactions.one(city.scope) as uow:
            with suppress(Conflict):
                give_up(city, version=7)
            uow.commit()

    with pytest.raises(Conflict) as caught:
        lose()
    assert caught.value.code == "given_up"
    assert isinstance(caught.value.__cause__, Conflict)


def test_a_part_that_only_read_may_be_left(city: City) -> None:
    """A use case that refuses before it changed anything does no harm to what was done before."""
    with city.transactions.one(city.scope) as uow:
        city.rename("acme", "One")
        with pytest.raises(Refused):
            city.app.orders.place(city.scope, order_draft("A-1", line(vendor="nobody")))
        uow.commit()
    assert city.names()["acme"] == "One"


def test_a_part_knows_that_it_is_one(city: City) -> None:
    """Only what is inside a block is a part; the block's own unit of work and those of other scopes are not."""
    assert not is_part(city.transactions(city.scope))
    with city.transactions.one(city.scope) as uow:
        assert is_part(city.transactions(city.scope))
        assert not is_part(uow)
        assert not is_part(city.transactions(PlatformScope()))


def test_a_block_in_a_block_is_a_mistake(city: City) -> None:
    """One transaction of a scope cannot begin in another."""
    with (
        city.transactions.one(city.scope),
        pytest.raises(RuntimeError, match="already"),
        city.transactions.one(city.scope),
    ):
        raise AssertionError


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_other_scopes_stay_apart(kind: str, make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """What is asked in another scope, or of another city over the same database, is a transaction of its own."""
    database = make_database(kind)
    city, twin = (
        City.over(database),
        CityOS.of(Dependencies(unit_of_work=database, clock=SimulatedClock(), identifiers=SequentialIdentifiers(2))),
    )
    with city.transactions.one(city.scope) as uow:
        assert [tenant.handle for tenant in city.app.tenants.list()] == ["north"]
        city.rename("acme", "One")
        assert city.names()["acme"] == "One"
        assert twin.vendors.get(city.scope, "acme").profile.name == "Acme"
        uow.commit()
    assert twin.vendors.get(city.scope, "acme").profile.name == "One"


def test_blocks_of_two_scopes(make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """Inside two blocks each use case finds the one of its scope."""
    city = City.over(make_database("postgresql"))
    with city.transactions.one(PlatformScope()) as outer, city.transactions.one(city.scope) as inner:
        city.app.commissions.import_rules(PlatformScope(), [rule("all")])
        city.rename("acme", "One")
        inner.commit()
        outer.commit()
    assert city.entries()[-1].changes[0]["kind"] == "vendor"
    assert list(city.app.audit.export(PlatformScope()))[-1].changes[0]["kind"] == "stored_rule"


def test_the_expected_version_is_changed(city: City) -> None:
    """A record at the version that the caller saw is changed, as often as the block likes."""
    vendor = city.app.vendors.get(city.scope, "acme")
    with city.transactions.one(city.scope, expectation=Expectation(id=vendor.id, version=vendor.version)) as uow:
        city.rename("acme", "One")
        city.rename("acme", "Two")
        uow.commit()
    assert city.names()["acme"] == "Two"


def test_another_version_is_not_changed(city: City) -> None:
    """A record that was changed since is left alone, and the refusal comes before any other."""
    vendor = city.app.vendors.get(city.scope, "acme")
    city.rename("acme", "One")
    before = city.entries()
    expectation = Expectation(id=vendor.id, version=vendor.version)
    calls: tuple[Callable[[], object], ...] = (
        lambda: city.rename("acme", "Two"),
        lambda: city.app.vendors.submit(city.scope, "acme"),
        lambda: city.app.vendors.get(city.scope, "acme"),
    )
    for change in calls:
        with pytest.raises(PreconditionFailed) as caught, city.transactions.one(city.scope, expectation=expectation):
            change()
        assert caught.value.code == "precondition_failed"
    assert city.entries() == before


def test_a_change_between_reading_and_saving_is_a_failed_precondition(
    make_database: Callable[[str], UnitOfWorkFactory],
) -> None:
    """Where storage finds that someone was faster, and the version was expected, the caller hears just that."""
    city = City.over(make_database("postgresql"))
    vendor = city.app.vendors.get(city.scope, "acme")
    expectation = Expectation(id=vendor.id, version=vendor.version)

    def lose() -> None:
        with city.transactions.one(city.scope, expectation=expectation), city.transactions(city.scope) as part:
            read = part.vendors.get(vendor.id)
            with city.transactions.open(city.scope) as rival:
                rival.vendors.save(read)
                rival.commit()
            part.vendors.save(read)

    with pytest.raises(PreconditionFailed):
        lose()


def test_others_than_the_expected_record_are_not_held_to_it(city: City) -> None:
    """Versions of other records do not matter, and a stale one of them is a plain conflict."""
    vendor = city.app.vendors.get(city.scope, "acme")
    expectation = Expectation(id=vendor.id, version=99)
    with city.transactions.one(city.scope, expectation=expectation) as uow:
        city.rename("birch", "Two")
        uow.commit()
    other = city.app.vendors.get(city.scope, "birch")
    with pytest.raises(Conflict) as caught, city.transactions.one(city.scope, expectation=expectation) as uow:
        uow.vendors.save(evolve(other, version=1000))
    assert caught.value.code == "stale"


def test_the_node_of_a_tenant_is_not_the_tenant(city: City) -> None:
    """A tenant and its node have one id and versions of their own: the tenant's is the one that counts."""
    app = city.app
    app.tenants.change("north", tier="gold")
    tenant = app.tenants.get("north")
    node = next(node for node in app.tree.list() if node.id == NodeId(tenant.id))
    assert tenant.version != node.version
    with city.transactions.one(PlatformScope(), expectation=Expectation(id=tenant.id, version=tenant.version)) as uow:
        app.tree.list()
        app.tenants.change("north", name="Nord")
        uow.commit()
    with (
        pytest.raises(PreconditionFailed),
        city.transactions.one(PlatformScope(), expectation=Expectation(id=tenant.id, version=tenant.version)),
    ):
        app.tenants.change("north", name="Nord!")


def test_the_latest_version_of_a_rule_counts(city: City) -> None:
    """Of a rule that is read with its history, the version that holds is compared."""
    app = city.app
    app.commissions.import_rules(city.scope, [rule("ten", "tenant", "north", rate="10")])
    app.commissions.retire(city.scope, "ten")
    stored = app.commissions.history(city.scope, "ten")[-1]
    assert stored.version == 2
    with city.transactions.one(city.scope, expectation=Expectation(id=stored.id, version=2)) as uow:
        assert len(app.commissions.history(city.scope, "ten")) == 2
        app.commissions.activate(city.scope, "ten")
        uow.commit()
    with (
        pytest.raises(PreconditionFailed),
        city.transactions.one(city.scope, expectation=Expectation(id=stored.id, version=2)),
    ):
        app.commissions.retire(city.scope, "ten")


def test_who_looked_is_told(city: City) -> None:
    """A look is an entry of its own, with who looked at what, or one with the changes of the same transaction."""
    with acting(Caller(principal="user:support", on_behalf_of="user:7", action="orders:list", reason="ticket 7")):
        city.app.audit.look(city.scope, "order", ["1", "2"])
    (entry,) = city.app.audit.list(city.scope).items[:1]
    assert (entry.principal, entry.on_behalf_of, entry.reason) == ("user:support", "user:7", "ticket 7")
    assert [(change["kind"], change["target"], change["verb"]) for change in entry.changes] == [
        ("order", "1", "seen"),
        ("order", "2", "seen"),
    ]
    before = len(city.entries())
    with city.transactions.one(city.scope) as uow:
        city.app.audit.look(city.scope, "vendor", ["3"])
        city.rename("acme", "One")
        uow.commit()
    (entry,) = city.entries()[before:]
    assert [change["verb"] for change in entry.changes] == ["seen", "changed"]


def test_a_bare_unit_of_work_has_no_trail() -> None:
    """Looking cannot be noted where nobody would write it down."""
    with MemoryDatabase()(PlatformScope()) as uow, pytest.raises(TypeError, match="no trail"):
        note_seen(uow, "tenant", [])
