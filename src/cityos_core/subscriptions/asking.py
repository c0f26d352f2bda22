"""Talking to gateways: what is asked of them, and which of their answers are believed."""

from collections.abc import Callable, Iterable
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.subscriptions.attempts import DeclineClass, PaymentAttempt
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.terms import LONGEST_REFERENCE
from cityos_core.unit_of_work import UnitOfWork

LONGEST_REASON: Final = 500
"""How much of what a gateway says is kept."""


@frozen
class Unanswered:
    """No answer, or none that can be trusted: ``reason`` says which. The money may have been collected."""

    reason: str


Answer = ChargeResult | Unanswered


@frozen(kw_only=True)
class Asked:
    """An attempt as it was when its gateway was asked, and the answer."""

    attempt: PaymentAttempt
    answer: Answer


@frozen(kw_only=True)
class Owing:
    """What the attempts of a group are about, as it stood when it was read."""

    attempts: dict[str, PaymentAttempt]
    invoices: dict[InvoiceId, Invoice]
    subscriptions: dict[SubscriptionId, Subscription]

    def charge(self, attempt: PaymentAttempt) -> Charge:
        """Say what the gateway is to collect."""
        invoice, subscription = self.invoices[attempt.invoice_id], self.subscriptions[attempt.subscription_id]
        return Charge(
            key=attempt.key,
            amount=attempt.amount,
            subscriber=invoice.subscriber,
            payment_method=subscription.payment_method,
            subscription_id=subscription.id,
            invoice_id=invoice.id,
            description=f"Invoice {invoice.entity}/{invoice.number}",
        )

    def is_owed(self, attempt: PaymentAttempt) -> bool:
        """Tell whether there still is something to pay."""
        return bool(self.invoices[attempt.invoice_id].due)


def owing(uow: UnitOfWork, attempts: Iterable[PaymentAttempt]) -> Owing:
    """Read what attempts are about, and how they stand themselves, in three queries."""
    cycles: dict[SubscriptionId, set[int]] = {}
    invoice_ids = set()
    for one in attempts:
        cycles.setdefault(one.subscription_id, set()).add(one.cycle)
        invoice_ids.add(one.invoice_id)
    return Owing(
        attempts={one.key: one for one in uow.attempts.of(sorted(invoice_ids))},
        invoices={one.id: one for one in uow.invoices.of(cycles)},
        subscriptions=dict(uow.subscriptions.many(cycles)),
    )


def ask(question: Callable[[Charge], object], charge: Charge) -> Answer:
    """Put a question to a gateway; whatever is no clear answer leaves the outcome open."""
    try:
        return trusted(question(charge), charge)
    except CityOSError as unclear:
        return Unanswered(_plain(unclear.detail))
    except Exception as unclear:  # noqa: BLE001  whatever went wrong, the money may have been collected
        return Unanswered(f"unexpected {type(unclear).__name__}")


def trusted(answer: object, charge: Charge) -> Answer:
    """Take a gateway's answer only if it is one: a known state, the amount that was asked for, a reference for money."""
    if not isinstance(answer, ChargeResult) or not isinstance(answer.state, ChargeState):
        return Unanswered("the gateway gave an answer that means nothing")
    reason = _plain(answer.reason)
    match answer.state:
        case ChargeState.SUCCEEDED:
            return _believed(answer, charge)
        case ChargeState.DECLINED:
            kind = answer.decline if isinstance(answer.decline, DeclineClass) else DeclineClass.SOFT
            return evolve(answer, decline=kind, reason=reason or "the gateway gave no reason")
        case ChargeState.PENDING:
            return Unanswered(reason or "the gateway says that it is under way")
        case ChargeState.UNSEEN:
            return answer


def _believed(answer: ChargeResult, charge: Charge) -> Answer:
    if answer.amount is not None and answer.amount != charge.amount:
        return Unanswered(f"the gateway says that it collected {answer.amount}, and was asked for {charge.amount}")
    reference = answer.reference
    if not isinstance(reference, str) or not reference.strip() or _plain(reference, LONGEST_REFERENCE) != reference:
        return Unanswered("the gateway says that it collected the money, but under no usable reference")
    return answer


def not_configured(name: str) -> Unanswered:
    """Say that nobody can be asked."""
    return Unanswered(f"the gateway {name!r} is not configured here; configure it, and it is asked")


def _plain(text: object, longest: int = LONGEST_REASON) -> str:
    """Keep what can be stored and shown of a stranger's words."""
    return "".join(letter for letter in str(text or "") if letter.isprintable())[:longest]
