"""Bounds and locks: what wider rules impose on narrower ones of their group, and what the settings impose on all."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from cityos_core.commissions.decide import decide
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Bounds, Conditions, Rule, StoredRule
from cityos_core.kernel.ids import PLATFORM, RuleId, TenantId
from cityos_core.kernel.money import Money
from cityos_core.testing import START, SequentialIdentifiers
from cityos_core.testing.commissions import band, bounds, decided, flat, rule, sale, sold

WIDE = rule("Wide", rate="10", bounds=bounds("5", "15"))


@pytest.mark.parametrize(("rate", "amount"), [("4", 500), ("5", 500), ("7", 700), ("15", 1500), ("20", 1500)])
def test_clamped(rate: str, amount: int) -> None:
    """The result of a narrower rule is held between the bounds, as shares of its base."""
    assert decided(sale(), WIDE, rule("Acme", "vendor", "acme", rate=rate)).amount == amount


def test_own_result_is_free() -> None:
    """A rule's bounds are for narrower rules, not for itself nor for others of its scope."""
    assert decided(sale(), evolve(WIDE, rate=flat("40"))).amount == 4000
    assert decided(sale(), WIDE, rule("High", rate="40", priority=1)).amount == 4000


def test_share_of_the_narrower_base() -> None:
    """The percentages are of the narrower rule's base, whatever base the binding rule has, rounded half up."""
    narrow = rule("Acme", "vendor", "acme", rate="50")
    assert decided(sale(sold("0.30")), WIDE, narrow).amount == 5
    assert decided(sale(sold("100.00", tax="21.00")), WIDE, narrow).amount == 1500


def test_binds_though_another_wins() -> None:
    """A rule binds where it matches, even if another rule of its scope, or a wider priority, wins."""
    rules = (rule("Loud", rate="30", priority=9), WIDE, rule("Acme", "vendor", "acme", rate="20"))
    line = decided(sale(), *rules)
    assert line.amount == 1500
    assert line.decisions[0].clamp == "lowered to 15 % by Wide"


def test_binds_only_where_it_matches() -> None:
    """Scope, validity and conditions decide whether a rule binds; its rate and currency do not."""
    narrow, most = rule("Acme", "vendor", "acme", rate="20"), bounds(None, "15")
    idle = (
        rule("Elsewhere", "country", "fr", bounds=most),
        rule("Later", valid_from=START + timedelta(days=1), bounds=most),
        rule("Web", conditions=Conditions(channels=("web",)), bounds=most),
        rule("Small", conditions=Conditions(line_amount=band(None, "9.99")), bounds=most),
    )
    assert decided(sale(), *idle, narrow).amount == 2000
    dollars = rule("Dollars", rate=flat("1", ("0.30", "unit"), currency="USD"), bounds=most)
    assert decided(sale(), dollars, narrow).amount == 1500


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_stricter_of_two_in_one_scope(order: Sequence[int]) -> None:
    """Of two that bind in one scope the stricter ends count."""
    pair = (rule("A", bounds=bounds("5", "15")), rule("B", bounds=bounds("8", "20")))
    rules = [pair[place] for place in order]
    assert decided(sale(), *rules, rule("Acme", "vendor", "acme", rate="1")).amount == 800
    assert decided(sale(), *rules, rule("Acme", "vendor", "acme", rate="50")).amount == 1500


def test_nearest_first_then_wider() -> None:
    """The nearest bounds clamp first, so that the wider ones have the last word."""
    wide, near = rule("Wide", bounds=bounds(None, "10")), rule("Near", "country", "de", bounds=bounds("20"))
    line = decided(sale(), near, wide, rule("Acme", "vendor", "acme", rate="5"))
    assert line.amount == 1000
    assert line.decisions[0].clamp == "raised to 20 % by Near; lowered to 10 % by Wide"


def test_nearer_category_is_narrower() -> None:
    """A category binds the rules of the categories below it, not those above."""
    line, limits = sold(category="a/b"), bounds(None, "3")
    top, below = rule("Top", "product_category", "a"), rule("Below", "product_category", "a/b")
    assert decided(sale(line), evolve(top, bounds=limits), below).amount == 300
    assert decided(sale(line), top, evolve(below, bounds=limits)).amount == 1000


