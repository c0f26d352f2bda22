"""`cityos serve` as a process of its own: what it answers, what it writes, and how it ends."""

import io
import json
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from attrs import frozen

from cityos_adapters.bootstrap import bootstrap
from cityos_adapters.settings import read_settings
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate, require_schema
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.exports.model import ExportStatus
from cityos_core.testing import market
from cityos_core.vendors.model import Profile
from servers.loopback import PROGRAM, Served, environment, in_process
from servers.postgres import Postgres
from servers.processes import wait_until

HOST = "north.localhost"


@frozen
class Town:
    """A tenant in a database, with an administrator's key."""

    url: str
    app: CityOS
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What an administrator says with every request."""
        return {"Host": HOST, "Authorization": f"Bearer {self.key}"}


@pytest.fixture
def town(make_url: Callable[[str], str]) -> Iterator[Town]:
    """A tenant with vendors and products on SQLite."""
    url = make_url("sqlite")
    with SqlDatabase(url) as database:
        app = bootstrap(read_settings({"database_url": url}, {}), database=database)
        scope = market(app).scope
        draft = KeyDraft(name="admin", role="administrator")
        yield Town(url, app, app.access.create_key(scope, part_of_the_system("tests"), draft)[1])


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """A client that asks this machine and no proxy."""
    with httpx2.Client(trust_env=False) as client:
        yield client


def lines(served: Served) -> list[dict[str, Any]]:
    """Read what a process wrote."""
    return [json.loads(line) for line in served.log.read_text().splitlines()]


def test_a_server_says_how_it_is(tmp_path: Path, town: Town, http: httpx2.Client) -> None:
    """It lives, is ready, knows its version, counts its requests and shows its document; and it ends with 0."""
    with in_process(tmp_path, town.url) as served:
        for path, says in (("/livez", '{"status":"ok"}'), ("/readyz", '{"status":"ok"}'), ("/version", "version")):
            answer = http.get(served.url + path)
            assert (answer.status_code, says in answer.text) == (200, True)
        assert http.get(f"{served.url}/schema/openapi.json").json()["openapi"] == "3.1.0"
        assert http.get(f"{served.url}/schema").headers["content-type"].startswith("text/html")
        measures = http.get(f"{served.url}/metrics").text
        assert 'cityos_http_requests_total{method="GET",route="/readyz",status="200"} 1.0' in measures
        answer = http.head(f"{served.url}/version")
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0
        assert served.stopped() == 0


def test_every_request_is_a_line(tmp_path: Path, town: Town, http: httpx2.Client) -> None:
    """A line names the request, its trace, the tenant and who asked; a key in the query is not in it."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    told = {"X-Request-Id": "req-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    with in_process(tmp_path, town.url, log_format="json") as served:
        answer = http.get(f"{served.url}/admin/vendors", headers={**town.headers, **told})
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, "req-1")
        http.get(f"{served.url}/admin/vendors?token={town.key}", headers={"Host": HOST})
        http.get(f"{served.url}/{town.key}")
        served.stopped()
    written = [line for line in lines(served) if line["event"] == "request" and line["route"] != "/livez"]
    (key,) = town.app.access.keys(town.app.tenants.get("north").scope).items
    assert {
        name: written[0][name] for name in ("request_id", "trace_id", "tenant", "principal", "status", "route")
    } == {
        "request_id": "req-1",
        "trace_id": trace,
        "tenant": "north",
        "principal": f"api_key:{key.id}",
        "status": 200,
        "route": "/admin/vendors",
    }
    assert [line["status"] for line in written[1:]] == [401, 404]
    assert town.key[10:] not in served.log.read_text()


def test_a_request_under_way_is_finished(tmp_path: Path, town: Town) -> None:
    """Told to stop in the middle of a request, a server hears the rest, answers it, and ends with 0."""
    body = json.dumps({"handle": "cedar", "profile": {"name": "Cedar"}}).encode()
    with in_process(tmp_path, town.url) as served:
        calling = HTTPConnection("127.0.0.1", served.port)
        calling.putrequest("POST", "/admin/vendors", skip_host=True)
        heads = {**town.headers, "Idempotency-Key": "1", "Content-Type": "application/json"}
        for name, value in {**heads, "Content-Length": str(len(body))}.items():
            calling.putheader(name, value)
        calling.endheaders(body[:10])
        wait_until(lambda: "cityos_http_requests_total" in _measures(served))
        served.process.terminate()
        wait_until(lambda: _is_closed(served.port))
        calling.send(body[10:])
        assert calling.getresponse().status == 201
        calling.close()
        assert served.process.wait(30) == 0
    assert town.app.vendors.get(town.app.tenants.get("north").scope, "cedar").handle == "cedar"


