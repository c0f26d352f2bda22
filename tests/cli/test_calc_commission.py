"""`cityos calc commission`."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from cityos_adapters.calculators import calculate
from cityos_adapters.serialization import dump
from cityos_core.orders.draft import OrderDraft
from cityos_core.testing.strategies import order_drafts
from cli.calculations import COMMISSION, INVALID, REFUSED, Calc


def _commission(**changes: Any) -> dict[str, Any]:
    """Give the example with another line, other rules, or other keys of the order."""
    data = copy.deepcopy(COMMISSION)
    data["rules"] = changes.pop("rules", data["rules"])
    data["context"] = changes.pop("context", None)
    data["order"]["lines"][0] |= changes.pop("line", {})
    data["order"] |= changes
    return data


def test_ten_percent(calc: Calc) -> None:
    """100.00 at 10 %: what the line costs and why, and what is left to the vendor."""
    answer = calc("commission", COMMISSION).data
    (line,) = answer["lines"]
    assert (line["reference"], line["amount"], line["tax"], line["rules"]) == ("1", "10.00", "0.00", ["Ten"])
    assert [(part["group"], part["rule"], part["kind"]) for part in line["components"]] == [
        ("default", "Ten", "percentage")
    ]
    assert {"rule", "outcome", "detail"} == set(line["trace"][0])
    assert answer["vendors"] == {
        "acme": {
            "gross": "100.00",
            "discounts": "0.00",
            "funding": "0.00",
            "shipping": "0.00",
            "tax": "0.00",
            "commission": "10.00",
            "commission_tax": "0.00",
            "net": "90.00",
        }
    }


@pytest.mark.parametrize(
    ("party", "commission", "funding", "net"),
    [
        ("platform", "10.00", "100.00", "90.00"),
        ("tenant", "10.00", "100.00", "90.00"),
        ("vendor", "0.00", "0.00", "0.00"),
    ],
)
def test_who_funds_a_gift(calc: Calc, party: str, commission: str, funding: str, net: str) -> None:
    """A free item funded by the platform leaves the vendor 90 of 100; funded by the vendor all is zero."""
    discounts = [{"percentage": "100", "funding": {party: 1}}]
    vendor = calc("commission", _commission(line={"discounts": discounts})).data["vendors"]["acme"]
    assert (vendor["commission"], vendor["funding"], vendor["net"]) == (commission, funding, net)


def test_half_up(calc: Calc) -> None:
    """11.50 at 10 % is 1.15, with 21 % of tax on it 0.24."""
    rules = [COMMISSION["rules"][0] | {"tax": {"percentage": "21"}}]
    (line,) = calc("commission", _commission(rules=rules, line={"unit_price": "11.50"})).data["lines"]
    assert (line["amount"], line["tax"]) == ("1.15", "0.24")


def test_place_category_and_volume(calc: Calc) -> None:
    """The context says where the sale is, what is sold, and how much the vendor sold before it."""
    tiers = [{"up_to": "1000.00", "percentage": "10"}, {"percentage": "5"}]
    period = {"tiers": tiers, "mode": "marginal", "basis": "period", "period": "month", "currency": "EUR"}
    rules = [
        {"name": "Tenant", "scope": {"level": "tenant", "reference": "north"}, "rate": {"percentage": "12"}},
        {"name": "Wine", "scope": {"level": "product_category", "reference": "beverages"}, "rate": period},
    ]
    context: dict[str, Any] = {
        "hierarchy": {"country": "de", "tenant": "north", "store": "main"},
        "categories": {"chair": "beverages/wine"},
        "vendors": {"acme": {"volume": "950.00"}, "other": {}},
    }
    (line,) = calc("commission", _commission(rules=rules, context=context)).data["lines"]
    assert (line["rules"], line["amount"]) == (["Wine"], "7.50")
    context["categories"] = {}
    (line,) = calc("commission", _commission(rules=rules, context=context)).data["lines"]
    assert (line["rules"], line["amount"]) == (["Tenant"], "12.00")
    (line,) = calc("commission", _commission(rules=rules)).data["lines"]
    assert (line["rules"], line["amount"]) == ([], "0.00")


def test_as_of_another_time(calc: Calc) -> None:
    """Rules are those that hold when the order was placed, or at the instant that is given."""
    rules = [COMMISSION["rules"][0] | {"valid_from": "2026-02-01T00:00:00Z"}]
    data = _commission(rules=rules)
    assert calc("commission", data).data["lines"][0]["amount"] == "0.00"
    assert calc("commission", data | {"at": "2026-02-01T00:00:00Z"}).data["lines"][0]["amount"] == "10.00"


def test_groups_add_up(calc: Calc) -> None:
    """Each group has a winner, and their amounts are added."""
    rules = [
        COMMISSION["rules"][0],
        COMMISSION["rules"][0] | {"name": "Ads", "group": "marketing", "rate": {"percentage": "2.5"}},
    ]
    (line,) = calc("commission", _commission(rules=rules)).data["lines"]
    assert (line["rules"], line["amount"]) == (["Ten", "Ads"], "12.50")


FLOOR = COMMISSION["rules"][0] | {"floor": [{"amount": "150.00", "currency": "EUR"}]}


@pytest.mark.parametrize(("policy", "net"), [("cap", "0.00"), ("debt", "-50.00")])
def test_a_floor_above_the_sale(calc: Calc, policy: str, net: str) -> None:
    """A commission above its base is capped there, or owed."""
    answer = calc("commission", _commission(rules=[FLOOR | {"floor_policy": policy}])).data
    assert answer["vendors"]["acme"]["net"] == net
    assert "clamped" in [verdict["outcome"] for verdict in answer["lines"][0]["trace"]]


CLOSED = {"tiers": [{"up_to": "50.00", "percentage": "10"}], "currency": "EUR"}


@pytest.mark.parametrize(
    ("change", "path"),
    [({"rules": [FLOOR | {"floor_policy": "refuse"}]}, "$.order.lines[0]"), ({"rules": [COMMISSION["rules"][0] | {"rate": CLOSED}]}, "$.order.lines[0]"),
     ({"line": {"discounts": [{"amount": "100.01"}]}}, "$.order.lines[0].discounts[0]")],
)  # fmt: skip
def test_what_rules_refuse(calc: Calc, change: dict[str, Any], path: str) -> None:
    """A floor policy that refuses, a closed last band and a discount of more than the line exit 7 and are named."""
    calc("commission", _commission(**change)).failed(REFUSED, path)


@pytest.mark.parametrize(
    ("change", "path"),
    [({"rules": {}}, "$.rules"), ({"rules": [{}]}, "$.rules[0].name"), ({"rules": [FLOOR | {"rate": {"percentage": 10}}]}, "$.rules[0].rate.percentage"),
     ({"rules": [FLOOR | {"rate": {"tiers": [{"up_to": "5"}, {"up_to": "4"}], "currency": "EUR"}}]}, "$.rules[0].rate.tiers[1].up_to"),
     ({"line": {"quantity": 0}}, "$.order.lines[0].quantity"), ({"line": {"unit_price": 1.5}}, "$.order.lines[0].unit_price"), ({"currency": "EURO"}, "$.order.currency"),
     ({"line": {"tax": "1.000"}}, "$.order.lines[0].tax"), ({"prices_include_tax": True, "line": {"tax": "100.01"}}, "$.order.lines[0].tax"),
     ({"shipping": [{"amount": "1.00", "vendor": "nobody"}]}, "$.order.shipping[0].vendor"), ({"context": []}, "$.context"), ({"context": {"hierarchy": {"planet": "x"}}}, "$.context.hierarchy.planet"),
     ({"context": {"vendors": {"acme": {"volume": "1"}}}}, "$.context.vendors.acme.volume"), ({"context": {"vendors": {"acme": {"volume": "-1.00"}}}}, "$.context.vendors.acme.volume"),
     ({"context": {"vendors": {"acme": {"volume": {"amount": "1.00", "currency": "USD"}}}}}, "$.context.vendors.acme.volume.currency"),
     ({"line": {"quantity": 2**62, "unit_price": "9000000000000"}}, "$.order.lines[0]")],
)  # fmt: skip
def test_malformed_commissions(calc: Calc, change: dict[str, Any], path: str) -> None:
    """Mistakes in rules, order and context exit 8 and are named."""
    calc("commission", _commission(**change)).failed(INVALID, path)


@given(order_drafts(currency="EUR"))
@settings(max_examples=40)
def test_vendors_figures_tie(draft: OrderDraft) -> None:
    """Each vendor's net is the sum of its parts, less the tax that its prices contain."""
    answer: Any = calculate("commission", {"rules": COMMISSION["rules"], "order": dump(draft)})
    assert sum(_cents(line["amount"]) for line in answer["lines"]) == sum(
        _cents(vendor["commission"]) for vendor in answer["vendors"].values()
    )
    for handle, vendor in answer["vendors"].items():
        cents = {name: _cents(amount) for name, amount in vendor.items()}
        contained = (
            sum(line.tax.minor for line in draft.lines if line.tax and line.vendor == handle)
            if draft.prices_include_tax
            else 0
        )
        left = cents["gross"] - cents["discounts"] - contained + cents["funding"] + cents["shipping"] + cents["tax"]
        assert cents["net"] == left - cents["commission"] - cents["commission_tax"]


def _cents(text: str) -> int:
    return int(text.replace(".", ""))
