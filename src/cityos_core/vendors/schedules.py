"""How often a vendor is paid."""

from enum import StrEnum
from typing import Self

from attrs import field, frozen, validators

from cityos_core.kernel.errors import Invalid


class Cadence(StrEnum):
    """How often a vendor is paid."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    MANUAL = "manual"


@frozen(kw_only=True)
class PayoutSchedule:
    """When payouts are due, in the tenant's time zone: a weekday (Monday is 1) or a day of the month (clamped)."""

    cadence: Cadence = Cadence.DAILY
    weekday: int = field(default=1, validator=[validators.ge(1), validators.le(7)])
    day: int = field(default=1, validator=[validators.ge(1), validators.le(31)])

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the text form: ``daily``, ``manual``, ``weekly:5`` (Friday), ``monthly:31``; weekly and monthly alone mean 1."""
        word, colon, number = text.partition(":")
        wrong = Invalid(
            "invalid_schedule", f"{text!r} is not a payout schedule: write daily, weekly:5, monthly:31 or manual"
        )
        if word not in list(Cadence) or (colon and not (number.isascii() and number.isdecimal())):
            raise wrong
        cadence, chosen = Cadence(word), int(number) if colon else 1
        try:
            if cadence is Cadence.WEEKLY:
                return cls(cadence=cadence, weekday=chosen)
            if cadence is Cadence.MONTHLY:
                return cls(cadence=cadence, day=chosen)
        except ValueError:
            raise wrong from None
        if colon:
            raise wrong
        return cls(cadence=cadence)

    @property
    def text(self) -> str:
        """The text form that :meth:`of` reads."""
        if self.cadence is Cadence.WEEKLY:
            return f"weekly:{self.weekday}"
        if self.cadence is Cadence.MONTHLY:
            return f"monthly:{self.day}"
        return self.cadence.value
