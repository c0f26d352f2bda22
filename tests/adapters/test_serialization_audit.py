"""The bodies of audit entries: what they show of a change, and the way back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from cityos_adapters.serialization import dump, parse
from cityos_adapters.serialization.audit import Columns, body_by, body_of, columns_of, entry_of
from cityos_core.access.model import ApiKey, Environment, Grant, KeyKind, Reach
from cityos_core.audit.model import Change, Record, Verb
from cityos_core.audit.policy import canonical, differing
from cityos_core.commissions.rules import Rule
from cityos_core.kernel.caller import Caller
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import ApiKeyId, PayoutId, TenantId, VendorId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.testing import SequentialIdentifiers
from cityos_core.testing.contracts import examples, sales
from cityos_core.testing.strategies import rules
from cityos_core.vendors.model import PayoutAccount

IDS = SequentialIdentifiers()
NORTH = TenantId(IDS.new())
ACME = examples.vendor(VendorId(IDS.new()), NORTH, "acme")
ORDER = sales.order(IDS, "A-1", ACME)
AT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
KEY = ApiKey(
    id=ApiKeyId(IDS.new()),
    tenant_id=NORTH,
    name="till",
    kind=KeyKind.RESTRICTED,
    environment=Environment.LIVE,
    hash="5ecre7",
    last_four="x7Qz",
    grant=Grant(role="cashier", reach=Reach.STORE),
    scopes=frozenset({"orders:read", "orders:create", "products:read"}),
    created_at=AT,
)


def record(*changes: Change, caller: Caller = Caller(principal="user:1", action="orders:place")) -> Record:  # noqa: B008
    return Record(id=UUID(int=7), tenant_id=NORTH, occurred_at=AT, caller=caller, changes=changes)


def written(before: object, after: object, verb: Verb = Verb.CHANGED) -> tuple[Any, Any]:
    """Give the two sides of a change as a body shows them."""
    body: Any = parse(body_of(record(Change(kind="a", target="b", verb=verb, before=before, after=after))))
    return body["changes"][0]["before"], body["changes"][0]["after"]


def test_the_whole_body() -> None:
    """A body says who, when, why and from where, in the form that is sealed."""
    caller = Caller(
        principal="user:4711",
        name="Žofie",
        on_behalf_of="user:anna@acme.example",
        action="orders:refund",
        reason="asked for",
        request_id="r-1",
        address="192.0.2.1",
    )
    change = Change(kind="stock", target="chair", verb=Verb.MARKED, after={"on_hand": 1})
    assert body_of(record(change, caller=caller)) == (
        '{"action":"orders:refund","address":"192.0.2.1",'
        '"changes":[{"after":{"on_hand":1},"before":null,"kind":"stock","target":"chair","verb":"marked"}],'
        '"id":"00000000-0000-0000-0000-000000000007","name":"Žofie","occurred_at":"2026-03-28T20:00:00.123456Z",'
        '"on_behalf_of":"user:anna@acme.example","principal":"user:4711","reason":"asked for","request_id":"r-1"}'
    )


def test_what_is_new_is_shown_whole() -> None:
    """A new object is shown as the exchange format writes it, amounts in its currency, without owner and version."""
    before, after = written(None, ORDER, Verb.ADDED)
    whole = dump(ORDER)
    assert isinstance(whole, dict)
    assert before is None
    assert after == {name: value for name, value in whole.items() if name not in {"tenant_id", "version"}}
    assert after["lines"][0]["unit_price"] == "0.5292"


def test_a_change_shows_what_differs() -> None:
    """Only the fields that differ are shown, and neither owner nor version."""
    after = evolve(ACME, reason=None, stores=("web",), version=9)
    assert written(ACME, after) == (
        {"reason": "all papers seen", "stores": ["outlet", "web"]},
        {"reason": None, "stores": ["web"]},
    )


def test_a_change_of_nothing() -> None:
    """An object that was stored as it was shows nothing."""
    assert written(ACME, evolve(ACME, version=2)) == ({}, {})


def test_amounts_are_in_the_currency_of_their_object() -> None:
    """Inside an object that names its currency amounts are bare, elsewhere they name theirs."""
    dearer = evolve(ORDER.lines[0], unit_price=UnitPrice.of("0.53", "EUR"))
    before, after = written(ORDER, evolve(ORDER, lines=(dearer,)))
    assert (before["lines"][0]["unit_price"], after["lines"][0]["unit_price"]) == ("0.5292", "0.53")
    payout = examples.payout(PayoutId(IDS.new()), ACME)
    assert written(payout, evolve(payout, amount=Money(1, "KWD")))[1] == {
        "amount": {"amount": "0.001", "currency": "KWD"}
    }


@given(rules(), rules())
def test_a_change_shows_what_two_whole_objects_differ_in(before: Rule, after: Rule) -> None:
    """Comparing before writing shows what comparing what was written shows."""
    assert written(before, after) == differing(dump(before), dump(after))
    assert written(before, before) == ({}, {})


def test_objects_of_two_kinds_are_compared_as_they_are_written() -> None:
    """What became something else shows the fields in which that differs."""
    assert written({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})
    assert written({"reason": "all papers seen"}, ACME)[0] == {}
    assert written([1], [2]) == ([1], [2])


def test_hashes_of_keys_are_not_shown() -> None:
    """Of a key's hash the trail says only that there is one, or that it was replaced."""
    assert written(None, KEY, Verb.ADDED)[1]["hash"] == "***"
    assert written(KEY, evolve(KEY, hash="other")) == ({"hash": "***"}, {"hash": "***"})
    assert "5ecre7" not in body_of(record(Change(kind="a", target="b", verb=Verb.CHANGED, before=None, after=KEY)))


