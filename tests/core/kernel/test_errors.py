"""The error tree."""

import copy
import pickle

import pytest

from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
)

MISTAKE = FieldError("$.lines[0].tax", "wrong_digits", "needs two decimals")
ERRORS = [
    *(
        cls("code", "what to do")
        for cls in (NotFound, Refused, Forbidden, Unavailable, OutcomeUnknown, Conflict, Invalid)
    ),
    Invalid("malformed", "one mistake", [MISTAKE]),
    Conflict("invalid_state", "no", current_state="paid", allowed_actions=["return"]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_travel_between_processes(error: CityOSError) -> None:
    """An error that was pickled or copied is the same, with everything it carries."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


def test_invalid_names_every_place() -> None:
    """What people read of an invalid input are the places and what is wrong there."""
    error = Invalid("malformed", "two mistakes", [MISTAKE, FieldError("$.x", "unknown_key", "unknown key")])
    assert str(error) == "$.lines[0].tax: needs two decimals; $.x: unknown key"


def test_everything_is_one_tree() -> None:
    """One root catches all that is raised on purpose."""
    assert all(isinstance(error, CityOSError) for error in ERRORS)
