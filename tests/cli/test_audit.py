"""The audit from the command line: what every command leaves in it, and how it is read and proven."""

import getpass
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cityos_cli.parameters import whoever_runs_this
from cli.market import PRODUCTS, VENDORS
from cli.shell import Cityos, read


def entries(cityos: Cityos, *args: str) -> list[Any]:
    """Read the newest entries first."""
    listed: list[Any] = read(cityos("audit", "list", *args, "--output", "json").succeeded())
    return listed


@pytest.fixture
def tamper(tmp_path: Path) -> Callable[[str], None]:
    """Change the database behind everybody's back."""

    def run(statement: str) -> None:
        with closing(sqlite3.connect(tmp_path / "city.db")) as file:
            file.execute("DROP TRIGGER IF EXISTS audit_entries_no_update")
            file.execute(statement)
            file.commit()

    return run


def test_a_command_is_told_by_its_name(north: Cityos) -> None:
    """An entry says that the command line did it, at whose machine, by which command, and for what reason."""
    north("vendors", "suspend", "leka", "--reason", "late", "--yes").succeeded()
    (entry,) = entries(north, "--limit", "1")
    assert (entry["principal"], entry["name"], entry["action"], entry["reason"]) == (
        "system:cli",
        getpass.getuser(),
        "vendors:suspend",
        "late",
    )
    assert [(change["kind"], change["verb"], change["after"]) for change in entry["changes"]] == [
        ("vendor", "changed", {"reason": "late", "status": "suspended"})
    ]


def test_every_command_of_a_first_hour_is_told(north: Cityos) -> None:
    """What opened the market is there by its commands, in the tenant's chain and in the platform's; questions are not."""
    north("vendors", "list").succeeded()
    assert [entry["action"] for entry in entries(north)] == [
        "commission:rules:import",
        "products:import",
        "vendors:import",
    ]
    assert [entry["action"] for entry in entries(north, "--platform")] == ["tenants:create", "tree:add"]
    assert {entry["principal"] for entry in entries(north, "--platform")} == {"system:cli"}


def test_nobody_has_a_name_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine knows no name of its user, commands work all the same."""
    names: dict[str, str] = {}
    monkeypatch.setattr(getpass, "getuser", lambda: names["uid 4711"])
    assert whoever_runs_this() == "unknown"


def test_list(north: Cityos) -> None:
    """The list has a line per entry, in words where it is about many records, and is filtered by who, what and when."""
    north("vendors", "suspend", "leka", "--reason", "late", "--yes").succeeded()
    leka = read(north("vendors", "show", "leka", "--output", "json").succeeded())
    lines = north("audit", "list").succeeded().out.splitlines()
    assert lines[0].split("\t") == ["sequence", "occurred_at", "principal", "name", "action", "what"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["4", "3", "2", "1"]
    assert lines[1].endswith(f"\tvendors:suspend\tvendor changed {leka['id']}")
    assert lines[2].endswith("\tcommission:rules:import\t2 stored_rule added")
    cases: tuple[tuple[tuple[str, ...], list[int]], ...] = (
        (("--action", "vendors:import"), [1]),
        (("--kind", "vendor"), [4, 1]),
        (("--kind", "vendor", "--target", leka["id"]), [4, 1]),
        (("--target", "nothing"), []),
        (("--principal", "system:cli", "--limit", "2"), [4, 3]),
        (("--request", "r-1"), []),
        (("--until", "2000-01-01"), []),
        (("--since", "2000-01-01"), [4, 3, 2, 1]),
    )
    for where, found in cases:
        assert [entry["sequence"] for entry in entries(north, *where)] == found


def test_show(north: Cityos) -> None:
    """One entry is shown field by field, and in JSON whole; where there is none, that is said."""
    north("vendors", "suspend", "leka", "--reason", "late", "--yes").succeeded()
    leka = read(north("vendors", "show", "leka", "--output", "json").succeeded())["id"]
    assert north("audit", "show", "4").succeeded().out.splitlines() == [
        "kind\ttarget\tverb\tfield\tbefore\tafter",
        f"vendor\t{leka}\tchanged\treason\t\tlate",
        f"vendor\t{leka}\tchanged\tstatus\tapproved\tsuspended",
    ]
    shown = read(north("audit", "show", "4", "--output", "json").succeeded())
    assert {**shown, "what": f"vendor changed {leka}"} == entries(north)[0]
    missing = north("audit", "show", "99")
    assert (missing.code, missing.err.strip()) == (
        6,
        "cityos: there is no entry 99; list the entries to see those there are [audit_entry_not_found]",
    )


def test_export(north: Cityos) -> None:
    """All entries are written, the oldest first, in JSON lines with every change."""
    lines = [json.loads(line) for line in north("audit", "export", "--output", "jsonl").succeeded().out.splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3]
    assert [line["previous"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    changes = [change for line in lines for change in line["changes"]]
    assert {change["kind"] for change in changes} == {"vendor", "product", "category", "stored_rule"}
    assert len(changes) > len(VENDORS.splitlines()) + len(PRODUCTS.splitlines()) - 2
    rows = north("audit", "export", "--action", "vendors:import", "--output", "csv").succeeded().out.splitlines()
    assert (rows[0].split(",")[0], len(rows)) == ("sequence", 2)
    assert north("audit", "export", "--platform").succeeded().out.count("\n") == 3


def test_verify(north: Cityos) -> None:
    """A chain that holds is proven with a head to note down, and still holds to that note when it has grown."""
    found = read(north("audit", "verify", "--output", "json").succeeded())
    assert (found["ok"], found["entries"], found["broken_at"], found["problem"]) == (True, 3, None, None)
    north("vendors", "suspend", "leka", "--reason", "late", "--yes").succeeded()
    again = read(north("audit", "verify", "--known", found["head"], "--output", "json").succeeded())
    assert (again["ok"], again["entries"]) == (True, 4)
    assert north("audit", "verify", "--platform").code == 0
    assert north("audit", "verify", "--known", "the head").code == 2


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE audit_entries SET body = replace(body, 'las-cabras', 'los-cabros') WHERE sequence = 1", 1),
        ("UPDATE audit_entries SET principal = 'user:other' WHERE sequence = 2", 2),
        ("UPDATE audit_entries SET sequence = 9 WHERE sequence = 3", 3),
    ],
)
def test_a_broken_chain(north: Cityos, tamper: Callable[[str], None], statement: str, place: int) -> None:
    """A chain that somebody changed makes the command fail with one line that says where and why."""
    tenant = read(north("tenants", "show", "north", "--output", "json").succeeded())
    assert tenant["handle"] == "north"
    tamper(f"{statement} AND tenant_id <> '{'0' * 32}'")
    broken = north("audit", "verify", "--output", "json")
    assert (broken.code, read(broken)["ok"], read(broken)["broken_at"]) == (1, False, place)
    (line,) = broken.err.splitlines()
    assert line.startswith(f"cityos: the audit does not hold: entry {place} ")
    assert line.endswith("; find out who can write to the database")
    assert north("audit", "verify", "--platform").code == 0


def test_a_chain_written_anew(north: Cityos, tamper: Callable[[str], None]) -> None:
    """Who noted the head elsewhere finds that another chain stands there."""
    head = read(north("audit", "verify", "--output", "json").succeeded())["head"]
    assert north("audit", "verify", "--known", head).code == 0
    broken = north("audit", "verify", "--known", f"{head[:-1]}x")
    assert broken.code == 1
    assert "is not the one that was noted" in broken.err
