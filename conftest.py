"""Runs the examples of the documentation: Python in one namespace per page, shell in one folder per page."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

SCRIPTS = Path(sys.executable).parent


def _has_curl() -> bool:
    if shutil.which("curl") is None:
        return False
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.match(r"curl (\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= (7, 77)


HAS_CURL = _has_curl()


def _in_a_folder(namespace: dict[str, Any]) -> None:
    namespace["_folder"] = tempfile.TemporaryDirectory(prefix="cityos-docs-")


def _without_it(namespace: dict[str, Any]) -> None:
    for group in namespace.get("_groups", ()):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)  # a server that a block began and no later one stopped
    namespace["_folder"].cleanup()


def _shell(example: Example) -> None:
    """Run a block of shell; what it exports and writes is there in the next block, scripts of the page are beside it."""
    if "curl " in example.parsed and not HAS_CURL:
        example.namespace["_lacks"] = "curl"
    if "_lacks" in example.namespace:
        pytest.skip("pages that ask over HTTP need curl 7.77 or later; install it to run their examples")
    folder = Path(example.namespace["_folder"].name)
    if not (folder / ".exported").exists():
        (folder / ".exported").touch()
        for script in Path(example.path).parent.glob("*.py"):
            shutil.copy(script, folder)
    with tempfile.TemporaryFile("w+") as said:  # no pipe: what goes on in the background would keep it open
        shell = subprocess.Popen(  # noqa: S603  the documentation is ours
            ["/bin/bash", "-euo", "pipefail", "-c", f"source .exported\n{example.parsed}\nexport -p > .exported\n"],
            cwd=folder,
            env={"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
            stdout=said,
            stderr=said,
            process_group=0,
        )
        example.namespace.setdefault("_groups", []).append(shell.pid)
        if shell.wait(timeout=120):
            said.seek(0)
            raise AssertionError(f"exit {shell.returncode}\n{said.read()}")


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="bash", evaluator=_shell)],
    patterns=["README.md", "docs/**/*.md"],
    setup=_in_a_folder,
    teardown=_without_it,
).pytest()
