"""Asking before what cannot be undone."""

import sys

from cityos_cli.failures import DECLINED, Stopped, UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if ``--yes`` was given or someone at a terminal agrees; the question stands on standard error.

    Ends the command with 3 when the answer is no, and with 2 when there is nobody to ask.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} Nobody is here to ask: add --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Stopped("declined, nothing was done", DECLINED)
