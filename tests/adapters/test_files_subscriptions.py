"""Plans and usage from files."""

import io
import json
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

import pytest

from cityos_adapters.files import read_plans, read_usage_csv, read_usage_jsonl
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.drafts import UsageDraft
from cityos_core.subscriptions.plans import DunningEnd, DunningPolicy, ItemKind

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
PLAN = {"handle": "basic", "name": "Basic", "items": [{"key": "base", "name": "Base", "price": "30.00"}]}
USAGE = {
    "subscription": SUBSCRIPTION,
    "key": "a",
    "item": "calls",
    "quantity": "2.5",
    "used_at": "2026-01-05T12:00:00Z",
}
USED = UsageDraft(
    subscription=SubscriptionId(UUID(SUBSCRIPTION)),
    key="a",
    item="calls",
    quantity=Fraction(5, 2),
    used_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
)


def _stream(*lines: str) -> io.BytesIO:
    return io.BytesIO("\n".join(lines).encode())


def _mistakes(error: CityOSError | None) -> list[tuple[str, str]]:
    assert isinstance(error, Invalid)
    return [(mistake.path, mistake.code) for mistake in error.errors]


@pytest.mark.parametrize("form", ["list", "lines", "marked"])
def test_plans(form: str) -> None:
    """Plans stand in one JSON list, or one on each line; prices are in the currency that is given, or in their own."""
    yearly = {**PLAN, "handle": "yearly", "currency": "JPY", "interval": "year", "count": 2}
    yearly["items"] = [{"key": "seats", "name": "Seats", "kind": "per_seat", "price": "1200"}]
    yearly["dunning"] = {"days": [2, 4], "end": "canceled"}
    text = json.dumps([PLAN, yearly], indent=2)
    if form == "lines":
        text = f"{json.dumps(PLAN)}\n\n{json.dumps(yearly)}\n"
    rows = list(read_plans(_stream("\ufeff" * (form == "marked") + text), currency="EUR"))
    assert [(row.number, row.reference, row.error) for row in rows] == [
        (1, "basic", None),
        (3 if form == "lines" else 2, "yearly", None),
    ]
    first, second = (row.readable() for row in rows)
    assert (first.currency, first.items[0].price, first.interval) == (None, UnitPrice.of("30", "EUR"), Interval.MONTH)
    assert (second.items[0].kind, second.items[0].price) == (ItemKind.PER_SEAT, UnitPrice.of("1200", "JPY"))
    assert second.dunning == DunningPolicy(days=(2, 4), end=DunningEnd.CANCELED)


@pytest.mark.parametrize(
    ("changed", "mistakes"),
    [
        ({"items": None}, [("$.items", "missing")]),
        ({"price": "1"}, [("$.price", "unknown_key")]),
        ({"interval": "fortnight"}, [("$.interval", "unknown_value")]),
        ({"dunning": {"days": [3, 1]}}, [("$.dunning.days", "retry_days")]),
        ({"items": [{"key": "a", "name": "A", "price": 1}]}, [("$.items[0].price", "wrong_type")]),
        ({"items": [{"key": "a", "name": "A"}]}, [("$.items[0].price", "item_form")]),
        ({"currency": "EURO"}, [("$.currency", "unknown_currency")]),
    ],
)
def test_mistakes_of_a_plan(changed: dict[str, object], mistakes: list[tuple[str, str]]) -> None:
    """What is wrong with a plan is named by its JSON path, and the plan by its handle."""
    document = {key: value for key, value in {**PLAN, **changed}.items() if value is not None}
    (row,) = read_plans(_stream(json.dumps([document])), currency="EUR")
    assert (row.reference, _mistakes(row.error)) == ("basic", mistakes)


def test_a_list_that_is_broken() -> None:
    """A list that is no JSON is refused as a whole; a line that is not, as a line."""
    with pytest.raises(Invalid, match="not JSON"):
        list(read_plans(_stream("[{}"), currency="EUR"))
    rows = list(read_plans(_stream("{", json.dumps(PLAN), "7"), currency="EUR"))
    assert [row.draft is None for row in rows] == [True, False, True]


def test_usage_in_both_forms() -> None:
    """Usage is read from CSV and from JSON lines, each report by its key."""
    cells = ",".join(USAGE.values())
    (from_csv,) = read_usage_csv(_stream("subscription,key,item,quantity,used_at", cells))
    (from_lines,) = read_usage_jsonl(_stream(json.dumps(USAGE)))
    assert from_csv.readable() == from_lines.readable() == USED
    assert (from_csv.number, from_csv.reference, from_lines.number, from_lines.reference) == (2, "a", 1, "a")


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("subscription", "ada", "not_a_uuid"),
        ("subscription", "", "missing"),
        ("key", "", "missing"),
        ("quantity", "1e3", "not_a_decimal"),
        ("quantity", "9" * 40, "not_a_decimal"),
        ("quantity", "1/0", "not_a_decimal"),
        ("used_at", "2026-01-05T12:00:00", "not_a_time"),
        ("used_at", "0001-01-01T00:00:00+14:00", "not_a_time"),
    ],
)
def test_mistakes_of_usage(column: str, text: str, code: str) -> None:
    """What is wrong with a report is named by row and column, or by its JSON path."""
    report = {**USAGE, column: text}
    (row,) = read_usage_csv(_stream(",".join(report), ",".join(report.values())))
    assert _mistakes(row.error) == [(f"row 2, column {column}", code)]
    if text:
        (line,) = read_usage_jsonl(_stream(json.dumps(report)))
        assert (_mistakes(line.error), line.draft) == ([(f"$.{column}", code)], None)
