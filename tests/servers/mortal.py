"""The `cityos` program in a process that is killed with SIGKILL as it passes a fault point; run as a script."""

import os
import signal
import sys

from cityos_cli.main import main
from cityos_core.kernel import faults


def live(point: str, *words: str) -> None:
    """Run a command until the fault point."""

    def strike(passed: str) -> None:
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    with faults.hooked(strike):
        sys.exit(main(words))


if __name__ == "__main__":
    live(*sys.argv[1:])
