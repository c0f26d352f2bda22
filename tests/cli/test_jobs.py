"""Jobs from the command line: asked for, watched, tried again; and whether anybody does them."""

import sqlite3
from contextlib import closing

from cityos_adapters.bootstrap import open_city
from cityos_adapters.settings import read_settings
from cli.shell import Cityos, read

URL = "sqlite:///city.db"
LONG_AGO = "2026-01-01 00:00:00.000000"


def drained() -> int:
    """Do what is due, as a worker would."""
    with open_city(read_settings({"database_url": URL}, {})) as city:
        return city.jobs.drain()


def aged(statement: str) -> None:
    """Make something older than it is."""
    with closing(sqlite3.connect("city.db")) as file, file:
        file.execute(statement, (LONG_AGO,))


def test_a_job_is_asked_for_and_done(north: Cityos) -> None:
    """A job waits until a worker comes, and then shows what it came to."""
    made = read(north("jobs", "enqueue", "requests.forget", "--output", "json").succeeded())
    assert (made["status"], made["requested_by"], made["arguments"]) == ("waiting", "system:cli", {})
    assert read(north("jobs", "stats", "--output", "json"))["waiting"] == 1
    drained()
    found = read(north("jobs", "show", made["id"], "--output", "json").succeeded())
    assert (found["status"], found["progress"], found["attempts"]) == ("completed", 100, 1)
    listed = read(north("jobs", "list", "--operation", "requests.forget", "--status", "completed", "--output", "json"))
    assert made["id"] in [job["id"] for job in listed]


def test_the_same_key_asks_for_nothing_more(north: Cityos) -> None:
    """A natural key makes one job, whatever becomes of it."""
    ask = ("jobs", "enqueue", "requests.forget", "--key", "january", "--output", "json")
    assert read(north(*ask).succeeded())["id"] == read(north(*ask).succeeded())["id"]


def test_later(north: Cityos) -> None:
    """A job that is due later is delayed."""
    about = ("--entity", "order", "--entity-id", "10248")
    north("jobs", "enqueue", "requests.forget", "--due", "2999-01-01T00:00:00Z", *about).succeeded()
    counts = read(north("jobs", "stats", "--output", "json"))
    assert (counts["delayed"], counts["waiting"], counts["total"], counts["oldest_due_at"]) == (1, 0, 1, None)
    assert len(read(north("jobs", "list", *about, "--output", "json"))) == 1


def test_a_failed_job_is_tried_again(north: Cityos) -> None:
    """A job that failed says why, and one word has it tried again; another job is left alone."""
    ask = ("jobs", "enqueue", "exports.write", "--argument", "export=none", "--output", "json")
    made = read(north(*ask).succeeded())
    assert north("jobs", "retry", made["id"]).code == 7
    drained()
    (failed,) = read(north("jobs", "list", "--status", "failed", "--output", "json"))
    assert (failed["id"], failed["error"].partition(":")[0]) == (made["id"], "missing_argument")
    assert read(north("jobs", "retry", made["id"], "--output", "json").succeeded())["status"] == "waiting"


def test_the_platforms_own(north: Cityos) -> None:
    """The platform has jobs of its own, and counts everyone's."""
    north("jobs", "enqueue", "jobs.prune", "--platform").succeeded()
    north("jobs", "enqueue", "requests.forget").succeeded()
    assert [job["operation"] for job in read(north("jobs", "list", "--platform", "--output", "json"))] == ["jobs.prune"]
    assert read(north("jobs", "stats", "--platform", "--output", "json"))["waiting"] == 2
    assert north("jobs", "enqueue", "jobs.prune").code == 8


def test_what_can_be_asked_for(north: Cityos) -> None:
    """Operations are listed with what they take; one that is not there is not found, and says what is."""
    found = {one["operation"]: one for one in read(north("jobs", "operations", "--output", "json"))}
    assert found["exports.write"]["arguments"] == {"export": "the export's id"}
    assert found["payouts.run"]["audience"] == "tenants"
    missing = north("jobs", "enqueue", "coffee.brew")
    assert (missing.code, "payouts.run" in missing.err) == (6, True)
    assert north("jobs", "enqueue", "exports.write", "--argument", "export").code == 2


def test_schedules(north: Cityos) -> None:
    """What falls due by itself shows when it does next, and when it last did."""
    assert read(north("jobs", "schedules", "--output", "json")) == []
    drained()
    found = {one["operation"]: one for one in read(north("jobs", "schedules", "--output", "json"))}
    assert (found["payouts.run"]["is_behind"], found["payouts.process"]["is_behind"]) == (False, False)
    assert found["payouts.process"]["last_at"] < found["payouts.process"]["next_at"]
    assert (found["payouts.run"]["last_at"] or "") < found["payouts.run"]["next_at"]  # never, before its time of day


def jobs_of(cityos: Cityos) -> tuple[bool, str, str]:
    """Give what the doctor says of jobs."""
    result = cityos("doctor", "--output", "json")
    (found,) = (check for check in read(result) if check["system"] == "jobs")
    assert result.code == (not found["ok"])
    return found["ok"], found["detail"], found["fix"]


def test_the_doctor_looks_whether_anybody_works(north: Cityos) -> None:
    """A city in which nobody ever kept the time is as it should be; one in which somebody stopped is not."""
    ok, detail, _ = jobs_of(north)
    assert (ok, "nobody has kept the time here yet" in detail) == (True, True)
    drained()
    assert jobs_of(north)[0]
    aged("UPDATE schedules SET next_at = ? WHERE operation = 'payouts.run'")
    ok, detail, fix = jobs_of(north)
    assert (ok, "behind: payouts.run" in detail, "cityos worker" in fix) == (False, True, True)


def test_the_doctor_looks_whether_jobs_are_done(north: Cityos) -> None:
    """Where the time is kept but a job has waited for minutes, nobody works."""
    drained()
    north("jobs", "enqueue", "requests.forget").succeeded()
    assert jobs_of(north)[0]
    aged("UPDATE jobs SET due_at = ? WHERE status = 'waiting'")
    ok, detail, fix = jobs_of(north)
    assert (ok, "one waits since 2026-01-01" in detail, "cityos worker" in fix) == (False, True, True)