def test_bounds_come_after_floor_and_cap() -> None:
    """Bounds clamp what floor and cap leave."""
    floored = rule("Acme", "vendor", "acme", rate="1", floor=(Money.of("30.00", "EUR"),))
    assert decided(sale(), WIDE, floored).amount == 1500
    capped = rule("Acme", "vendor", "acme", cap=(Money.of("1.00", "EUR"),))
    assert decided(sale(), WIDE, capped).amount == 500


def test_bounds_stay_in_their_group() -> None:
    """Bounds and locks reach narrower rules of their own group only."""
    fee = rule("Fee", "vendor", "acme", group="fee", rate="20")
    line = decided(sale(), evolve(WIDE, bounds=bounds("5", "15", locked=True)), fee)
    assert [decision.amount for decision in line.decisions] == [1000, 2000]


def test_lock() -> None:
    """Under a lock narrower rules of its group do not count, and the trace says so; its own scope still competes."""
    lock = rule("Lock", "country", "de", rate="9", bounds=bounds(locked=True))
    narrow = rule("Acme", "vendor", "acme", rate="1", bounds=bounds("50"))
    line = decided(sale(), rule("Wide"), lock, narrow)
    assert line.amount == 900
    assert ("Acme", "locked", "Lock locks what is narrower") in [(v.rule, v.outcome, v.detail) for v in line.trace]
    assert decided(sale(), lock, narrow, rule("Loud", "country", "de", rate="3", priority=1)).amount == 300
    assert decided(sale(), lock, narrow, rule("Elsewhere", "country", "fr")).amount == 900


def test_widest_lock_counts() -> None:
    """A lock under another lock does not count either."""
    locked = bounds(locked=True)
    rules = (rule("Store", "store", "main", bounds=locked), rule("Country", "country", "de", rate="2", bounds=locked))
    assert decided(sale(), *rules, rule("Acme", "vendor", "acme")).amount == 200


def test_lock_that_cannot_be_charged() -> None:
    """A lock binds though its own rate does not match; nothing narrower takes its place."""
    lock = rule("Lock", rate=flat("1", ("1.00", "line"), currency="USD"), bounds=bounds(locked=True))
    assert decided(sale(), lock, rule("Acme", "vendor", "acme")).amount == 0


def stored(*rules: Rule, tenant: TenantId) -> list[StoredRule]:
    """Rules as an owner stores them."""
    ids = SequentialIdentifiers()
    return [
        StoredRule(id=RuleId(ids.new()), tenant_id=tenant, rule=one, sequence=place, recorded_at=START)
        for place, one in enumerate(rules)
    ]


@pytest.mark.parametrize(
    ("limits", "tenants", "platforms"),
    [
        (bounds("15"), 1500, 1000),
        (bounds(None, "4"), 400, 1000),
        (bounds(locked=True), 0, 1000),
        (Bounds(), 1000, 1000),
    ],
)
def test_setting(limits: Bounds, tenants: int, platforms: int) -> None:
    """The bounds set for a tenant hold for all its own rules, even those about the platform, outside all others."""
    own = stored(rule("Own"), tenant=TenantId(SequentialIdentifiers().new()))
    (line,) = decide(RuleBook.of(own, bounds=limits), sale())
    assert line.amount == tenants
    (line,) = decide(RuleBook.of(stored(rule("Platform"), tenant=PLATFORM), bounds=limits), sale())
    assert line.amount == platforms


def test_setting_has_the_last_word() -> None:
    """The setting clamps after every rule's bounds, and the trace says so."""
    near = rule("Near", "country", "de", bounds=bounds("20"))
    (line,) = decide(RuleBook.of([near, rule("Acme", "vendor", "acme")], bounds=bounds(None, "12")), sale())
    assert line.amount == 1200
    assert [(v.rule, v.outcome, v.detail) for v in line.trace if v.outcome == "bounds"] == [
        ("Near", "bounds", "from 20 % of the base"),
        ("commission_bounds", "bounds", "up to 12 % of the base"),
    ]
