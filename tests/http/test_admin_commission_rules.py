"""Commission rules over HTTP: written in the exchange format, explained, linted and replayed."""

from typing import Any

from cityos_adapters.serialization import load
from cityos_core.app import CityOS
from cityos_core.commissions.rules import Rule
from cityos_core.tenancy.model import Tenant
from clients import Client, everything, refusal

RULES = "/admin/commission-rules"

STANDARD: dict[str, Any] = {
    "name": "standard",
    "scope": {"level": "platform"},
    "rate": {"percentage": "10", "fixed": [{"amount": "0.30", "currency": "EUR", "per": "order"}]},
}
TIERED: dict[str, Any] = {
    "name": "acme / chairs",
    "scope": {"level": "vendor", "reference": "acme"},
    "priority": 5,
    "conditions": {"products": ["chair"], "unit_price": {"currency": "EUR", "max": "500.00"}},
    "rate": {
        "currency": "EUR",
        "mode": "slab",
        "tiers": [{"up_to": "50", "percentage": "20"}, {"percentage": "8.5", "fixed": [{"amount": "1.00"}]}],
    },
    "cap": [{"amount": "40.00", "currency": "EUR"}],
    "valid_from": "2025-01-01T00:00:00Z",
}
SALE = {
    "reference": "10248",
    "placed_at": "2026-01-05T08:00:00Z",
    "currency": "EUR",
    "lines": [{"reference": "1", "sku": "chair", "vendor": "acme", "quantity": 1, "unit_price": "100.00"}],
}


def euro(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "EUR"}


def imported(admin: Client, *rules: dict[str, Any], **more: object) -> list[dict[str, Any]]:
    """Write rules and give what became of each."""
    answer = admin.post(RULES, {"rules": rules, **more})
    assert answer.status_code == 201, answer.text
    return list(answer.json()["rules"])


def sold(admin: Client, body: dict[str, Any] = SALE) -> dict[str, Any]:
    """Place an order and give its first line."""
    line: dict[str, Any] = admin.post("/admin/orders", body).json()["lines"][0]
    return line


def test_rules_as_files_have_them(admin: Client, app: CityOS, north: Tenant) -> None:
    """A rule is read just as from a file, and what is shown of it can be written again and is the same."""
    assert imported(admin, STANDARD, TIERED) == [
        {"name": "standard", "outcome": "created", "version": 1},
        {"name": "acme / chairs", "outcome": "created", "version": 1},
    ]
    assert [stored.rule for stored in app.commissions.rules(north.scope)] == [load(Rule, STANDARD), load(Rule, TIERED)]
    shown = everything(admin, RULES, limit=1)
    assert [one["rule"]["name"] for one in shown] == ["standard", "acme / chairs"]
    assert shown[1]["rule"]["conditions"]["unit_price"]["max"] == euro("500.00")
    assert [one["is_platforms"] for one in shown] == [False, False]
    assert {one["outcome"] for one in imported(admin, *(one["rule"] for one in shown))} == {"unchanged"}


def test_mistakes_in_rules(admin: Client) -> None:
    """Every mistake is named by where it stands, and nothing is written."""
    wrong = {**STANDARD, "rate": {"percentage": "101"}, "colour": "blue"}
    answer = admin.post(RULES, {"rules": [STANDARD, wrong]})
    assert refusal(answer) == (422, "malformed")
    assert {mistake["pointer"] for mistake in answer.json()["errors"]} == {
        "#/rules/1/rate/percentage",
        "#/rules/1/colour",
    }
    twice = admin.post(RULES, {"rules": [STANDARD, STANDARD]})
    assert refusal(twice) == (422, "invalid_rules")
    assert [(one["pointer"], one["code"]) for one in twice.json()["errors"]] == [("#/rules/1/name", "duplicate_name")]
    endless = {
        "currency": "EUR",
        "basis": "period",
        "period": "rolling",
        "days": 10**12,
        "tiers": [{"percentage": "1"}],
    }
    answer = admin.post(RULES, {"rules": [{**STANDARD, "rate": endless}]}).json()
    assert [(one["pointer"], one["code"]) for one in answer["errors"]] == [("#/rules/0/rate/days", "period_too_long")]
    assert everything(admin, RULES) == []


def test_a_rules_life(admin: Client) -> None:
    """A draft is activated and retired; every version is kept."""
    imported(admin, TIERED, draft=True)
    assert [one["status"] for one in everything(admin, RULES)] == ["draft"]
    active = admin.post(f"{RULES}/activate", {"name": "acme / chairs"}).json()
    assert (active["status"], active["version"], active["allowed_actions"]) == ("active", 2, ["retire"])
    imported(admin, {**TIERED, "priority": 6})
    retired = admin.post(f"{RULES}/retire", {"name": "acme / chairs"}).json()
    assert (retired["status"], retired["version"]) == ("retired", 4)
    assert refusal(admin.post(f"{RULES}/retire", {"name": "acme / chairs"})) == (409, "invalid_state")
    assert refusal(admin.post(f"{RULES}/retire", {"name": "nothing"})) == (404, "rule_not_found")
    assert everything(admin, RULES) == []
    versions = everything(admin, f"{RULES}/history", name="acme / chairs", limit=3)
    assert [(one["version"], one["status"], one["rule"]["priority"]) for one in versions] == [
        (1, "draft", 5),
        (2, "active", 5),
        (3, "active", 6),
        (4, "retired", 6),
    ]
    assert [one["superseded_at"] is None for one in versions] == [False, False, False, True]
    assert refusal(admin.get(f"{RULES}/history", name="nothing")) == (404, "rule_not_found")


