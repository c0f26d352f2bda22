"""Laws of the commission decision that hold for every rule book and sale."""

from fractions import Fraction
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.commissions.decide import decide
from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.index import FEW
from cityos_core.commissions.lines import CommissionLine, GroupDecision, Sale, SaleLine, VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import (
    BaseTerms,
    Basis,
    Bounds,
    Conditions,
    FlatRate,
    FloorPolicy,
    Rule,
    RuleScope,
    ScopeLevel,
    TaxBase,
    TieredRate,
    TierMode,
    UnitPriceBand,
    VolumePeriod,
)
from cityos_core.kernel.money import PERCENT_SCALE, Money, Percentage, UnitPrice
from cityos_core.kernel.rounding import divide, half_up
from cityos_core.testing import strategies
from cityos_core.testing.commissions import band, bounds, flat, rule, sale, sold, tiered

MONTH = VolumeWindow(period=VolumePeriod.MONTH)
SCOPES = (
    RuleScope(ScopeLevel.PLATFORM),
    RuleScope(ScopeLevel.COUNTRY, "de"),
    RuleScope(ScopeLevel.TENANT, "north"),
    RuleScope(ScopeLevel.VENDOR, "acme"),
    RuleScope(ScopeLevel.PRODUCT_CATEGORY, "a"),
    RuleScope(ScopeLevel.PRODUCT, "chair"),
)
VENDORS, SKUS, WORDS = ("acme", "borealis"), ("chair", "lamp"), ("a", "b", "c")


@st.composite
def lines(draw: st.DrawFn, vendor: str | None = None) -> SaleLine:
    """A line of up to ten thousand, partly discounted."""
    line = sold(f"{draw(st.integers(0, 10**6)) / 100:.2f}", quantity=draw(st.integers(1, 9)))
    discount = draw(st.integers(0, line.gross))
    return evolve(
        line,
        sku=draw(st.sampled_from(SKUS)),
        vendor=vendor or draw(st.sampled_from(VENDORS)),
        vendor_discount=discount,
        paid=draw(st.integers(0, line.gross - discount)),
        category=draw(st.sampled_from([None, "a", "a/b", "c"])),
        tags=draw(st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple)),
        shipping=draw(st.integers(0, 500)),
    )


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    """A sale of one to five lines of two vendors."""
    sold_lines = draw(st.lists(lines(), min_size=1, max_size=5))
    return sale(
        *(evolve(line, reference=str(place)) for place, line in enumerate(sold_lines)),
        channel=draw(st.sampled_from([None, "a"])),
        customer_group=draw(st.sampled_from([None, "b"])),
        volumes={(vendor, MONTH): draw(st.integers(0, 10**6)) for vendor in VENDORS},
    )


RATES = (
    flat("10"),
    flat("0"),
    flat("33.333333"),
    flat("100", ("0.30", "line")),
    flat("8.5", ("0.30", "unit"), ("1.00", "line")),
    flat("0.000001", ("2.50", "order")),
    flat("5", ("0.30", "unit"), currency="USD"),
    tiered(("100.00", "10"), ("250.005", "12.5", ("0.40", "line")), (None, "20")),
    tiered(("100.00", "20"), (None, "5", ("1.00", "order")), mode=TierMode.SLAB),
    tiered((Fraction(1, 3), "7"), (None, "11", ("0.05", "unit")), basis=Basis.ORDER),
    tiered(("300.00", "9", ("3.00", "order")), (None, "3"), basis=Basis.ORDER, mode=TierMode.SLAB),
    tiered(("1000.00", "9"), ("5000.00", "6", ("2.00", "line")), (None, "1"), basis=Basis.PERIOD, period=MONTH.period),
)
LIMITS = (Bounds(), Bounds(), Bounds(), bounds("5"), bounds(None, "12.5"), bounds("2", "9"), bounds(locked=True))
CONDITIONS = (
    Conditions(),
    Conditions(),
    Conditions(vendors=("acme",)),
    Conditions(products=("chair",), tags=("a", "b")),
    Conditions(product_categories=("a",)),
    Conditions(channels=("a",)),
    Conditions(customer_groups=("b", "c")),
    Conditions(line_amount=band("10.00", "500.00")),
    Conditions(order_amount=band(None, "1000.00")),
    Conditions(unit_price=UnitPriceBand("EUR", min=UnitPrice.of("20", "EUR"))),
)
RATE = st.sampled_from(RATES)
RULE = st.builds(
    rule,
    name=st.uuids(version=4).map(str),
    rate=RATE,
    group=st.sampled_from(["default", "marketing"]),
    priority=st.integers(-1, 1),
    conditions=st.sampled_from(CONDITIONS),
    bounds=st.sampled_from(LIMITS),
    floor=st.sampled_from([(), (), (Money(300, "EUR"),)]),
    cap=st.sampled_from([(), (), (Money(900, "EUR"),)]),
    base=st.builds(BaseTerms, tax=st.sampled_from(TaxBase), shipping=st.booleans()),
    tax=st.sampled_from([None, "21", "5.5"]),
    floor_policy=st.sampled_from([FloorPolicy.CAP, FloorPolicy.DEBT]),
)


