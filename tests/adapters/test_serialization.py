"""The strict JSON form: exact types, every mistake by its path, and the way back."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from cityos_adapters.serialization import dump, exact_text, load, parse, render
from cityos_core.commissions.lines import CommissionLine, Component, GroupDecision, SaleLine, Verdict
from cityos_core.commissions.rules import Rule, ScopeLevel, TieredRate
from cityos_core.kernel.errors import FieldError, Invalid
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.tiers import Pricing
from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, Party
from cityos_core.testing.strategies import fractions, money, order_drafts, percentages, pricings, rules, unit_prices

ORDER = """{"reference": "10248", "placed_at": "1996-07-04T00:00:00Z", "customer": "VINET", "currency": "USD", "fulfilled_at": "1996-07-16T00:00:00Z",
 "prices_include_tax": false, "shipping_recipient": "vendor", "tax_remitter": "vendor",
 "lines": [{"reference": "1", "sku": "11", "vendor": "cooperativa-de-quesos-las-cabras", "quantity": 12, "unit_price": "14.00", "tax": "0.00", "discounts": [{"percentage": "5", "funding": {"vendor": 1}}]}],
 "shipping": [{"amount": "32.38", "vendor": null, "tax": "0.00"}]}"""

RULE = """{"name": "Wine, large lots", "scope": {"level": "product_category", "reference": "beverages/wine"}, "group": "default", "priority": 10,
 "conditions": {"vendors": ["exotic-liquids"], "line_amount": {"min": "500.00", "max": "9999.99", "currency": "EUR"}},
 "rate": {"percentage": "8.5", "fixed": [{"amount": "0.30", "currency": "EUR", "per": "unit"}]},
 "floor": [{"amount": "1.00", "currency": "EUR"}], "cap": [{"amount": "250.00", "currency": "EUR"}], "floor_policy": "cap",
 "bounds": {"min_percentage": "5", "max_percentage": "15", "locked": false},
 "base": {"tax": "net", "shipping": false}, "tax": {"percentage": "21"}, "valid_from": "2026-01-01T00:00:00Z", "valid_until": null}"""

TIERED = """{"name": "Volume", "scope": {"level": "platform"}, "rate": {"tiers": [{"up_to": "1/3", "percentage": "10", "fixed": [{"amount": "1.00"}]},
 {"up_to": "1000.00", "percentage": "20"}, {}], "mode": "marginal", "basis": "period", "period": "rolling", "days": 30, "currency": "EUR"}}"""


def _order(**changes: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ORDER)
    return document | changes


def _line(**changes: object) -> dict[str, Any]:
    return _order(lines=[json.loads(ORDER)["lines"][0] | changes])


def _mistakes(cls: type[object], data: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        load(cls, data)
    assert caught.value.code == "malformed"
    assert all(mistake.detail for mistake in caught.value.errors)
    return [(mistake.path, mistake.code) for mistake in caught.value.errors]


def test_the_order_of_the_documentation() -> None:
    """The documented order is read into the core's classes; bare amounts are in the order's currency."""
    draft = load(OrderDraft, parse(ORDER))
    assert draft.lines[0].unit_price == UnitPrice.of("14.00", "USD")
    assert draft.lines[0].discounts == (Discount(percentage=Percentage.of("5"), funding={Party.VENDOR: 1}),)
    assert draft.shipping[0].amount == Money.of("32.38", "USD")
    assert draft.fulfilled_at == datetime(1996, 7, 16, tzinfo=UTC)


def test_the_rule_of_the_documentation() -> None:
    """The documented rule is read, with its defaults; a bare amount of a band is in the band's currency."""
    rule = load(Rule, parse(RULE))
    assert rule.scope.level is ScopeLevel.PRODUCT_CATEGORY
    assert rule.conditions.line_amount is not None
    assert rule.conditions.line_amount.max == Money.of("9999.99", "EUR")
    assert rule.tax is not None
    assert rule.valid_until is None


