"""Progress on standard error, when someone is watching there."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cityos_core.kernel.errors import Invalid


def note(message: str) -> None:
    """Say something to the person at the terminal; standard output stays data."""
    sys.stderr.write(f"{message}\n")


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file, ``-`` for standard input, with a bar on standard error that fills as it is read."""
    try:
        if str(path) == "-":
            yield sys.stdin.buffer
        elif sys.stderr.isatty():
            with _drawn(path) as stream:
                yield stream
        else:
            with path.open("rb") as stream:
                yield stream
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename is None or Path(str(error.filename)) != path:
            raise
        raise Invalid("unreadable_file", f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _drawn(path: Path) -> Iterator[BinaryIO]:
    from rich.console import Console
    from rich.progress import open as open_with_bar

    with open_with_bar(path, "rb", description=path.name, console=Console(file=sys.stderr), transient=True) as stream:
        yield stream


@contextmanager
def advancing(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Give a call that tells how far a long piece of work has come, drawn on standard error if someone watches."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