def test_of_accounts_that_are_paid_to_only_the_end_is_shown() -> None:
    """A chain is read by more people than may know where a vendor is paid; that it changed shows all the same."""
    old, new = (PayoutAccount(method="bank", reference=f"DE89{middle}3000", holder="Acme") for middle in ("1", "2"))
    before, after = evolve(ACME, payout_account=old), evolve(ACME, payout_account=new)
    shown = {"method": "bank", "reference": "***3000", "holder": "Acme", "verified": False}
    assert written(before, after) == ({"payout_account": shown}, {"payout_account": shown})
    assert written(before, evolve(before, reason="x"))[1] == {"reason": "x"}
    assert written(before, evolve(before, payout_account=None))[1] == {"payout_account": None}
    assert written(None, before, Verb.ADDED)[1]["payout_account"] == shown
    paid = evolve(examples.payout(PayoutId(IDS.new()), ACME), account="DE8913000", approved_account=None)
    assert written(None, paid, Verb.ADDED)[1]["account"] == "***3000"
    assert written(paid, evolve(paid, approved_account="bank|DE8923000")) == (
        {"approved_account": None},
        {"approved_account": "***3000"},
    )


def test_sets_are_lists_in_order() -> None:
    """A set is shown in one order, so that a body can be compared."""
    assert written(None, KEY, Verb.ADDED)[1]["scopes"] == ["orders:create", "orders:read", "products:read"]
    assert written(KEY, evolve(KEY, scopes=None)) == (
        {"scopes": ["orders:create", "orders:read", "products:read"]},
        {"scopes": None},
    )


@frozen
class Odd:
    """Something that has no form in JSON."""

    length: timedelta
    words: set[str]
    ratio: complex


def test_whatever_has_no_form_is_shown_in_words() -> None:
    """What the exchange format cannot write becomes text, wherever it stands, and the entry is written all the same."""
    odd = Odd(timedelta(days=1), {"b", "a"}, 1j)
    assert written(None, odd, Verb.ADDED)[1] == {"length": "1 day, 0:00:00", "words": ["a", "b"], "ratio": "1j"}
    assert written(odd, evolve(odd, ratio=2j)) == ({"ratio": "1j"}, {"ratio": "2j"})
    told: Mapping[object, object] = {"at": AT, "ids": (UUID(int=1),), 1: b"\xff", None: Odd}
    shown = written(None, told, Verb.MARKED)[1]
    assert shown["at"] == "2026-03-28T20:00:00.123456Z"
    assert shown["ids"] == ["00000000-0000-0000-0000-000000000001"]
    assert shown["1"] == "b'\\xff'"
    assert "Odd" in shown["None"]


