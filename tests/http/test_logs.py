"""What is logged: one JSON line for each thing that happened, and no secret in it, wherever it stood."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest
import structlog
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.redaction import HIDDEN, SECRET_NAMES, redacted, without_secrets
from cityos_core.testing import city
from cityos_http import create_app
from cityos_http.logs import configure

SECRETS = {
    "a secret key": ("csk_live_7Q2mZx9LpR4tW8vB3nK6jH1sD5f0Gc", "7Q2mZx9L"),
    "a restricted key": ("crk_test_7Q2mZx9LpR4tW8vB3nK6jH1sD5f0Gc", "7Q2mZx9L"),
    "a publishable key": ("cpk_live_7Q2mZx9LpR4tW8vB3nK6jH1sD5f0Gc", "7Q2mZx9L"),
    "an access token": ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0NzExIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
    "a token without a signature": ("eyJhbGciOiJub25lIn0.eyJzdWIiOiI0NzExIn0.", "eyJzdWIiOiI0NzExIn0"),
    "a bearer": ("Bearer 2YotnFZFEjr1zCsicMWpAA", "2YotnFZF"),
    "basic credentials": ("basic YWRhOmh1bnRlcjI=", "YWRhOmh1"),
    "a password in an address": ("postgresql+psycopg://app:hunter2@db:5432/city", "hunter2"),
    "a password with an at sign": ("postgresql://app:hun@ter2@db/city", "ter2"),
    "a password without a user": ("redis://:hunter2@cache", "hunter2"),
    "an IBAN": ("DE89370400440532013000", "0440532"),
    "an IBAN in groups": ("DE89 3704 0044 0532 0130 00", "0532"),
    "a long IBAN": ("MT84MALT011000012345MTLCAST001S", "000012345"),
}
"""Secrets as they stand in texts, and what must not be left of each."""

Around = Callable[[str], object]

PLACES: dict[str, Around] = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f"it said {secret}, and left",
    "at the beginning of a line": lambda secret: f"first\n{secret}\nlast",
    "behind a tab": lambda secret: f"first\t{secret}",
    "in quotes": lambda secret: f"'{secret}'",
    "in a list of a record": lambda secret: {"sent": [{"value": secret}]},
    "in something that is no text": ValueError,
    "behind a written end of a line": lambda secret: ValueError(f"first\n{secret}"),
}


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """Give the lines that were written since; afterwards logs are as before."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err.splitlines()  # noqa: PLW0108  each time anew
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_logged(
    written: Callable[[], list[str]], form: str, around: Around, secret: tuple[str, str]
) -> None:
    """Whatever looks like a secret is hidden, in a message, in a field at any depth, and in what a library says."""
    configure(form=form)
    text, telling = secret
    structlog.get_logger().warning("found", value=around(text))
    structlog.get_logger().warning(str(around(text)))
    logging.getLogger("library").warning("found %s", around(text))
    lines = "\n".join(written())
    assert telling not in lines
    assert lines.count(HIDDEN) >= 3


def fail(why: str) -> None:
    """Raise an error."""
    raise RuntimeError(why)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_in_a_traceback(written: Callable[[], list[str]], form: str, secret: tuple[str, str]) -> None:
    """A traceback is redacted line by line, also where a line begins with a secret."""
    configure(form=form)
    text, telling = secret
    try:
        fail(f"the answer was\n{text}\nand then no more")
    except RuntimeError as error:
        structlog.get_logger().error("failed", exc_info=error)
        logging.getLogger("library").exception("failed")
    lines = "\n".join(written())
    assert lines.count("Traceback") == 2
    assert telling not in lines


@pytest.mark.parametrize("name", [*sorted(SECRET_NAMES), "Authorization", "X-Publishable-Key", "db_password"])
def test_what_is_called_a_secret_is_hidden(name: str) -> None:
    """A field by the name of a secret is hidden whatever it holds, at any depth."""
    assert without_secrets({"outer": [{name: 4711}]}) == {"outer": [{name: HIDDEN}]}


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=30, max_size=36), st.text())
def test_any_key_is_hidden(characters: str, before: str) -> None:
    """No key shows more than its kind, whatever stands before it; hiding twice changes nothing."""
    text = redacted(f"{before} csk_live_{characters}")
    assert f"csk_live_{characters}" not in text
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "ven_01jbk2y4t8e9gsvy3pd3nr4m0q sells 3 chairs for 59.97 EUR",
        "GET https://shop.acme.example/admin/vendors?limit=3",
        "018f5e2a-7c1d-7b3a-9e4f-2a6b8c0d1e2f",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "2026-01-05T09:00:00Z",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Ids, addresses, amounts and times are told as they are."""
    assert redacted(text) == text


def test_lines_are_json(written: Callable[[], list[str]]) -> None:
    """Each line is one JSON object with an event, a level and a time in UTC; libraries have their name in it."""
    configure(form="json")
    structlog.get_logger().info("request", status=200, took_us=17)
    logging.getLogger("library").warning("slow %s", "disk")
    ours, theirs = map(json.loads, written())
    assert (ours["event"], ours["level"], ours["status"]) == ("request", "info", 200)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow disk", "warning", "library")
    assert all(line["timestamp"].endswith("Z") for line in (ours, theirs))


@pytest.mark.parametrize(
    ("level", "events"), [("debug", ["a", "b", "c"]), ("info", ["b", "c"]), ("warning", ["c"]), ("error", [])]
)
def test_levels(written: Callable[[], list[str]], level: str, events: list[Any]) -> None:
    """What is below the level is not written."""
    configure(level=level)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    assert [json.loads(line)["event"] for line in written()] == events


@pytest.mark.parametrize(
    ("error", "level", "words"),
    [
        (Unavailable("database_unavailable", "the database did not answer"), "warning", "did not answer"),
        (ZeroDivisionError("nobody foresaw it"), "error", "Traceback"),
    ],
)
def test_a_request_that_fails(written: Callable[[], list[str]], error: Exception, level: str, words: str) -> None:
    """What is away for a moment is told in a few words; where an error of ours comes from, as far as it is known."""
    ready: Any = Mock(side_effect=error)
    configure()
    with TestClient(create_app(evolve(city(), ready=ready))) as client:
        assert client.get("/readyz").is_server_error
    (line,) = (line for line in map(json.loads, written()) if line["event"] == "request")
    assert (line["level"], words in str(line), "exception" in line) == (level, True, level == "error")
