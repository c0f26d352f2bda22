"""The contract of the audit: one chain per tenant, without a gap, sealed link by link."""

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Final

import pytest
from attrs import evolve

from cityos_core.audit.model import GENESIS, Change, Entry, Record, Verb
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import AuditFilter, Link
from cityos_core.kernel.caller import PROGRAM, Caller
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, pages, raised
from cityos_core.unit_of_work import UnitOfWorkFactory

CALLER: Final = Caller(
    principal="user:4711",
    name=WORDS,
    on_behalf_of="user:anna@acme.example",
    action="vendors:suspend",
    reason=WORDS,
    request_id="request-1",
    address="2001:db8::7",
)


class AuditContract(Contract):
    """What was done, by whom, to what; nothing of it is lost, repeated or changed."""

    def test_round_trip(self, north: Place) -> None:
        """An entry comes back with who, when, why and from where."""
        record = evolve(recorded(north), caller=CALLER)
        append(north, record)
        entry = entries(north)[0]
        link = links(north)[0]
        assert entry == Entry(
            id=record.id,
            tenant_id=north.id,
            sequence=1,
            occurred_at=AT,
            principal=CALLER.principal,
            name=WORDS,
            on_behalf_of=CALLER.on_behalf_of,
            action="vendors:suspend",
            reason=WORDS,
            request_id="request-1",
            address="2001:db8::7",
            changes=entry.changes,
            previous=GENESIS,
            hash=link.hash,
        )

    def test_what_nobody_said_is_empty(self, north: Place) -> None:
        """Where the caller says little, the action is what happened first."""
        append(north, recorded(north))
        entry = entries(north)[0]
        assert (entry.principal, entry.name, entry.action) == (PROGRAM.principal, "", "vendor:added")
        assert (entry.on_behalf_of, entry.reason, entry.request_id, entry.address) == (None, None, None, None)

    def test_changes(self, north: Place) -> None:
        """What is new or gone is shown whole, what changed by the fields that differ, what was told as it was told."""
        acme, order = north.acme, north.ids.new()
        append(
            north,
            recorded(
                north,
                Change(kind="vendor", target="a", verb=Verb.ADDED, after=acme),
                Change(kind="vendor", target="b", verb=Verb.CHANGED, before=acme, after=evolve(acme, reason=WORDS)),
                Change(kind="entries", target="c", verb=Verb.MARKED, after={"order": order, "at": AT, "limit": 3}),
                Change(kind="vendor", target="d", verb=Verb.REMOVED, before=acme),
                Change(kind="journal", target="e", verb=Verb.ADDED),
            ),
        )
        added, changed, marked, removed, journal = entries(north)[0].changes
        assert (added["kind"], added["target"], added["verb"], added["before"]) == ("vendor", "a", "added", None)
        assert isinstance(added["after"], dict)
        assert (added["after"]["handle"], added["after"]["reason"]) == ("acme", acme.reason)
        assert (changed["verb"], changed["before"], changed["after"]) == (
            "changed",
            {"reason": acme.reason},
            {"reason": WORDS},
        )
        assert marked["after"] == {"order": str(order), "at": "2026-03-28T20:00:00.123456Z", "limit": 3}
        assert (removed["verb"], removed["before"], removed["after"]) == ("removed", added["after"], None)
        assert journal == {"kind": "journal", "target": "e", "verb": "added", "before": None, "after": None}

    def test_a_chain_without_links(self, north: Place) -> None:
        """Before anything was done there is nothing, and the head says so."""
        assert entries(north) == []
        assert links(north) == []
        assert head(north) == (0, GENESIS)

    def test_each_link_seals_the_one_before(self, north: Place) -> None:
        """Links count from one without a gap, name the one before, and their seals follow from their content."""
        for _ in range(4):
            append(north, recorded(north), recorded(north))
        assert whole(north) == 8
        assert [link.hash for link in links(north)] == [entry.hash for entry in reversed(entries(north))]

    def test_tenants_have_chains_of_their_own(
        self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place
    ) -> None:
        """Each tenant counts for itself, and so does the platform."""
        append(north, recorded(north), recorded(north))
        append(south, recorded(south))
        with unit_of_work(PlatformScope()) as uow:
            uow.audit.append(evolve(recorded(north), tenant_id=PLATFORM))
            uow.commit()
        assert (whole(north), whole(south)) == (2, 1)
        with unit_of_work(PlatformScope()) as uow:
            assert [link.sequence for link in uow.audit.links()] == [1]
            assert [entry.tenant_id for entry in uow.audit.export(AuditFilter())] == [PLATFORM]

    def test_nobody_writes_in_a_neighbours_chain(self, north: Place, south: Place) -> None:
        """What a neighbour did is not added here, and nothing done here is added there."""
        raised(append, north, recorded(south))
        assert (whole(north), whole(south)) == (0, 0)

    def test_what_was_undone_leaves_no_trace(self, north: Place) -> None:
        """An entry of a transaction that was not committed is gone, and the next one takes its place."""
        append(north, recorded(north))
        with north.open() as uow:
            uow.audit.append(recorded(north))
        assert whole(north) == 1
        append(north, recorded(north))
        assert whole(north) == 2

    def test_a_unit_of_work_that_ended_adds_nothing(self, north: Place) -> None:
        """After the commit nothing is added to the chain, whether that is refused at once or not."""
        with north.open() as uow:
            uow.audit.append(recorded(north))
            uow.commit()
            with suppress(CityOSError, RuntimeError):
                uow.audit.append(recorded(north))
        assert whole(north) == 1

    def test_many_at_once_make_one_chain(self, north: Place, south: Place) -> None:
        """Transactions of many threads stand one after the other, in the chain of their tenant."""
        places = (north, south, north)

        def add(number: int) -> None:
            place = places[number % 3]
            for _ in range(5):
                append(place, recorded(place))

        assert at_once(add, times=6) == [None] * 6
        assert (whole(north), whole(south)) == (20, 10)

    def test_pages_newest_first(self, north: Place) -> None:
        """Pages go back from the newest entry, whatever their size and the time on the entries."""
        made = [recorded(north, at=AT - number * timedelta(hours=1)) for number in range(5)]
        for record in made:
            append(north, record)
        for limit in (1, 2, 5, 100):
            found = pages(lambda request: north.see(lambda uow: uow.audit.page(AuditFilter(), request)), limit=limit)
            assert [entry.id for entry in found] == [record.id for record in reversed(made)]

    def test_a_page_continues_where_its_entry_was(self, north: Place) -> None:
        """Entries that are added meanwhile do not shift the pages after the cursor."""
        for _ in range(2):
            append(north, recorded(north))
        first = north.see(lambda uow: uow.audit.page(AuditFilter(), PageRequest(1)))
        append(north, recorded(north))
        rest = north.see(lambda uow: uow.audit.page(AuditFilter(), PageRequest(100, first.after)))
        assert [entry.sequence for entry in (*first.items, *rest.items)] == [2, 1]

    @pytest.mark.parametrize("cursor", ["", "garbage", "{}", "\x00", "9" * 400])
    def test_a_made_up_cursor_is_refused(self, north: Place, cursor: str) -> None:
        """A cursor that no page gave is invalid."""
        request = PageRequest(5, cursor)
        assert raised(north.see, lambda uow: uow.audit.page(AuditFilter(), request)) == "invalid_cursor"

    @pytest.mark.parametrize(
        ("where", "found"),
        [
            (AuditFilter(), [1, 2, 3]),
            (AuditFilter(sequence=2), [2]),
            (AuditFilter(sequence=4), []),
            (AuditFilter(principal="user:1"), [1, 2]),
            (AuditFilter(principal="user:"), []),
            (AuditFilter(action="orders:refund"), [2]),
            (AuditFilter(request_id="b"), [2, 3]),
            (AuditFilter(kind="product"), [1, 3]),
            (AuditFilter(target="x"), [1, 2]),
            (AuditFilter(kind="product", target="x"), [1]),
            (AuditFilter(kind="vendor", target="y"), []),
            (AuditFilter(kind="journal"), []),
            (AuditFilter(target="j"), []),
            (AuditFilter(since=LATER), [2, 3]),
            (AuditFilter(until=LATER), [1]),
            (AuditFilter(since=AT, until=LATER + timedelta(microseconds=1)), [1, 2]),
            (AuditFilter(since=LATER.astimezone(timezone(timedelta(hours=9)))), [2, 3]),
            (AuditFilter(principal="user:1", action="orders:refund", request_id="b", kind="vendor", target="x"), [2]),
            (AuditFilter(principal="user:2", action="orders:refund"), []),
        ],
    )
    def test_filters(self, north: Place, where: AuditFilter, found: list[int]) -> None:
        """Every part of a filter holds, of lists and of exports; what is immutable finds nothing."""
        fill(north)
        assert [entry.sequence for entry in entries(north, where)] == list(reversed(found))
        assert [entry.sequence for entry in exported(north, where)] == found

    def test_pages_of_a_filter(self, north: Place) -> None:
        """Pages of a filtered list hold what the filter finds, one after the other."""
        fill(north)
        where = AuditFilter(kind="product")
        found = pages(lambda request: north.see(lambda uow: uow.audit.page(where, request)))
        assert [entry.sequence for entry in found] == [3, 1]

    def test_exports_oldest_first(self, north: Place, south: Place) -> None:
        """An export gives every entry once, oldest first, as lists do, and nothing of a neighbour's."""
        for _ in range(7):
            append(north, recorded(north))
        append(south, recorded(south))
        assert exported(north) == list(reversed(entries(north)))
        assert [entry.sequence for entry in exported(south)] == [1]


