"""Fulfilling wishes as callers do, and comparing what came of them with what was shown."""

from typing import Any
from uuid import UUID

from attrs import evolve

from cityos_core.kernel.ids import InvoiceId
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.wishes import (
    CancelLater,
    CancelNow,
    ChangePlan,
    ChangeTrial,
    Convert,
    Pause,
    Resume,
    Undo,
    Wish,
)
from core.subscriptions.samples import START
from usecases.subscribing import Club


def fulfil(club: Club, subscription: Subscription, wish: Wish, token: str | None = None) -> Subscription:
    """Do what was previewed, as a caller would."""
    match wish:
        case ChangePlan():
            return club.do("change", subscription, wish.plan, wish.quantities, when=wish.when, token=token)
        case CancelNow():
            words: dict[str, Any] = {"at_period_end": False, "gives_back": wish.gives_back}
            return club.do("cancel", subscription, wish.reason, token=token, **words)
        case CancelLater():
            return club.do("cancel", subscription, wish.reason, at_period_end=True, token=token)
        case ChangeTrial():
            return club.do("change_trial", subscription, wish.ends_at, token=token)
        case Undo() | Pause() | Resume() | Convert():
            return club.do(type(wish).__name__.lower(), subscription, token=token)


def shown(invoice: Invoice | None) -> object:
    """Give what an invoice says, but for its number, and for when that was given to it."""
    if invoice is None:
        return None
    return evolve(
        invoice, id=InvoiceId(UUID(int=0)), number=None, created_at=START, issued_at=None, due_at=None, settled_at=None,
        recognise_at=None, status=InvoiceStatus.OPEN, version=1,
    )  # fmt: skip
