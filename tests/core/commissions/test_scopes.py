"""Which rule wins: scopes from widest to narrowest, then priority, then age."""

import pytest
from attrs import evolve

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import Sale
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Rule
from cityos_core.kernel.errors import Invalid
from cityos_core.testing.commissions import HIERARCHY, decided, rule, sale, sold

WIDEST_FIRST = (
    ("platform", None),
    ("country", "de"),
    ("scope", "green-city"),
    ("category", "food"),
    ("subcategory", "wholesale"),
    ("tenant", "north"),
    ("store", "main"),
    ("vendor", "acme"),
    ("product_category", "furniture"),
    ("product_category", "furniture/seats"),
    ("product", "chair"),
)
LINE = sold(category="furniture/seats")


def winner(sale: Sale, *rules: Rule) -> str:
    """Name the rule that won the only group."""
    (decision,) = decided(sale, *rules).decisions
    return decision.rule


@pytest.mark.parametrize("count", range(1, len(WIDEST_FIRST) + 1))
def test_narrowest_wins(count: int) -> None:
    """The narrowest scope with a match wins, in whichever order the rules are given; nearer categories are narrower."""
    rules = [rule(f"{level} {name}", level, name) for level, name in WIDEST_FIRST[:count]]
    level, name = WIDEST_FIRST[count - 1]
    assert winner(sale(LINE), *rules) == winner(sale(LINE), *reversed(rules)) == f"{level} {name}"


def test_narrower_beats_priority() -> None:
    """Priority decides within one scope only."""
    assert winner(sale(), rule("Wide", priority=100), rule("Vendor", "vendor", "acme", priority=-5)) == "Vendor"


def test_priority_then_age() -> None:
    """Within one scope the higher priority wins, then the older rule, which is the earlier one of a list."""
    low, high, late = rule("Low"), rule("High", priority=1), rule("Late", priority=1)
    assert winner(sale(), low, high, late) == "High"
    assert winner(sale(), late, low, high) == "Late"


@pytest.mark.parametrize("name", ["north", "wholesale/north", "food/wholesale/north", HIERARCHY["tenant"]])
def test_nodes_by_handle_or_path(name: str) -> None:
    """A node is named by its handle, its path, or any ending of the path."""
    assert winner(sale(), rule("All"), rule("North", "tenant", name)) == "North"


@pytest.mark.parametrize("name", ["orth", "de/north", "wholesale", "north/main"])
def test_nodes_not_by_parts(name: str) -> None:
    """Part of a handle, a made-up path or another level's node is no match."""
    assert winner(sale(), rule("All"), rule("North", "tenant", name)) == "All"


def test_nodes_given_by_handle() -> None:
    """A sale may state its place by handles alone."""
    place = {"country": "de", "tenant": "north"}
    assert winner(sale(hierarchy=place), rule("All"), rule("North", "tenant", "north")) == "North"


def test_unknown_place() -> None:
    """A sale that does not say where it happened meets no rule of a place."""
    assert winner(sale(hierarchy={}), rule("All"), rule("North", "tenant", "north")) == "All"


def test_handle_and_path_are_one_scope() -> None:
    """Two rules that name the same node differently compete by priority and age."""
    by_handle, by_path = rule("Handle", "tenant", "north"), rule("Path", "tenant", HIERARCHY["tenant"])
    assert winner(sale(), by_handle, by_path) == "Handle"
    assert winner(sale(), by_path, by_handle) == "Path"
    assert winner(sale(), by_handle, evolve(by_path, priority=1)) == "Path"


def test_category_descendants() -> None:
    """A product category matches what lies below it, not what merely begins with its name."""
    rules = rule("All"), rule("Seats", "product_category", "furniture/seats")
    assert winner(sale(sold(category="furniture/seats/stools")), *rules) == "Seats"
    assert winner(sale(sold(category="furniture/seats-and-more")), *rules) == "All"
    assert winner(sale(sold(category="furniture")), *rules) == "All"
    assert winner(sale(sold()), *rules) == "All"


def test_variants() -> None:
    """A product is named by its own sku or by that of the variant sold."""
    line = sold(sku="chair-red", product="chair")
    assert winner(sale(line), rule("All"), rule("Chair", "product", "chair")) == "Chair"
    assert winner(sale(line), rule("All"), rule("Red", "product", "chair-red")) == "Red"
    assert winner(sale(sold(sku="chair")), rule("All"), rule("Red", "product", "chair-red")) == "All"


def test_platform_has_no_reference() -> None:
    """The platform is not named, every other scope is."""
    with pytest.raises(Invalid):
        rule("All", "platform", "everything")
    with pytest.raises(Invalid):
        rule("Some", "vendor")


def test_no_rule() -> None:
    """A line that no rule matches carries a commission of zero and says so."""
    line = decided(sale(), rule("Other", "vendor", "borealis"))
    assert (line.amount, line.tax, line.decisions) == (0, 0, ())
    assert [verdict.outcome for verdict in line.trace] == ["no_rule"]


def test_each_line_for_itself() -> None:
    """Every line of a sale is decided, in their order."""
    lines = decide(
        RuleBook.of([rule("All"), rule("Acme", "vendor", "acme", rate="5")]),
        sale(sold(reference="a", vendor="borealis"), sold(reference="b")),
    )
    assert [(line.reference, line.amount) for line in lines] == [("a", 1000), ("b", 500)]
