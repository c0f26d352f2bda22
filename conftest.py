"""Runs the examples of the documentation: Python in one namespace per page, shell in one folder per page."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

SCRIPTS = Path(sys.executable).parent


def _in_a_folder(namespace: dict[str, Any]) -> None:
    namespace["_folder"] = tempfile.TemporaryDirectory(prefix="cityos-docs-")


def _without_it(namespace: dict[str, Any]) -> None:
    namespace["_folder"].cleanup()


def _shell(example: Example) -> None:
    """Run a block of shell; what it exports and writes is there in the next block, scripts of the page are beside it."""
    folder = Path(example.namespace["_folder"].name)
    if not (folder / ".exported").exists():
        (folder / ".exported").touch()
        for script in Path(example.path).parent.glob("*.py"):
            shutil.copy(script, folder)
    result = subprocess.run(  # noqa: S603  the documentation is ours
        ["/bin/bash", "-euo", "pipefail", "-c", f"source .exported\n{example.parsed}\nexport -p > .exported\n"],
        cwd=folder,
        env={"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if result.returncode:
        raise AssertionError(f"exit {result.returncode}\n{result.stdout}\n{result.stderr}")


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="bash", evaluator=_shell)],
    patterns=["README.md", "docs/**/*.md"],
    setup=_in_a_folder,
    teardown=_without_it,
).pytest()
