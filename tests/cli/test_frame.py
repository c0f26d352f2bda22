"""What every command shares: options, settings, errors, exit codes, help."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityos_cli.failures import MOST_MISTAKES, exit_code, one_line
from cityos_cli.main import hoisted
from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unauthenticated,
    Unavailable,
)
from cityos_core.kernel.redaction import redacted
from cli.shell import Cityos

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("commission report --output json", "--output json commission report"),
        ("--tenant north commission report --output=json", "--tenant north --output=json commission report"),
        ("tree add de --debug --name x", "--debug tree add de --name x"),
        ("tree add -- --tenant", "tree add -- --tenant"),
        ("tree list --tenant", "--tenant tree list"),
    ],
)
def test_shared_options_stand_anywhere(written: str, read: str) -> None:
    """The options that every command shares may stand before or after it, but not behind a double dash."""
    assert hoisted(written.split()) == read.split()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Unauthenticated, 4),
        (Forbidden, 5),
        (NotFound, 6),
        (Conflict, 7),
        (Refused, 7),
        (Invalid, 8),
        (Unavailable, 9),
        (OutcomeUnknown, 9),
    ],
)
def test_exit_codes_by_what_the_caller_can_do(kind: type[CityOSError], code: int) -> None:
    """Each branch of the error tree has its exit code."""
    assert exit_code(kind("some_code", "do something else")) == code


def test_mistakes_are_one_line() -> None:
    """Many mistakes become one line that names the first of them and counts the rest."""
    errors = [FieldError(f"$.lines[{number}].tax", "bad", "write\nit so") for number in range(MOST_MISTAKES + 2)]
    text = one_line(Invalid("malformed", "the input has many mistakes", errors))
    assert text.startswith("$.lines[0].tax: write it so; $.lines[1].tax")
    assert text.endswith("and 2 more [malformed]")


def test_foreign_errors_keep_their_message() -> None:
    """What some library says may hold secrets, so only its kind is told."""
    text = one_line(RuntimeError(f"cannot reach postgresql://app:{SECRET}@db/city"))
    assert text == "unexpected RuntimeError; run it again with --debug to see where"


@pytest.mark.parametrize(
    "address",
    [f"postgresql://app:{SECRET}@db/city", f"redis://:{SECRET}@db", f"postgresql+psycopg://a:{SECRET}@[::1]/c"],
)
def test_passwords_are_redacted(address: str) -> None:
    """A password in an address is never shown."""
    assert SECRET not in redacted(f"no answer from {address}, sorry")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("tre",), "No such command 'tre'. Did you mean 'tree', 'stores'? See cityos --help"),
        (("tree",), "Missing command. See cityos tree --help"),
        (("tree", "add"), "Missing argument"),
        (("tree", "list", "--colour"), "No such option: --colour"),
        (("tree", "list", "--output", "xml"), "xml"),
    ],
)
def test_usage_errors_are_one_line_and_exit_with_2(cityos: Cityos, args: tuple[str, ...], says: str) -> None:
    """A command line that is wrong is answered in one line that says what is missing."""
    result = cityos(*args)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_no_database_is_said_and_none_is_made(cityos: Cityos, tmp_path: Path) -> None:
    """A command on a database that is not there says how to make it, and leaves no empty file behind."""
    result = cityos("tenants", "list")
    assert result.code == 9
    assert "cityos db migrate" in result.err
    assert not list(tmp_path.iterdir())


def test_debug_shows_where_and_hides_secrets(cityos: Cityos) -> None:
    """A traceback is shown only when it is asked for, and without passwords."""
    address = f"mysql://app:{SECRET}@db/city"
    plain, debug = cityos("--database-url", address, "tenants", "list"), None
    debug = cityos("tenants", "list", "--database-url", address, "--debug")
    assert (plain.code, debug.code) == (8, 8)
    assert "Traceback" not in plain.err
    assert "Traceback" in debug.err
    assert SECRET not in plain.err + debug.err


def test_no_command_shows_help(cityos: Cityos) -> None:
    """The bare command explains itself."""
    result = cityos().succeeded()
    assert "commission" in result.out
    assert result.out == cityos("--help").out


def test_settings_come_from_flags_environment_file_and_defaults(
    cityos: Cityos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest source wins, and each value tells where it is from."""
    (tmp_path / "cityos.toml").write_text('tenant = "filed"\ndatabase_url = "sqlite:///filed.db"\n')

    def origins(*args: str) -> dict[str, tuple[str | None, str]]:
        rows = json.loads(cityos(*args, "settings", "show", "--origin", "--output", "json").succeeded().out)
        return {row["key"]: (row["value"], row["origin"]) for row in rows}

    monkeypatch.setenv("CITYOS_DATABASE_URL", f"postgresql://app:{SECRET}@db/city")
    found = origins()
    assert found["tenant"] == ("filed", "cityos.toml")
    assert found["database_url"] == ("postgresql://app:***@db/city", "environment")
    assert found["bank_iban"] == (None, "default")


@pytest.mark.parametrize(
    ("content", "says"),
    [("colour = 1", "colour"), ("tenant = 1", "text, in quotes"), ("tenant", "not TOML")],
)
def test_settings_file_is_checked(cityos: Cityos, tmp_path: Path, content: str, says: str) -> None:
    """A settings file with a mistake is refused, and named."""
    (tmp_path / "my.toml").write_text(content)
    result = cityos("--config", "my.toml", "version")
    assert result.code == 8
    assert says in result.err
    assert "my.toml" in result.err


def test_settings_file_that_is_named_must_be_there(cityos: Cityos) -> None:
    """A missing settings file is an error only if it was asked for."""
    assert cityos("version").code == 0
    assert cityos("--config", "gone.toml", "version").code == 8


def _process(*args: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cityos_cli.main import run; run()", *args],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_process_ends_with_the_exit_code(tmp_path: Path) -> None:
    """The process ends with the code of the failure, its one line on standard error and nothing on standard output."""
    ended = _process("tenants", "list", folder=tmp_path, CITYOS_DATABASE_URL="sqlite:///gone.db")
    assert (ended.returncode, ended.stdout) == (9, "")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_closed_pipe_is_no_accident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str) -> None:
    """A reader that has seen enough may close the pipe, whether output is written at once or at the end."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = f"{sys.executable} -c 'from cityos_cli.main import run; run()' settings show --origin | true"
    ended = subprocess.run(
        ["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def _commands(path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    from typer.main import get_command

    from cityos_cli.main import app

    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*path, name))

    yield from walk(get_command(app), path)


@pytest.mark.parametrize("path", list(_commands()), ids=" ".join)
def test_every_command_explains_itself(cityos: Cityos, path: tuple[str, ...]) -> None:
    """Every group and command has a help text that says what it does."""
    result = cityos(*path, "--help").succeeded()
    usage, _, rest = result.out.partition("\n\n")
    assert usage.startswith("Usage: cityos")
    assert rest.strip()
    assert not rest.strip().startswith(("Options", "Arguments"))
