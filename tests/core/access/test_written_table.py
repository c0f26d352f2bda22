"""The table of roles in the documentation is the table that decides."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cityos_core.access.actions import RESOURCES, VERBS
from cityos_core.access.model import Reach
from cityos_core.access.roles import ROLES, Role

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "access.md"


def _patterns(patterns: Iterable[str]) -> str:
    verbs: dict[str, list[str]] = {}
    for pattern in patterns:
        resource, _, verb = pattern.partition(":")
        verbs.setdefault(resource, []).append(verb)
    return ", ".join(f"`{resource}:{'/'.join(found)}`" for resource, found in verbs.items())


def _row(role: Role) -> str:
    reaches = ", ".join(reach for reach in Reach if reach in role.reaches)
    return f"| `{role.name}` | {role.doc} | {reaches} | {_patterns(role.permissions)} | {_patterns(role.shared)} |"


def table() -> Iterator[str]:
    """Write the table of roles."""
    yield "| Role | For | Reaches | May, as far as it reaches | May, in the whole tenant |"
    yield "|---|---|---|---|---|"
    yield from map(_row, ROLES.values())


def test_the_table_is_what_decides() -> None:
    """Run this module with Python to print the table anew."""
    lines = PAGE.read_text("utf-8").splitlines()
    written = [line for line in lines if line.count("|") == 6]
    assert written == list(table())


def test_every_resource_and_verb_is_written_down() -> None:
    """The page lists all resources and all verbs."""
    words = PAGE.read_text("utf-8")
    assert f"Resources: {', '.join(RESOURCES)}." in words.replace("\n", " ")
    assert f"Verbs: {', '.join(VERBS)}." in words.replace("\n", " ")


if __name__ == "__main__":
    print(*table(), sep="\n")  # noqa: T201
