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
from typing import Final

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

Place = Callable[[int, int], object]
"""Places an order of a number, in the thread of a number."""


@frozen
class Sides:
    """The application and its floor, each in a database of its own."""

    app: Place
    floor: Place


@contextmanager
def sides(server: postgres.Postgres) -> Iterator[Sides]:
    """Open both, with one order in each database."""
    with ExitStack() as stack:
        places = []
        for _ in range(2):
            name = server.create()
            migrate(server.as_owner(name))
            database = stack.enter_context(SqlDatabase(server.as_login(name)))
            app = city(unit_of_work=database, identifiers=TimeOrderedIdentifiers())
            tenant = shop(app)
            places.append((server.as_login(name), partial(app.orders.place, tenant.scope)))
        (_, place), (url, place_one) = places
        floor = Floor.of(url, place_one(draft(0)))
        connections = [stack.enter_context(connected(url)) for _ in range(max(THREADS))]
        yield Sides(
            lambda number, _: place(draft(number)), lambda number, thread: floor.place(connections[thread], number)
        )


def rate(place: Place, numbers: Iterator[int], *, threads: int) -> float:
    """Place a round of orders and give how many that is per second."""

    def work(thread: int) -> None:
        for number in shares[thread]:
            place(number, thread)

    shares = [[next(numbers) for _ in range(ORDERS // threads)] for _ in range(threads)]
    start = perf_counter()
    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return sum(map(len, shares)) / (perf_counter() - start)


def run() -> Iterator[Ratio]:
    """Measure with one thread and with several; the best round of each side counts."""
    with postgres.running() as server, sides(server) as both:
        numbers = count(1)
        for threads in THREADS:
            rounds = [
                (rate(both.app, numbers, threads=threads), rate(both.floor, numbers, threads=threads))
                for _ in range(ROUNDS)
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
