"""Modules and functions stay small enough to read."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)
LONGEST_MODULE = 300
LONGEST_FUNCTION = 70


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_size(path: Path) -> None:
    """No module is longer than 300 lines, no function longer than 70."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    long = {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION}
    assert not long
