"""The servers that the API benchmark asks: the whole application, and Litestar with nothing but one select behind it.

``python -m benchmarks.api_server city|floor DATABASE_URL PORT TENANT_ID``
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import uvicorn
from litestar import Litestar, get
from litestar.concurrency import set_asyncio_executor
from sqlalchemy import event, select

from cityos_adapters.bootstrap import SystemRandomness
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers, engine_for
from cityos_adapters.sql.tables.catalog import products
from cityos_core.access.model import Claims, RateLimit
from cityos_core.access.ports import Allowance
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.testing import SimulatedClock
from cityos_http import HttpOptions, create_app

THREADS = 6


class Anybody:
    """Believes that a token is the name of a customer."""

    def verify(self, token: str) -> Claims:
        return Claims(subject=token)


class Boundless:
    """Counts nobody's requests, but says what a limiter would."""

    def take(self, key: str, limit: RateLimit) -> Allowance:
        del key
        return Allowance(allowed=True, limit=limit.requests, remaining=limit.requests, reset_after_s=0)


def application(database: SqlDatabase) -> CityOS:
    """Assemble the application."""
    return CityOS.of(
        Dependencies(
            unit_of_work=database,
            clock=SimulatedClock(),
            identifiers=TimeOrderedIdentifiers(),
            tokens=Anybody(),
            limiter=Boundless(),
            randomness=SystemRandomness(),
        )
    )


def floor(url: str, tenant: str) -> Litestar:
    """Make an application with one endpoint and one select."""
    engine = engine_for(url, pool_size=THREADS)
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"SET app.tenant_id = '{tenant}'"))
    set_asyncio_executor(ThreadPoolExecutor(THREADS))

    wanted = select(products.c.id, products.c.sku, products.c.title, products.c.status)

    @get("/one/{key:uuid}", sync_to_thread=True)
    def one(key: UUID) -> dict[str, Any]:
        with engine.connect() as connection:
            row = connection.execute(wanted.where(products.c.id == key)).one()
            return {"id": str(row.id), "sku": row.sku, "title": row.title, "status": row.status.value}

    return Litestar([one], openapi_config=None, logging_config=None)


def main(arguments: Sequence[str]) -> None:
    """Serve until killed."""
    kind, url, port, tenant = arguments
    if kind == "floor":
        app = floor(url, tenant)
    else:
        options = HttpOptions(threads=THREADS)
        app = create_app(application(SqlDatabase(url, pool_size=THREADS)), options)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False)


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    main(sys.argv[1:])
