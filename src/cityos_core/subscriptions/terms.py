"""What is agreed with one subscriber: who that is, discounts, the tax rate, and how payment is collected."""

import re
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import LIMIT, Money, Percentage
from cityos_core.kernel.rounding import half_up

LONGEST_REFERENCE: Final = 200
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@|+-]*", re.ASCII)
_JURISDICTION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
LONGEST_TERMS: Final = 365
"""Days a subscriber may have to pay an invoice."""


class SubscriberKind(StrEnum):
    """Whether a person or a company subscribes."""

    CUSTOMER = "customer"
    COMPANY = "company"


@frozen(order=True)
class Subscriber:
    """Who subscribes and owes; the reference is a part of the names of the accounts, and so has no colon."""

    kind: SubscriberKind
    reference: str = field()

    @reference.validator
    def _check_reference(self, _attribute: object, value: str) -> None:
        if len(value) > LONGEST_REFERENCE or not _REFERENCE.fullmatch(value):
            detail = f"a subscriber is known by 1 to {LONGEST_REFERENCE} letters, digits and . _ @ | + - (no colon)"
            raise Invalid.at("$.subscriber", "reference", detail)


@frozen(kw_only=True)
class Discount:
    """A percentage of each recurring line, or an amount per cycle, for a number of billed cycles or for ever.

    Cycles that are not billed do not use it up. What is charged later within a cycle it was given in has it as well.
    """

    code: str
    percentage: Percentage | None = None
    amount: Money | None = None
    cycles: int | None = None
    """How many billed cycles it lasts: 1 is once, None for ever."""
    first_cycle: int = 0
    used: int = 0
    last_cycle: int | None = None
    """The latest cycle it was given in."""

    def __attrs_post_init__(self) -> None:
        if (self.percentage is None) == (self.amount is None):
            raise Invalid("discount_form", "a discount has either `percentage` or `amount`")
        if self.amount is not None and self.amount.minor < 0:
            raise Invalid.at("$.amount", "negative_amount", "`amount` is zero or more")
        if self.cycles is not None and not 1 <= self.cycles < LIMIT:
            raise Invalid.at(
                "$.cycles", "cycles", "a discount lasts one cycle or more, and no more than 64 bits can count"
            )

    def applies_to(self, cycle: int) -> bool:
        """Tell whether a cycle has the discount."""
        if cycle < self.first_cycle:
            return False
        return self.last_cycle == cycle or self.cycles is None or self.used < self.cycles

    def given_in(self, cycle: int) -> "Discount":
        """Note that a cycle had the discount; noting it again changes nothing."""
        if self.last_cycle == cycle or not self.applies_to(cycle):
            return self
        return evolve(self, used=self.used + 1, last_cycle=cycle)

    @property
    def is_one_off(self) -> bool:
        """True if it is given once only."""
        return self.cycles == 1


@frozen(kw_only=True)
class TaxRate:
    """The tax on what a subscriber pays; ``included`` says whether prices contain it."""

    percentage: Percentage
    jurisdiction: str = field()
    included: bool = False

    @jurisdiction.validator
    def _check_jurisdiction(self, _attribute: object, value: str) -> None:
        if not _JURISDICTION.fullmatch(value):
            detail = "a jurisdiction is named by 1 to 63 letters, digits and . _ -, such as nl or us-ca"
            raise Invalid.at("$.jurisdiction", "jurisdiction", detail)

    def on(self, minor: int) -> int:
        """Give the tax on an amount, or the tax contained in it, in minor units, rounded once."""
        rate = self.percentage.exact
        return half_up(minor * (rate / (1 + rate) if self.included else rate))


class CollectionMethod(StrEnum):
    """Whether a stored payment method is charged, or an invoice sent with terms."""

    CHARGE = "charge"
    INVOICE = "invoice"


@frozen(kw_only=True)
class Collection:
    """How payment is collected; ``terms_days`` is how long an invoice may stay unpaid."""

    method: CollectionMethod = CollectionMethod.CHARGE
    terms_days: int = field(default=0)

    @terms_days.validator
    def _check_terms(self, _attribute: object, value: int) -> None:
        if type(value) is not int or not 0 <= value <= LONGEST_TERMS:
            raise Invalid.at("$.terms_days", "terms_days", f"terms are 0 to {LONGEST_TERMS} days")
