"""Benchmarks: each compares with a floor that is measured in the same run, and prints a ratio; ``python -m benchmarks``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # for the servers that the tests start
