"""What a cycle is invoiced: lines, discounts, usage and taxes."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.proration import Span
from cityos_core.kernel.tiers import PricingMode, Tier
from cityos_core.subscriptions.invoices import Line
from cityos_core.subscriptions.invoicing import Use, in_arrears, taxed
from cityos_core.subscriptions.plans import ItemKind, Plan, PlanItem
from cityos_core.subscriptions.terms import Discount, TaxRate
from cityos_core.testing.strategies import fractions, percentages, pricings
from core.subscriptions.samples import START, VAT, Book, fixed, invoice, metered, plan, seats

MONTH = Span(START, START + timedelta(days=28))


def discounts() -> st.SearchStrategy[Discount]:
    """Draw a discount of any form and length."""
    form = st.one_of(
        st.builds(lambda value: {"percentage": value}, percentages()),
        st.builds(lambda cents: {"amount": Money(cents, "EUR")}, st.integers(0, 10**5)),
    )
    return st.builds(
        lambda form, cycles: Discount(code="d", cycles=cycles, **form), form, st.none() | st.integers(1, 4)
    )


def plans() -> st.SearchStrategy[Plan]:
    """Draw a plan of a few fixed and per-seat items."""
    kinds = st.sampled_from([ItemKind.FIXED, ItemKind.PER_SEAT])
    prices = st.builds(UnitPrice, st.integers(0, 10**9), st.just("EUR"))
    drawn = st.lists(st.tuples(kinds, prices), min_size=1, max_size=4)
    return drawn.map(
        lambda pairs: plan(
            *(
                PlanItem(key=f"item-{number}", name="Item", kind=kind, price=price)
                for number, (kind, price) in enumerate(pairs)
            )
        )
    )


TAXES = st.none() | st.builds(TaxRate, percentage=percentages(), jurisdiction=st.just("nl"), included=st.booleans())


def balances(line: Line, tax: TaxRate | None) -> bool:
    """Tell whether a line's parts make up its price."""
    paid = line.total if tax and tax.included else line.net
    return line.gross - line.discount == paid


@given(plans(), st.lists(discounts(), max_size=3), TAXES, st.integers(1, 5))
def test_parts_sum_to_the_invoice(sold: Plan, given_: list[Discount], tax: TaxRate | None, cycles: int) -> None:
    """Lines, discounts and taxes sum to the invoice, none of them below nothing, and tax is that of the sum."""
    book = Book(sold, discounts=given_, tax=tax)
    for _ in range(cycles):
        lines = book.bill().lines
        one = invoice(lines)
        assert all(balances(line, tax) and min(line.discount, line.net, line.tax) >= 0 for line in lines)
        assert one.net + one.tax_total == one.total
        base = sum(line.gross - line.discount for line in lines)
        assert one.tax_total.minor == (tax.on(base) if tax else 0)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), TAXES)
def test_taxes_stay_within_a_unit_of_their_line(amounts: list[int], tax: TaxRate | None) -> None:
    """By largest remainder no line's tax is a whole unit off its exact share of the total."""
    lines = [
        Line(kind="usage", item="x", description="", cycle=0, quantity=1, covers=None, gross=amount, net=amount)  # type: ignore[arg-type]
        for amount in amounts
    ]
    parts = [line.tax for line in taxed(lines, tax)]
    total = sum(parts)
    for amount, part in zip(amounts, parts, strict=True):
        assert not amount or abs(part - Fraction(total * amount, sum(amounts))) < 1


def test_a_line_is_rounded_once() -> None:
    """Seats at a price of three decimals cost their product, rounded at the end; no seats are no line."""
    book = Book(plan(fixed("9.99"), seats("0.333")), quantities={"seats": 7})
    assert [(line.item, line.gross) for line in book.bill().lines] == [("base", 999), ("seats", 233)]
    empty = Book(plan(fixed(), seats()), quantities={"seats": 0})
    assert [line.item for line in empty.bill().lines] == ["base"]


def test_discounts_last_as_long_as_agreed() -> None:
    """Once, three cycles, for ever: each applies to what the one before left, and an amount is laid on the lines."""
    book = Book(
        plan(fixed("30.00"), fixed("10.00", key="extra")),
        discounts=[
            Discount(code="hello", amount=Money.of("8.00", "EUR"), cycles=1),
            Discount(code="three", percentage=Percentage.of("10"), cycles=3),
            Discount(code="ever", amount=Money.of("1.00", "EUR")),
        ],
    )
    nets = [[line.net for line in book.bill().lines] for _ in range(4)]
    assert nets == [[2085, 695], [2625, 875], [2625, 875], [2925, 975]]


