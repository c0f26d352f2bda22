"""The time, from a port: production reads the machine's clock, tests and simulations turn their own."""

from datetime import UTC, date, datetime, time
from typing import Protocol

from cityos_core.kernel.errors import Invalid


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        ...


def instant_or_none(value: datetime | None) -> datetime | None:
    """Take an aware datetime to UTC if there is one."""
    return None if value is None else instant(value)


def instant(value: datetime) -> datetime:
    """Take an aware datetime to UTC; a naive one is refused."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise Invalid(
            "naive_time", f"{value.isoformat()} has no time zone; write it with an offset such as Z or +02:00"
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Invalid("not_a_time", f"{value.isoformat()} is outside the years 1 to 9999 in UTC") from None


def moment(text: str) -> datetime:
    """Read an instant such as ``2026-01-31T12:00:00Z``, or a day, which stands for its first moment in UTC."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        pass
    try:
        return instant(datetime.fromisoformat(text))
    except ValueError:
        raise Invalid(
            "not_a_time", f"{text!r} is neither a day such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z"
        ) from None