def matching() -> st.SearchStrategy[Rule]:
    """A rule that often matches."""
    return st.builds(lambda one, scope: evolve(one, scope=scope), RULE, st.sampled_from(SCOPES))


def books(**more: int) -> st.SearchStrategy[list[Rule]]:
    """Some rules, oldest first."""
    return st.lists(matching(), max_size=more.get("most", 8))


def worked(rules: list[Rule], sold: Sale, setting: Bounds | None = None) -> tuple[CommissionLine, ...]:
    """Decide a sale."""
    return decide(RuleBook.of(rules, bounds=setting), sold)


def outcomes(found: tuple[CommissionLine, ...]) -> list[tuple[int, int, tuple[GroupDecision, ...]]]:
    """What was decided, without the reasons."""
    return [(line.amount, line.tax, line.decisions) for line in found]


@given(books(), sales())
@settings(max_examples=60)
def test_sums(rules: list[Rule], sold: Sale) -> None:
    """Amounts, fixed parts and tax are the sums over the groups; each group has one winner and one verdict on it."""
    for line in worked(rules, sold):
        assert line.amount == sum(decision.amount for decision in line.decisions)
        assert line.fixed == sum(decision.fixed for decision in line.decisions)
        assert line.tax == sum(decision.tax for decision in line.decisions)
        assert [v.rule for v in line.trace if v.outcome == "won"] == [decision.rule for decision in line.decisions]
        groups = [decision.group for decision in line.decisions]
        assert len(set(groups)) == len(groups)
        assert all(0 <= decision.fixed <= decision.amount for decision in line.decisions)


@given(books(), sales())
@settings(max_examples=60)
def test_components_explain(rules: list[Rule], sold: Sale) -> None:
    """What no limit touched is the sum of its components, rounded once."""
    for line in worked(rules, sold):
        for decision in line.decisions:
            if not decision.clamp:
                exact = sum((Fraction(component.amount) for component in decision.components), Fraction(0))
                assert decision.amount == half_up(exact * 100)


@given(books(), sales())
@settings(max_examples=60)
def test_cap_never_above_base(rules: list[Rule], sold: Sale) -> None:
    """Where every policy is cap, the commission is never above the largest of the bases it was taken from."""
    capped = [evolve(one, floor_policy=FloorPolicy.CAP) for one in rules]
    for line in worked(capped, sold):
        assert line.amount <= max((decision.base for decision in line.decisions), default=0)


@given(books(), sales(), strategies.percentages(), strategies.percentages())
@settings(max_examples=60)
def test_bounds_hold(rules: list[Rule], sold: Sale, one: Percentage, other: Percentage) -> None:
    """Whatever the rules say, the bounds of the setting hold for every group, up to what is left of the base."""
    least, most = sorted((one, other))
    free = [evolve(rule, floor_policy=FloorPolicy.DEBT) for rule in rules]
    for line in worked(free, sold, bounds(least.text, most.text)):
        for decision in line.decisions:
            assert divide(decision.base * least.micro, PERCENT_SCALE) <= decision.amount
            assert decision.amount <= divide(decision.base * most.micro, PERCENT_SCALE)


@given(books(), sales(), st.lists(RULE, max_size=4), st.randoms())
@settings(max_examples=60)
def test_unrelated_rules(rules: list[Rule], sold: Sale, others: list[Rule], random: Random) -> None:
    """Rules about other things, wherever they stand in the list, change no decision."""
    mixed = list(rules)
    for other in others:
        unrelated = evolve(other, scope=RuleScope(ScopeLevel.VENDOR, "elsewhere"))
        mixed.insert(random.randint(0, len(mixed)), unrelated)
    assert outcomes(worked(mixed, sold)) == outcomes(worked(rules, sold))


@given(st.lists(matching(), min_size=FEW + 1, max_size=FEW * 2), sales())
@settings(max_examples=25)
def test_index_finds_all(rules: list[Rule], sold: Sale) -> None:
    """Crowded into one scope, rules decide as if each had been looked at alone."""
    crowd = [evolve(one, scope=SCOPES[0], group="default") for one in rules]
    alone = [(one, worked([one], sold)) for one in crowd]
    for place, line in enumerate(worked(crowd, sold)):
        able = [one for one, found in alone if found[place].decisions]
        best = min(able, key=lambda one: (-one.priority, crowd.index(one)), default=None)
        assert [decision.rule for decision in line.decisions] == ([] if best is None else [best.name])


@given(st.permutations(range(6)), sales())
@settings(max_examples=40)
def test_order_of_rules_that_do_not_compete(order: list[int], sold: Sale) -> None:
    """Rules of different scopes may stand in any order."""
    rules = [rule(str(place), scope.level, scope.reference, rate=str(place + 1)) for place, scope in enumerate(SCOPES)]
    assert outcomes(worked([rules[place] for place in order], sold)) == outcomes(worked(rules, sold))