@given(st.builds(Caller, principal=st.text(), name=st.text(), reason=st.none() | st.text(), request_id=st.text()))
def test_whoever_calls_can_be_written_down(caller: Caller) -> None:
    """Whatever another system calls someone can be stored, and reads the same in the body and beside it."""
    made = record(Change(kind="a", target="b", verb=Verb.SEEN), caller=caller)
    body, columns = body_of(made), columns_of(made)
    entry = entry_of(NORTH, 3, body, previous="p", seal="s")
    assert "\x00" not in entry.principal + entry.name + (entry.reason or "")
    assert body.encode().decode() == body
    assert (entry.principal, entry.request_id) == (columns.principal, columns.request_id)
    assert body_by(columns, body) == body


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\x00"])
def test_what_no_database_holds_is_replaced(text: str) -> None:
    """Lone surrogates and NUL become question marks, also in what was changed."""
    made = record(Change(kind="a", target="b", verb=Verb.SEEN), caller=Caller(principal=text))
    assert "?" in columns_of(made).principal
    assert "?" in entry_of(NORTH, 1, body_of(made), previous="", seal="").principal
    assert written(None, {"note": "\ud800"}, Verb.MARKED)[1] == {"note": "?"}


def test_the_way_back() -> None:
    """An entry is read from its body and its place in the chain."""
    changes = (
        Change(kind="vendor", target="acme", verb=Verb.CHANGED, before=ACME, after=evolve(ACME, reason=None)),
        Change(kind="journal", target="j", verb=Verb.ADDED),
    )
    entry = entry_of(NORTH, 3, body_of(record(*changes)), previous="before", seal="now")
    assert (entry.id, entry.tenant_id, entry.sequence) == (UUID(int=7), NORTH, 3)
    assert (entry.occurred_at, entry.occurred_at.tzinfo) == (AT, UTC)
    assert (entry.principal, entry.action, entry.previous, entry.hash) == ("user:1", "orders:place", "before", "now")
    assert entry.changes == (
        {
            "kind": "vendor",
            "target": "acme",
            "verb": "changed",
            "before": {"reason": "all papers seen"},
            "after": {"reason": None},
        },
        {"kind": "journal", "target": "j", "verb": "added", "before": None, "after": None},
    )


BROKEN = ["", "null", "[]", "{}", '{"id": 1}', "\ufeff", '"text"', '{"id": "00000000-0000-0000-0000-000000000007"}']


@pytest.mark.parametrize("body", BROKEN)
def test_a_body_that_someone_destroyed_says_so(body: str) -> None:
    """A body that nobody wrote is refused as an entry, and agrees with no columns."""
    with pytest.raises(Invalid) as caught:
        entry_of(NORTH, 3, body, previous="", seal="")
    assert caught.value.code == "unreadable_entry"
    assert body_by(columns_of(record(Change(kind="a", target="b", verb=Verb.SEEN))), body) == ""


def test_targets() -> None:
    """An entry is found by each target once, but by nothing that is immutable."""
    names = [("vendor", "b"), ("product", "z"), ("vendor", "a"), ("vendor", "b"), ("journal", "j"), ("setting", "")]
    made = record(*(Change(kind=kind, target=target, verb=Verb.SEEN) for kind, target in names))
    assert columns_of(made).targets == (("product", "z"), ("setting", ""), ("vendor", "a"), ("vendor", "b"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": UUID(int=8)},
        {"occurred_at": AT + timedelta(microseconds=1)},
        {"principal": "user:2"},
        {"action": "orders:cancel"},
        {"request_id": "other"},
        {"targets": ()},
        {"targets": (("vendor", "b"),)},
        {"targets": (("vendor", "a"), ("vendor", "b"))},
    ],
)
def test_a_changed_column_shows(changes: dict[str, Any]) -> None:
    """Columns that say something else than the body lead to another body; the ones that do not lead to this one."""
    made = record(
        Change(kind="vendor", target="a", verb=Verb.ADDED, after=ACME),
        Change(kind="journal", target="j", verb=Verb.ADDED),
    )
    body, columns = body_of(made), columns_of(made)
    assert body_by(evolve(columns, occurred_at=AT.astimezone(UTC)), body) == body
    other: Columns = evolve(columns, **changes)
    assert body_by(other, body) != body
    assert canonical(parse(body_by(other, body))) == body_by(other, body)  # type: ignore[arg-type]
