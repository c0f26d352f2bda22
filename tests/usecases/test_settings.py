"""Deciding things at places of the tree, and reading what holds where."""

from threading import Thread

import pytest
from attrs import evolve

from cityos_core.catalog.settings import LOW_STOCK_AT
from cityos_core.kernel.errors import CityOSError, Forbidden, Invalid, Refused
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.orders.settings import HOLDING_DAYS, PAYMENT_GATEWAY
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.deciding import ExplainSetting, SetSetting, ShowSettings
from cityos_core.tenancy.events import SettingChanged
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.setting_values import text
from cityos_core.tenancy.settings import MASK, Setting
from usecases.town import WHOLESALE, Town, code, detail

PLATFORM = PlatformScope()


def test_the_nearest_value_holds() -> None:
    """Platform, country, tenant and store each override what is above, and the explanation says all of it."""
    town = Town.empty()
    tenant = town.tenant()
    town.stores.create(tenant.scope, "web", name="Web")
    web = tenant.path + "/web"
    assert town.settings.explain(tenant.scope, "holding_days").origin == "default"
    town.settings.set(PLATFORM, "holding_days", 10)
    town.settings.set(PLATFORM, "holding_days", 14, node="de")
    town.settings.set(tenant.scope, "holding_days", 5)
    town.settings.set(tenant.scope, "holding_days", 2, node=web)
    found = town.settings.explain(tenant.scope, "holding_days", node=web)
    assert (found.value, found.origin, found.locked_by) == (2, web, None)
    assert [(place.where, place.value) for place in found.overrides] == [(tenant.path, 5), ("de", 14), ("platform", 10)]
    assert town.settings.explain(tenant.scope, "holding_days").value == 5
    assert town.settings.explain(PLATFORM, "holding_days").value == 10
    assert town.settings.explain(PLATFORM, "holding_days", node=WHOLESALE).value == 14


def test_a_lock_holds_for_everything_below() -> None:
    """Below a lock a value neither counts nor can be stored, and the refusal names who locked it."""
    town = Town.empty()
    tenant = town.tenant()
    town.settings.set(tenant.scope, "holding_days", 5)
    town.settings.set(PLATFORM, "holding_days", 30, node="de/green-city", locked=True)
    found = town.settings.explain(tenant.scope, "holding_days")
    assert (found.value, found.origin, found.locked_by) == (30, "de/green-city", "de/green-city")
    assert [(place.where, place.value) for place in found.ignored] == [(tenant.path, 5)]
    with pytest.raises(Refused, match="locked by de/green-city"):
        town.settings.set(tenant.scope, "holding_days", 6)
    town.settings.set(PLATFORM, "holding_days", 30, node="de/green-city")
    assert town.settings.explain(tenant.scope, "holding_days").value == 5


def test_whoever_locked_can_change_it() -> None:
    """A lock binds what is below it, not its own place; the widest of several holds."""
    town = Town.empty()
    tenant = town.tenant()
    town.settings.set(tenant.scope, "holding_days", 5, locked=True)
    assert town.settings.set(tenant.scope, "holding_days", 6, locked=True).value == 6
    found = town.settings.set(PLATFORM, "holding_days", 1, locked=True)
    assert (found.value, found.locked_by) == (1, "platform")
    assert town.settings.explain(tenant.scope, "holding_days").locked_by == "platform"
    assert code(lambda: town.settings.set(PLATFORM, "holding_days", 2, node="de")) == "setting_locked"


def test_removing_a_value() -> None:
    """What is inherited holds again, the lock goes with the value, and removing nothing is no mistake."""
    town = Town.empty()
    tenant = town.tenant()
    town.settings.set(PLATFORM, "holding_days", 14, node="de", locked=True)
    assert town.settings.unset(PLATFORM, "holding_days", node="de").origin == "default"
    assert town.settings.unset(PLATFORM, "holding_days", node="de").value == 7
    assert town.settings.explain(tenant.scope, "holding_days").locked_by is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("holding_days", "7"),
        ("holding_days", -1),
        ("holding_days", True),
        ("shipping_recipient", "buyer"),
        ("payout_schedule", {"cadence": "weekly", "weekday": 8}),
        ("payout_schedule", {"cadence": "daily", "weekday": 1}),
        ("payout_schedule", {"cadence": "hourly"}),
        ("payout_schedule", "weekly:0"),
        ("payout_minimums", {"EUR": "10"}),
        ("payout_minimums", {"EUR": "-1.00"}),
        ("payout_minimums", {"XYZ": "1.00"}),
        ("reserve_percentage", "101"),
        ("reserve_percentage", 10),
        ("refund_policy", {"fraud": ["vendor"]}),
        ("refund_policy", {"fraud": ["shipping", "shipping"]}),
        ("vendor_requirements", "identity"),
        ("commission_bounds", {"min": "5"}),
        ("commission_bounds", {"min_percentage": "10", "max_percentage": "5"}),
        ("backorders", 1),
        ("branding", []),
        ("branding", {"logo": 1.5}),
        ("default_time_zone", "Mars/Olympus"),
        ("default_currency", "EURO"),
        ("payment_gateway", ""),
        ("shipping_rates", {}),
    ],
)
def test_values_are_checked_when_stored(key: str, value: Json) -> None:
    """A value that is not of the setting's kind is refused with the setting's name, and nothing is stored."""
    town = Town.empty()
    scope = town.scope()
    with pytest.raises(Invalid, match=key):
        town.settings.set(scope, key, value)
    assert town.settings.explain(scope, key).origin == "default"


