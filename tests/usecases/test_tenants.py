"""Creating tenants and leading them through their life."""

from uuid import UUID

import pytest

from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import JournalId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.ledger.model import Account, Journal
from cityos_core.tenancy.events import TenantCreated, TenantStepped
from cityos_core.tenancy.model import NodeStatus, TenantStatus
from usecases.town import WHOLESALE, Town, code, detail


def test_creating_a_tenant() -> None:
    """A tenant hangs under its subcategory, its node shares its id, and it may work at once."""
    town = Town.empty()
    tenant = town.tenant()
    assert (tenant.path, tenant.country, tenant.status) == (WHOLESALE + "/north", "de", TenantStatus.ACTIVE)
    assert (tenant.currency, tenant.time_zone, tenant.locale) == ("EUR", "UTC", "en")
    node = town.tree.list(tenant.path)[0]
    assert (str(node.id), node.tenant_id, node.level.value) == (str(tenant.id), tenant.id, "tenant")
    assert town.tenants.get("north") == tenant
    (event,) = town.happened(TenantCreated)
    assert event.subject == tenant.id


def test_defaults_come_from_the_settings() -> None:
    """Currency, time zone and locale that are not given are those set for the place; a word given wins."""
    town = Town.empty()
    town.tree.add(WHOLESALE)
    assert code(lambda: town.tenants.create("north", parent=WHOLESALE, name="North")) == "missing_currency"
    town.settings.set(PlatformScope(), "default_currency", "EUR", node="de")
    town.settings.set(PlatformScope(), "default_time_zone", "Europe/Berlin", node="de")
    town.settings.set(PlatformScope(), "default_locale", "de", node="de/green-city")
    north = town.tenants.create("north", parent=WHOLESALE, name="North")
    assert (north.currency, north.time_zone, north.locale) == ("EUR", "Europe/Berlin", "de")
    south = town.tenants.create("south", parent=WHOLESALE, name="South", currency="CHF", time_zone="Europe/Zurich")
    assert (south.currency, south.time_zone, south.locale) == ("CHF", "Europe/Zurich", "de")


def test_a_tenant_hangs_under_a_subcategory_only() -> None:
    """Anything else is refused, and the error says which kind of path to add."""
    town = Town.empty()
    town.tree.add(WHOLESALE)
    unknown = "de/green-city/food/retail"
    with pytest.raises(NotFound, match="add it to the tree first"):
        town.tenants.create("north", parent=unknown, name="North", currency="EUR")
    with pytest.raises(Refused, match="de/green-city/food is a category; add a path with four parts"):
        town.tenants.create("north", parent="de/green-city/food", name="North", currency="EUR")
    town.tree.archive(WHOLESALE)
    with pytest.raises(Conflict, match="archived"):
        town.tenants.create("north", parent=WHOLESALE, name="North", currency="EUR")
    assert town.tenants.list() == []


def test_handles_are_unique_on_the_platform() -> None:
    """Two tenants cannot share a handle, wherever they hang; the second leaves nothing behind."""
    town = Town.empty()
    town.tenant()
    town.tree.add("fr/paris/food/retail")
    before = town.tree.list()
    with pytest.raises(Conflict):
        town.tenants.create("north", parent="fr/paris/food/retail", name="Nord", currency="EUR")
    assert town.tree.list() == before


@pytest.mark.parametrize(
    "wrong", [{"currency": "EURO"}, {"time_zone": "Mars/Olympus"}, {"name": "  "}, {"handle": "North Market"}]
)
def test_what_is_given_is_checked(wrong: dict[str, str]) -> None:
    """An unknown currency or time zone, an empty name or a handle that is none is invalid."""
    town = Town.empty()
    town.tree.add(WHOLESALE)
    given = {"handle": "north", "name": "North", "currency": "EUR", "time_zone": "UTC", **wrong}
    with pytest.raises(Invalid):
        town.tenants.create(
            given["handle"],
            parent=WHOLESALE,
            name=given["name"],
            currency=given["currency"],
            time_zone=given["time_zone"],
        )


