"""What a transaction read and changed, as it is written down."""

from uuid import UUID

import pytest
from attrs import evolve, frozen

from cityos_core.audit.model import Change, Verb
from cityos_core.audit.trail import MASK, Trail, identity, kind_of, records_in
from cityos_core.catalog.model import Category, Stock
from cityos_core.kernel.ids import NodeId, TenantId, VendorId
from cityos_core.kernel.paging import Page
from cityos_core.ledger.model import Account, Journal
from cityos_core.tenancy.model import SettingEntry, Tenant
from cityos_core.testing import START

NORTH = TenantId(UUID(int=7))
TENANT = Tenant(id=NORTH, handle="north", name="North", path="de/north", currency="EUR")
ENTRY = SettingEntry(node_id=NodeId(UUID(int=8)), tenant_id=NORTH, key="mail.password", value="hunter2")


def test_records_are_named() -> None:
    """A record is known by its id, or by what tells those of its kind apart."""
    stock = Stock(tenant_id=NORTH, vendor_id=VendorId(UUID(int=9)), sku="chair", on_hand=1)
    category = Category(tenant_id=NORTH, path="home/seats", name="Seats")
    named = {kind_of(record): identity(record) for record in (TENANT, ENTRY, stock, category)}
    assert named == {
        "tenant": str(NORTH),
        "setting_entry": f"{ENTRY.node_id}/mail.password",
        "stock": "chair",
        "category": "home/seats",
    }


def test_records_are_found() -> None:
    """One record, several, or some by a key are records; pages to look at, words and amounts are not."""
    other = evolve(TENANT, handle="south")
    for value in (TENANT, [TENANT], (TENANT, 3), {"north": TENANT}, {"north": TENANT}.values()):
        assert list(records_in(value)) == [TENANT]
    assert list(records_in([TENANT, other])) == [TENANT, other]
    for thing in (None, "north", NORTH, START, Page((TENANT,)), [("north", TENANT)], Account(NORTH, "bank", "EUR")):
        assert list(records_in(thing)) == []


def test_what_has_no_identity_is_refused() -> None:
    """A record that nothing tells apart cannot be written down."""

    @frozen
    class Ghost:
        name: str

    with pytest.raises(TypeError, match="ghost has nothing"):
        identity(Ghost("boo"))


def test_a_life() -> None:
    """A record is added, changed from what it was last, and removed; each with both of its sides."""
    trail = Trail()
    renamed = evolve(TENANT, name="Nord")
    trail.wrote(TENANT)
    assert trail.knows(renamed)
    trail.wrote(renamed)
    trail.removed(renamed)
    assert not trail.knows(TENANT)
    target = {"kind": "tenant", "target": str(NORTH)}
    assert trail.changes == [
        Change(**target, verb=Verb.ADDED, after=TENANT),
        Change(**target, verb=Verb.CHANGED, before=TENANT, after=renamed),
        Change(**target, verb=Verb.REMOVED, before=renamed),
    ]


def test_what_was_read_is_what_was_there() -> None:
    """A record that was read before it is stored is a changed one."""
    trail, renamed = Trail(), evolve(TENANT, name="Nord")
    trail.saw([TENANT])
    trail.wrote(renamed)
    assert [(change.verb, change.before, change.after) for change in trail.changes] == [(Verb.CHANGED, TENANT, renamed)]


def test_a_journal_is_named_and_not_repeated() -> None:
    """What nobody can change later is kept by its own list; the trail says which it was."""
    movements = [(Account(NORTH, "bank", "EUR"), 5), (Account(NORTH, "suspense", "EUR"), -5)]
    journal = Journal.of(
        id=UUID(int=3),  # type: ignore[arg-type]
        tenant=NORTH,
        key="k",
        kind="adjustment",
        movements=movements,
        occurred_at=START,
    )
    trail = Trail()
    trail.wrote(journal)
    assert trail.changes == [Change(kind="journal", target=str(UUID(int=3)), verb=Verb.ADDED)]


def test_secrets_do_not_appear() -> None:
    """Of a secret setting the trail says that it was set and changed, and neither value."""
    trail = Trail(frozenset({"mail.password"}))
    plain = evolve(ENTRY, key="mail.host", value="example.org")
    for record in (ENTRY, evolve(ENTRY, value="hunter3"), plain):
        trail.wrote(record)
    trail.removed(ENTRY)
    sides = [(change.before, change.after) for change in trail.changes]
    masked = evolve(ENTRY, value=MASK)
    assert sides == [(None, masked), (masked, masked), (None, plain), (masked, None)]


def test_marks_and_looks() -> None:
    """A statement over many records is told by its words; looking is told by what was seen, or that there was nothing."""
    trail = Trail()
    trail.marked("coverage", "7", {"uncover": {"payout": "7"}})
    trail.showed("order", ["1", "2"])
    trail.showed("payout", [])
    assert [(change.kind, change.target, change.verb, change.after) for change in trail.changes] == [
        ("coverage", "7", Verb.MARKED, {"uncover": {"payout": "7"}}),
        ("order", "1", Verb.SEEN, None),
        ("order", "2", Verb.SEEN, None),
        ("payout", "", Verb.SEEN, None),
    ]