def test_unknown_keys_are_refused_with_a_hint() -> None:
    """A misspelt key names the one that was probably meant."""
    town = Town.empty()
    assert "did you mean holding_days?" in detail(lambda: town.settings.set(PLATFORM, "holding_day", 1))
    assert code(lambda: town.settings.explain(PLATFORM, "zzz")) == "unknown_setting"


def test_a_tenant_decides_about_its_own_places_only() -> None:
    """It reads the upper tree and writes its own nodes; a neighbour's node is not there at all."""
    town = Town.empty()
    north, south = town.tenant("north"), town.tenant("south")
    assert town.settings.explain(north.scope, "holding_days", node="de").value == 7
    for place in ("de", WHOLESALE):
        with pytest.raises(Forbidden):
            town.settings.set(north.scope, "holding_days", 1, node=place)
        with pytest.raises(Forbidden):
            town.settings.unset(north.scope, "holding_days", node=place)
    assert code(lambda: town.settings.set(north.scope, "holding_days", 1, node=south.path)) == "node_not_found"
    assert code(lambda: town.settings.explain(north.scope, "holding_days", node=south.path)) == "node_not_found"
    town.settings.set(PLATFORM, "holding_days", 9, node=south.path)
    assert town.settings.explain(south.scope, "holding_days").value == 9
    assert town.settings.set(south.scope, "holding_days", 8).value == 8


def test_every_setting_is_shown() -> None:
    """The list has every declared key once, in order, with what holds."""
    town = Town.empty()
    scope = town.scope()
    town.settings.set(scope, "payout_method", "bank")
    shown = town.settings.show(scope)
    assert [found.key for found in shown] == sorted(setting.key for setting in town.settings.declared())
    assert {found.key: found.value for found in shown}["payout_method"] == "bank"
    assert town.settings.show(scope, node="de")[0].path == "de"


SECRET = Setting(key="token", doc="A secret.", parse=text, default="none", secret=True)
OPEN = Setting(key="motto", doc="Never locked.", parse=text, default="none", lockable=False)
LOCAL = Setting(key="door", doc="Not inherited.", parse=text, default="none", inheritable=False)


def set_and_explain(town: Town, scope: Scope, key: str, value: Json, *, locked: bool = False) -> tuple[Json, Json]:
    """Set one of the three above, and explain it at the tenant."""
    declared = (SECRET, OPEN, LOCAL)
    stored = SetSetting(town.database, town.clock, declared)(scope, key, value, locked=locked).value
    return stored, ExplainSetting(town.database, declared)(town.tenants.get("north").scope, key).value


def test_secrets_are_never_shown() -> None:
    """Neither what was set nor what it overrides, nor an event or a refusal, shows a secret."""
    town = Town.empty()
    scope = town.scope()
    assert set_and_explain(town, PLATFORM, "token", "hunter1") == (MASK, MASK)
    assert set_and_explain(town, scope, "token", "hunter2") == (MASK, MASK)
    shown = ShowSettings(town.database, (SECRET,))(scope)
    refused = detail(lambda: set_and_explain(town, scope, "token", ["hunter3"]))
    assert refused == "token: A secret."
    assert "hunter" not in repr(shown) + repr(town.happened(SettingChanged)) + refused


def test_some_settings_cannot_be_locked() -> None:
    """Asking for a lock that the declaration forbids is invalid."""
    town = Town.empty()
    town.scope()
    with pytest.raises(Invalid, match="cannot be locked"):
        set_and_explain(town, PLATFORM, "motto", "Go", locked=True)


