"""A directive that writes down every command of the command line, from what the commands say of themselves."""

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command
from typing_extensions import override

from cityos_cli.main import app


class Commands(SphinxDirective):
    """Lists all commands with their help."""

    @override
    def run(self) -> list[nodes.Node]:
        """Build a section for each group."""
        root = get_command(app)
        return list(self._sections(root))

    def _sections(self, root: object) -> Iterator[nodes.Node]:
        for name, group in sorted(getattr(root, "commands", {}).items()):
            section = nodes.section(ids=[f"cityos-{name}"], names=[name])
            section += nodes.title(text=f"cityos {name}")
            section += nodes.paragraph(text=group.help)
            entries = list(_leaves(f"cityos {name}", group))
            if group.invoke_without_command:
                entries = [(f"cityos {name} {_parameters(group)}".strip(), group.callback.__doc__ or "")]
            if entries:
                section += nodes.definition_list("", *(_entry(usage, text) for usage, text in entries))
            yield section


def _leaves(path: str, group: object) -> Iterator[tuple[str, str]]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from _leaves(f"{path} {name}", command)
        else:
            yield f"{path} {name} {_parameters(command)}".strip(), command.help or ""


def _parameters(command: object) -> str:
    shown = []
    for parameter in getattr(command, "params", ()):
        word = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name.upper()
        if word != "--help":
            shown.append(word if parameter.required else f"[{word}]")
    return " ".join(shown)


def _entry(usage: str, text: str) -> nodes.Node:
    term = nodes.term("", "", nodes.literal(text=usage))
    return nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph(text=text)))


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    sphinx.add_directive("cityos-commands", Commands)
    return {"parallel_read_safe": True}
