"""What a billing run comes to: a line per cycle for whoever lists them, and the sums of the certificate."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from attrs import define, field, frozen

from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.answering import Collected
from cityos_core.subscriptions.attempts import UNSETTLED, PaymentAttempt
from cityos_core.subscriptions.certificate import Certificate


class Came(StrEnum):
    """What came of a cycle that was due."""

    BILLED = "billed"
    CLOSED = "closed"
    """It ended its subscription instead of beginning a period."""
    SKIPPED = "skipped"
    FAILED = "failed"
    TAKEN = "taken"
    """Another worker finished it meanwhile."""


@frozen(kw_only=True)
class Billed:
    """What a billing run did with one cycle: the invoice it wrote, or why there is none.

    Merged cycles name the same invoice. ``code`` says in a word what ``reason`` says in a sentence.
    """

    subscription_id: SubscriptionId
    cycle: int
    came: Came
    invoice: str | None = None
    total: Money | None = None
    code: str | None = None
    reason: str | None = None


@frozen(kw_only=True)
class Chunk:
    """What one transaction of a billing run did; ``due`` counts the cycles that it took up."""

    due: int = 0
    cycles: tuple[Billed, ...] = ()
    invoices: int = 0
    invoiced: Mapping[str, int] = field(factory=dict)
    booked: Mapping[str, int] = field(factory=dict)
    attempts: tuple[PaymentAttempt, ...] = ()


@define
class Tally:
    """Adds up what a run did, and gives each cycle to whoever asked for them; it keeps none."""

    each: Callable[[Billed], object] | None = None
    _collected: Collected = field(default=Collected(), init=False)
    _open: set[str] = field(factory=set, init=False)
    """Attempts of an outcome that is not known yet."""
    _due: int = field(default=0, init=False)
    _came: Counter[Came] = field(factory=Counter, init=False)
    _skipped: Counter[str] = field(factory=Counter, init=False)
    _failed: Counter[str] = field(factory=Counter, init=False)
    _invoices: int = field(default=0, init=False)
    _invoiced: Counter[str] = field(factory=Counter, init=False)
    _booked: Counter[str] = field(factory=Counter, init=False)

    def add(self, chunk: Chunk) -> None:
        """Add what a transaction did that was committed."""
        self._due += chunk.due
        self._invoices += chunk.invoices
        self._invoiced.update(chunk.invoiced)
        self._booked.update(chunk.booked)
        for one in chunk.cycles:
            self._came[one.came] += 1
            if one.came is Came.SKIPPED:
                self._skipped[one.code or ""] += 1
            elif one.came is Came.FAILED:
                self._failed[one.code or ""] += 1
            if self.each is not None:
                self.each(one)

    def hear(self, attempts: Iterable[PaymentAttempt]) -> None:
        """Count attempts as they are now; one whose outcome was open before counts once."""
        for one in attempts:
            if one.status in UNSETTLED:
                self._open.add(one.key)
            else:
                self._open.discard(one.key)
                self._collected += Collected.of([one])

    def certificate(self) -> Certificate:
        """Certify what was added."""
        return Certificate(
            due=self._due,
            billed=self._came[Came.BILLED],
            closed=self._came[Came.CLOSED],
            skipped=dict(self._skipped),
            failed=dict(self._failed),
            taken_by_others=self._came[Came.TAKEN],
            invoices=self._invoices,
            invoiced=_amounts(self._invoiced),
            booked=_amounts(self._booked),
            paid=self._collected.paid,
            declined=self._collected.declined,
            unknown=len(self._open),
        )


def totals(amounts: Iterable[Money]) -> dict[str, int]:
    """Add amounts up, per currency, in minor units."""
    sums: Counter[str] = Counter()
    for amount in amounts:
        sums[amount.currency] += amount.minor
    return dict(sums)


def _amounts(sums: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()) if minor)
