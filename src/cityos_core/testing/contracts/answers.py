"""The contract of answers: a key is used once, however many send it."""

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from cityos_core.idempotency.model import Answered, Reply
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts import examples
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, raised

REPLY = Reply(status=201, headers=(("etag", '"1"'), ("location", "/orders/1"), ("etag", '"2"')), body=WORDS)


class AnswersContract(Contract):
    """Answers by principal and key: one tenant's, found again to the letter, forgotten by age."""

    def test_nothing_is_known_of_a_new_key(self, north: Place) -> None:
        """A key that nobody used has no answer."""
        assert find(north) is None

    @pytest.mark.parametrize("reply", [None, Reply(status=204), REPLY, evolve(REPLY, body="{}" * 100_000)])
    @pytest.mark.parametrize("leased_until", [None, LATER])
    def test_round_trip(self, north: Place, reply: Reply | None, leased_until: datetime | None) -> None:
        """An answer comes back to the letter, and a key without one as it was taken."""
        stored = evolve(answered(north), reply=reply, leased_until=leased_until)
        put(north, stored)
        assert find(north) == stored

    def test_putting_replaces(self, north: Place) -> None:
        """What is put last is known of a key, within a unit of work and after."""
        taken = evolve(answered(north), reply=None, leased_until=LATER)
        put(north, taken)
        with north.open() as uow:
            uow.answers.find("user:1", "key")
            uow.answers.put(evolve(taken, leased_until=None))
            uow.answers.put(answered(north))
            assert uow.answers.find("user:1", "key") == answered(north)
            uow.commit()
        assert find(north) == answered(north)

    def test_keys_are_each_principals_own(self, north: Place) -> None:
        """The same key of someone else, and another key, are other keys."""
        put(north, answered(north))
        for other in (evolve(answered(north), principal="user:2"), evolve(answered(north), key="Key")):
            assert find(north, other.principal, other.key) is None
            put(north, evolve(other, fingerprint="other"))
            assert find(north, other.principal, other.key) == evolve(other, fingerprint="other")
        assert find(north) == answered(north)

    def test_keys_are_each_tenants_own(self, north: Place, south: Place) -> None:
        """The same principal's key in a neighbour is another one, and cannot be put there from here."""
        put(north, answered(north))
        assert find(south) is None
        put(south, evolve(answered(south), fingerprint="other"))
        raised(put, north, answered(south))
        assert find(north) == answered(north)
        assert find(south) == evolve(answered(south), fingerprint="other")

    def test_what_was_undone_is_not_known(self, north: Place) -> None:
        """A key of a transaction that was not committed is free."""
        with north.open() as uow:
            uow.answers.put(answered(north))
        assert find(north) is None

    def test_forgetting(self, north: Place, south: Place) -> None:
        """Keys that were first used before an instant are gone; those of that instant and a neighbour's stay."""
        put(north, answered(north))
        put(north, evolve(answered(north), key="older", created_at=AT - timedelta(microseconds=1)))
        put(south, evolve(answered(south), created_at=AT - timedelta(days=1)))
        north.do(lambda uow: uow.answers.forget(AT))
        assert find(north) == answered(north)
        assert find(north, key="older") is None
        assert find(south) is not None

    def test_one_key_at_once_has_one_effect(self, north: Place) -> None:
        """Of requests with one key at the same moment one is done; the others get its answer, or are told to wait."""

        def request(number: int) -> str:
            with north.open() as uow:
                known = uow.answers.find("user:1", "key")
                if known is not None and known.reply is not None:
                    return known.reply.body
                made = examples.vendor(VendorId(north.ids.new()), north.id, f"made-{number}")
                uow.vendors.add(made)
                uow.answers.put(evolve(answered(north), reply=Reply(status=201, body=made.handle)))
                uow.commit()
            return made.handle

        given = at_once(request, times=8)
        made = north.see(lambda uow: uow.vendors.page(PageRequest(100))).items
        effects = [vendor.handle for vendor in made if vendor.handle.startswith("made-")]
        assert len(effects) == 1
        assert {answer for answer in given if not isinstance(answer, CityOSError)} == set(effects)
        assert set(codes(given)) <= {"request_in_flight"}
        assert request(9) == effects[0]

    def test_different_keys_do_not_meet(self, north: Place) -> None:
        """Requests with keys of their own are all done, though they come at the same moment."""

        def request(number: int) -> None:
            with north.open() as uow:
                assert uow.answers.find("user:1", f"key-{number}") is None
                uow.answers.put(evolve(answered(north), key=f"key-{number}"))
                uow.commit()

        assert at_once(request, times=6) == [None] * 6
        assert all(find(north, key=f"key-{number}") is not None for number in range(6))


def answered(place: Place) -> Answered:
    """Make up an answer that was given."""
    return Answered(
        tenant_id=place.id,
        principal="user:1",
        key="key",
        fingerprint="f" * 64,
        created_at=AT,
        reply=REPLY,
    )


def find(place: Place, principal: str = "user:1", key: str = "key") -> Answered | None:
    """Ask what is known of a key."""
    return place.see(lambda uow: uow.answers.find(principal, key))


def put(place: Place, stored: Answered) -> None:
    """Store a key."""
    place.do(lambda uow: uow.answers.put(stored))
