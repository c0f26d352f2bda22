"""Asking first, and progress: both on standard error, both only where someone is."""

import sys
from pathlib import Path

import pytest

from cityos_cli.confirmation import confirm
from cityos_cli.failures import Stopped, UsageError
from cityos_cli.progress import reading
from cli.shell import Terminal


def _at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    errors = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", errors)
    return errors


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " y \n"])
def test_yes_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str) -> None:
    """Someone who agrees is not asked again, and the question is not data."""
    errors = _at_a_terminal(monkeypatch, answer)
    confirm("Pay 10.00 EUR?", yes=False)
    assert errors.getvalue() == "Pay 10.00 EUR? [y/N] "
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"])
def test_anything_else_declines(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Anything but yes stops with 3."""
    _at_a_terminal(monkeypatch, answer)
    with pytest.raises(Stopped) as stopped:
        confirm("Pay?", yes=False)
    assert stopped.value.exit_code == 3


def test_nobody_to_ask() -> None:
    """Without a terminal nothing is assumed: the command stops with 2 and names the option."""
    with pytest.raises(UsageError, match="--yes") as stopped:
        confirm("Pay?", yes=False)
    assert stopped.value.exit_code == 2


def test_yes_is_not_asked() -> None:
    """A script that said yes is not asked."""
    confirm("Pay?", yes=True)


def test_progress_is_drawn_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Someone at a terminal sees how far a file has been read."""
    (tmp_path / "orders.csv").write_bytes(b"a\nb\n")
    errors = _at_a_terminal(monkeypatch, "")
    with reading(tmp_path / "orders.csv") as stream:
        assert list(stream) == [b"a\n", b"b\n"]
    assert "orders.csv" in errors.getvalue()
    assert capsys.readouterr().out == ""


def test_progress_is_silent_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets no bars."""
    (tmp_path / "orders.csv").write_bytes(b"a\n")
    with reading(tmp_path / "orders.csv") as stream:
        assert stream.read() == b"a\n"
    assert capsys.readouterr() == ("", "")
