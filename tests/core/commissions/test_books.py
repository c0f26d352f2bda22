"""Rule books are compiled once per change of configuration."""

from cityos_adapters.memory import MemoryDatabase
from cityos_core.commissions import books
from cityos_core.commissions.books import RuleBooks
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import StoredRule
from cityos_core.kernel.ids import RuleId, TenantId
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.model import Tenant
from cityos_core.tenancy.settings import Configuration
from cityos_core.testing import START, SequentialIdentifiers
from cityos_core.testing.commissions import rule

IDS = SequentialIdentifiers()


def tenant(name: str) -> Tenant:
    """A tenant that was never stored."""
    return Tenant(id=TenantId(IDS.new()), handle=name, name=name, path=f"de/{name}", currency="EUR")


def book(made: RuleBooks, database: MemoryDatabase, one: Tenant) -> RuleBook:
    """Ask for a tenant's rules."""
    with database(TenantScope(one.id)) as uow:
        return made(uow, Configuration(tenant=one, hierarchy={}, held={}))


def test_remembered_until_changed() -> None:
    """The same book is given until a rule is written, then one that knows it."""
    made, database, north = RuleBooks(), MemoryDatabase(), tenant("north")
    first = book(made, database, north)
    assert book(made, database, north) is first
    with database(TenantScope(north.id)) as uow:
        uow.rules.add(
            [StoredRule(id=RuleId(IDS.new()), tenant_id=north.id, rule=rule(), sequence=1, recorded_at=START)]
        )
        uow.commit()
    second = book(made, database, north)
    assert [one.name for one in second.rules] == ["Rule"]
    assert book(made, database, north) is second


def test_only_so_many_are_remembered() -> None:
    """Of many tenants the books used last are remembered."""
    made, database = RuleBooks(), MemoryDatabase()
    tenants = [tenant(f"t{number}") for number in range(books._LARGEST + 1)]
    first = book(made, database, tenants[0])
    others = [book(made, database, one) for one in tenants[1:]]
    assert book(made, database, tenants[-1]) is others[-1]
    assert book(made, database, tenants[0]) is not first
