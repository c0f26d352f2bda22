"""Keys and roles from the command line."""

import re

from cityos_core.access.key_text import PATTERN, parse
from cli.shell import Cityos, read


def test_a_key_is_made_rotated_and_revoked(north: Cityos) -> None:
    """A key is on standard output once, when it is made; the list and everything else shows its ends only."""
    made = north("keys", "create", "till", "--role", "operator", "--output", "json").succeeded()
    key = read(made)
    assert parse(key["key"]).last_four == key["key"][-4:]
    assert (key["name"], key["kind"], key["role"], key["status"]) == ("till", "secret", "operator", "active")
    assert "not shown again" in made.err
    assert not PATTERN.search(made.err)
    listed = north("keys", "list", "--output", "json").succeeded()
    assert not PATTERN.search(listed.out + listed.err)
    assert read(listed)[0]["key"] == f"csk_live_...{key['key'][-4:]}"
    new = read(north("keys", "rotate", key["id"], "--output", "json").succeeded())
    assert new["key"] != key["key"]
    old, other = read(north("keys", "list", "--output", "json").succeeded())
    assert (old["status"], old["replaced_by"], other["status"]) == ("replaced", new["id"], "active")
    assert north("keys", "rotate", key["id"]).code == 7
    assert north("keys", "revoke", new["id"]).code == 2
    revoked = north("keys", "revoke", new["id"], "--yes", "--output", "json").succeeded()
    assert (read(revoked)["status"], bool(PATTERN.search(revoked.out))) == ("revoked", False)
    assert north("keys", "revoke", new["id"], "--yes").code == 7
    at_once = read(north("keys", "create", "till", "--role", "operator", "--output", "json").succeeded())
    north("keys", "rotate", at_once["id"], "--works-until", "2026-01-01").err.index("invalid_overlap")


def test_what_a_key_may_do(north: Cityos) -> None:
    """A restricted key has scopes, networks, a rate limit and an end; a publishable one needs no role."""
    narrow = ("--kind", "restricted", "--environment", "test", "--role", "finance", "--scope", "payouts:list")
    limits = ("--allow", "203.0.113.0/24", "--requests", "10", "--expires-at", "2126-01-01")
    made = read(north("keys", "create", "robot", *narrow, *limits, "--output", "json").succeeded())
    assert re.fullmatch(r"crk_test_\w{36}", made["key"])
    assert (made["scopes"], made["allow_list"]) == (["payouts:list"], ["203.0.113.0/24"])
    assert made["expires_at"] == "2126-01-01T00:00:00Z"
    web = read(north("keys", "create", "web", "--kind", "publishable", "--output", "json").succeeded())
    assert (web["key"][:9], web["role"]) == ("cpk_live_", "storefront")
    vendor = ("--role", "vendor_manager", "--vendor", "leka")
    assert read(north("keys", "create", "leka", *vendor, "--output", "json").succeeded())["where"] == "vendor:leka"
    assert len(north("keys", "list", "--limit", "2").succeeded().out.splitlines()) == 3


def test_keys_that_are_not_made(north: Cityos) -> None:
    """Every mistake is told, with the exit code of its kind."""
    wrong = north("keys", "create", "", "--role", "nobody", "--scope", "orders")
    assert wrong.code == 8
    assert all(place in wrong.err for place in ("$.name", "$.role", "$.scopes"))
    assert north("keys", "create", "a", "--role", "operator", "--vendor", "leka").code == 8
    assert north("keys", "create", "a", "--role", "operator", "--requests", "0").code == 8
    assert north("keys", "create", "a", "--role", "operator", "--store", "web").code == 6
    assert north("keys", "rotate", "00000000-0000-7000-8000-000000000000").code == 6
    assert north("keys", "revoke", "something", "--yes").code == 2


def test_keys_of_the_platform(cityos: Cityos) -> None:
    """The platform's keys are asked for by name: nobody gets one by forgetting the tenant."""
    cityos("db", "migrate").succeeded()
    cityos("tree", "add", "de/green-city").succeeded()
    make = ("keys", "create", "watch", "--role", "auditor", "--output", "json")
    assert cityos(*make).code == 2
    assert read(cityos(*make, "--platform").succeeded())["where"] == "platform"
    assert read(cityos(*make, "--platform", "--node", "de").succeeded())["where"] == "de"
    assert len(read(cityos("keys", "list", "--platform", "--output", "json").succeeded())) == 2
    assert cityos("keys", "list").code == 2


def test_roles_of_users(north: Cityos) -> None:
    """A role is given, listed and taken away, in the tenant or on the platform."""
    given = read(north("users", "assign", "Ann@North.example", "operator", "--output", "json").succeeded())
    assert (given["user"], given["role"], given["reach"]) == ("ann@north.example", "operator", "tenant")
    assert north("users", "assign", "ann@north.example", "operator").code == 7
    assert north("users", "assign", "ann@north.example", "vendor_owner").code == 8
    below = ("users", "assign", "bob", "support", "--platform", "--node", "de", "--output", "json")
    assert read(north(*below).succeeded())["path"] == "de"
    assert "bob\tsupport\tsubtree\tde" in north("users", "list", "--platform").succeeded().out
    assert "ann@north.example\toperator\ttenant" in north("users", "list").succeeded().out
    assert north("users", "remove", given["id"]).code == 2
    assert north("users", "remove", given["id"], "--platform", "--yes").code == 6
    north("users", "remove", given["id"], "--yes").succeeded()
    assert "ann" not in north("users", "list").succeeded().out
