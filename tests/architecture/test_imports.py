"""What an import costs, and what the core may touch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
CORE = sorted(path for path in (SOURCE / "cityos_core").rglob("*.py") if "testing" not in path.parts)
HEAVY = (
    *("sqlalchemy", "alembic", "cattrs", "typer", "rich", "psycopg", "sepaxml", "hypothesis", "pytest"),
    *("redis", "httpx2", "joserfc", "dns"),
)


def _run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def _loaded(imports: str) -> set[str]:
    return set(_run(f"import sys\n{imports}\nprint(*sys.modules)").split())


@pytest.mark.parametrize("imports", ["import cityos_core", "import cityos_core.app", "from cityos_core import CityOS"])
def test_core_is_light(imports: str) -> None:
    """Importing the core loads no framework, database driver or test tool."""
    assert not _loaded(imports) & set(HEAVY)


def test_help_is_light() -> None:
    """Building the command line loads Typer, and nothing that a command needs only when it runs."""
    loaded = _loaded("import cityos_cli.main")
    assert "typer" in loaded
    assert not loaded & (set(HEAVY) - {"typer"})
    assert not [name for name in loaded if name.startswith("cityos_adapters.") and "settings" not in name]


def test_import_time_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The time to import the core is told as a ratio to importing attrs, so that a regression is seen in the log."""
    measure = "import time; start = time.perf_counter_ns(); import {}; print(time.perf_counter_ns() - start)"
    core, attrs = (min(int(_run(measure.format(name))) for _ in range(3)) for name in ("cityos_core", "attrs"))
    with capsys.disabled():
        sys.stdout.write(f"\nimport cityos_core: {core / 1e6:.0f} ms, {core / attrs:.1f} x import attrs\n")
    assert core > 0


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_core_imports_attrs_and_the_standard_library(path: Path) -> None:
    """A module of the core imports attrs, typing_extensions, the standard library and the core."""
    allowed = sys.stdlib_module_names | {"attr", "attrs", "typing_extensions", "cityos_core"}
    assert _imported(ast.parse(path.read_text("utf-8"))) <= allowed


def _calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_core_takes_time_and_chance_from_ports(path: Path) -> None:
    """A module of the core makes no float, reads no clock and draws no random number."""
    tree = ast.parse(path.read_text("utf-8"))
    forbidden = {"float", "datetime.now", "datetime.utcnow", "date.today", "time.time", "uuid1", "uuid4", "uuid.uuid4"}
    assert not _calls(tree) & forbidden
    assert not _imported(tree) & {"random", "secrets", "time"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is float]
