"""The ``cityos`` command: every administrative action, in-process, against the configured database."""

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typing_extensions import override

from cityos_cli import commands
from cityos_cli.failures import OK, report
from cityos_cli.output import Format
from cityos_cli.session import Session

VALUED: Final = frozenset({"--tenant", "--database-url", "--output", "--config"})
DEBUG: Final = "--debug"


def hoisted(args: Iterable[str]) -> list[str]:
    """Bring the options that every command shares to the front, wherever they stand before a ``--``."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        name, equals, _ = arg.partition("=")
        if arg == "--":
            rest += [arg, *waiting]
        elif arg == DEBUG or (name in VALUED and equals):
            front.append(arg)
        elif name in VALUED:
            front += [arg, *islice(waiting, 1)]
        else:
            rest.append(arg)
    return front + rest


class Root(TyperGroup):
    """The outermost group, whose options may stand before or after the command."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoisted(args))


app = typer.Typer(
    cls=Root,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="These options may also stand after the command: cityos commission report --output json.",
)
for module in iter_modules(commands.__path__):
    app.add_typer(import_module(f"{commands.__name__}.{module.name}").app, name=module.name)


@app.callback()
def options(
    ctx: typer.Context,
    *,
    tenant: Annotated[str | None, typer.Option(help="The tenant to work in, by handle.")] = None,
    database_url: Annotated[str | None, typer.Option(help="sqlite:///city.db or postgresql://...")] = None,
    output: Annotated[Format, typer.Option(help="How results are written.")] = Format.TABLE,
    config: Annotated[Path | None, typer.Option(help="A file of settings, in TOML.")] = None,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where a failure comes from.")] = False,
) -> None:
    """Run a marketplace: tenants, vendors, orders, commission, ledger, payouts and subscriptions."""
    del debug  # read where failures are reported
    session = Session.opened(tenant=tenant, database_url=database_url, config=config, output=output)
    ctx.obj = ctx.with_resource(session)


def main(args: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    try:
        code = app(args=list(args) or ["--help"], prog_name="cityos", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere at exit
        return OK
    except Exception as error:  # noqa: BLE001  the outermost handler answers for everything
        return report(error, debug=DEBUG in args)
    return code or OK


def run() -> None:
    """Run the command that the process was started with; a standard input that is closed reads as an empty one."""
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  open as long as the process
    sys.exit(main(sys.argv[1:]))
