"""The index finds the rules that may match, whatever distinguishes them, and forgets what it need not hold."""

from datetime import timedelta

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.commissions.compiled import CompiledRule, compile_rule
from cityos_core.commissions.decide import decide
from cityos_core.commissions.index import FEW, Interval, Intervals
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import BaseTerms, Conditions, TaxBase, UnitPriceBand
from cityos_core.kernel.money import UnitPrice
from cityos_core.testing import START
from cityos_core.testing.commissions import band, decided, rule, sale, sold

COMPILED = [compile_rule(rule(str(age)), age=age, group=0) for age in range(30)]
ENDS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=len(COMPILED))


@given(ENDS, st.integers(-1, 41))
@settings(max_examples=80)
def test_intervals(ends: list[tuple[int, int]], amount: int) -> None:
    """The tree finds exactly the intervals that contain an amount, both ends included; empty ones contain nothing."""
    intervals = [Interval(low, high, one) for (low, high), one in zip(ends, COMPILED, strict=False)]
    tree, found = Intervals.of(intervals), dict[int, CompiledRule]()
    if tree is not None:
        tree.collect(amount, found)
    assert sorted(found) == [one.rule.age for one in intervals if one.low <= amount <= one.high]


def test_crowds_of_bands() -> None:
    """Many bands of amounts, of any kind and base, lead to the one that holds."""
    prices = [
        rule(
            f"price {number}",
            conditions=Conditions(
                unit_price=UnitPriceBand("EUR", UnitPrice.of(f"{number}", "EUR"), UnitPrice.of(f"{number}.99", "EUR"))
            ),
        )
        for number in range(2 * FEW)
    ]
    orders = [
        rule(f"order {number}", conditions=Conditions(order_amount=band(f"{number}.00", f"{number}.99")), priority=1)
        for number in range(2 * FEW)
    ]
    gross = [evolve(one, name=f"gross {one.name}", base=BaseTerms(tax=TaxBase.GROSS), priority=2) for one in orders]
    crowd = [*prices, *orders, *gross]
    assert decided(sale(sold("7.50")), *prices).decisions[0].rule == "price 7"
    assert decided(sale(sold("7.50", quantity=2)), *prices, *orders).decisions[0].rule == "order 15"
    assert decided(sale(sold("7.50", tax="2.00")), *crowd).decisions[0].rule == "gross order 9"
    assert decided(sale(sold("900.00")), *crowd).decisions == ()
    assert decided(sale(sold("7.50", currency="USD"), currency="USD"), *crowd).decisions == ()


def test_crowds_of_conditions_of_two_kinds() -> None:
    """Where one kind of condition leaves many rules the next kind divides them further."""
    crowd = [
        rule(f"{number}", conditions=Conditions(vendors=("acme",), channels=(f"channel-{number}",)))
        for number in range(3 * FEW)
    ]
    line = decided(sale(channel="channel-40"), *crowd)
    assert [(verdict.rule, verdict.outcome) for verdict in line.trace] == [("40", "won")]


def test_every_moment_of_a_long_history() -> None:
    """Rules that follow each other day by day each hold on their day, however often the index starts anew."""
    days = [
        rule(f"{day}", valid_from=START + timedelta(days=day), valid_until=START + timedelta(days=day + 1))
        for day in range(200)
    ]
    book = RuleBook.of(days)
    for day in [*range(200), *range(200)]:
        (line,) = decide(book, sale(at=START + timedelta(days=day, hours=5)))
        assert line.decisions[0].rule == f"{day}"
