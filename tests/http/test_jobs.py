"""Jobs over HTTP: asked for by machines, watched and tried again by people; and what a server does beside answering."""

from datetime import timedelta

import pytest
from attrs import Factory, frozen
from litestar.testing import TestClient

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.ids import JobId
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import market
from cityos_core.testing.clock import SimulatedClock
from cityos_http import create_app, identifiers
from clients import Client, everything, refusal

ADD = "/api/queue/add"
STATS = "/api/queue/stats"
JOBS = "/admin/jobs"
FORGET = {"operation": "requests.forget"}


def test_asking_for_work(admin: Client, app: CityOS, north: Tenant) -> None:
    """A job that is asked for waits, is done when its turn comes, and shows what became of it."""
    asked = admin.post(ADD, FORGET, key="once")
    assert asked.status_code == 201, asked.text
    made = asked.json()
    assert (made["status"], made["progress"], made["attempts"]) == ("waiting", 0, 0)
    assert made["request_id"] == asked.headers["x-request-id"]
    assert made["requested_by"].startswith("api_key:")
    again = admin.post(ADD, FORGET, key="once")
    assert (again.json(), again.headers["idempotent-replayed"]) == (made, "true")
    assert admin.get(STATS).json()["waiting"] == 1
    app.jobs.run(north.scope, JobId(identifiers.read(JobId, made["id"])))
    done = admin.get(f"{JOBS}/{made['id']}").json()
    assert (done["status"], done["progress"], done["attempts"]) == ("completed", 100, 1)


def test_counting(admin: Client, clock: SimulatedClock) -> None:
    """Statistics tell what is due from what is due later, and since when the longest one waits."""
    later = (clock.now() + timedelta(hours=1)).isoformat()
    admin.post(ADD, FORGET)
    admin.post(ADD, {**FORGET, "due_at": later})
    found = admin.get(STATS).json()
    assert found == {
        "waiting": 1,
        "active": 0,
        "completed": 0,
        "failed": 0,
        "delayed": 1,
        "total": 2,
        "oldest_due_at": found["oldest_due_at"],
    }
    assert found["oldest_due_at"].startswith(f"{clock.now():%Y-%m-%dT%H:%M}")


def test_listing(admin: Client) -> None:
    """Jobs are listed newest first, by state, by operation and by what they are about."""
    about = {"entity": "order", "entity_id": "10248"}
    first = admin.post(ADD, FORGET).json()["id"]
    second = admin.post(ADD, {**FORGET, **about}).json()["id"]
    assert [job["id"] for job in everything(admin, JOBS)] == [second, first]
    assert [job["id"] for job in everything(admin, JOBS, **about)] == [second]
    assert everything(admin, JOBS, operation="payouts.run") == []
    assert len(everything(admin, JOBS, status="waiting")) == 2
    assert refusal(admin.get(JOBS, status="sleeping"))[0] == 422


def test_trying_again(admin: Client, app: CityOS, north: Tenant) -> None:
    """A job that failed says why, and is tried again when a person asks; one that did not fail is left alone."""
    asked = admin.post(ADD, {"operation": "exports.write", "arguments": {"export": "none"}}).json()
    job = JobId(identifiers.read(JobId, asked["id"]))
    assert refusal(admin.post(f"{JOBS}/{asked['id']}/retry"))[0] == 409
    app.jobs.run(north.scope, job)
    failed = admin.get(f"{JOBS}/{asked['id']}").json()
    assert (failed["status"], failed["error"].partition(":")[0]) == ("failed", "missing_argument")
    assert admin.get(STATS).json()["failed"] == 1
    retried = admin.post(f"{JOBS}/{asked['id']}/retry")
    assert (retried.status_code, retried.json()["status"], retried.json()["attempts"]) == (200, "waiting", 0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"operation": "coffee.brew"}, 404, "no_such_operation"),
        ({"operation": "jobs.prune"}, 422, "wrong_audience"),
        ({"operation": "events.deliver"}, 409, "internal_operation"),
        ({**FORGET, "arguments": {"sugar": "two"}}, 422, "unknown_argument"),
        ({**FORGET, "arguments": {"sugar": 2}}, 422, "malformed"),
        ({**FORGET, "entity": "order"}, 422, "job_entity"),
        ({**FORGET, "tenant": "south"}, 422, "malformed"),
        ({}, 422, "malformed"),
    ],
)
def test_what_cannot_be_asked_for(admin: Client, body: dict[str, object], status: int, code: str) -> None:
    """What nobody can do, or asks for, what is the platform's, and what is not understood is refused; nothing is kept."""
    assert refusal(admin.post(ADD, body)) == (status, code)
    assert admin.get(STATS).json()["total"] == 0


def test_who_may(app: CityOS, north: Tenant, admin: Client) -> None:
    """Whoever runs the business of every day sees jobs; starting and retrying them is for administrators."""
    _, key = app.access.create_key(north.scope, part_of_the_system("tests"), KeyDraft(name="o", role="operator"))
    operator = Client(admin.http, key)
    made = admin.post(ADD, FORGET).json()["id"]
    assert operator.get(f"{JOBS}/{made}").status_code == 200
    assert refusal(operator.post(ADD, FORGET))[0] == 403
    assert refusal(operator.post(f"{JOBS}/{made}/retry"))[0] == 403


@frozen
class Diary:
    """Stands in for workers, and writes down what they are told."""

    told: list[str] = Factory(list)

    def start(self) -> None:
        """Begin."""
        self.told.append("start")

    def wake(self) -> None:
        """Look now."""
        self.told.append("wake")

    def stop(self) -> None:
        """End."""
        self.told.append("stop")


def test_what_happens_beside_answering(app: CityOS) -> None:
    """Workers of the server's process live as long as it answers, and look at once when a request leaves them work."""
    diary = Diary()
    draft = KeyDraft(name="admin", role="administrator")
    _, key = app.access.create_key(market(app).scope, part_of_the_system("tests"), draft)
    with TestClient(create_app(app, background=diary), base_url="http://north.localhost") as http:
        client = Client(http, key)
        assert diary.told == ["start"]
        client.get(STATS)
        assert client.post("/admin/exports", {"kind": "orders"}).status_code == 202
        assert diary.told == ["start", "wake"]
    assert diary.told == ["start", "wake", "stop"]
