"""The process dies anywhere: what it did and the entry that tells of it are both there, or neither is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from cityos_core.app import CityOS
from cityos_core.audit.ports import AuditFilter
from cityos_core.kernel import faults
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.ports import OrderFilter
from cityos_core.testing import city, line, market, order_draft
from cityos_core.unit_of_work import UnitOfWorkFactory

pytestmark = pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])


@contextmanager
def dying(point: int) -> Iterator[list[str]]:
    """Let the process die at a fault point, by number; give the names of those it passed."""
    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(name)
        if len(passed) == point:
            raise Crash

    with faults.hooked(hook):
        try:
            yield passed
        except Crash:
            passed.append("died")


def told(app: CityOS, scope: TenantScope) -> set[object]:
    """List the orders that were placed by what the audit says."""
    found = app.audit.export(scope, AuditFilter(action="orders:place"))
    return {change["target"] for entry in found for change in entry.changes if change["kind"] == "order"}


def test_killed_anywhere(kind: str, make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """Killed at each fault point of placing an order, the order and its entry share their fate, and the chain holds."""
    app = city(unit_of_work=make_database(kind))
    scope = market(app).scope
    fates = set()
    for number in count(1):
        with dying(number) as passed, acting(Caller(principal="user:7", action="orders:place")):
            app.orders.place(scope, order_draft(f"A-{number}", line(), line("2", vendor="birch", sku="table")))
        stored = app.orders.list(scope, OrderFilter()).items
        assert told(app, scope) == {str(order.id) for order in stored}
        found = app.audit.verify(scope)
        assert found.is_whole
        assert app.ledger.verify(scope).ok
        fates.add((passed[-2], f"A-{number}" in {order.reference for order in stored}))
        if passed[-1] != "died":
            break
    assert {("commit.before", False), ("commit.after", True)} <= fates
