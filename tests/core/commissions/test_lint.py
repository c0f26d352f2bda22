"""The lint: rules that never count, rules that compete, sales that no rule matches."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lint import Finding, FindingKind, lint_rules
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import (
    AmountBand,
    BaseTerms,
    Bounds,
    Conditions,
    Rule,
    RuleStatus,
    StoredRule,
    TaxBase,
    UnitPriceBand,
)
from cityos_core.kernel.ids import PLATFORM, RuleId, TenantId
from cityos_core.kernel.money import UnitPrice
from cityos_core.testing import START, SequentialIdentifiers
from cityos_core.testing.commissions import HIERARCHY, band, bounds, flat, rule, sale, sold, tiered

DAY = timedelta(days=1)
LOCKED = bounds(locked=True)


def found(*rules: Rule, limits: Bounds | None = None) -> list[tuple[str, str, str]]:
    """Lint rules; list kind, rule and the other rule."""
    findings = lint_rules(rules, at=START, hierarchy=HIERARCHY, bounds=limits)
    return [(finding.kind.value, finding.rule, finding.other) for finding in findings]


def cond(rule: Rule, **conditions: object) -> Rule:
    """Give a rule other conditions."""
    return evolve(rule, conditions=evolve(Conditions(), **conditions))  # type: ignore[arg-type]


def test_nothing_odd() -> None:
    """Rules of different scopes, groups, times or values do not disturb each other."""
    assert not found(
        rule("All", valid_until=START + DAY),
        rule("All again", valid_from=START + DAY),
        rule("Fee", group="fee"),
        rule("Acme", "vendor", "acme"),
        rule("Birch", "vendor", "birch"),
        cond(rule("Web", "country", "de"), channels=("web",)),
        cond(rule("App", "country", "de"), channels=("app",)),
        cond(rule("Small", "store", "main"), line_amount=band(None, "9.99")),
        cond(rule("Large", "store", "main"), line_amount=band("10.00")),
    )


def test_shadowed() -> None:
    """A rule is unreachable if an older or more important one matches wherever it does."""
    assert found(rule("Old"), rule("New")) == [("unreachable", "New", "Old")]
    assert found(rule("Low"), rule("High", priority=1)) == [("unreachable", "Low", "High")]
    web = cond(rule("Web"), channels=("web",))
    assert found(rule("All"), web) == [("unreachable", "Web", "All")]
    assert found(cond(rule("Both"), channels=("web", "app")), web) == [("unreachable", "Web", "Both")]
    brief = rule("Brief", valid_from=START, valid_until=START + DAY)
    assert found(rule("Longer", valid_until=START + DAY), brief) == [("unreachable", "Brief", "Longer")]


def test_reached_in_part() -> None:
    """A rule that another one beats only here and there overlaps with it."""
    web = cond(rule("Web"), channels=("web",))
    assert found(web, rule("All")) == [("overlap", "All", "Web")]
    assert found(rule("Soon", valid_from=START + DAY), rule("All")) == [("overlap", "All", "Soon")]
    assert found(cond(rule("New"), tags=("new",)), cond(rule("Sale"), tags=("sale",))) == [("overlap", "Sale", "New")]
    assert found(cond(rule("A"), line_amount=band("1.00", "9.00")), cond(rule("B"), line_amount=band("9.00"))) == [
        ("overlap", "B", "A")
    ]


def test_bounds_keep_a_rule_in_use() -> None:
    """A rule that never wins but imposes bounds is not unreachable."""
    assert found(rule("Old"), rule("Bounding", bounds=bounds("5"))) == [("overlap", "Bounding", "Old")]


@pytest.mark.parametrize(
    ("winner", "loser", "kind"),
    [
        ({"product_categories": ("a",)}, {"product_categories": ("a/b",)}, "unreachable"),
        ({"product_categories": ("a/b",)}, {"product_categories": ("a",)}, "overlap"),
        ({"product_categories": ("ab",)}, {"product_categories": ("a",)}, None),
        ({"line_amount": band("5.00")}, {"line_amount": band("6.00", "9.00")}, "unreachable"),
        ({"line_amount": AmountBand("USD")}, {"line_amount": band()}, None),
        ({"line_amount": band("5.00")}, {"order_amount": band("5.00")}, "overlap"),
        (
            {"unit_price": UnitPriceBand("EUR", max=UnitPrice.of("5", "EUR"))},
            {"unit_price": UnitPriceBand("EUR", min=UnitPrice.of("5.000001", "EUR"))},
            None,
        ),
        ({"vendors": ("acme",)}, {"vendors": ("acme", "birch")}, "overlap"),
        ({"vendors": ("acme",)}, {"products": ("chair",)}, "overlap"),
        ({"customer_groups": ("a",)}, {"customer_groups": ("b",)}, None),
    ],
)
def test_conditions(winner: dict[str, object], loser: dict[str, object], kind: str | None) -> None:
    """Conditions are compared by what they let through."""
    expected = [] if kind is None else [(kind, "Loser", "Winner")]
    assert found(cond(rule("Winner"), **winner), cond(rule("Loser"), **loser)) == expected


def test_currencies() -> None:
    """A rule that cannot be charged in every currency leaves room for others."""
    euros, dollars = flat("1", ("0.30", "unit")), flat("1", ("0.30", "unit"), currency="USD")
    assert found(rule("Euros", rate=euros), rule("Dollars", rate=dollars)) == []
    assert found(rule("Euros", rate=euros), rule("Any")) == [("overlap", "Any", "Euros")]
    assert found(rule("Any"), rule("Euros", rate=tiered((None, "1")))) == [("unreachable", "Euros", "Any")]


def test_amounts_of_other_bases() -> None:
    """Bands over different bases cannot be compared, so both may match."""
    gross = BaseTerms(tax=TaxBase.GROSS)
    small = cond(rule("Small", base=gross), line_amount=band(None, "9.00"))
    assert found(small, cond(rule("Large"), line_amount=band("10.00"))) == [("overlap", "Large", "Small")]


@pytest.mark.parametrize(
    ("level", "name"),
    [
        ("platform", None),
        ("country", "de"),
        ("tenant", "north"),
        ("tenant", HIERARCHY["tenant"]),
    ],
)
def test_under_a_lock(level: str, name: str | None) -> None:
    """Under a lock of its group a narrower rule is unreachable, bounds or not."""
    lock = rule("Lock", level, name, bounds=LOCKED)
    assert found(lock, rule("Acme", "vendor", "acme", bounds=bounds("5"))) == [("unreachable", "Acme", "Lock")]
    assert found(lock, rule("Acme", "vendor", "acme", group="fee")) == []


def test_beside_a_lock() -> None:
    """A lock elsewhere, of some time, or with conditions is no reason to call a rule unreachable."""
    acme = rule("Acme", "vendor", "acme")
    assert found(rule("France", "country", "fr", bounds=LOCKED), acme) == []
    assert found(rule("Today", bounds=LOCKED, valid_until=START + DAY), acme) == []
    assert found(cond(rule("Web", bounds=LOCKED), channels=("web",)), acme) == []
    assert found(rule("Acme too", "vendor", "acme", bounds=LOCKED), rule("Chair", "product", "chair")) == []
    assert found(cond(rule("Lock", bounds=LOCKED), vendors=("acme",)), acme) == [("unreachable", "Acme", "Lock")]


def test_under_a_lock_of_a_category() -> None:
    """A locked category makes those below it unreachable, a locked path the nodes below it."""
    top = rule("Top", "product_category", "a", bounds=LOCKED)
    assert found(top, rule("Below", "product_category", "a/b")) == [("unreachable", "Below", "Top")]
    assert found(top, rule("Beside", "product_category", "ab")) == []
    france = rule("France", "country", "fr", bounds=LOCKED)
    assert found(france, rule("Lyon", "tenant", "fr/lyon/food/retail/south")) == [("unreachable", "Lyon", "France")]


def test_a_lock_need_not_be_chargeable() -> None:
    """A lock counts in every currency, whatever its own rate."""
    lock = rule("Lock", rate=tiered((None, "1"), currency="USD"), bounds=LOCKED)
    assert found(lock, rule("Acme", "vendor", "acme")) == [("unreachable", "Acme", "Lock")]


def test_locked_settings() -> None:
    """Locked commission bounds make all rules of the tenant unreachable, not those of the platform."""
    ids = SequentialIdentifiers()
    stored = [
        StoredRule(id=RuleId(ids.new()), tenant_id=owner, rule=rule(name, level), sequence=1, recorded_at=START)
        for name, level, owner in (("Own", "platform", TenantId(ids.new())), ("Platform", "platform", PLATFORM))
    ]
    findings = lint_rules(stored, at=START, bounds=LOCKED)
    assert [(finding.rule, finding.other) for finding in findings] == [("Own", "commission_bounds")]


def test_expired() -> None:
    """An ended rule is reported as such, and disturbs no other."""
    assert found(rule("Ended", valid_until=START), rule("All")) == [("expired", "Ended", "")]


def test_impossible() -> None:
    """Rules that no sale can match are reported."""
    assert found(cond(rule("Empty"), line_amount=band("5.00", "4.99"))) == [("empty_band", "Empty", "")]
    assert found(cond(rule("Other", "vendor", "acme"), vendors=("birch",))) == [("unreachable", "Other", "")]
    assert found(cond(rule("Below", "product_category", "a"), product_categories=("a/b",))) == []
    mixed = cond(rule("Mixed", rate=tiered((None, "1"), currency="USD")), line_amount=band("5.00"))
    assert found(mixed) == [("unreachable", "Mixed", "")]


def test_inactive() -> None:
    """Drafts and retired rules are not looked at."""
    draft = StoredRule(
        id=RuleId(SequentialIdentifiers().new()),
        tenant_id=PLATFORM,
        rule=rule("Draft"),
        sequence=1,
        status=RuleStatus.DRAFT,
        recorded_at=START,
    )
    assert lint_rules([rule(), draft], at=START) == []


def test_words() -> None:
    """A finding says what happens and what decides."""
    assert lint_rules([rule("Old"), rule("New")], at=START) == [
        Finding(FindingKind.UNREACHABLE, "New", "Old wins wherever it matches: it is older", "Old")
    ]
    low, high = cond(rule("Low"), tags=("a",)), cond(rule("High", priority=2), tags=("b",))
    (finding,) = lint_rules([low, high], at=START)
    assert finding.detail == "High may match the same sale and wins: its priority is 2, this one's 0"


SIMPLE = st.builds(
    rule,
    rate=st.sampled_from([flat("1"), flat("1", ("0.10", "line")), tiered((None, "1"), currency="USD")]),
    priority=st.integers(0, 1),
    conditions=st.builds(
        Conditions,
        vendors=st.sampled_from([(), ("acme",), ("acme", "birch")]),
        product_categories=st.sampled_from([(), ("a",), ("a/b",)]),
        tags=st.sampled_from([(), ("x",), ("y", "x")]),
        line_amount=st.sampled_from([None, band("50.00"), band(None, "60.00"), band("10.00", "55.00")]),
    ),
    valid_from=st.sampled_from([None, START]),
    valid_until=st.sampled_from([None, START + DAY]),
)


@given(
    st.lists(SIMPLE, min_size=2, max_size=5),
    st.sampled_from(["acme", "birch"]),
    st.sampled_from([None, "a", "a/b"]),
    st.sampled_from([(), ("x",), ("x", "y")]),
    st.sampled_from(["20.00", "52.00", "70.00"]),
    st.sampled_from([START, START + DAY]),
)
@settings(max_examples=80)
def test_unreachable_rules_never_win(
    rules: list[Rule], vendor: str, category: str, tags: tuple[str, ...], price: str, at: object
) -> None:
    """Whatever is sold, no rule that the lint calls unreachable wins, and rules that meet are both reported or beaten."""
    named = [evolve(one, name=str(place)) for place, one in enumerate(rules)]
    findings = lint_rules(named, at=START)
    unreachable = {finding.rule for finding in findings if finding.kind is FindingKind.UNREACHABLE}
    line = sold(price, vendor=vendor, category=category, tags=tags)
    (decided,) = decide(RuleBook.of(named), sale(line, at=at))  # type: ignore[arg-type]
    assert unreachable.isdisjoint(decision.rule for decision in decided.decisions)
    beaten = {verdict.rule for verdict in decided.trace if verdict.outcome in {"younger", "priority"}}
    assert beaten <= {finding.rule for finding in findings}
