"""Billing as jobs, over every database: whoever dies, wherever, the next one goes on, and everything ends the same."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.jobs.service import JobUseCases
from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.scope import PlatformScope
from cityos_core.subscriptions.plans import CatchUp
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.working import works
from core.subscriptions.samples import fixed, metered
from usecases.billing import TERMS
from usecases.cashier import Cashier
from usecases.dying import ending, passed

SIDES: Final = ("before_commit", "after_commit")
COMMITS: Final = {
    "jobs": ("tick", "wake", "relay", "claim", "progress", "record"),
    "billing": ("expire", "claim", "invoice", "take_over", "record", "certify", "retry", "recognise"),
}
POINTS: Final = (
    *(f"{part}.{commit}.{side}" for part, commits in COMMITS.items() for commit in commits for side in SIDES),
    *(f"{call}.{side}" for call in ("jobs.work", "billing.charge", "billing.inquire") for side in ("before", "after")),
)
"""Every fault point of jobs and billing that such a day passes."""


def worker(cashier: Cashier) -> JobUseCases:
    """A process that bills, as it is when it starts."""
    ports = cashier.club.office.dependencies
    return JobUseCases.of(ports, [work for work in works(ports) if work.operation.queue == "billing"])


def opened(database: UnitOfWorkFactory | None = None) -> Cashier:
    """A morning on which everything is to be done.

    Cycles are due, some begin and one ends; of three payments of yesterday nobody knows the outcome, one of them because
    its maker died; one was declined; somebody never paid the first one; and some revenue was earned.
    """
    cashier = Cashier.open(database)
    cashier.sell(fixed(), metered())
    cashier.sell(handle="merged", catch_up=CatchUp.MERGE)
    ada, bob, cleo = (cashier.join(name) for name in ("ada", "bob", "cleo"))
    cashier.wait(hours=1)
    cashier.join("dan")
    cashier.wait(hours=23)
    cashier.club.do("cancel", cashier.join("eve"), reason="too dear", at_period_end=True)
    cashier.join("fay", plan="merged")
    cashier.join("gus", collection=TERMS)
    cashier.wait(days=30)
    cashier.join("hal", payment_method="declined")
    cashier.gateway.script(Decline(), key=f"{ada.id}:1:1")
    cashier.gateway.script(Behaviour.LOSE_ANSWER, key=f"{ada.id}:1:2")
    cashier.gateway.script(Behaviour.LOSE_ANSWER, key=f"{bob.id}:1:1")
    cashier.gateway.script(Behaviour.LOSE_REQUEST, key=f"{cleo.id}:1:1")
    worker(cashier).drain()
    cashier.wait(hours=1)
    with faults.hooked(dying("billing.charge.before")), pytest.raises(Crash):
        worker(cashier).drain()
    cashier.club.do("record_usage", ada, [("a", "calls", 3, cashier.now)])
    cashier.wait(hours=23)
    return cashier


def dying(point: str) -> Callable[[str], None]:
    """Die at a fault point."""

    def strike(passing: str) -> None:
        if passing == point:
            raise Crash

    return strike


def live(cashier: Cashier) -> tuple[object, ...]:
    """Let another process do what is left, and what comes by itself; give where that ends."""
    jobs = worker(cashier)
    for hours in (1, 7, 24):
        cashier.wait(hours=hours)
        jobs.drain()
    counts = jobs.stats(PlatformScope())
    assert (counts.total, counts.failed) == (counts.completed, 0)
    assert all(run.certificate.ties for run in cashier.runs())
    return ending(cashier)


@pytest.fixture(scope="module")
def expected() -> tuple[object, ...]:
    """What it all comes to if nobody dies."""
    cashier = opened()
    worker(cashier).drain()
    return live(cashier)


def test_wherever_it_is(expected: tuple[object, ...]) -> None:
    """Whichever point of the morning somebody dies at, and however often it was passed, it ends the same."""
    undisturbed = opened()
    points = [name for name in passed(worker(undisturbed).drain) if name.startswith(("jobs.", "billing."))]
    assert set(points) == set(POINTS)
    for position, point in enumerate(points):
        cashier = opened()
        left = iter(range(points[:position].count(point)))

        def strike(name: str, point: str = point, left: Iterator[int] = left) -> None:
            if name == point and next(left, None) is None:
                raise Crash

        with faults.hooked(strike), pytest.raises(Crash):
            worker(cashier).drain()
        assert live(cashier) == expected, (point, position)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_over_a_database(
    kind: str, point: str, make_database: Callable[[str], UnitOfWorkFactory], expected: tuple[object, ...]
) -> None:
    """What a database keeps of a process that died is what the next one goes on from, and it ends as in memory."""
    cashier = opened(make_database(kind))
    with faults.hooked(dying(point)), pytest.raises(Crash):
        worker(cashier).drain()
    assert live(cashier) == expected
