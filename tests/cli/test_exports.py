"""Lists as files, from the command line."""

import csv
import io
import json

from cli.shell import Cityos, read


def test_from_asking_to_the_file(north: Cityos) -> None:
    """An export is asked for, written when it is its turn, and fetched."""
    north("orders", "import", "orders.jsonl")
    asked = north("exports", "create", "orders", "--where", "customer=VINET", "--actor", "ada", "--output", "json")
    export = read(asked.succeeded())
    assert (export["status"], export["where"], export["requested_by"]) == ("queued", {"customer": "VINET"}, "ada")
    early = north("exports", "download", export["id"])
    assert (early.code, early.out) == (7, "")
    assert "queued" in early.err
    assert north("exports", "run").succeeded().out == "name\tvalue\nfinished\t1\n"
    shown = read(north("exports", "show", export["id"], "--output", "json").succeeded())
    assert (shown["status"], shown["rows"], shown["attempts"]) == ("succeeded", 1, 1)
    file = north("exports", "download", export["id"]).succeeded().out
    assert shown["size"] == len(file.encode())
    assert [row["reference"] for row in csv.DictReader(io.StringIO(file))] == ["10248"]
    (listed,) = read(north("exports", "list", "--output", "json").succeeded())
    assert listed == shown


def test_the_same_records_as_the_commands(north: Cityos) -> None:
    """A file holds what the list of the same things shows."""
    north("orders", "import", "orders.jsonl")
    for kind, command in (
        ("commissions", ("commission", "transactions")),
        ("journals", ("ledger", "export")),
        ("products", ("products", "list")),
    ):
        for form in ("csv", "jsonl"):
            export = read(north("exports", "create", kind, "--format", form, "--output", "json").succeeded())
            north("exports", "run").succeeded()
            file, listed = north("exports", "download", export["id"]).out, north(*command, "--output", form).out
            if (kind, form) == ("products", "csv"):
                assert [row[:7] for row in csv.reader(io.StringIO(file))] == list(csv.reader(io.StringIO(listed)))
            else:
                assert file == listed


def test_what_cannot_be_asked_for(north: Cityos) -> None:
    """Filters that the list does not have are named; one that is none is a mistake in the command."""
    wrong = north("exports", "create", "payouts", "--where", "colour=red", "--where", "status=lost")
    assert wrong.code == 8
    assert "$.where.colour" in wrong.err
    assert "$.where.status" in wrong.err
    assert north("exports", "create", "payouts", "--where", "paid").code == 2
    assert north("exports", "create", "everything").code == 2
    assert north("exports", "show", "00000000-0000-0000-0000-000000000001").code == 6


def test_the_platforms_audit(north: Cityos, cityos: Cityos) -> None:
    """Without a tenant the platform's own audit is exported, and everybody's exports are written."""
    north("exports", "create", "vendors").succeeded()
    export = read(cityos("exports", "create", "audit-log", "--format", "jsonl", "--output", "json").succeeded())
    assert "finished\t2" in cityos("exports", "run").succeeded().out
    entries = [json.loads(line) for line in cityos("exports", "download", export["id"]).succeeded().out.splitlines()]
    assert [entry["sequence"] for entry in entries] == list(range(len(entries), 0, -1))
    assert cityos("exports", "create", "orders").code == 8