def _measures(served: Served) -> str:
    with httpx2.Client(trust_env=False) as http:
        return http.get(f"{served.url}/metrics").text


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_download_under_way_is_finished(tmp_path: Path, town: Town, http: httpx2.Client) -> None:
    """Exports are made by the server itself; a download that has begun comes to its end although it was told to stop."""
    scope = town.app.tenants.get("north").scope
    long = "an address " * 20_000
    for number in range(12):
        town.app.vendors.register(scope, f"v-{number}", Profile(name="V", address=f"{number} {long}"))
    with in_process(tmp_path, town.url) as served:
        heads = {**town.headers, "Idempotency-Key": "1"}
        asked = http.post(f"{served.url}/admin/exports", headers=heads, json={"kind": "vendors", "format": "jsonl"})
        assert asked.status_code == 202
        where = f"{served.url}/admin/exports/{asked.json()['id']}"
        wait_until(lambda: http.get(where, headers=town.headers).json()["status"] == ExportStatus.SUCCEEDED)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", served.port))
            said = "".join(f"{name}: {value}\r\n" for name, value in town.headers.items())
            slow.sendall(f"GET {httpx2.URL(where).path}/content HTTP/1.1\r\n{said}\r\n".encode())
            got = io.BytesIO(slow.recv(1000))
            got.seek(0, io.SEEK_END)
            served.process.terminate()
            wait_until(lambda: _is_closed(served.port))
            assert served.process.poll() is None
            while part := slow.recv(65536):
                got.write(part)
        assert served.process.wait(30) == 0
    assert got.getvalue().startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.getvalue().count(b'"handle"') == 14
    assert got.getvalue().endswith(b"0\r\n\r\n")


def test_a_port_that_is_taken(tmp_path: Path, town: Town) -> None:
    """Where someone else listens, a server says so in one line and ends with 1."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        tried = subprocess.run(
            [str(PROGRAM), "serve", "--port", port],
            cwd=tmp_path,
            env=environment(town.url, {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (tried.returncode, tried.stdout) == (1, "")
    assert tried.stderr == (
        f"cityos: cannot listen on 127.0.0.1:{port}: Address already in use;"
        " choose another --host or --port, or stop who uses it\n"
    )


def test_an_old_schema(tmp_path: Path) -> None:
    """A database that was not migrated is refused with what to do; one that a newer version migrated is served."""
    (tmp_path / "city.db").touch()
    url = f"sqlite:///{tmp_path / 'city.db'}"
    tried = subprocess.run(
        [str(PROGRAM), "serve"],
        cwd=tmp_path,
        env=environment(url, {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (tried.returncode, tried.stdout) == (9, "")
    assert "run `cityos db migrate` [old_schema]" in tried.stderr
    migrate(url)
    require_schema(url)
    with closing(sqlite3.connect(tmp_path / "city.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    require_schema(url)


@pytest.mark.parametrize(("secret", "status"), [("one secret for both of these processes", 200), ("", 400)])
def test_cursors_of_two_processes(tmp_path: Path, town: Town, http: httpx2.Client, secret: str, status: int) -> None:
    """A list goes on at another process if both have the same secret, and only then."""
    with (
        in_process(tmp_path, town.url, secret_key=secret) as one,
        in_process(tmp_path, town.url, secret_key=secret) as two,
    ):
        first = http.get(f"{one.url}/admin/vendors?limit=1", headers=town.headers).json()
        rest = http.get(f"{two.url}/admin/vendors?limit=1&cursor={first['next_cursor']}", headers=town.headers)
        assert rest.status_code == status
        if status == 200:
            assert [page["data"][0]["handle"] for page in (first, rest.json())] == ["acme", "birch"]


def test_a_database_that_goes_away(
    tmp_path: Path, postgres: Postgres, migrated_postgres: str, http: httpx2.Client
) -> None:
    """Without its database a server lives and is not ready; what the driver says stays in the log."""
    name = postgres.create(migrated_postgres)
    with in_process(tmp_path, postgres.as_login(name), log_format="json") as served:
        assert http.get(f"{served.url}/readyz").status_code == 200
        postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        with psycopg.connect(postgres.login_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = http.get(f"{served.url}/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.headers["retry-after"]
        assert name not in answer.text
        assert http.get(f"{served.url}/livez").status_code == 200
        postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        wait_until(lambda: http.get(f"{served.url}/readyz").status_code == 200)
        served.stopped()
    failed = [line for line in lines(served) if line.get("status") == 503]
    assert failed
    assert all(line["level"] == "warning" and "exception" not in line for line in failed)
    assert any(name in line["why"] for line in failed)


def test_the_document_on_the_command_line(tmp_path: Path) -> None:
    """`cityos openapi` prints the document that a server shows, and needs no database."""
    printed = subprocess.run(
        [str(PROGRAM), "openapi"],
        cwd=tmp_path,
        env=environment("sqlite:///none.db", {}),
        capture_output=True,
        check=True,
        timeout=60,
    )
    shown = json.loads(printed.stdout)
    assert shown["openapi"] == "3.1.0"
    assert shown["paths"]["/admin/vendors"]["get"]["operationId"] == "list_vendors"
    assert not list(tmp_path.iterdir())
