"""How tests speak to the command line."""

import io
import json
from collections.abc import Callable
from typing import Any

from attrs import frozen


@frozen
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    def succeeded(self) -> "Result":
        """Insist on success."""
        assert self.code == 0, self.err
        return self


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


Cityos = Callable[..., Result]
"""Runs a command: its words, and what is piped into it as ``stdin``."""


def read(result: Result) -> Any:
    """Read the JSON that a command printed."""
    return json.loads(result.out)