def test_explaining_a_line(admin: Client, app: CityOS, north: Tenant) -> None:
    """A sold line is explained from the record made at the sale, by its id or by references."""
    imported(admin, STANDARD, TIERED)
    line = sold(admin)
    said = admin.get(f"{RULES}/explain", reference="10248/1").json()
    assert said == admin.get(f"{RULES}/explain", line=line["line"]["id"]).json()
    entry = app.commissions.explain(north.scope, "10248/1")
    assert tuple(said["words"]) == entry.words
    assert said["commission"] == euro("9.50")
    assert [(one["rule"], one["base"], one["amount"], one["fixed"]) for one in said["decisions"]] == [
        ("acme / chairs", euro("100.00"), euro("9.50"), euro("1.00"))
    ]
    assert {verdict["rule"]: verdict["outcome"] for verdict in said["trace"]} == {
        "acme / chairs": "won",
        "standard": "wider",
    }
    assert refusal(admin.get(f"{RULES}/explain", reference="10248/2")) == (404, "line_not_found")
    assert refusal(admin.get(f"{RULES}/explain")) == (422, "malformed")
    assert refusal(admin.get(f"{RULES}/explain", reference="/" * 500)) == (422, "malformed")


def test_linting(admin: Client, app: CityOS, north: Tenant) -> None:
    """Rules that never count and sales that met none are found."""
    sold(admin)
    imported(admin, STANDARD, {**STANDARD, "name": "late"})
    found = everything(admin, f"{RULES}/lint", limit=1)
    assert {(one["kind"], one["rule"], one["other"]) for one in found} == {
        (finding.kind.value, finding.rule, finding.other) for finding in app.commissions.lint(north.scope)
    }
    assert ("unreachable", "late", "standard") in {(one["kind"], one["rule"], one["other"]) for one in found}
    assert "no_rule" in {one["kind"] for one in found}
    assert len(everything(admin, f"{RULES}/lint", since="2026-02-01T00:00:00Z")) == len(found) - 1


def test_replaying(admin: Client, app: CityOS, north: Tenant) -> None:
    """Past sales are charged by other rules, without a word of it in the books; drafts count if no rules are given."""
    imported(admin, STANDARD)
    sold(admin)
    before = app.ledger.balances(north.scope)
    other = {**STANDARD, "name": "other", "rate": {"percentage": "20"}}
    said = admin.send("POST", f"{RULES}/replay", {"rules": [other]}, {}).json()
    assert (said["orders"], said["refused"], said["unknown_lines"]) == (1, 0, 0)
    assert said["totals"] == [
        {
            "name": "",
            "lines": 1,
            "before": euro("10.30"),
            "after": euro("20.00"),
            "change": euro("9.70"),
            "tax_before": euro("0.00"),
            "tax_after": euro("0.00"),
        }
    ]
    assert [change["name"] for change in said["vendors"]] == ["acme"]
    imported(admin, TIERED, draft=True)
    drafts = admin.send("POST", f"{RULES}/replay", {"vendor": "acme"}, {}).json()
    assert drafts["totals"][0]["after"] == euro("9.50")
    assert app.ledger.balances(north.scope) == before
    wrong = {**TIERED, "rate": {**TIERED["rate"], "tiers": [{"up_to": "50"}, {"up_to": "40"}]}}
    answer = admin.send("POST", f"{RULES}/replay", {"rules": [wrong]}, {})
    assert answer.status_code == 422
    assert all(mistake["pointer"].startswith("#/rules/0/rate/tiers") for mistake in answer.json()["errors"])


def test_rules_of_the_platform(platform: Client, admin: Client) -> None:
    """The platform writes rules that hold in every tenant; a tenant reads them and changes nothing about them."""
    path = "/admin/tree/commission-rules"
    assert platform.post(path, {"rules": [STANDARD], "draft": True}).status_code == 201
    assert platform.post(f"{path}/activate", {"name": "standard"}).json()["status"] == "active"
    assert [one["is_platforms"] for one in everything(admin, RULES)] == [True]
    assert everything(admin, RULES) == everything(platform, path)
    assert sold(admin)["legs"]["commission"] == euro("10.00")
    assert refusal(admin.post(f"{RULES}/retire", {"name": "standard"})) == (404, "rule_not_found")
    assert refusal(admin.post(path, {"rules": [STANDARD]})) == (403, "forbidden")
    assert platform.post(f"{path}/retire", {"name": "standard"}).json()["version"] == 3
    versions = everything(platform, f"{path}/history", name="standard")
    assert versions == everything(admin, f"{RULES}/history", name="standard")
    assert [one["status"] for one in versions] == ["draft", "active", "retired"]


def test_commission_rules_are_not_for_vendors(acme: Client) -> None:
    """A vendor's owner neither reads nor writes rules."""
    assert refusal(acme.get(RULES)) == (403, "forbidden")
    assert refusal(acme.post(RULES, {"rules": [STANDARD]})) == (403, "forbidden")
