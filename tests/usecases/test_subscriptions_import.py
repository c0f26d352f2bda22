"""Plans and usage from files: each row gets its answer, and a second time nothing changes."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.imports import Row, RowResult
from cityos_core.subscriptions.drafts import PlanDraft, UsageDraft
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import LateUsage, Plan
from cityos_core.testing.market import numbered
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]


def drafted(handle: str = "basic", **terms: Any) -> PlanDraft:
    """Draft a plan: 30.00 EUR a month unless told otherwise."""
    return PlanDraft(**{"handle": handle, "name": handle.title(), "items": (fixed(),), **terms})


def used(subscription: Subscription, key: str, club: Club, quantity: int = 1, **terms: Any) -> UsageDraft:
    """Draft a report of what is used now."""
    words = {"subscription": subscription.id, "item": "calls", "quantity": Fraction(quantity), "used_at": club.now}
    return UsageDraft(key=key, **{**words, **terms})


def came(results: Iterable[RowResult]) -> list[str]:
    """Say in a word what became of each row: the outcome, or why it was rejected."""
    return [result.error.code if result.error else result.outcome.value for result in results]


@pytest.mark.parametrize("kind", KINDS)
def test_plans_are_imported_once(kind: str, make_database: MakeDatabase) -> None:
    """A plan is created as the file says, in the tenant's currency if it names none, and is unchanged after that."""
    club = Club.open(Office.open(database=make_database(kind)))
    drafts = [drafted(), drafted("team", items=(seats(), metered()), trial_days=14, currency="EUR")]
    assert came(club.plans.import_rows(club.scope, numbered(drafts))) == ["created", "created"]
    made: list[Plan] = [club.plans.get(club.scope, draft.handle) for draft in drafts]
    assert [plan.currency for plan in made] == ["EUR", "EUR"]
    assert (made[1].items, made[1].trial_days) == ((seats(), metered()), 14)
    club.plans.retire(club.scope, "basic")
    again = [*drafts, drafted(currency="EUR"), PlanDraft.of(made[1])]
    assert came(club.plans.import_rows(club.scope, numbered(again))) == ["unchanged"] * 4
    changed = [drafted(items=(fixed("31.00"),)), drafted(name="Other"), drafted(late_usage=LateUsage.REFUSE)]
    assert came(club.plans.import_rows(club.scope, numbered(changed))) == ["plan_differs"] * 3
    assert [plan.items for plan in (club.plans.get(club.scope, "basic"),)] == [(fixed(),)]


def test_what_is_wrong_with_a_plan_stops_no_other() -> None:
    """A plan that cannot be read, or cannot be, is rejected alone."""
    club = Club.open()
    rows: list[Row[PlanDraft]] = [
        Row(number=1, error=Invalid("not_json", "this is not JSON")),
        *(Row(number=2 + place, draft=draft) for place, draft in enumerate([drafted("Bad Handle"), drafted()])),
        Row(number=4),
    ]
    assert came(club.plans.import_rows(club.scope, rows)) == ["not_json", "invalid_handle", "created", "empty_row"]


@pytest.mark.parametrize("kind", KINDS)
def test_usage_is_imported_once(kind: str, make_database: MakeDatabase) -> None:
    """Reports of several subscriptions count once each, whether they come again in the same file or in another one."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell(metered())
    ada, bob = club.begin(), club.begin()
    club.wait(days=1)
    rows = [used(ada, "a", club), used(bob, "a", club, 2), used(ada, "b", club, 3), used(ada, "a", club)]
    results = list(club.subscriptions.import_usage(club.scope, numbered(rows)))
    assert came(results) == ["created", "created", "created", "unchanged"]
    assert [result.number for result in results] == [1, 2, 3, 4]
    assert came(club.subscriptions.import_usage(club.scope, numbered(rows))) == ["unchanged"] * 4
    club.wait(days=31)
    club.office.bill(ada.id, bob.id)
    assert club.totals(ada) == ["0.00", "4.00"]
    assert club.totals(bob) == ["0.00", "2.00"]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_a_report_stops_no_other(kind: str, make_database: MakeDatabase) -> None:
    """Of the reports of one subscription only those that are wrong are rejected, each with its reason."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell(fixed(), metered())
    ada, over = club.begin(), club.begin()
    club.do("cancel", over, "moved", at_period_end=False)
    nobody = evolve(ada, id=SubscriptionId(UUID(int=9)))
    drafts = [
        used(ada, "good", club),
        used(ada, "item", club, item="none"),
        used(ada, "fixed", club, item="base"),
        used(ada, "good", club, 2),
        used(ada, "early", club, used_at=club.now - timedelta(days=1)),
        used(ada, "future", club, used_at=club.now + timedelta(days=1)),
        used(ada, "less", club, -1),
        used(ada, " ", club),
        used(over, "over", club),
        used(nobody, "nobody", club),
        used(nobody, "nobody", club),
        used(ada, "last", club, 4),
    ]
    assert came(club.subscriptions.import_usage(club.scope, numbered(drafts))) == [
        "created",
        "no_such_item",
        "not_metered",
        "usage_key_reused",
        "not_billed",
        "usage_in_future",
        "negative_quantity",
        "key",
        "invalid_state",
        "subscription_not_found",
        "subscription_not_found",
        "created",
    ]
    unreadable: list[Row[UsageDraft]] = [Row(number=1, error=Invalid("not_json", "no"))]
    assert came(club.subscriptions.import_usage(club.scope, unreadable)) == ["not_json"]


def test_more_usage_than_is_taken_at_a_time() -> None:
    """A long file is taken in parts, in the order of its rows."""
    club = Club.open()
    club.sell(metered())
    ada = club.begin()
    rows = [used(ada, f"{number % 1500}", club) for number in range(2500)]
    results = list(club.subscriptions.import_usage(club.scope, numbered(rows)))
    assert [result.number for result in results] == list(range(1, 2501))
    assert came(results).count("created") == 1500
