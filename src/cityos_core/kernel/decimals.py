"""Decimal strings as exact numbers: the only way a number with a point enters or leaves."""

import re
import reprlib
from fractions import Fraction

from cityos_core.kernel.errors import Invalid

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?", re.ASCII)


def scaled(text: str, digits: int, *, what: str = "a decimal number") -> int:
    """Read ``text`` as an integer of ``10**-digits`` units; surplus digits are refused, never rounded."""
    if type(text) is not str:
        raise Invalid("not_a_decimal", f'{what} is a decimal string such as "19.99", not {type(text).__name__}')
    if not _DECIMAL.fullmatch(text):
        raise Invalid(
            "not_a_decimal", f'{reprlib.repr(text)} is not {what}: write digits and at most one point, such as "19.99"'
        )
    whole, _, fraction = text.partition(".")
    if len(fraction) > digits:
        raise Invalid(
            "surplus_digits", f"{reprlib.repr(text)} has {len(fraction)} decimals, at most {digits} are allowed here"
        )
    return int(whole + fraction.ljust(digits, "0"))


def unscaled(value: int, digits: int, *, keep: int = 0) -> str:
    """Write an integer of ``10**-digits`` units, with trailing zeros removed down to ``keep`` decimals."""
    if digits == 0:
        return str(value)
    sign = "-" if value < 0 else ""
    text = str(abs(value)).rjust(digits + 1, "0")
    whole, fraction = text[:-digits], text[-digits:]
    if keep < digits:
        fraction = fraction[:keep] + fraction[keep:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def fraction(text: str, *, what: str = "a decimal number") -> Fraction:
    """Read a decimal string as an exact fraction, up to thirty decimals."""
    return Fraction(scaled(text, 30, what=what), 10**30)


def exact_text(value: int | Fraction) -> str:
    """Write an exact number: a decimal string if thirty decimals suffice, else a ratio."""
    shifted = value * 10**30
    if shifted.denominator == 1:
        return unscaled(shifted.numerator, 30)
    return f"{value.numerator}/{value.denominator}"
