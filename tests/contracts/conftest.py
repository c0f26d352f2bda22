"""One empty database of each kind for every contract."""

from collections.abc import Callable

import pytest

from cityos_core.unit_of_work import UnitOfWorkFactory

KINDS = ("memory", "sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def unit_of_work(
    request: pytest.FixtureRequest, make_database: Callable[[str], UnitOfWorkFactory]
) -> UnitOfWorkFactory:
    """An empty database of one kind."""
    return make_database(request.param)