def test_tiered_rates() -> None:
    """Bounds may be fractions; fixed parts of bands are in the rate's currency unless they name another."""
    rate = load(Rule, parse(TIERED)).rate
    assert isinstance(rate, TieredRate)
    assert [band.up_to for band in rate.tiers] == [Fraction(1, 3), Fraction(1000), None]
    assert rate.tiers[0].fixed[0].amount == Money.of("1.00", "EUR")
    other = json.loads(TIERED)
    other["rate"]["tiers"][0]["fixed"] = [{"amount": "100", "currency": "JPY", "per": "order"}]
    found = load(Rule, other).rate
    assert found.tiers[0].fixed[0].amount == Money(100, "JPY") if isinstance(found, TieredRate) else False


@given(order_drafts())
def test_orders_come_back(draft: OrderDraft) -> None:
    """Whatever order there is, it survives being written and read."""
    assert load(OrderDraft, parse(render(dump(draft)))) == draft


@given(rules())
def test_rules_come_back(rule: Rule) -> None:
    """Whatever rule there is, it survives being written and read."""
    assert load(Rule, parse(render(dump(rule)))) == rule


@given(pricings())
def test_prices_in_bands_come_back(pricing: Pricing) -> None:
    """A key that is a word of Python loses its underscore in JSON."""
    assert load(Pricing, parse(render(dump(pricing)))) == pricing


@frozen(kw_only=True)
class Everything:
    """One of each kind of value."""

    money: Money
    unit_price: UnitPrice
    percentage: Percentage
    exact: Fraction
    weight: int | Fraction
    at: datetime
    on: date
    id: UUID
    maybe: Money | None
    flag: bool


@given(
    st.builds(
        Everything,
        money=money(),
        unit_price=unit_prices(),
        percentage=percentages(),
        exact=st.one_of(fractions(), st.fractions(max_denominator=10**6)),
        weight=st.one_of(st.integers(0, 10**6), fractions()),
        at=st.datetimes(
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))]),
            min_value=datetime.fromisoformat("0002-01-01"),
        ),
        on=st.dates(),
        id=st.uuids(),
        maybe=st.none() | money(),
        flag=st.booleans(),
    )
)
def test_values_come_back(value: Everything) -> None:
    """Amounts outside any currency carry their own; every value comes back equal and of the same type."""
    twin = load(Everything, parse(render(dump(value))))
    assert twin == value
    assert type(twin.weight) is type(value.weight)


def test_records_of_commissions_come_back() -> None:
    """The frozen record of a decision, which storage keeps, is the same when it is read again."""
    decision = GroupDecision(
        group="default",
        rule="Ten",
        rule_id=UUID(int=7),
        base=1000,
        built="gross 10.00",
        components=(Component("percentage", "10 %", "1.00"),),
        amount=100,
    )
    line = CommissionLine(
        reference="1", currency="EUR", amount=100, decisions=(decision,), trace=(Verdict("Ten", "won"),)
    )
    sold = SaleLine(
        reference="1", sku="a", vendor="v", quantity=1, unit_price=UnitPrice.of("10.00", "EUR"), gross=1000, paid=1000
    )
    assert load(CommissionLine, parse(render(dump(line)))) == line
    assert load(SaleLine, parse(render(dump(sold)))) == sold


def test_amounts_are_bare_only_in_their_own_currency() -> None:
    """Inside an object in its currency an amount is a bare string; elsewhere it names its currency."""
    document = dump(load(Rule, parse(RULE)))
    assert isinstance(document, dict)
    assert document["cap"] == [{"amount": "250.00", "currency": "EUR"}]
    assert document["conditions"]["line_amount"] == {"currency": "EUR", "min": "500.00", "max": "9999.99"}  # type: ignore[index, call-overload]


@pytest.mark.parametrize("amount", ["12.00", {"amount": "12.00", "currency": "USD"}])
def test_an_amount_may_name_its_currency(amount: object) -> None:
    """An amount inside an object with a currency may repeat it."""
    assert load(OrderDraft, _line(tax=amount)).lines[0].tax == Money.of("12.00", "USD")
    assert load(OrderDraft, _line(unit_price=amount)).lines[0].unit_price == UnitPrice.of("12.00", "USD")


