"""The preview of a move tells exactly what the move does."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.kernel.errors import Refused
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Json
from usecases.town import Town

PLATFORM = PlatformScope()
PLACES = (
    "de",
    "de/a",
    "de/a/b",
    "de/a/b/c",
    "de/a/b/c/north",
    "de/a/b/c/north/web",
    "fr",
    "fr/x",
    "fr/x/y",
    "fr/x/y/z",
)
MOVES = (("de/a", "fr"), ("de/a/b", "fr/x"), ("de/a/b/c", "fr/x/y"), ("de/a/b/c/north", "fr/x/y/z"))
VALUES: dict[str, tuple[Json, ...]] = {
    "holding_days": (1, 2, 7),
    "payout_method": ("manual", "bank"),
    "vendor_requirements": (["identity"], []),
}

decisions = st.lists(
    st.tuples(st.sampled_from((None, *PLACES)), st.sampled_from(sorted(VALUES)), st.integers(0, 2), st.booleans()),
    max_size=12,
)


def everything(town: Town) -> dict[tuple[str, str], Json]:
    """Give every effective value of every node, by the node's id."""
    return {
        (str(node.id), found.key): found.value
        for node in town.tree.list()
        for found in town.settings.show(PLATFORM, node=node.path)
    }


@settings(max_examples=40)
@given(decisions, st.sampled_from(MOVES))
def test_the_preview_is_what_happens(decided: list[tuple[str | None, str, int, bool]], move: tuple[str, str]) -> None:
    """The changes that are shown are those between everything before and everything after; ids and nodes stay."""
    town = Town.empty()
    tenant = town.tenant(parent="de/a/b/c")
    town.stores.create(tenant.scope, "web", name="Web")
    town.tree.add("fr/x/y/z")
    for place, key, choice, locked in decided:
        options = VALUES[key]
        with suppress(Refused):
            town.settings.set(PLATFORM, key, options[choice % len(options)], node=place, locked=locked)
    ids = {node.path: str(node.id) for node in town.tree.list()}
    before = everything(town)
    preview = town.tree.move(*move, dry_run=True)
    assert everything(town) == before
    town.tree.move(*move)
    after = everything(town)
    assert before.keys() == after.keys()
    assert {(ids[change.path], change.key): (change.before, change.after) for change in preview.changes} == {
        place: (before[place], after[place]) for place in before if before[place] != after[place]
    }
