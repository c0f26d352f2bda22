"""The journey that the documentation makes with curl on SQLite, made on PostgreSQL."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from servers.postgres import Postgres

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "http-api.md"
EMBEDDED = "sqlite:///city.db"


def test_the_journey_of_the_documentation(postgres: Postgres, tmp_path: Path) -> None:
    """Every block of the page runs in order, from an empty database to a paid vendor and an audit that holds."""
    if shutil.which("curl") is None:
        pytest.skip("the journey of docs/howto/http-api.md needs curl; install it to make it on PostgreSQL")
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert any(EMBEDDED in block for block in blocks)
    script = "\n".join(blocks).replace(EMBEDDED, postgres.as_owner(postgres.create()))
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (tmp_path / "said.txt").open("w+") as said:
        shell = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={"PATH": scripts, "HOME": str(tmp_path)},
            stdout=said,
            stderr=said,
            process_group=0,
        )
        try:
            code = shell.wait(timeout=120)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        said.seek(0)
        assert code == 0, said.read()
