"""How operations are carried out: how often they are tried, how long a worker is believed to live, and when they fall due."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, OutcomeUnknown, Unavailable
from cityos_core.kernel.time import to_utc, zone

BACK_OFF: Final = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8))
"""How long a job waits after its first, second and third failed attempt, and whatever follows."""

ATTEMPTS: Final = 3
"""How often a job is tried before it has failed, unless its operation says otherwise."""

LEASE: Final = timedelta(minutes=5)
"""How long a worker that shows no progress keeps a job from others."""

RESENT: Final = timedelta(seconds=30)
"""How long a worker that was told of a job has to start it, before the next one is told."""

BEHIND: Final = timedelta(minutes=5)
"""How far past its time a schedule is when nobody seems to keep the time."""

KEPT_COMPLETED: Final = 100
KEPT_FAILED: Final = 200
"""How many of a tenant's finished jobs are kept, the latest ones."""


class Audience(StrEnum):
    """In whose scope an operation is carried out: every tenant's, the platform's, or both."""

    TENANTS = "tenants"
    PLATFORM = "platform"
    EVERYONE = "everyone"

    @property
    def has_tenants(self) -> bool:
        """True if tenants are among it."""
        return self is not Audience.PLATFORM

    @property
    def has_platform(self) -> bool:
        """True if the platform is."""
        return self is not Audience.TENANTS


@frozen(kw_only=True)
class Rhythm:
    """When an operation falls due: ``every`` so often, counted from midnight UTC, or ``at`` times of the local day."""

    every: timedelta | None = None
    at: tuple[time, ...] = field(default=())

    def __attrs_post_init__(self) -> None:
        if (self.every is None) == (not self.at):
            raise Invalid("rhythm", "a rhythm has either `every` or `at`")

    def after(self, now: datetime, place: str) -> datetime:
        """Give the next instant, later than now, at which it is due in a time zone."""
        if self.every is not None:
            passed = (instant(now) - _EPOCH) // self.every
            return _EPOCH + (passed + 1) * self.every
        day = instant(now).astimezone(zone(place)).date()
        slots = (
            to_utc(datetime.combine(day + timedelta(days=ahead), local), place)
            for ahead in range(-1, 3)
            for local in self.at
        )
        return min(slot for slot in slots if slot > instant(now))


_EPOCH: Final = instant(datetime.fromisoformat("1970-01-01T00:00:00+00:00"))


@frozen(kw_only=True)
class Operation:
    """A kind of job: its name, its queue, how often it is tried, its lease, and when it falls due by itself, if it does."""

    name: str
    queue: str
    audience: Audience = Audience.TENANTS
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE
    rhythm: Rhythm | None = None
    arguments: Mapping[str, str] = field(factory=dict)
    """What it may be told, by name, and what that means; a job with other arguments is refused."""
    is_internal: bool = False
    """Whether only the city itself makes jobs of it; whoever asks for one is refused."""


def back_off(attempts: int) -> timedelta:
    """Say how long a job waits after so many attempts have failed."""
    return BACK_OFF[min(attempts, len(BACK_OFF)) - 1]


def may_heal(error: Exception) -> bool:
    """Tell whether trying again can help: a refusal, bad input and what is not there stay as they are."""
    if isinstance(error, (Unavailable, OutcomeUnknown)):
        return True
    if isinstance(error, Conflict):
        return error.code in {"stale", "given_up"}
    return not isinstance(error, CityOSError)


def wording(error: Exception) -> str:
    """Say what went wrong in a job's row; what is not ours is named by its type only, for it may hold anything."""
    if isinstance(error, CityOSError):
        return f"{error.code}: {error.detail}"
    return f"unexpected {type(error).__name__}"