def test_a_discount_is_not_used_up_by_what_is_not_billed() -> None:
    """A discount that begins later waits, and noting it twice in one cycle uses it once."""
    discount = Discount(code="d", percentage=Percentage.of("10"), cycles=2, first_cycle=3)
    assert not discount.applies_to(2)
    assert discount.given_in(2) == discount
    once = discount.given_in(5)
    assert (once.used, once.given_in(5)) == (1, once)
    twice = once.given_in(9)
    assert twice.applies_to(9)
    assert not twice.applies_to(10)


def test_tax_is_on_top_or_contained() -> None:
    """21 % on 3 x 0.02 is 0.01 in all, laid on the lines; contained, it is part of what they cost."""
    items = [fixed("0.02", key=key) for key in ("a", "b", "c")]
    on_top = Book(plan(*items), tax=VAT).bill().lines
    assert [(line.net, line.tax) for line in on_top] == [(2, 1), (2, 0), (2, 0)]
    inside = TaxRate(percentage=Percentage.of("21"), jurisdiction="nl", included=True)
    contained = Book(plan(fixed("121.00")), tax=inside).bill().lines
    assert [(line.net, line.tax, line.total) for line in contained] == [(10000, 2100, 12100)]


def _use(quantity: Fraction | int, **changes: object) -> Use:
    return Use(item="calls", cycle=0, covers=MONTH, quantity=quantity, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "quantity", "gross"),
    [
        (metered(), 12, 1100),
        (metered(mode=PricingMode.VOLUME), 12, 600),
        (metered(Tier(unit=Fraction(10), package=Fraction(100)), mode=PricingMode.PACKAGE), 101, 2000),
        (metered(Tier(percentage=Percentage.of("2.5")), mode=PricingMode.PERCENTAGE), 1000, 2500),
        (metered(Tier(unit=Fraction(1), flat=Fraction(5))), 0, 500),
    ],
)
def test_usage_is_charged_by_the_bands(item: PlanItem, quantity: int, gross: int) -> None:
    """Graduated, volume, package and percentage, in arrears; a band's flat part is due without usage."""
    (line,) = in_arrears(plan(item), [_use(quantity)])
    assert (line.gross, line.net, line.kind.value) == (gross, gross, "usage")


@given(pricings().filter(lambda pricing: pricing.mode is not PricingMode.VOLUME), st.lists(fractions(), max_size=5))
def test_late_usage_comes_to_the_same(pricing: object, portions: list[Fraction]) -> None:
    """In whatever portions a period's usage is reported, its lines sum to the price of all of it."""
    item = PlanItem(key="calls", name="Calls", kind=ItemKind.METERED, pricing=pricing)  # type: ignore[arg-type]
    sold, billed, charged = plan(item), Fraction(0), 0
    for number, portion in enumerate([Fraction(0), *portions]):
        use = _use(billed + portion, is_late=number > 0, billed=billed, charged=charged)
        charged += sum(line.gross for line in in_arrears(sold, [use]))
        billed += portion
    assert charged == item.gross(billed, "EUR")


def test_late_usage_gives_nothing_back() -> None:
    """Where more usage is cheaper the late part costs nothing; without late usage there is no line."""
    sold = plan(metered(mode=PricingMode.VOLUME))
    (late,) = in_arrears(sold, [_use(12, is_late=True, billed=10, charged=1000)])
    assert (late.gross, late.quantity, late.kind.value) == (0, Fraction(2), "late_usage")
    assert in_arrears(sold, [_use(10, is_late=True, billed=10, charged=1000)]) == []
    with pytest.raises(Invalid, match="never less"):
        _use(9, billed=10)


def test_usage_beyond_the_bands_is_refused() -> None:
    """A closed last band has no price beyond it."""
    with pytest.raises(Refused) as refused:
        in_arrears(plan(metered(Tier(up_to=Fraction(10), unit=Fraction(1)))), [_use(11)])
    assert refused.value.code == "beyond_last_band"


def test_an_invoice_fits_the_ledger() -> None:
    """An invoice whose lines come to more than 64 bits hold is refused."""
    book = Book(plan(seats("93000000000.00")), quantities={"seats": 10**6})
    with pytest.raises(Invalid, match="64 bits"):
        book.bill()
    assert Book(plan(seats("900000.00")), quantities={"seats": 10**6}).bill().total == 9 * 10**13
