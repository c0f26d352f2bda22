"""How failures end a command: one line that says what to do next, and an exit code that says what kind it was."""

import sys
import traceback
from typing import Final

import typer

from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unauthenticated,
    Unavailable,
)
from cityos_core.kernel.redaction import redacted

OK: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
DECLINED: Final = 3
AUTHENTICATION: Final = 4
FORBIDDEN: Final = 5
NOT_FOUND: Final = 6
REFUSED: Final = 7
INVALID: Final = 8
UNAVAILABLE: Final = 9
PARTIAL: Final = 10

EXIT_CODES: Final[dict[type[CityOSError], int]] = {
    Unauthenticated: AUTHENTICATION,
    Forbidden: FORBIDDEN,
    NotFound: NOT_FOUND,
    Conflict: REFUSED,
    Refused: REFUSED,
    Invalid: INVALID,
    Unavailable: UNAVAILABLE,
    OutcomeUnknown: UNAVAILABLE,
}
"""What a command exits with, by what the caller can do about the failure; the narrower class stands first."""

MOST_MISTAKES: Final = 100


class UsageError(typer.TyperException):
    """The command line itself is wrong: something is missing that only the person at it can add."""

    exit_code = USAGE


class Stopped(typer.TyperException):
    """The command ended short of success, and its results say why: some rows were rejected, a check failed."""

    def __init__(self, message: str, exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def exit_code(error: Exception) -> int:
    """Give the exit code of a failure."""
    if isinstance(error, typer.TyperException):
        return error.exit_code
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), FAILURE)


def one_line(error: Exception, *, with_code: bool = True) -> str:
    """Say in one line what went wrong; foreign errors keep their message to themselves, it may hold secrets."""
    if isinstance(error, typer.TyperException):
        command = getattr(getattr(error, "ctx", None), "command_path", None)
        hint = f" See {command} --help" if command else ""
        text = f"{error.format_message()}{hint}"
    elif isinstance(error, Invalid) and error.errors:
        shown = [f"{mistake.path}: {mistake.detail}" for mistake in error.errors[:MOST_MISTAKES]]
        more = len(error.errors) - len(shown)
        text = "; ".join([*shown, f"and {more} more"] if more else shown)
    elif isinstance(error, CityOSError):
        notes = "; ".join(getattr(error, "__notes__", ()))
        text = f"{error.detail} ({notes})" if notes else error.detail
    else:
        text = f"unexpected {type(error).__name__}; run it again with --debug to see where"
    code = f" [{error.code}]" if with_code and isinstance(error, CityOSError) else ""
    return redacted(" ".join(f"{text}{code}".split()))


def report(error: Exception, *, debug: bool) -> int:
    """Tell standard error about a failure and give the exit code."""
    if debug:
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
    sys.stderr.write(f"cityos: {one_line(error)}\n")
    return exit_code(error)