def recorded(place: Place, *changes: Change, caller: Caller = PROGRAM, at: datetime = AT) -> Record:
    """Make up what a transaction did: a vendor, unless something else."""
    vendor = Change(kind="vendor", target=str(place.acme.id), verb=Verb.ADDED, after=place.acme)
    return Record(id=place.ids.new(), tenant_id=place.id, occurred_at=at, caller=caller, changes=changes or (vendor,))


def fill(place: Place) -> None:
    """Add three entries that filters tell apart."""

    def named(kind: str, target: str) -> Change:
        return Change(kind=kind, target=target, verb=Verb.MARKED)

    one, two = Caller(principal="user:1", request_id="b"), Caller(principal="user:2", request_id="b")
    first = recorded(place, named("product", "x"), named("vendor", "z"), caller=evolve(one, request_id="a"))
    second = recorded(place, named("vendor", "x"), named("journal", "j"), caller=evolve(one, action="orders:refund"))
    third = recorded(place, named("product", "y"), named("product", "z"), caller=two)
    append(place, first)
    append(place, evolve(second, occurred_at=LATER))
    append(place, evolve(third, occurred_at=LATER + timedelta(microseconds=1)))


def append(place: Place, *records: Record) -> None:
    """Add entries in one transaction."""
    with place.open() as uow:
        for record in records:
            uow.audit.append(record)
        uow.commit()


def entries(place: Place, where: AuditFilter = AuditFilter()) -> list[Entry]:  # noqa: B008  it is frozen
    """List entries, newest first."""
    return list(place.see(lambda uow: uow.audit.page(where, PageRequest(100))).items)


def exported(place: Place, where: AuditFilter = AuditFilter()) -> list[Entry]:  # noqa: B008  it is frozen
    """Export entries."""
    return place.see(lambda uow: list(uow.audit.export(where)))


def links(place: Place) -> list[Link]:
    """List the chain."""
    return place.see(lambda uow: list(uow.audit.links()))


def head(place: Place) -> tuple[int, str]:
    """Give the end of the chain as it is kept apart."""
    return place.see(lambda uow: uow.audit.head())


def whole(place: Place) -> int:
    """Count the links of a chain, checking that each holds."""
    found, previous = links(place), GENESIS
    for number, link in enumerate(found, 1):
        assert (link.sequence, link.previous) == (number, previous), "a link names the one before"
        assert link.hash == seal(number, previous, link.body), "a seal follows from its link"
        assert link.columns == link.body, "what stands beside a body says the same"
        previous = link.hash
    assert head(place) == (len(found), previous), "the head is the last link"
    return len(found)
