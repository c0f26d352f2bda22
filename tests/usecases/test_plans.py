"""Plans: put on sale, listed, taken off sale, and never changed."""

from collections.abc import Callable
from typing import Any

import pytest

from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.plans import DunningPolicy, PlanItem
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_is_found_as_it_was_created(kind: str, make_database: MakeDatabase) -> None:
    """A plan is found by its handle and by its id, with everything it says."""
    club = Club.open(Office.open(database=make_database(kind)))
    dunning = DunningPolicy(days=(1, 2))
    made = club.sell(
        fixed(), seats(), metered(), handle="team", interval=Interval.YEAR, count=2, trial_days=14, dunning=dunning
    )
    assert club.plans.get(club.scope, "team") == club.plans.get(club.scope, made.id) == made
    assert (made.currency, made.version, made.created_at) == ("EUR", 1, club.now)
    assert club.sell(_yen(), handle="yen", currency="JPY").currency == "JPY"
    with pytest.raises(Conflict) as taken:
        club.sell(handle="team")
    assert taken.value.code == "handle_taken"


@pytest.mark.parametrize("kind", KINDS)
def test_plans_are_listed_by_handle(kind: str, make_database: MakeDatabase) -> None:
    """Plans come a page at a time, by handle, retired ones too."""
    club = Club.open(Office.open(database=make_database(kind)))
    for handle in ("gold", "basic", "silver"):
        club.sell(handle=handle)
    club.plans.retire(club.scope, "basic")
    first = club.plans.list(club.scope, PageRequest(2))
    rest = club.plans.list(club.scope, PageRequest(2, first.after))
    assert [plan.handle for plan in (*first.items, *rest.items)] == ["basic", "gold", "silver"]
    assert not rest.has_more


@pytest.mark.parametrize("kind", KINDS)
def test_a_retired_plan_is_not_sold(kind: str, make_database: MakeDatabase) -> None:
    """Nobody subscribes to a retired plan or changes to it; who has it keeps it, and retiring it again changes nothing."""
    club = Club.open(Office.open(database=make_database(kind)))
    plan = club.sell(seats(), handle="team")
    club.sell(handle="other")
    has, other = club.begin("team", quantities={"seats": 2}), club.begin("other")
    club.wait(days=1)
    retired = club.plans.retire(club.scope, plan.id)
    assert (retired.retired_at, retired.version) == (club.now, 2)
    club.wait(days=1)
    assert club.plans.retire(club.scope, "team") == retired == club.plans.get(club.scope, "team")
    with pytest.raises(Refused, match="not sold any more"):
        club.begin("team")
    with pytest.raises(Refused, match="not sold any more"):
        club.do("change", other, "team")
    assert club.do("change", has, quantities={"seats": 3}).quantities == {"seats": 3}
    club.audit()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"handle": "Not A Handle"}, "invalid_handle"),
        ({"currency": "EURO"}, "unknown_currency"),
        ({"items": []}, "items"),
        ({"items": [fixed(), fixed()]}, "duplicate_item"),
        ({"items": [PlanItem(key="a", name="A", price=UnitPrice.of("1", "USD"))]}, "currency_mismatch"),
        ({"count": 0}, "count"),
        ({"trial_days": 731}, "trial_days"),
        ({"name": " "}, "name"),
    ],
)
def test_what_makes_no_plan_is_refused(words: dict[str, Any], code: str) -> None:
    """A mistake in a plan is named, and nothing is stored."""
    club = Club.open()
    given: dict[str, Any] = {"handle": "basic", "name": "Basic", "items": [fixed()], **words}
    with pytest.raises(Invalid) as error:
        club.plans.create(club.scope, given.pop("handle"), **given)
    assert error.value.code == code
    assert not club.plans.list(club.scope).items


def test_another_tenants_plan_reads_as_none() -> None:
    """A plan is found by nobody but its tenant."""
    club = Club.open()
    plan = club.sell()
    office = Office.open(database=club.office.database, handle="south")
    south = Club.open(office)
    for act in (
        lambda: south.plans.get(south.scope, plan.id),
        lambda: south.plans.retire(south.scope, "basic"),
        lambda: south.begin("basic"),
    ):
        with pytest.raises(NotFound) as error:
            act()
        assert error.value.code == "plan_not_found"


def test_plans_are_told_of() -> None:
    """Creating and retiring a plan tells an event each."""
    club = Club.open()
    club.sell()
    club.plans.retire(club.scope, "basic")
    told = club.happened("plan.")
    assert [getattr(event, "action", None) for event in told] == ["create", "retire"]


def _yen() -> PlanItem:
    return PlanItem(key="base", name="Base", price=UnitPrice.of("500", "JPY"))
