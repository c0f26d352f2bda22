"""The API at eight clients, against Litestar that does one select and nothing else: how long most answers take.

``CITYOS_BENCH_REQUESTS`` says how many requests each client sends in a round.
"""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from os import environ
from time import perf_counter_ns
from typing import Final
from uuid import UUID, uuid4

from attrs import frozen

from benchmarks.api_server import application
from benchmarks.ratios import Ratio, show
from benchmarks.shop import draft, shop
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import Grant, Principal, PrincipalKind, Reach
from cityos_core.kernel.ids import OrderId, ProductId
from cityos_http.identifiers import written
from servers import postgres

REQUESTS: Final = int(environ.get("CITYOS_BENCH_REQUESTS", "150"))
CLIENTS: Final = 8
ROUNDS: Final = 3
SLOWEST_MS: Final = 200
MOST: Final = 3.0
"""Times the floor, for reads."""

ROOT: Final = Principal(
    kind=PrincipalKind.SYSTEM, id="benchmark", grants=(Grant(role="administrator", reach=Reach.PLATFORM),)
)


@frozen
class Ask:
    """A request, made anew each time it is sent."""

    method: str
    path: str
    headers: Callable[[], dict[str, str]]
    body: str | None = None
    status: int = 200


def p95_ms(port: int, ask: Ask) -> float:
    """Send a round of requests from all clients and give the 95th percentile of how long they took."""

    def client(_: int) -> list[int]:
        took = []
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            for _ in range(REQUESTS):
                start = perf_counter_ns()
                connection.request(ask.method, ask.path, ask.body, ask.headers())
                answer = connection.getresponse()
                text = answer.read()
                took.append(perf_counter_ns() - start)
                if answer.status != ask.status:
                    raise RuntimeError(f"{ask.method} {ask.path} answered {answer.status}: {text[:300]!r}")
        return took

    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = sorted(one for many in pool.map(client, range(CLIENTS)) for one in many)
    return taken[len(taken) * 95 // 100] / 1e6


@contextmanager
def served(kind: str, url: str, tenant: UUID) -> Iterator[int]:
    """Run a server in a process of its own and give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.api_server", kind, url, str(port), str(tenant)]
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def run() -> Iterator[Ratio]:
    """Measure reads of a product and of an order, and buying; the best round of each counts."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running())
        name = server.create()
        migrate(server.as_owner(name))
        city = application(stack.enter_context(SqlDatabase(server.as_login(name))))
        tenant = shop(city)
        order = city.orders.place(tenant.scope, draft(0))
        _, key = city.access.create_key(tenant.scope, ROOT, KeyDraft(name="benchmark", role="administrator"))
        product = city.products.get(tenant.scope, "sku-1").id
        app = stack.enter_context(served("city", server.as_login(name), tenant.id))
        floor = stack.enter_context(served("floor", server.as_login(name), tenant.id))
        host = {"Host": f"{tenant.handle}.localhost"}
        secret = {**host, "Authorization": f"Bearer {key}"}
        customer = {**host, "Authorization": "Bearer hotel-7"}
        lines = [{"sku": f"sku-{n}", "quantity": 2} for n in range(3)]
        asks = {
            "product read": Ask("GET", f"/store/products/{written(ProductId, product)}", lambda: customer),
            "order read": Ask("GET", f"/admin/orders/{written(OrderId, order.id)}", lambda: secret),
            "order placed": Ask(
                "POST",
                "/store/orders",
                lambda: {**customer, "Content-Type": "application/json", "Idempotency-Key": str(uuid4())},
                json.dumps({"lines": lines}),
                201,
            ),
        }
        one = Ask("GET", f"/one/{UUID(int=product.int)}", dict)
        for name, ask in asks.items():
            rounds = [(p95_ms(app, ask), p95_ms(floor, one)) for _ in range(ROUNDS)]
            took, least = map(min, zip(*rounds, strict=True))
            yield Ratio(
                name=f"{name} over HTTP, p95 at {CLIENTS} clients",
                value=took / least,
                most=MOST if ask.method == "GET" else None,
                least=None if ask.method == "GET" else 0,
                measured=f"{took:.1f} ms of {least:.1f} ms (at most {SLOWEST_MS} ms)",
            )


if __name__ == "__main__":
    show(run())