@given(books(), sales())
@settings(max_examples=30)
def test_deterministic(rules: list[Rule], sold: Sale) -> None:
    """The same rules and the same sale give the same frozen lines, from a fresh book or a used one."""
    book = RuleBook.of(rules)
    assert decide(book, sold) == decide(book, sold) == worked(rules, sold)


@given(st.integers(0, 10**5), st.lists(lines("acme"), min_size=1, max_size=6), strategies.percentages())
@settings(max_examples=60)
def test_order_parts_sum(fee: int, sold_lines: list[SaleLine], rate: Percentage) -> None:
    """One amount over the order is laid on its lines without loss."""
    fixed = rule(rate=flat("0", (f"{fee // 100}.{fee % 100:02d}", "order")), floor_policy=FloorPolicy.DEBT)
    assert sum(line.amount for line in worked([fixed], sale(*sold_lines))) == fee
    climbing = rule(rate=tiered(("500", "10"), (None, rate.text), basis=Basis.ORDER))
    total = sum(line.gross - line.vendor_discount for line in sold_lines)
    first = min(total, 50000)
    exact = first * 10 * 10**6 + (total - first) * rate.micro
    found = worked([climbing], sale(*sold_lines))
    assert sum(line.amount for line in found) == divide(exact, PERCENT_SCALE)


@given(strategies.bounds(), st.data(), st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=60)
def test_marginal_tiers_are_continuous(
    edges: list[Fraction | None], data: st.DataObject, base: int, start: int
) -> None:
    """A cent more of base never lowers a marginal commission, and never adds more than the cent and its rounding."""
    rates = data.draw(st.lists(strategies.percentages(), min_size=len(edges), max_size=len(edges)))
    rate = tiered(
        *((edge, rate.text) for edge, rate in zip(edges, rates, strict=True)), basis=Basis.PERIOD, period=MONTH.period
    )

    def amount(minor: int) -> int:
        line = evolve(sold("0.00"), gross=minor, paid=minor)
        return worked([rule(rate=rate)], sale(line, volumes={("acme", MONTH): start}))[0].amount

    assert 0 <= amount(base + 1) - amount(base) <= 2


@given(strategies.bounds(), st.data(), st.lists(st.integers(0, 10**5), min_size=1, max_size=5), st.integers(0, 10**6))
@settings(max_examples=60)
def test_volume_does_not_care_for_lines(
    edges: list[Fraction | None], data: st.DataObject, amounts: list[int], start: int
) -> None:
    """Over a period, what is sold in several lines costs exactly what it costs in one."""
    rates = data.draw(st.lists(strategies.percentages(), min_size=len(edges), max_size=len(edges)))
    rate = tiered(
        *((edge, rate.text) for edge, rate in zip(edges, rates, strict=True)), basis=Basis.PERIOD, period=MONTH.period
    )

    def exact(*minors: int) -> Fraction:
        sold_lines = [evolve(sold("0.00"), gross=minor, paid=minor) for minor in minors]
        found = worked([rule(rate=rate)], sale(*sold_lines, volumes={("acme", MONTH): start}))
        parts = [part for line in found for decision in line.decisions for part in decision.components]
        return sum((Fraction(part.amount) for part in parts), Fraction(0))

    assert exact(*amounts) == exact(sum(amounts))


@given(matching(), sales())
@settings(max_examples=60)
def test_one_open_band_is_flat(drawn: Rule, sold: Sale) -> None:
    """A rule with one open band charges a line what the flat rate charges, in either mode and on either basis."""
    if not isinstance(drawn.rate, FlatRate):
        return
    for mode in TierMode:
        for basis, period in ((Basis.LINE, None), (Basis.PERIOD, MONTH.period)):
            band = tiered((None, drawn.rate.percentage.text), basis=basis, period=period, mode=mode)
            rate = evolve(band, tiers=(evolve(band.tiers[0], fixed=drawn.rate.fixed),))
            assert isinstance(rate, TieredRate)
            found, expected = worked([evolve(drawn, rate=rate)], sold), worked([drawn], sold)
            if any(part.amount.currency != "EUR" for part in drawn.rate.fixed):
                continue
            assert [(line.amount, line.fixed, line.tax) for line in found] == [
                (line.amount, line.fixed, line.tax) for line in expected
            ]


@given(books(), sales())
@settings(max_examples=40)
def test_refusal_is_debt_elsewhere(rules: list[Rule], sold: Sale) -> None:
    """A sale is refused exactly when the same rules with the policy debt take some line above a base."""
    strict = [evolve(one, floor_policy=FloorPolicy.REFUSE) for one in rules]
    owed = worked([evolve(one, floor_policy=FloorPolicy.DEBT) for one in rules], sold)
    if any("above the base" in decision.clamp for line in owed for decision in line.decisions):
        with pytest.raises(SaleRefused):
            worked(strict, sold)
    else:
        assert [line.amount for line in worked(strict, sold)] == [line.amount for line in owed]
