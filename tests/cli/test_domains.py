"""Domains on the command line."""

import pytest

from cityos_adapters.dns import DnsNames
from cityos_adapters.memory.names import ScriptedNames
from cli.shell import Cityos, read


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> ScriptedNames:
    """A DNS that says what the test tells it to, in place of the world's."""
    names = ScriptedNames()
    monkeypatch.setattr(DnsNames, "texts", lambda _self, name: names.texts(name))
    return names


def test_domains(north: Cityos, dns: ScriptedNames) -> None:
    """A domain is added, shows what to publish, is verified, looked after and removed."""
    north("stores", "create", "web", "--name", "Web").succeeded()
    added = read(north("domains", "add", "Shop.Example", "--store", "web", "--output", "json").succeeded())
    assert (added["name"], added["store"], added["status"]) == ("shop.example", "web", "pending_dns")
    assert (added["record_type"], added["record_name"]) == ("TXT", "_cityos-challenge.shop.example")
    waiting = read(north("domains", "verify", "shop.example", "--output", "json").succeeded())
    assert added["record_value"] in waiting["reason"]
    dns.publish(added["record_name"], added["record_value"])
    assert read(north("domains", "verify", "SHOP.example", "--output", "json").succeeded())["status"] == "active"
    assert "shop.example\tweb\tactive" in north("domains", "list").succeeded().out
    assert read(north("domains", "verify", "--due", "--output", "json").succeeded()) == {
        "active": 0,
        "waiting": 0,
        "failed": 0,
    }
    assert north("domains", "remove", "shop.example").code == 2
    north("domains", "remove", "shop.example", "--yes").succeeded()
    assert "shop.example" not in north("domains", "list").succeeded().out
    assert "shop.example\tweb\tremoved" in north("domains", "list", "--removed").succeeded().out


def test_what_is_wrong(north: Cityos, dns: ScriptedNames) -> None:
    """Names that cannot be had, and words that are missing, end with their own codes; a silent DNS is no failure."""
    assert north("domains", "add", "127.0.0.1").code == 8
    assert north("domains", "add", "north.localhost").code == 7
    assert north("domains", "add", "shop.example", "--store", "nowhere").code == 6
    assert north("domains", "verify", "shop.example").code == 6
    assert north("domains", "verify").code == 2
    assert north("domains", "verify", "shop.example", "--due").code == 2
    north("domains", "add", "shop.example").succeeded()
    assert north("domains", "add", "shop.example").code == 7
    dns.is_silent = True
    assert "no answer" in north("domains", "verify", "shop.example").succeeded().out
