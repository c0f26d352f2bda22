"""Laws of inheritance: the nearest value, the widest lock, and an explanation that agrees with both."""

from collections.abc import Sequence

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.declared import SETTINGS
from cityos_core.kernel.errors import Refused
from cityos_core.tenancy.setting_values import whole
from cityos_core.tenancy.settings import DEFAULT, Held, Setting, effective, refuse_if_locked

PATHS = ("", "de", "de/a", "de/a/b", "de/a/b/c", "de/a/b/c/t", "de/a/b/c/t/s")
DAYS = Setting(key="days", doc="Some days.", parse=whole(0, 100), default=7)


@st.composite
def held_values(draw: st.DrawFn) -> list[Held]:
    """Draw values at some places of one line down the tree, widest first."""
    chosen = sorted(draw(st.sets(st.sampled_from(range(len(PATHS))))))
    return [Held(path=PATHS[place], value=draw(st.integers(0, 100)), locked=draw(st.booleans())) for place in chosen]


@given(held_values())
def test_without_locks_the_nearest_wins(held: Sequence[Held]) -> None:
    """The narrowest value holds; without any, the default does."""
    free = [evolve(place, locked=False) for place in held]
    found = effective(DAYS, free, path=PATHS[-1])
    assert found.value == (free[-1].value if free else 7)
    assert found.origin == (free[-1].where if free else DEFAULT)
    assert found.locked_by is None


@given(held_values())
def test_the_widest_lock_wins(held: Sequence[Held]) -> None:
    """If anything is locked, the widest locked value holds, whatever is stored below it."""
    locks = [place for place in held if place.locked]
    found = effective(DAYS, held, path=PATHS[-1])
    if locks:
        assert (found.value, found.origin, found.locked_by) == (locks[0].value, locks[0].where, locks[0].where)
    else:
        assert found.locked_by is None


@given(held_values())
def test_the_explanation_accounts_for_every_value(held: Sequence[Held]) -> None:
    """Overridden, effective and ignored values are together what is stored, in order, each once."""
    found = effective(DAYS, held, path=PATHS[-1])
    winner = [place for place in held if place.where == found.origin]
    assert [*reversed(found.overrides), *winner, *found.ignored] == list(held)


@given(held_values(), st.integers(0, 100))
def test_a_value_that_may_be_stored_counts(held: Sequence[Held], value: int) -> None:
    """Storing at the narrowest place is refused exactly when the value would not hold there."""
    above = [place for place in held if place.path != PATHS[-1]]
    found = effective(DAYS, [*above, Held(path=PATHS[-1], value=value)], path=PATHS[-1])
    try:
        refuse_if_locked("days", held, path=PATHS[-1])
    except Refused:
        assert found.origin != PATHS[-1]
    else:
        assert (found.value, found.origin) == (value, PATHS[-1])


@given(held_values())
def test_what_is_not_inherited_counts_at_its_own_place_only(held: Sequence[Held]) -> None:
    """Neither values nor locks from above reach a setting that is not inheritable."""
    found = effective(evolve(DAYS, inheritable=False), held, path=PATHS[-1])
    own = [place for place in held if place.path == PATHS[-1]]
    assert found.value == (own[0].value if own else 7)


def test_declarations_are_in_order() -> None:
    """Every key is declared once, says what it is in one sentence, and has a default that its own parser takes."""
    keys = [setting.key for setting in SETTINGS]
    assert len(set(keys)) == len(keys)
    for setting in SETTINGS:
        assert setting.doc.endswith(".")
        setting.parse(setting.default)