def test_an_outer_currency_may_be_given() -> None:
    """Whoever knows the currency may name it for data that does not."""
    assert load(Money, "1.50", currency="EUR") == Money(150, "EUR")
    with pytest.raises(Invalid, match="names a currency"):
        load(Money, "1.50")


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [({"quantity": "12"}, "$.lines[0].quantity", "wrong_type"), ({"quantity": True}, "$.lines[0].quantity", "wrong_type"),
     ({"quantity": 12.0}, "$.lines[0].quantity", "wrong_type"), ({"quantity": None}, "$.lines[0].quantity", "wrong_type"),
     ({"quantity": 2**63}, "$.lines[0].quantity", "too_large"), ({"quantity": 0}, "$.lines[0].quantity", "quantity"),
     ({"unit_price": 14}, "$.lines[0].unit_price", "wrong_type"), ({"unit_price": 14.5}, "$.lines[0].unit_price", "wrong_type"),
     ({"unit_price": "1.0000001"}, "$.lines[0].unit_price", "surplus_digits"), ({"unit_price": ""}, "$.lines[0].unit_price", "not_a_decimal"),
     ({"unit_price": ["1"]}, "$.lines[0].unit_price", "wrong_type"), ({"unit_price": {"amount": "1.00"}}, "$.lines[0].unit_price.currency", "missing"),
     ({"unit_price": {"amount": "1.00", "currency": "EUR"}}, "$.lines[0].unit_price.currency", "currency_mismatch"),
     ({"tax": "0.0"}, "$.lines[0].tax", "wrong_digits"), ({"tax": "0"}, "$.lines[0].tax", "wrong_digits"), ({"tax": "-1.00"}, "$.lines[0].tax", "negative_amount"),
     ({"tax": {"amount": 1, "currency": "USD"}}, "$.lines[0].tax.amount", "wrong_type"),
     ({"tax": {"amount": {"amount": "1.00", "currency": "USD"}, "currency": "USD"}}, "$.lines[0].tax.amount", "wrong_type"),
     ({"tax": {"amount": "1.00", "currency": "USD", "per": "line"}}, "$.lines[0].tax.per", "unknown_key"),
     ({"sku": 11}, "$.lines[0].sku", "wrong_type"), ({"sku": "a\0b"}, "$.lines[0].sku", "unstorable_text"), ({"sku": "\ud800"}, "$.lines[0].sku", "unstorable_text"),
     ({"tags": "red"}, "$.lines[0].tags", "wrong_type"), ({"tags": {"red": 1}}, "$.lines[0].tags", "wrong_type"), ({"tags": [1]}, "$.lines[0].tags[0]", "wrong_type"),
     ({"discounts": [{}]}, "$.lines[0].discounts[0]", "discount_form"),
     ({"discounts": [{"percentage": 5}]}, "$.lines[0].discounts[0].percentage", "wrong_type"),
     ({"discounts": [{"percentage": "5", "funding": {"me": 1}}]}, "$.lines[0].discounts[0].funding.me", "unknown_value"),
     ({"discounts": [{"percentage": "5", "funding": {"vendor": 0.5}}]}, "$.lines[0].discounts[0].funding.vendor", "wrong_type"),
     ({"discounts": [{"percentage": "5", "funding": {"vendor": -1}}]}, "$.lines[0].discounts[0].funding.vendor", "negative_weight"),
     ({"discounts": [{"percentage": "5", "funding": ["vendor"]}]}, "$.lines[0].discounts[0].funding", "wrong_type"),
     ({"vendor_id": "x"}, "$.lines[0].vendor_id", "unknown_key"), ({"a b": "x"}, '$.lines[0]["a b"]', "unknown_key")],
)  # fmt: skip
def test_mistakes_in_a_line(change: dict[str, object], path: str, code: str) -> None:
    """Nothing is guessed: each odd value is named by its path."""
    assert _mistakes(OrderDraft, _line(**change)) == [(path, code)]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [({"placed_at": "2025-01-01"}, "$.placed_at", "not_a_time"), ({"placed_at": "2025-01-01T00:00:00"}, "$.placed_at", "not_a_time"),
     ({"placed_at": "2025-01-01T00:00Z"}, "$.placed_at", "not_a_time"), ({"placed_at": "2025-02-30T00:00:00Z"}, "$.placed_at", "not_a_time"),
     ({"placed_at": "2025-01-01T24:00:00Z"}, "$.placed_at", "not_a_time"), ({"placed_at": "2025-01-01T00:00:00+25:00"}, "$.placed_at", "not_a_time"),
     ({"placed_at": "2025-01-01T00:00:00.1234567Z"}, "$.placed_at", "not_a_time"), ({"placed_at": "0001-01-01T00:00:00+01:00"}, "$.placed_at", "not_a_time"),
     ({"placed_at": 1735689600}, "$.placed_at", "wrong_type"), ({"placed_at": "20250101T000000Z"}, "$.placed_at", "not_a_time"),
     ({"lines": []}, "$.lines", "no_lines"), ({"lines": {}}, "$.lines", "wrong_type"), ({"lines": [None]}, "$.lines[0]", "wrong_type"), ({"lines": "x"}, "$.lines", "wrong_type"),
     ({"prices_include_tax": 1}, "$.prices_include_tax", "wrong_type"), ({"prices_include_tax": "true"}, "$.prices_include_tax", "wrong_type"),
     ({"shipping_recipient": "buyer"}, "$.shipping_recipient", "unknown_value"), ({"shipping_recipient": []}, "$.shipping_recipient", "unknown_value"),
     ({"currency": "usd"}, "$.currency", "unknown_currency"), ({"currency": 840}, "$.currency", "wrong_type"), ({"currency": None}, "$.currency", "wrong_type"),
     ({"total": "1.00"}, "$.total", "unknown_key"), ({"fulfilled_at": "1990-01-01T00:00:00Z"}, "$.fulfilled_at", "fulfilled_before_placed")],
)  # fmt: skip
def test_mistakes_in_an_order(change: dict[str, object], path: str, code: str) -> None:
    """Times have an offset, lists are lists, and a wrong currency is one mistake, not one for every amount."""
    assert _mistakes(OrderDraft, _order(**change)) == [(path, code)]


