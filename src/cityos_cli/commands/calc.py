"""Check one number: calculators that read JSON and need no database."""

from typing import Annotated, BinaryIO

import typer

from cityos_cli.output import Format, Output
from cityos_core.kernel.errors import FieldError, Invalid

app = typer.Typer(help="Check one number: JSON in, JSON out, no database.")

Source = Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - for standard input.")]


@app.command()
def allocate(source: Source) -> None:
    """Divide an amount by weights, exactly."""
    _calculate("allocate", source)


@app.command()
def commission(source: Source) -> None:
    """Decide the commission of an order under a list of rules."""
    _calculate("commission", source)


@app.command()
def refunds(source: Source) -> None:
    """Unwind a sale by one refund after the other."""
    _calculate("refunds", source)


@app.command()
def tiers(source: Source) -> None:
    """Price a quantity in bands."""
    _calculate("tiers", source)


@app.command()
def periods(source: Source) -> None:
    """List recurring periods, or find the one an instant lies in."""
    _calculate("periods", source)


@app.command()
def proration(source: Source) -> None:
    """Give the part of an amount that falls on a part of its period."""
    _calculate("proration", source)


def _calculate(name: str, source: BinaryIO) -> None:
    from cityos_adapters.calculators import calculate
    from cityos_adapters.files.documents import LARGEST_DOCUMENT
    from cityos_adapters.serialization import parse

    content = source.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        detail = f"the input is larger than {LARGEST_DOCUMENT} bytes"
        raise Invalid("file_too_large", detail, [FieldError("$", "file_too_large", detail)])
    result = calculate(name, parse(content))
    Output(Format.JSON).record(result)
