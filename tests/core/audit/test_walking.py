"""A chain that was altered anywhere does not hold, and the walk says where and why."""

from collections.abc import Callable, Sequence

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.audit.model import GENESIS, Verification
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import Link
from cityos_core.audit.walking import Place, ending, walk


def chained(*bodies: str) -> list[Link]:
    """Build a chain as storage does."""
    links: list[Link] = []
    for body in bodies:
        sequence, previous = len(links) + 1, links[-1].hash if links else GENESIS
        links.append(Link(sequence, previous, body, seal(sequence, previous, body), body))
    return links


def end(links: Sequence[Link]) -> Place:
    """Tell where a chain ends."""
    return (links[-1].sequence, links[-1].hash) if links else (0, GENESIS)


def verified(links: Sequence[Link], said: Place, *, known: Sequence[Place] = ()) -> Verification:
    """Verify a chain of which the end is said to be somewhere."""
    found = walk(links, [said, *known])
    return ending(found, said) if found.is_whole else found


BODIES = st.lists(st.text(max_size=5), min_size=1, max_size=8)
FIELDS: dict[str, Callable[[Link], Link]] = {
    "sequence": lambda link: evolve(link, sequence=link.sequence + 1000),
    "previous": lambda link: evolve(link, previous=seal(0, GENESIS, "")),
    "hash": lambda link: evolve(link, hash=seal(0, GENESIS, "")),
    "body": lambda link: evolve(link, body=f"{link.body}!", columns=f"{link.body}!"),
    "columns": lambda link: evolve(link, columns=f"{link.columns}!"),
}


@given(BODIES)
def test_a_chain_holds(bodies: list[str]) -> None:
    """What was chained and left alone holds to its end."""
    links = chained(*bodies)
    found = verified(links, end(links), known=[end(links[:1])])
    assert (found.is_whole, found.problem, (found.entries, found.head)) == (True, None, end(links))


def test_an_empty_chain_holds() -> None:
    """Where nothing was done yet, nothing is broken."""
    assert verified([], (0, GENESIS)) == Verification(entries=0, head=GENESIS)


@given(BODIES, st.data(), st.sampled_from(sorted(FIELDS)))
def test_an_altered_field_shows(bodies: list[str], data: st.DataObject, field: str) -> None:
    """Whichever field of a link is altered, it is the first that does not hold, and all before it do."""
    links = chained(*bodies)
    place = data.draw(st.integers(0, len(links) - 1))
    altered = [*links[:place], FIELDS[field](links[place]), *links[place + 1 :]]
    found = verified(altered, end(links))
    assert (found.entries, found.head, found.broken_at) == (*end(links[:place]), place + 1)
    assert found.problem


@given(BODIES, st.data())
def test_a_link_forged_with_its_hash_shows(bodies: list[str], data: st.DataObject) -> None:
    """A link whose hash was made anew for other words is given away by the next one, or by the noted end."""
    links = chained(*bodies)
    place = data.draw(st.integers(0, len(links) - 1))
    sequence, previous, body = place + 1, links[place].previous, f"{bodies[place]}!"
    forged = Link(sequence, previous, body, seal(sequence, previous, body), body)
    found = verified([*links[:place], forged, *links[place + 1 :]], end(links))
    assert found.broken_at == min(place + 2, len(links))


@given(BODIES, st.data())
def test_a_missing_link_shows(bodies: list[str], data: st.DataObject) -> None:
    """A link that was taken out is named as missing, also the last one."""
    links = chained(*bodies)
    place = data.draw(st.integers(0, len(links) - 1))
    found = verified([*links[:place], *links[place + 1 :]], end(links))
    assert (found.entries, found.broken_at) == (place, place + 1)
    assert f"entry {place + 1} is missing" in str(found.problem)


@given(BODIES, st.data())
def test_a_cut_end_shows(bodies: list[str], data: st.DataObject) -> None:
    """A chain that was cut short is missed from where it was cut."""
    links = chained(*bodies)
    left = data.draw(st.integers(0, len(links) - 1))
    found = verified(links[:left], end(links))
    assert (found.entries, found.broken_at) == (left, left + 1)


@given(BODIES, st.text(max_size=5))
def test_an_added_link_shows(bodies: list[str], body: str) -> None:
    """A link that was added behind the noted end is one too many, however well it follows."""
    links = chained(*bodies, body)
    found = verified(links, end(links[:-1]))
    assert found.broken_at == len(links)
    assert "one too many" in str(found.problem)


@given(st.lists(st.text(max_size=5), min_size=2, max_size=8, unique=True), st.data())
def test_swapped_links_show(bodies: list[str], data: st.DataObject) -> None:
    """Two links that changed places break the chain at the first of them, whether their places moved along or not."""
    links = chained(*bodies)
    one, other = sorted(data.draw(st.sets(st.integers(0, len(links) - 1), min_size=2, max_size=2)))
    moved = list(links)
    moved[one], moved[other] = links[other], links[one]
    renumbered = [evolve(link, sequence=place) for place, link in enumerate(moved, 1)]
    assert [verified(told, end(links)).broken_at for told in (moved, renumbered)] == [one + 1, one + 1]


@given(BODIES, st.data())
def test_a_chain_written_anew_shows_to_those_who_noted_it(bodies: list[str], data: st.DataObject) -> None:
    """Who rewrites a chain from some place with every hash and its end is betrayed by a hash noted elsewhere."""
    links = chained(*bodies)
    place = data.draw(st.integers(0, len(links) - 1))
    anew = chained(*bodies[:place], f"{bodies[place]}!", *bodies[place + 1 :])
    assert verified(anew, end(anew)).is_whole
    assert verified(anew, end(anew), known=[end(links)]).broken_at == len(links)


def test_a_chain_that_grows_while_it_is_read_holds() -> None:
    """Links that came after the walk began, or after it ended, are no breach."""
    links = chained("a", "b", "c")
    for seen in (1, 2, 3):
        found = walk(links[:seen], [end(links[:1])])
        assert ending(found, end(links)).is_whole
