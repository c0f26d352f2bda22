"""Amounts in JSON: a bare decimal string in the currency of the enclosing object, or an object of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NewType, TypeVar

from attrs import frozen

from cityos_adapters.serialization.mistakes import Unjudged
from cityos_adapters.serialization.scalars import string
from cityos_core.commissions.rules import FixedPart, Per
from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.errors import FieldError, Invalid
from cityos_core.kernel.money import Money, UnitPrice, exponent

A = TypeVar("A", Money, UnitPrice)

_UNKNOWN: Final = ""
_enclosing: ContextVar[str | None] = ContextVar("enclosing_currency", default=None)

BareMoney = NewType("BareMoney", Money)
BareUnitPrice = NewType("BareUnitPrice", UnitPrice)

UnsignedMoney = NewType("UnsignedMoney", Money)
"""An amount of zero or more."""


@frozen(kw_only=True)
class MoneyObject:
    """An amount that names its currency."""

    amount: BareMoney
    currency: str


@frozen(kw_only=True)
class UnitPriceObject:
    """A unit price that names its currency."""

    amount: BareUnitPrice
    currency: str


@frozen(kw_only=True)
class FixedPartObject:
    """A fixed part as it is written: amount and currency beside what it is charged for."""

    amount: BareMoney
    currency: str | None = None
    per: Per = Per.LINE

    def part(self) -> FixedPart:
        """Give what the rules know."""
        return FixedPart(self.amount, self.per)


@contextmanager
def within(currency: object, *, required: bool = True) -> Iterator[None]:
    """Read or write what stands inside an object that names its currency; none at all leaves the outer one in force."""
    if currency is None and not required:
        yield
        return
    known = currency if isinstance(currency, str) and currency in EXPONENTS else _UNKNOWN
    token = _enclosing.set(known)
    try:
        yield
    finally:
        _enclosing.reset(token)


def agreeing(amount: A) -> A:
    """Refuse an amount that names another currency than the object around it."""
    outer = _enclosing.get()
    if outer and outer != amount.currency:
        detail = f"this stands inside an object in {outer}; nothing converts it"
        raise Invalid("currency_mismatch", detail, [FieldError("$.currency", "currency_mismatch", detail)])
    return amount


def unsigned(amount: Money) -> UnsignedMoney:
    """Refuse an amount below zero."""
    if amount.minor < 0:
        raise Invalid("negative_amount", f"{amount} is below zero; write an amount of zero or more")
    return UnsignedMoney(amount)


def currency(value: object) -> str:
    """Read an ISO 4217 code."""
    code = string(value, 'a currency code such as "EUR"')
    exponent(code)
    return code


def bare_money(value: object) -> Money:
    """Read an amount in the enclosing currency, with exactly its digits."""
    return Money.of(string(value, 'an amount such as "19.99"'), _currency())


def bare_unit_price(value: object) -> UnitPrice:
    """Read a unit price in the enclosing currency."""
    return UnitPrice.of(string(value, 'a unit price such as "0.5292"'), _currency())


def _currency() -> str:
    code = _enclosing.get()
    if code is None:
        raise Invalid(
            "missing_currency", 'nothing around this names a currency: write {"amount": "19.99", "currency": "EUR"}'
        )
    if code == _UNKNOWN:
        raise Unjudged
    return code


def amount_form(value: Money | UnitPrice) -> "str | dict[str, str]":
    """Write an amount: bare inside an object in its currency, else with its currency."""
    return value.text if value.currency == _enclosing.get() else {"amount": value.text, "currency": value.currency}


def fixed_part_form(part: FixedPart) -> dict[str, str]:
    """Write a fixed part with its currency."""
    return {"amount": part.amount.text, "currency": part.amount.currency, "per": part.per.value}
