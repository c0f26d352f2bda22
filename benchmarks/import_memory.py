"""Importing orders: the memory of ``cityos orders import`` must not grow with the file.

``CITYOS_BENCH_IMPORTS`` says how many orders the larger file holds; the other one holds a tenth of that.
"""

import sys
from collections.abc import Iterator
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.memory import Cost, measured, report
from benchmarks.ratios import Ratio, show
from benchmarks.shop import draft, shop
from cityos_adapters.serialization import dump, render
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.migration import migrate
from cityos_cli.main import app as command
from cityos_core.testing.assembly import city

ORDERS: Final = int(environ.get("CITYOS_BENCH_IMPORTS", "10000"))
MOST: Final = 1.1
"""Times the memory that a tenth of the orders needs."""


def imported(orders: int) -> Cost:
    """Import a file of so many orders into a new SQLite database, in a process of its own."""
    with TemporaryDirectory(prefix="cityos-bench-") as folder:
        url, file = f"sqlite:///{folder}/city.db", Path(folder) / "orders.jsonl"
        migrate(url)
        with SqlDatabase(url) as database:
            tenant = shop(city(unit_of_work=database, identifiers=TimeOrderedIdentifiers()))
        with file.open("w", encoding="utf-8") as stream:
            stream.writelines(f"{render(dump(draft(number)))}\n" for number in range(orders))
        arguments = ("--database-url", url, "--tenant", tenant.handle, "orders", "import", file)
        return measured("benchmarks.import_memory", *arguments)


def run() -> Iterator[Ratio]:
    """Measure a file and one of ten times as many orders."""
    small, large = imported(ORDERS // 10), imported(ORDERS)
    yield Ratio(
        name="memory of importing ten times the orders",
        value=large.peak / small.peak,
        most=MOST,
        measured=f"{large.peak:.0f} MiB for {ORDERS} orders, {small.peak:.0f} MiB for {ORDERS // 10};"
        f" {ORDERS / large.seconds:.0f} orders/s",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        report(lambda: command(sys.argv[1:], standalone_mode=False))
    else:
        show(run())