def test_some_settings_are_not_inherited() -> None:
    """Such a value counts at its own place only."""
    town = Town.empty()
    scope = town.scope()
    assert set_and_explain(town, PLATFORM, "door", "open") == ("open", "none")
    assert set_and_explain(town, scope, "door", "ajar") == ("ajar", "ajar")


def test_configuration_follows_every_write() -> None:
    """What use cases read changes with the next transaction, whoever wrote: tenant, platform or a move."""
    town = Town.empty()
    tenant = town.tenant()
    read = town.dependencies.configuration

    def days() -> int:
        with town.database(tenant.scope) as uow:
            return read(uow, tenant.id).value(HOLDING_DAYS)

    assert days() == 7
    town.settings.set(tenant.scope, "holding_days", 5)
    assert days() == 5
    town.settings.set(PLATFORM, "holding_days", 30, node="de", locked=True)
    assert days() == 30
    town.tree.add("fr/paris")
    town.tree.move("de/green-city/food", "fr/paris")
    assert days() == 5
    with town.database(tenant.scope) as uow:
        configuration = read(uow, tenant.id)
        assert read(uow, tenant.id) is configuration
    assert configuration.hierarchy == {
        "country": "fr",
        "scope": "fr/paris",
        "category": "fr/paris/food",
        "subcategory": "fr/paris/food/wholesale",
        "tenant": "fr/paris/food/wholesale/north",
    }


def test_configuration_of_a_store() -> None:
    """A store has its own values over its tenant's, and its place in the hierarchy; an unknown store is not found."""
    town = Town.empty()
    tenant = town.tenant()
    town.stores.create(tenant.scope, "web", name="Web")
    town.settings.set(tenant.scope, "payment_gateway", "sepa")
    town.settings.set(tenant.scope, "low_stock_at", 3, node=tenant.path + "/web")
    read = town.dependencies.configuration
    with town.database(tenant.scope) as uow:
        web, whole = read(uow, tenant.id, "web"), read(uow, tenant.id)
    assert (web.value(LOW_STOCK_AT), whole.value(LOW_STOCK_AT)) == (3, 0)
    assert web.value(PAYMENT_GATEWAY) == whole.value(PAYMENT_GATEWAY) == "sepa"
    assert web.hierarchy["store"] == tenant.path + "/web"
    assert web.store is not None
    with pytest.raises(CityOSError, match="store"), town.database(tenant.scope) as uow:
        read(uow, tenant.id, "app")


def test_configuration_never_leaks_between_databases() -> None:
    """Two towns with the same tenant id and the same revisions read their own values, even from one set of ports."""
    first, second = Town.empty(), Town.empty()
    for town, days in ((first, 5), (second, 6)):
        town.settings.set(town.tenant().scope, "holding_days", days)
    tenant = first.tenants.get("north")
    assert tenant == second.tenants.get("north")
    borrowed = evolve(first.dependencies, unit_of_work=second.database)
    for ports, days in ((first.dependencies, 5), (second.dependencies, 6), (borrowed, 6), (first.dependencies, 5)):
        with ports.unit_of_work(tenant.scope) as uow:
            assert ports.configuration(uow, tenant.id).value(HOLDING_DAYS) == days


def test_the_reader_forgets_what_was_not_asked_for_long() -> None:
    """It remembers a bounded number of configurations, and reads again what it has forgotten."""
    town = Town.empty()
    tenant = town.tenant()
    for number in range(4):
        town.stores.create(tenant.scope, f"shop-{number}", name="Shop")
    read = ConfigurationReader(limit=2)
    with town.database(tenant.scope) as uow:
        first = read(uow, tenant.id, "shop-0")
        read(uow, tenant.id, "shop-1")
        assert read(uow, tenant.id, "shop-0") is first
        read(uow, tenant.id, "shop-2")
        assert read(uow, tenant.id, "shop-0") is first
        read(uow, tenant.id, "shop-3")
        read(uow, tenant.id, "shop-1")
        assert read(uow, tenant.id, "shop-0") is not first
        assert read(uow, tenant.id, "shop-0") == first


def test_threads_share_the_reader() -> None:
    """Many threads read one configuration at once and all get what holds."""
    town = Town.empty()
    tenant = town.tenant()
    town.settings.set(tenant.scope, "holding_days", 5)
    found: list[int] = []

    def read() -> None:
        for _ in range(20):
            with town.database(tenant.scope) as uow:
                found.append(town.dependencies.configuration(uow, tenant.id).value(HOLDING_DAYS))

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 80
