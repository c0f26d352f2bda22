"""`cityos calc`: what holds for every calculator."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.calculators import CALCULATORS, calculate
from cityos_core.kernel.errors import CityOSError, Invalid, NotFound, Refused
from cli.calculations import ALLOCATE, COMMISSION, EXAMPLES, INVALID, PRORATION, REFUNDS, REFUSED, Calc


@pytest.mark.parametrize("name", CALCULATORS)
@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b"{}{}", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": 1, "a": 2}', b"\xff\xfe", b"\xef\xbb\xbf{}", b"NaN",
     b'{"total": Infinity}', b"9" * 100_000, b'{"\\ud800": 1}', b'{"\\u0000": 1}', b"{'a': 1}"],
)  # fmt: skip
def test_hostile_input(calc: Calc, name: str, content: bytes) -> None:
    """Whatever bytes come, the answer is one line on stderr with a path, exit 8, and nothing on stdout."""
    answer = calc(name, content)
    assert (answer.code, answer.out) == (INVALID, "")
    assert answer.err.startswith("cityos: $")
    assert answer.err.count("\n") == 1
    assert len(answer.err) < 1000


@pytest.mark.parametrize("name", CALCULATORS)
def test_every_key_is_known(calc: Calc, name: str) -> None:
    """An unknown key is refused, and a required one is missed, in every calculator."""
    unknown = calc(name, EXAMPLES[name] | {"colour": "red"})
    assert (unknown.code, "$.colour: unknown key" in unknown.err) == (INVALID, True)
    empty = calc(name, {})
    assert (empty.code, "this is required" in empty.err) == (INVALID, True)


RULE = COMMISSION["rules"][0]
WRONG_ORDER: dict[str, Any] = COMMISSION["order"] | {
    "lines": [
        COMMISSION["order"]["lines"][0] | {"quantity": 0, "tax": "-1.00", "discounts": [{"amount": "-1.00"}, {}]}
    ],
    "shipping": [{"amount": "-1.00"}],
}
FALLING = {"tiers": [{"up_to": "5"}, {"up_to": "4"}, {"up_to": "3"}], "currency": "EUR"}


@pytest.mark.parametrize(
    ("name", "data", "paths"),
    [("allocate", {"total": "10.0", "weights": [1, -1], "x": 3}, ["$.currency", "$.weights[1]", "$.x"]),
     ("allocate", {"total": "10.0", "currency": "EUR", "weights": [-1, True]}, ["$.total", "$.weights[0]", "$.weights[1]"]),
     ("refunds", REFUNDS | {"refunds": ["33.333", "-1.00"], "x": 1}, ["$.refunds[0]", "$.refunds[1]", "$.x"]),
     ("refunds", REFUNDS | {"legs": {}, "refunds": ["-1.00"]}, ["$.legs", "$.refunds[0]"]),
     ("tiers", FALLING | {"quantity": "-1"}, ["$.quantity", "$.tiers[1].up_to", "$.tiers[2].up_to"]),
     ("tiers", {"tiers": [{"percentage": "1", "package": "1"}], "quantity": "1"}, ["$.tiers[0].percentage", "$.tiers[0].package"]),
     ("periods", {"anchor": "x", "zone": "X/Y", "interval": "day", "count": 0, "first": -1, "number": 0}, ["$.anchor", "$.zone", "$.count", "$.first", "$.number"]),
     ("proration", PRORATION | {"amount": "1", "period": {"start": "2025-06-01", "end": "2025-06-01"}, "x": 1}, ["$.amount", "$.period", "$.x"]),
     ("commission", {"rules": [RULE | {"rate": FALLING, "cap": [{"amount": "-1.00", "currency": "EUR"}], "x": 1}, RULE | {"bounds": {"min_percentage": "2", "max_percentage": "1"}}],
                     "order": WRONG_ORDER, "context": {"vendors": {"acme": {"volume": "-1.00"}}}},
      ["$.rules[0].rate.tiers[1].up_to", "$.rules[0].rate.tiers[2].up_to", "$.rules[0].cap[0].amount", "$.rules[0].x", "$.rules[1].bounds", "$.order.lines[0].quantity",
       "$.order.lines[0].tax", "$.order.lines[0].discounts[0].amount", "$.order.lines[0].discounts[1]", "$.order.shipping[0].amount", "$.context.vendors.acme.volume"])],
)  # fmt: skip
def test_every_mistake_is_named(name: str, data: dict[str, Any], paths: list[str]) -> None:
    """One answer names every mistake: of form or of value, in known keys or beside them, in whatever part."""
    with pytest.raises(Invalid) as caught:
        calculate(name, data)
    assert [mistake.path for mistake in caught.value.errors] == paths


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1.00", "-1", "EUR", "2025-01-01", "0" * 50]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
@settings(max_examples=400)
def test_only_errors_of_ours(name: str, data: st.DataObject) -> None:
    """With any value in place of any part of a good input, there is an answer, or an error of this library's own."""
    document = copy.deepcopy(EXAMPLES[name])
    at: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not at[key] or not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    assert _answered(name, document)


def _answered(name: str, document: dict[str, Any]) -> bool:
    try:
        return isinstance(calculate(name, document), dict)
    except (Invalid, Refused) as error:
        return "$" in str(error)


def test_calculators_have_names() -> None:
    """There is no calculator of another name, and the error says which there are."""
    with pytest.raises(NotFound, match="allocate, commission, refunds, tiers, periods, proration") as caught:
        calculate("guess", {})
    assert isinstance(caught.value, CityOSError)


def _run(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", "from cityos_cli.main import run; run()", *args],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_the_real_command(tmp_path: Path) -> None:
    """The command reads standard input or a file, writes JSON on stdout and the reason for a failure on stderr."""
    good = _run("calc", "allocate", "-", stdin=json.dumps(ALLOCATE).encode())
    assert (good.returncode, json.loads(good.stdout), good.stderr) == (0, {"parts": ["3.34", "3.33", "3.33"]}, b"")
    file = tmp_path / "refunds.json"
    file.write_text(json.dumps(REFUNDS | {"refunds": ["100.01"]}))
    refused = _run("calc", "refunds", str(file))
    assert (refused.returncode, refused.stdout) == (REFUSED, b"")
    assert refused.stderr.startswith(b"cityos: $.refunds[0]: ")
    assert _run("calc", "allocate", str(tmp_path / "absent.json")).returncode == 2
