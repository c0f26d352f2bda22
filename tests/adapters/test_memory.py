"""What the memory adapter does beyond the contracts of storage."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event as Signal
from uuid import UUID

import pytest
from attrs import evolve, frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.audit.model import GENESIS, Change, Record, Verb
from cityos_core.audit.policy import seal
from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel.caller import PROGRAM
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import PLATFORM, DomainId, JournalId, NodeId, PayoutId, TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.ledger.model import Account, Journal, vendor_account
from cityos_core.ledger.ports import Difference
from cityos_core.tenancy.domains import Domain
from cityos_core.tenancy.model import SettingEntry

NORTH = TenantId(UUID(int=7))
SCOPE = TenantScope(NORTH)
AT = datetime(2026, 1, 1, tzinfo=UTC)
AVAILABLE = vendor_account(NORTH, VendorId(UUID(int=8)), "available", "EUR")
DEBT = vendor_account(NORTH, VendorId(UUID(int=8)), "debt", "EUR")
BANK = Account(NORTH, "bank", "EUR")


@frozen(kw_only=True)
class Happened(Event):
    """Something happened."""

    name = "happened"


def happened(number: int) -> Happened:
    return Happened(subject=UUID(int=number), occurred_at=AT)


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


def post(database: MemoryDatabase, key: str, **movements: int) -> None:
    accounts = {"available": AVAILABLE, "debt": DEBT, "bank": BANK}
    journal = Journal.of(
        id=JournalId(UUID(int=len(key))),
        tenant=NORTH,
        key=key,
        kind="adjustment",
        movements=[(accounts[name], amount) for name, amount in movements.items()],
        occurred_at=AT,
    )
    with database(SCOPE) as uow:
        uow.ledger.post(journal)
        uow.commit()


def differences(database: MemoryDatabase) -> list[Difference]:
    with database(SCOPE) as uow:
        return list(uow.books.differences())


def test_outbox_keeps_what_was_committed(database: MemoryDatabase) -> None:
    """Events are in the outbox in order once their unit of work commits, and never if it does not."""
    with database(SCOPE) as uow:
        uow.commit(happened(number) for number in (1, 2))
    with database(PlatformScope()) as uow:
        uow.commit([happened(3)])
    assert database.outbox == [happened(1), happened(2), happened(3)]


def test_events_that_cannot_be_told_commit_nothing(database: MemoryDatabase) -> None:
    """If listing the events fails, nothing is committed."""

    def failing() -> Happened:
        raise ZeroDivisionError

    def commit() -> None:
        with database(SCOPE) as uow:
            uow.settings.put(SettingEntry(node_id=NodeId(NORTH), tenant_id=NORTH, key="a", value=1))
            uow.commit(failing() for _ in range(1))

    with pytest.raises(ZeroDivisionError):
        commit()
    with database(SCOPE) as uow:
        assert uow.settings.at([NodeId(NORTH)]) == []
    assert database.outbox == []


def test_nesting_is_an_error_and_no_deadlock(database: MemoryDatabase) -> None:
    """A thread that opens a second unit of work inside the first is told so, and the first goes on."""
    with database(SCOPE) as uow:
        with pytest.raises(RuntimeError, match="leave it before opening another"):
            database(SCOPE).__enter__()
        uow.commit([happened(1)])
    assert database.outbox == [happened(1)]


def test_threads_take_turns(database: MemoryDatabase) -> None:
    """A thread that opens a unit of work waits for the one that is open in another, and then sees what it did."""
    opened, going_on = Signal(), Signal()

    def first() -> None:
        with database(SCOPE) as uow:
            opened.set()
            assert going_on.wait(10)
            uow.commit([happened(1)])

    def second() -> list[Event]:
        assert opened.wait(10)
        going_on.set()
        with database(SCOPE):
            return list(database.outbox)

    with ThreadPoolExecutor(2) as threads:
        slow, quick = threads.submit(first), threads.submit(second)
        slow.result(10)
        assert quick.result(10) == [happened(1)]


def test_a_unit_of_work_left_by_an_error_lets_others_in(database: MemoryDatabase) -> None:
    """An error inside a unit of work does not keep the next one out."""

    def fail() -> None:
        with database(SCOPE):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    post(database, "sale", bank=5, available=-5)


def test_two_databases_may_be_open_at_once(database: MemoryDatabase) -> None:
    """Units of work of different databases do not wait for each other."""
    with database(SCOPE) as here, MemoryDatabase()(SCOPE) as there:
        here.commit()
        there.commit()


def test_a_tampered_balance_is_found(database: MemoryDatabase) -> None:
    """A stored balance that is not the sum of its postings is a difference with both amounts."""
    post(database, "sale", bank=500, available=-500)
    post(database, "fine", bank=-20, debt=20)
    assert differences(database) == []
    balances = database.storage.of(NORTH).balances
    balances.swap(AVAILABLE, 499)
    balances.swap(DEBT, None)
    assert differences(database) == [
        Difference(AVAILABLE, Money(499, "EUR"), Money(500, "EUR")),
        Difference(DEBT, Money(0, "EUR"), Money(20, "EUR")),
    ]


def test_a_lost_journal_is_found(database: MemoryDatabase) -> None:
    """A balance whose journals are gone is a difference, even if nothing else is left of the account."""
    post(database, "sale", bank=500, available=-500)
    database.storage.of(NORTH).journals.swap(0, None)
    assert differences(database) == [Difference(AVAILABLE, Money(500, "EUR"), Money(0, "EUR"))]


def test_a_breached_floor_is_found(database: MemoryDatabase) -> None:
    """An account below its floor is a difference, even if its stored balance agrees."""
    post(database, "sale", bank=500, available=-500)
    post(database, "payout", bank=-500, available=500)
    tables = database.storage.of(NORTH)
    tables.journals.swap(0, None)
    tables.balances.swap(AVAILABLE, -500)
    assert differences(database) == [Difference(AVAILABLE, Money(-500, "EUR"), Money(-500, "EUR"))]


def test_a_tampered_chain_shows(database: MemoryDatabase) -> None:
    """A link that was changed in storage no longer seals, agrees with its columns, or ends where the head says."""
    for number in (1, 2):
        change = Change(kind="vendor", target=f"{number}", verb=Verb.SEEN)
        record = Record(id=UUID(int=number), tenant_id=NORTH, occurred_at=AT, caller=PROGRAM, changes=(change,))
        with database(SCOPE) as uow:
            uow.audit.append(record)
            uow.commit()
    rows = database.storage.of(NORTH).audit
    first, second = rows.rows[1], rows.rows[2]
    rows.swap(1, evolve(first, body=first.body.replace("seen", "added"), columns=evolve(first.columns, action="b")))
    rows.swap(2, None)
    with database(SCOPE) as uow:
        link = next(uow.audit.links())
        assert seal(1, GENESIS, link.body) != link.hash
        assert link.columns != link.body
        assert uow.audit.head() == (2, second.hash)


def test_an_id_of_a_neighbours_is_not_overwritten(database: MemoryDatabase) -> None:
    """In a table that tenants share, a row that another tenant owns stays whose it is."""
    domain = Domain(id=DomainId(UUID(int=1)), tenant_id=NORTH, name="shop.example", token="a", created_at=AT)
    with database(SCOPE) as uow:
        uow.domains.add(domain)
        uow.commit()
    south = TenantId(UUID(int=9))
    with database(TenantScope(south)) as uow, pytest.raises(Conflict):
        uow.domains.add(evolve(domain, tenant_id=south, name="other.example"))
    with database(SCOPE) as uow:
        assert uow.domains.get(domain.id) == domain


def test_revisions_are_never_used_twice(database: MemoryDatabase) -> None:
    """What was seen in a unit of work that was undone is not mistaken for what the next one commits."""
    entry = SettingEntry(node_id=NodeId(NORTH), tenant_id=NORTH, key="a", value=1)
    with database(SCOPE) as uow:
        uow.settings.put(entry)
        undone = uow.revisions.current()
    with database(SCOPE) as uow:
        uow.settings.put(entry)
        uow.commit()
    with database(SCOPE) as uow:
        assert uow.revisions.current() != undone


def test_marking_needs_a_selection(database: MemoryDatabase) -> None:
    """Transactions are marked by vendor order, line or payout, never all of them by leaving that out."""
    with database(SCOPE) as uow, pytest.raises(Invalid):
        uow.entries.mark(EntryStatus.PAID)


def test_the_platform_has_books_of_its_own(database: MemoryDatabase) -> None:
    """The platform's scope has its own rows, which no tenant sees."""
    with database(PlatformScope()) as uow:
        assert uow.books.balances() == []
        assert uow.ledger.lock([Account(PLATFORM, "bank", "EUR")]) == {Account(PLATFORM, "bank", "EUR"): 0}
        assert uow.payouts.due(AT, limit=1) == list[PayoutId]()