def test_every_mistake_is_named_at_once() -> None:
    """One pass finds the mistakes of all parts: types, rules of the values, missing and unknown keys."""
    data = _line(quantity="12", unit_price=1, discounts=[{"percentage": "101"}, {}], colour="red")
    del data["reference"]
    data["lines"].append(7)
    assert _mistakes(OrderDraft, data) == [
        ("$.reference", "missing"),
        ("$.lines[0].quantity", "wrong_type"),
        ("$.lines[0].unit_price", "wrong_type"),
        ("$.lines[0].discounts[0].percentage", "percentage_out_of_range"),
        ("$.lines[0].discounts[1]", "discount_form"),
        ("$.lines[0].colour", "unknown_key"),
        ("$.lines[1]", "wrong_type"),
    ]


def test_a_list_of_mistakes_is_not_read_to_its_end() -> None:
    """After a thousand wrong items the rest of a list is left alone, so that no input can exhaust the memory."""
    assert _mistakes(tuple[int, ...], [*range(5), *["x"] * 2000])[-1] == ("$[1004]", "wrong_type")


def test_mistakes_say_what_to_write() -> None:
    """A number where a decimal string is wanted is told to become one; an unknown key is told the known ones."""
    with pytest.raises(Invalid, match="write it as a string"):
        load(OrderDraft, _line(unit_price=14.5))
    with pytest.raises(Invalid, match="known here: reference, placed_at, currency"):
        load(OrderDraft, _order(ref="1"))


@pytest.mark.parametrize(
    "name", ["customer", "fulfilled_at", "shipping", "channel", "customer_group", "prices_include_tax"]
)
def test_what_may_be_absent_may_be_null(name: str) -> None:
    """A key that is not required may be left out or null; both mean the default."""
    data = _order()
    data.pop(name, None)
    assert load(OrderDraft, data | {name: None}) == load(OrderDraft, data)


