"""Pausing and resuming, any number of times: time paused is not billed, and what was charged covers what is given back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resolution", Resolution)
def test_ten_pauses_of_a_year(kind: str, resolution: Resolution, make_database: MakeDatabase) -> None:
    """Paused ten times for ten days, a year costs a hundred days less, is never given back twice, and renews on its day."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell(fixed("3650.00"), interval=Interval.YEAR, proration=resolution)
    begun = club.begin(tax=VAT)
    for _ in range(10):
        club.wait(days=20)
        paused = club.do("pause", begun)
        assert (paused.status, paused.due_at, paused.paused_at) == (S.PAUSED, None, club.now)
        assert club.cycles(begun)[-1].due_at is None
        club.wait(days=10)
        resumed = club.do("resume", begun)
        assert (resumed.status, resumed.due_at) == (S.ACTIVE, begun.due_at)
        assert club.cycles(begun)[-1].due_at == begun.due_at
        club.audit()
    assert sum(one.net.minor for one in club.invoices()) == 265_000
    assert [one.change for one in club.invoices()] == list(range(21))
    club.wait(days=65)
    assert begun.due_at == club.now
    club.office.bill(begun.id)
    assert (club.totals()[-1], club.states(begun)[-2:]) == ("4416.50", ["invoiced", "upcoming"])
    assert [one.kind.value for one in club.movements()] == ["new", *["churn", "reactivation"] * 10]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_paused_over_several_periods(kind: str, make_database: MakeDatabase) -> None:
    """Periods that passed while it was paused are skipped; the running one is billed for its rest, and the anchor stays."""
    club = Club.open(Office.open(database=make_database(kind), gateways={"card": ScriptedGateway()}))
    club.sell(fixed("31.00"))
    begun = club.begin(collection=CHARGED)
    club.wait(days=10)
    club.do("pause", begun)
    club.wait(days=80)
    resumed = club.do("resume", begun)
    assert (club.now.date().isoformat(), resumed.due_at) == ("2026-04-05", club.now.replace(month=5))
    assert [(one.index, one.status.value, one.reason) for one in club.cycles(begun)] == [
        (0, "paid", None), (1, "skipped", "paused"), (2, "skipped", "paused"), (3, "paid", None), (4, "upcoming", None),
    ]  # fmt: skip
    assert [(one.cycle, one.change, one.from_credit) for one in club.invoices()] == [(0, 0, 0), (0, 1, 0), (3, 0, 2100)]
    club.wait(days=30)
    club.office.bill(begun.id)
    assert club.totals() == ["31.00", "-21.00", "31.00", "31.00"]
    club.audit()


def test_paused_and_resumed_on_one_day() -> None:
    """By days a pause of some hours gives the day back and charges it again."""
    club = Club.open()
    club.sell(fixed("31.00"))
    begun = club.begin()
    club.wait(days=10)
    for _ in range(3):
        club.do("pause", begun)
        club.wait(hours=1)
        club.do("resume", begun)
    assert club.totals() == ["31.00", *["-21.00", "21.00"] * 3]
    club.audit()


def test_paused_twice_or_resumed_twice() -> None:
    """What is paused cannot be paused, and what runs cannot be resumed; the error says what can be done."""
    club = Club.open()
    club.sell()
    begun = club.begin()
    club.do("pause", begun)
    for action in ("pause", "change_trial", "convert", "undo"):
        args = [club.now + timedelta(days=1)] if action == "change_trial" else []
        with pytest.raises(Conflict) as error:
            club.do(action, begun, *args)
        assert (error.value.code, error.value.allowed_actions) == ("invalid_state", ("resume", "cancel"))
    club.do("resume", begun)
    with pytest.raises(Conflict):
        club.do("resume", begun)
    club.audit()


def test_usage_before_the_pause_is_billed_when_it_goes_on() -> None:
    """What was used before a pause is billed with the first invoice after it, once."""
    club = Club.open()
    club.sell(fixed("31.00"), metered())
    begun = club.begin()
    club.wait(days=5)
    club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", 4, club.now)])
    club.do("pause", begun)
    assert [line.kind.value for line in club.invoices()[-1].lines] == ["credit"]
    club.wait(days=40)
    club.do("resume", begun)
    assert [(line.kind.value, line.cycle, line.net) for line in club.invoices()[-1].lines] == [
        ("debit", 1, 1550), ("usage", 0, 400),
    ]  # fmt: skip
    club.wait(days=60)
    club.office.bill(begun.id)
    assert sum(line.net for one in club.invoices() for line in one.lines if line.item == "calls") == 400
    club.audit()


def test_late_usage_outlives_a_pause() -> None:
    """Usage that came late is still to be billed after a pause has been invoiced, for that gave back and billed nothing."""
    club = Club.open()
    club.sell(fixed("31.00"), metered())
    begun = club.begin()
    club.wait(days=31)
    club.office.bill(begun.id)
    club.wait(days=1)
    (late,) = club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", 4, begun.created_at)])
    assert late.is_late
    club.do("pause", begun)
    club.wait(days=1)
    club.do("resume", begun)
    assert [line.kind.value for line in club.invoices()[-1].lines] == ["debit", "late_usage"]
    club.wait(days=60)
    club.office.bill(begun.id)
    assert sum(line.net for one in club.invoices() for line in one.lines if line.item == "calls") == 400
    club.audit()