def test_changing_a_tenant() -> None:
    """What is given changes, with the node's name; what is not stays."""
    town = Town.empty()
    tenant = town.tenant()
    changed = town.tenants.change("north", name="North Market", tier="gold", locale="fr")
    assert (changed.name, changed.tier, changed.locale, changed.currency) == ("North Market", "gold", "fr", "EUR")
    assert town.tree.list(tenant.path)[0].name == "North Market"
    assert town.tenants.get("north").name == "North Market"


def test_parents_of_tenants_form_no_cycle() -> None:
    """A tenant may have a parent and lose it again, but is never its own ancestor."""
    town = Town.empty()
    group = town.tenant("group")
    north = town.tenants.create("north", parent=WHOLESALE, name="North", currency="EUR", parent_tenant="group")
    assert north.parent_tenant_id == group.id
    town.tenants.create("shop", parent=WHOLESALE, name="Shop", currency="EUR", parent_tenant="north")
    assert code(lambda: town.tenants.set_parent("group", "shop")) == "cycle"
    assert code(lambda: town.tenants.set_parent("north", "north")) == "cycle"
    assert code(lambda: town.tenants.set_parent("north", "nobody")) == "tenant_not_found"
    assert town.tenants.set_parent("north", None).parent_tenant_id is None
    assert town.tenants.set_parent("group", "shop").parent_tenant_id is not None


def test_the_life_of_a_tenant() -> None:
    """Provisioned, active, suspended for a reason, active, offboarding, archived with its nodes."""
    town = Town.empty()
    town.tree.add(WHOLESALE)
    tenant = town.tenants.create("north", parent=WHOLESALE, name="North", currency="EUR", active=False)
    assert tenant.status is TenantStatus.PROVISIONING
    assert code(lambda: town.tenants.suspend("north", reason="unpaid")) == "invalid_state"
    town.tenants.activate("north")
    assert code(lambda: town.tenants.suspend("north")) == "missing_reason"
    assert town.tenants.suspend("north", reason="unpaid").reason == "unpaid"
    assert town.tenants.activate("north").reason is None
    assert code(lambda: town.tenants.archive("north")) == "invalid_state"
    town.tenants.offboard("north", reason="contract ended")
    assert town.tenants.archive("north").status is TenantStatus.ARCHIVED
    assert town.tree.list(tenant.path)[0].status is NodeStatus.ARCHIVED
    assert code(lambda: town.tenants.activate("north")) == "invalid_state"
    assert len(town.happened(TenantStepped)) == 5
    town.tree.archive(WHOLESALE)


@pytest.mark.parametrize(
    "party", ["vendor:7:available", "vendor:7:debt", "customer:ann:credit", "company:7:receivable"]
)
def test_a_tenant_with_somebody_to_settle_with_is_not_archived(party: str) -> None:
    """What vendors and subscribers are owed, or owe, is settled before a tenant goes."""
    town = Town.empty()
    tenant = town.tenant()
    account = Account(tenant.id, party, "EUR")
    postings = [(Account(tenant.id, "bank", "EUR"), -500 * account.sign), (account, 500 * account.sign)]
    with town.database(tenant.scope) as uow:
        uow.ledger.post(
            Journal.of(
                id=JournalId(UUID(int=1)),
                tenant=tenant.id,
                key="k",
                kind="adjustment",
                movements=postings,
                occurred_at=town.clock.now(),
            )
        )
        uow.commit()
    town.tenants.offboard("north", reason="contract ended")
    assert f"{party} still holds 5.00 EUR" in detail(lambda: town.tenants.archive("north"))
    assert town.tenants.get("north").status is TenantStatus.OFFBOARDING


def test_tenants_are_listed_by_handle() -> None:
    """The register is in order, and an unknown handle is not found."""
    town = Town.empty()
    for handle in ("north", "east", "south"):
        town.tenant(handle)
    assert [tenant.handle for tenant in town.tenants.list()] == ["east", "north", "south"]
    assert code(lambda: town.tenants.get("west")) == "tenant_not_found"