@pytest.mark.parametrize("data", [None, 1, 1.5, "x", [], True])
def test_an_object_is_wanted(data: object) -> None:
    """What is not an object is named at the root."""
    assert _mistakes(OrderDraft, data) == [("$", "wrong_type")]


@pytest.mark.parametrize(
    "text",
    ["1/0", "1/-2", "0x10", "1e5", "1//2", " 1", "", "½", "-" * 100, "9" * 100],
)
def test_odd_numbers_are_refused(text: str) -> None:
    """An exact number is a decimal string or a ratio."""
    assert _mistakes(Fraction, text) == [("$", "not_a_decimal")]


@pytest.mark.parametrize(
    "text", ["{1}", "x", "12345678123456781234567812345678", "urn:uuid:12345678-1234-5678-1234-567812345678"]
)
def test_odd_identifiers_are_refused(text: str) -> None:
    """A UUID has its usual form."""
    assert _mistakes(UUID, text) == [("$", "not_a_uuid")]


@pytest.mark.parametrize(
    ("value", "text"), [(Fraction(5, 2), "2.5"), (Fraction(1, 3), "1/3"), (7, "7"), (Fraction(-1, 8), "-0.125")]
)
def test_exact_numbers_as_text(value: int | Fraction, text: str) -> None:
    """A number is written as a decimal where that is exact, as a ratio where it is not."""
    assert exact_text(value) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"a": 1, "a": 2}', "appears twice"), ("[NaN]", "NaN is not a number"), ("[-Infinity]", "Infinity"), ("{} {}", "Extra data"), ("{", "line 1, column"),
     ("", "not JSON"), ("[" * 10**5, "too deeply"), ('{"a":' * 10**5, "too deeply"), (b"\xff", "not UTF-8"), (b"\xef\xbb\xbf{}", "BOM"),
     ("9" * 5000, "too many digits"), ("{'a': 1}", "not JSON"), ("[1,]", "not JSON"), ('"a\nb"', "not JSON"), ("01", "not JSON")],
)  # fmt: skip
def test_text_that_is_not_json(text: str | bytes, words: str) -> None:
    """Whatever is not exactly one JSON document is refused at the root, with the reason."""
    with pytest.raises(Invalid, match=words) as caught:
        parse(text)
    assert [mistake.path for mistake in caught.value.errors] == ["$"]


def test_a_validator_of_the_core_is_a_mistake() -> None:
    """Errors that the core raises with places of their own are joined to the place of the object."""

    @frozen
    class Picky:
        number: int

        def __attrs_post_init__(self) -> None:
            if self.number == 1:
                raise ValueError("not one")
            if self.number == 2:
                raise Invalid("odd", "odd", [FieldError("$.number", "odd", "odd"), FieldError("$", "even", "even")])

    assert _mistakes(tuple[Picky, ...], [{"number": 0}, {"number": 1}, {"number": 2}]) == [
        ("$[1]", "invalid_value"),
        ("$[2].number", "odd"),
        ("$[2]", "even"),
    ]


def test_a_mistake_in_a_program_is_not_hidden() -> None:
    """An error that is nobody's input is not turned into one."""

    @frozen
    class Broken:
        number: int

        def __attrs_post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(Broken, {"number": 1})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_else_is_ever_raised(data: object) -> None:
    """Whatever data comes, it is an order, or it is refused as malformed; so also inside a line."""
    for document in (data, _order(lines=data), _line(discounts=[data], unit_price=data)):
        with pytest.raises(Invalid):
            load(OrderDraft, document)


def test_line_drafts_alone_need_a_currency() -> None:
    """A line read by itself has no currency around it, and says so once for each amount."""
    line = json.loads(ORDER)["lines"][0]
    assert _mistakes(LineDraft, line) == [("$.unit_price", "missing_currency"), ("$.tax", "missing_currency")]
    assert load(LineDraft, line, currency="USD").tax == Money.zero("USD")
