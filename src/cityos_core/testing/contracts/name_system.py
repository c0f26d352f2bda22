"""The contract of the DNS."""

from typing import Protocol

import pytest

from cityos_core.kernel.errors import Unavailable
from cityos_core.tenancy.domains import NameSystem

NAME = "_cityos-challenge.shop.example"


class Zone(Protocol):
    """What a name system gives answers from."""

    is_silent: bool
    """True while nobody answers."""

    def publish(self, name: str, *texts: str) -> None:
        """Put these TXT records at a name; without any, the name is there and has other records."""
        ...

    def withdraw(self, name: str) -> None:
        """Let a name be gone."""
        ...


class NameSystemContract:
    """Records or none for certain, else no answer. The subclass brings the fixtures ``names`` and ``zone``."""

    def test_records_are_found(self, names: NameSystem, zone: Zone) -> None:
        """All texts at a name are given, as they were published."""
        zone.publish(NAME, "one")
        assert names.texts(NAME) == ("one",)
        zone.publish(NAME, "v=spf1 -all", 'quoted "word"', "münchen")
        assert sorted(names.texts(NAME)) == ["münchen", 'quoted "word"', "v=spf1 -all"]

    def test_a_long_text_is_one(self, names: NameSystem, zone: Zone) -> None:
        """A text that DNS has to cut into strings of 255 bytes comes back whole, also if no datagram can hold it."""
        for length in (255, 256, 4000):
            zone.publish(NAME, "x" * length)
            assert names.texts(NAME) == ("x" * length,)

    def test_case_does_not_count(self, names: NameSystem, zone: Zone) -> None:
        """A name is the same in capitals."""
        zone.publish(NAME, "one")
        assert names.texts(NAME.upper()) == ("one",)

    def test_a_name_that_is_not_there(self, names: NameSystem, zone: Zone) -> None:
        """No such name is an answer: there are no records."""
        assert names.texts(NAME) == ()
        zone.publish(NAME, "one")
        zone.withdraw(NAME)
        assert names.texts(NAME) == ()

    def test_a_name_without_texts(self, names: NameSystem, zone: Zone) -> None:
        """A name that has other records only has no texts."""
        zone.publish(NAME)
        assert names.texts(NAME) == ()

    def test_neighbours_do_not_count(self, names: NameSystem, zone: Zone) -> None:
        """Records above, below or beside a name are not at it."""
        for other in ("shop.example", f"www.{NAME}", "_cityos-challenge.example"):
            zone.publish(other, "one")
        assert names.texts(NAME) == ()

    def test_silence_is_no_answer(self, names: NameSystem, zone: Zone) -> None:
        """If nobody answers, nothing is known, whatever is published; later it is."""
        zone.publish(NAME, "one")
        zone.is_silent = True
        for name in (NAME, "nowhere.example"):
            with pytest.raises(Unavailable):
                names.texts(name)
        zone.is_silent = False
        assert names.texts(NAME) == ("one",)
