"""Placing orders of three vendors on PostgreSQL, against hand-written SQL that writes the same rows.

Placing reads what it decides from, prices, decides commission, splits and posts; the floor only writes.
``CITYOS_BENCH_ORDERS`` says how many orders each side writes in a round.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from os import environ
from time import perf_counter
from typing import Any, Final

from attrs import frozen

from benchmarks.order_floor import Floor, connected
from benchmarks.ratios import Ratio, show
from benchmarks.shop import draft, shop
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.migration import migrate
from cityos_core.testing.assembly import city
from servers import postgres

ORDERS: Final = int(environ.get("CITYOS_BENCH_ORDERS", "400"))
ROUNDS: Final = 5
LEAST: Final = 0.5
"""Of the floor's rate."""

THREADS: Final = (1, 4)


@frozen
class Side:
    """One of those that are compared."""

    ask: Callable[[int], Any]
    """Makes what is asked for, of a number; this takes no time of the side's."""
    place: Callable[[Any, int], object]
    """Places what is asked for, in the thread of a number."""


@contextmanager
def sides(server: postgres.Postgres) -> Iterator[tuple[Side, Side]]:
    """Open the application and its floor, each over a database of its own that holds one order."""
    with ExitStack() as stack:
        shops = []
        for _ in range(2):
            name = server.create()
            migrate(server.as_owner(name))
            database = stack.enter_context(SqlDatabase(server.as_login(name)))
            app = city(unit_of_work=database, identifiers=TimeOrderedIdentifiers())
            place = partial(app.orders.place, shop(app).scope)
            shops.append((server.as_login(name), place, place(draft(0))))
        (_, place, _), (url, _, order) = shops
        floor = Floor.of(url, order)
        connections = [stack.enter_context(connected(url)) for _ in range(max(THREADS))]
        yield (
            Side(draft, lambda wanted, _: place(wanted)),
            Side(lambda number: number, lambda number, thread: floor.place(connections[thread], number)),
        )


def rate(side: Side, numbers: Iterator[int], *, threads: int) -> float:
    """Place a round of orders and give how many that is per second."""

    def work(thread: int) -> None:
        for wanted in shares[thread]:
            side.place(wanted, thread)

    shares = [[side.ask(next(numbers)) for _ in range(ORDERS // threads)] for _ in range(threads)]
    start = perf_counter()
    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return sum(map(len, shares)) / (perf_counter() - start)


def run() -> Iterator[Ratio]:
    """Measure with one thread and with several; the best round of each side counts."""
    with postgres.running() as server, sides(server) as (app, floor):
        numbers = count(1)
        for threads in THREADS:
            rounds = [
                (rate(app, numbers, threads=threads), rate(floor, numbers, threads=threads)) for _ in range(ROUNDS)
            ]
            placed, written = map(max, zip(*rounds, strict=True))
            yield Ratio(
                name=f"order of three vendors placed, {threads} thread{'s' * (threads > 1)}",
                value=placed / written,
                least=LEAST,
                measured=f"{placed:.0f} of {written:.0f} orders/s",
            )


if __name__ == "__main__":
    show(run())
