"""The contract of reading the books."""

from datetime import timedelta

import pytest

from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.ledger.model import Account, Balance, Journal
from cityos_core.ledger.ports import JournalFilter
from cityos_core.testing.contracts.examples import AT
from cityos_core.testing.contracts.journals import account, earn, gateway, post, sale, verified
from cityos_core.testing.contracts.world import Contract, Place, pages

HOUR = timedelta(hours=1)


class BooksContract(Contract):
    """Journals in order of recording, balances at any time, and the proof that they agree."""

    def test_balances_by_path_and_currency(self, north: Place) -> None:
        """Every account that was posted to is listed from its own side, by path and then currency."""
        earn(north, "sale-1", 500)
        earn(north, "sale-2", 70, currency="KWD")
        post(north, "fee", {Account(north.id, "bank", "EUR"): -5, Account(north.id, "expense:fees", "EUR"): 5})
        assert north.see(lambda uow: uow.books.balances()) == [
            Balance(Account(north.id, "bank", "EUR"), Money(-5, "EUR")),
            Balance(Account(north.id, "expense:fees", "EUR"), Money(5, "EUR")),
            Balance(gateway(north), Money(500, "EUR")),
            Balance(gateway(north, "KWD"), Money(70, "KWD")),
            Balance(account(north, "pending"), Money(500, "EUR")),
            Balance(account(north, "pending", "KWD"), Money(70, "KWD")),
        ]

    def test_an_emptied_account_is_still_listed(self, north: Place) -> None:
        """An account that came back to nothing is listed with nothing."""
        earn(north, "sale-1", 500)
        post(north, "back", {gateway(north): -500, account(north, "pending"): 500})
        assert [found.money.minor for found in north.see(lambda uow: uow.books.balances())] == [0, 0]

    @pytest.mark.parametrize(
        ("prefix", "found"),
        [
            ("suspense:a_b", ["suspense:a_b", "suspense:a_b:x"]),
            ("suspense:a_b:", ["suspense:a_b:x"]),
            ("suspense:a%", ["suspense:a%b"]),
            ("suspense:A", ["suspense:AXb"]),
            ("suspense:\\", ["suspense:\\b"]),
            ("uspense", []),
            ("gateway", ["gateway:card:pending"]),
        ],
    )
    def test_a_prefix_means_itself(self, north: Place, prefix: str, found: list[str]) -> None:
        """A prefix is compared character by character: nothing in it is a pattern."""
        for number, name in enumerate(("a_b", "a_b:x", "a%b", "aXb", "AXb", "\\b")):
            post(north, f"{number}", {gateway(north): 1, Account(north.id, f"suspense:{name}", "EUR"): -1})
        balances = north.see(lambda uow: uow.books.balances(prefix))
        assert [balance.account.path for balance in balances] == found

    def test_inv_18_balances_as_of(self, north: Place) -> None:
        """The balance as of an instant is the sum of what occurred up to and including it, recorded whenever."""
        for key, amount, after in (("c", 4, 2 * HOUR), ("a", 1, 0 * HOUR), ("b", 2, HOUR)):
            post(north, key, sale(north, amount), after=after)
        expected = {-timedelta(microseconds=1): [], 0 * HOUR: [1, 1], HOUR: [3, 3], 2 * HOUR: [7, 7], 9 * HOUR: [7, 7]}
        for after, amounts in expected.items():
            assert as_of(north, after) == amounts
        assert as_of(north, 2 * HOUR - timedelta(microseconds=1)) == [3, 3]

    def test_journals_in_order_of_recording(self, north: Place) -> None:
        """Pages and export follow the order of recording, not of occurrence, and repeat themselves exactly."""
        made = [post(north, f"{number}", sale(north, 1 + number), after=-number * HOUR) for number in range(6)]
        for limit in (1, 2, 3, 6, 100):
            found = pages(
                lambda request: north.see(lambda uow: uow.books.journals(JournalFilter(), request)), limit=limit
            )
            assert found == made
        for _ in range(2):
            assert exported(north, JournalFilter()) == made

    def test_a_page_is_not_disturbed_by_later_journals(self, north: Place) -> None:
        """What is recorded between two pages comes at the end."""
        first, second = earn(north, "1", 1), earn(north, "2", 2)
        page = north.see(lambda uow: uow.books.journals(JournalFilter(), PageRequest(1)))
        assert page.items == (first,)
        third = post(north, "0", sale(north, 3), after=-HOUR)
        rest = north.see(lambda uow: uow.books.journals(JournalFilter(), PageRequest(5, page.after)))
        assert rest.items == (second, third)

    def test_filters(self, north: Place) -> None:
        """Kind, account, time and reference narrow pages and export alike, alone and together."""
        first = post(north, "1", sale(north, 1), references={"order": "A-1", "buyer": "A-2"})
        second = post(north, "2", sale(north, 2), references={"order": "A-2"}, after=HOUR, kind="gift")
        third = post(north, "3", {Account(north.id, "bank", "EUR"): 5, gateway(north): -5}, after=2 * HOUR, kind="gift")
        cases = {
            JournalFilter(): [first, second, third],
            JournalFilter(kind="gift"): [second, third],
            JournalFilter(kind="gif"): [],
            JournalFilter(account="bank"): [third],
            JournalFilter(account="gateway:card:pending"): [first, second, third],
            JournalFilter(account="gateway:card"): [],
            JournalFilter(account="gateway:card:"): [first, second, third],
            JournalFilter(account=f"vendor:{north.acme.id}:"): [first, second],
            JournalFilter(account="vendor:%"): [],
            JournalFilter(since=AT + HOUR): [second, third],
            JournalFilter(until=AT + HOUR): [first],
            JournalFilter(reference=("order", "A-2")): [second],
            JournalFilter(reference=("buyer", "A-1")): [],
            JournalFilter(since=AT, until=AT + 2 * HOUR, kind="gift", account="gateway:"): [second],
        }
        for where, expected in cases.items():
            assert exported(north, where) == expected
            assert paged(north, where) == expected

    def test_a_journal_is_whole_whatever_found_it(self, north: Place) -> None:
        """A filter by account gives the journal with all its postings."""
        made = earn(north, "1", 1)
        assert exported(north, JournalFilter(account="gateway:"))[0].postings == made.postings

    def test_nothing_differs(self, north: Place, south: Place) -> None:
        """Empty books are right, and so are those that were posted to."""
        assert verified(north)
        earn(north, "1", 1)
        earn(south, "1", 1)
        assert verified(north)
        assert verified(south)

    def test_a_neighbours_books_are_closed(self, north: Place, south: Place) -> None:
        """Another tenant's journals are neither summed, listed nor exported."""
        made = earn(north, "1", 1)
        for number in range(3):
            earn(south, f"{number}", 100)
        assert [found.money.minor for found in north.see(lambda uow: uow.books.balances())] == [1, 1]
        assert as_of(north, 9 * HOUR) == [1, 1]
        assert paged(north, JournalFilter()) == [made]
        assert exported(north, JournalFilter(account=f"vendor:{south.acme.id}:")) == []
        assert exported(north, JournalFilter()) == [made]


def as_of(place: Place, after: timedelta) -> list[int]:
    """Read all balances as of an instant."""
    found = place.see(lambda uow: uow.books.balances(as_of=AT + after))
    return [balance.money.minor for balance in found]


def exported(place: Place, where: JournalFilter) -> list[Journal]:
    """Read an export."""
    return place.see(lambda uow: list(uow.books.export(where)))


def paged(place: Place, where: JournalFilter) -> list[Journal]:
    """Read a list page by page."""
    return pages(lambda request: place.see(lambda uow: uow.books.journals(where, request)), limit=2)
