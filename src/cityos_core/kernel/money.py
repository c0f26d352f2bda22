"""Money, unit prices and percentages: integers inside, decimal strings outside, never a float."""

import reprlib
from fractions import Fraction
from typing import Final, Self

from attrs import field, frozen

from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.decimals import scaled, unscaled
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.rounding import divide, half_up

LIMIT: Final = 2**63
"""Amounts at or beyond this many minor units are refused, so that a 64-bit column always holds them."""

UNIT_DIGITS: Final = 6
"""Decimals of a unit price, and of a percentage."""

UNIT_SCALE: Final = 10**UNIT_DIGITS
PERCENT_SCALE: Final = 100 * UNIT_SCALE
"""One hundred percent, in millionths of a percent."""


def exponent(currency: str) -> int:
    """Say how many digits the currency's minor unit has; an unknown code is refused."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise Invalid(
            "unknown_currency", f"{reprlib.repr(currency)} is not an ISO 4217 currency code such as EUR, JPY or KWD"
        ) from None


def _check_minor(_instance: object, _attribute: object, value: int) -> None:
    if type(value) is not int:
        raise TypeError(f"an amount is a whole number of minor units, not {type(value).__name__} {value!r}")
    if not -LIMIT < value < LIMIT:
        raise Invalid("amount_too_large", f"{value} minor units is beyond what the ledger holds (64 bits)")


def _check_currency(_instance: object, _attribute: object, value: str) -> None:
    if value not in EXPONENTS:
        exponent(value)


@frozen(order=False)
class Money:
    """An exact amount: integer minor units of one ISO 4217 currency. Currencies never mix and never convert."""

    minor: int = field(validator=_check_minor)
    currency: str = field(validator=_check_currency)

    @classmethod
    def of(cls, text: str, currency: str) -> Self:
        """Read the text form, which has exactly the currency's digits: ``19.99`` EUR, ``1200`` JPY, ``1.250`` KWD."""
        digits = exponent(currency)
        minor = scaled(text, digits, what=f"an amount in {currency}")
        if len(text.partition(".")[2]) != digits:
            raise Invalid("wrong_digits", f"{text!r} needs exactly {digits} decimals in {currency}")
        return cls(minor, currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Give nothing, in a currency."""
        return cls(0, currency)

    @property
    def text(self) -> str:
        """The decimal string with exactly the currency's digits."""
        digits = EXPONENTS[self.currency]
        return unscaled(self.minor, digits, keep=digits)

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    def _same(self, other: "Money") -> None:
        if type(other) is not Money:
            raise TypeError(f"money adds to and compares with money only, not {type(other).__name__}")
        if other.currency != self.currency:
            raise Invalid("currency_mismatch", f"{self} and {other} are different currencies; nothing converts them")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: "Money") -> bool:
        return other < self

    def __ge__(self, other: "Money") -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, part: Fraction) -> "Money":
        """Give an exact share of this amount, rounded once, half up."""
        return Money(half_up(self.minor * part), self.currency)


@frozen(order=True)
class Percentage:
    """A rate from 0 to 100 percent with up to six decimals, held as millionths of a percent."""

    micro: int = field()

    @micro.validator
    def _check(self, _attribute: object, value: int) -> None:
        if type(value) is not int:
            raise TypeError(
                f"a percentage is held in whole millionths of a percent, not {type(value).__name__} {value!r}"
            )
        if not 0 <= value <= PERCENT_SCALE:
            raise Invalid("percentage_out_of_range", f"{unscaled(value, UNIT_DIGITS)} is not between 0 and 100 percent")

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a decimal string such as ``8.5``."""
        return cls(scaled(text, UNIT_DIGITS, what="a percentage"))

    @property
    def text(self) -> str:
        """The shortest decimal string."""
        return unscaled(self.micro, UNIT_DIGITS)

    def __str__(self) -> str:
        return f"{self.text} %"

    @property
    def exact(self) -> Fraction:
        """The rate as a fraction of one."""
        return Fraction(self.micro, PERCENT_SCALE)

    def on(self, minor: int) -> int:
        """Give this share of an amount in minor units, rounded half up."""
        return divide(minor * self.micro, PERCENT_SCALE)


@frozen
class UnitPrice:
    """The price of one unit, up to six decimals; a line is rounded once, the unit price never."""

    micro: int = field()
    currency: str = field(validator=_check_currency)

    @micro.validator
    def _check(self, _attribute: object, value: int) -> None:
        if type(value) is not int:
            raise TypeError(f"a unit price is held in whole millionths, not {type(value).__name__} {value!r}")
        if not 0 <= value < LIMIT:
            raise Invalid("unit_price_out_of_range", "a unit price is zero or more and fits 64 bits of millionths")

    @classmethod
    def of(cls, text: str, currency: str) -> Self:
        """Read a decimal string such as ``0.5292``."""
        return cls(scaled(text, UNIT_DIGITS, what="a unit price"), currency)

    @property
    def text(self) -> str:
        """The decimal string with at least the currency's digits."""
        return unscaled(self.micro, UNIT_DIGITS, keep=EXPONENTS[self.currency])

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    def times(self, quantity: int) -> Money:
        """Give the price of that many units, rounded once: 0.5292 x 500 = 264.60."""
        return Money(divide(self.micro * quantity * 10 ** EXPONENTS[self.currency], UNIT_SCALE), self.currency)
