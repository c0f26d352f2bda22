"""Certificates: what a billing run proves, and how it is counted."""

from uuid import UUID

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.answering import Collected
from cityos_core.subscriptions.attempts import DeclineClass, Origin, PaymentAttempt
from cityos_core.subscriptions.certificate import Certificate
from cityos_core.subscriptions.tallying import Billed, Came, Chunk, Tally, totals
from core.subscriptions.samples import START, TENANT

EUR = Money(3000, "EUR")


def attempt(number: int) -> PaymentAttempt:
    """Make an attempt."""
    return PaymentAttempt(
        tenant_id=TENANT,
        subscription_id=SubscriptionId(UUID(int=1)),
        invoice_id=InvoiceId(UUID(int=1)),
        cycle=0,
        change=0,
        number=number,
        origin=Origin.BILLING,
        gateway="card",
        amount=EUR,
        started_at=START,
    )


def billed(cycle: int, came: Came, code: str | None = None) -> Billed:
    """Tell what came of a cycle."""
    return Billed(subscription_id=SubscriptionId(UUID(int=1)), cycle=cycle, came=came, code=code)


def test_a_certificate_that_ties() -> None:
    """Every due cycle is accounted for, and the invoices come to what was booked."""
    certificate = Certificate(
        due=6, billed=1, closed=1, skipped={"catch_up": 2}, failed={"halted": 1}, taken_by_others=1,
        invoices=2, invoiced=(EUR,), booked=(EUR,),
    )  # fmt: skip
    assert (certificate.ties, certificate.differences) == (True, ())
    assert Certificate().ties


def test_a_certificate_that_does_not() -> None:
    """It says in words what is missing, and how far invoices and ledger are apart."""
    found = Certificate(due=2, billed=1, invoiced=(EUR,)).differences
    assert found == (
        "2 cycles were due, 1 are accounted for",
        "invoices come to 30.00 EUR, their journals to nothing",
    )


def test_a_tally_adds_chunks_up() -> None:
    """What several transactions did is one certificate; each cycle is told of once, and sums of nothing are left out."""
    told: list[Billed] = []
    tally = Tally(told.append)
    first = (billed(1, Came.BILLED), billed(2, Came.SKIPPED, "catch_up"), billed(3, Came.FAILED, "halted"))
    second = (billed(1, Came.BILLED), billed(2, Came.CLOSED), billed(3, Came.TAKEN), billed(4, Came.FAILED, "halted"))
    tally.add(Chunk(due=3, cycles=first, invoices=1, invoiced={"EUR": 3000}, booked={"EUR": 3000}))
    tally.add(Chunk(due=4, cycles=second, invoices=2, invoiced={"EUR": 5, "JPY": 0}, booked={"EUR": 5}))
    tally.hear([attempt(1), attempt(2), attempt(3), attempt(4)])
    tally.hear([attempt(number).succeed(reference="x", at=START) for number in (1, 2)])
    tally.hear([attempt(3).declined(DeclineClass.SOFT, reason="x", at=START)])
    assert tally.certificate() == Certificate(
        due=7, billed=2, closed=1, skipped={"catch_up": 1}, failed={"halted": 2}, taken_by_others=1,
        invoices=3, invoiced=(Money(3005, "EUR"),), booked=(Money(3005, "EUR"),), paid=2, declined=1, unknown=1,
    )  # fmt: skip
    assert told == [*first, *second]
    assert tally.certificate().ties


def test_totals_are_per_currency() -> None:
    """Amounts of different currencies never add."""
    assert totals([EUR, EUR, Money(7, "JPY")]) == {"EUR": 6000, "JPY": 7}


def test_attempts_are_counted_by_their_outcome() -> None:
    """What is neither paid nor declined is not known yet; counts add up."""
    paid, lost = attempt(1).succeed(reference="x", at=START), attempt(2).lost(reason="x", at=START)
    assert Collected.of([paid, lost, attempt(3)]) + Collected(declined=1) == Collected(paid=1, declined=1, unknown=2)
