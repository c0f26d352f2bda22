"""Killed for real: SIGKILL at every fault point of an order's way from the shop to the vendor's account."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MORTAL = Path(__file__).with_name("mortal.py")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_anywhere_nothing_is_paid_twice_and_nothing_lost(
    kind: str, make_url: Callable[[str], str], tmp_path: Path
) -> None:
    """Placing, shipping, releasing and paying out, killed at each fault point and run again, ends as if undisturbed."""
    folder = tmp_path / "provider"
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, str(MORTAL), make_url(kind), str(folder)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 40
