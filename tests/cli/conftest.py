"""The command line as people use it: the real entry point, in this process, on a database of its own."""

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest
from attrs import frozen

from cityos_adapters.bootstrap import SystemClock
from cityos_cli.main import main
from cli.calculations import Answer, Calc
from cli.club import Club
from cli.market import open_market, write_files
from cli.shell import Cityos, Result


@frozen
class Database:
    """Where commands work: as the owner of the tables to migrate them, as everybody else afterwards."""

    owner: str
    url: str


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """The file ``city.db`` in the working folder, or an empty PostgreSQL database if a test asks for one."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return Database("sqlite:///city.db", "sqlite:///city.db")
    server = request.getfixturevalue("postgres")
    name = server.create()
    return Database(server.as_owner(name), server.as_login(name))


@pytest.fixture
def cityos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Database
) -> Cityos:
    """Run commands in an empty folder, on a database of their own."""
    monkeypatch.chdir(tmp_path)
    for name in ("CITYOS_TENANT", "CITYOS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CITYOS_DATABASE_URL", database.url)

    def run(*args: str, stdin: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capsys.readouterr()
        code = main(args)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def calc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Calc:
    """Run `cityos calc` on a file."""

    def run(name: str, data: object) -> Answer:
        file = tmp_path / "input.json"
        file.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        code = main(["calc", name, str(file)])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to copy: a tenant with vendors, products and rules in ``city.db``, and files beside it."""
    folder = tmp_path_factory.mktemp("market")
    write_files(folder)
    url = f"sqlite:///{folder}/city.db"
    with contextlib.redirect_stdout(io.StringIO()):
        open_market(lambda *args: main(args), folder, owner=url, url=url)
    return folder


@pytest.fixture
def north(cityos: Cityos, tmp_path: Path, database: Database, market: Path) -> Cityos:
    """Run commands in a tenant with vendors, products and rules, a file of orders beside them."""
    if database.url.startswith("sqlite"):
        shutil.copytree(market, tmp_path, dirs_exist_ok=True)
    else:
        write_files(tmp_path)
        open_market(lambda *args: cityos(*args).code, tmp_path, owner=database.owner, url=database.url)

    def run(*args: str, stdin: str = "") -> Result:
        return cityos("--tenant", "north", *args, stdin=stdin)

    return run


@pytest.fixture
def club(north: Cityos, monkeypatch: pytest.MonkeyPatch) -> Club:
    """A tenant that sells subscriptions, collected by the gateway that charges nobody, on a clock to turn."""
    opened = Club(north)
    monkeypatch.setenv("CITYOS_PAYMENT_GATEWAY", "test")
    monkeypatch.setattr(SystemClock, "now", lambda _: opened.now)
    return opened
