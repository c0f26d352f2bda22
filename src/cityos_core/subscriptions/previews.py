"""Previews of changes: a token that stands for exactly the invoice that was shown, or for a refusal."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import asdict

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.subscriptions.changes import Proposal
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription

PREVIEW_LIFE: Final = timedelta(minutes=30)
"""How long a preview can be committed: its invoice is reckoned as of the instant it was shown."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def preview_token(
    subscription: Subscription, proposal: Proposal, *, at: datetime, invoice: Invoice | None = None
) -> str:
    """Give the token of a change reckoned at an instant: that instant, and a digest of all that would come of it.

    Of the invoice as it is issued that is who issues it and what credit pays; the rest follows from the change.
    """
    content = {
        "subscription": str(subscription.id),
        "version": subscription.version,
        "lines": [asdict(line) for line in proposal.lines],
        "cycle": proposal.cycle,
        "skipped": [proposal.skipped.start, proposal.skipped.stop],
        "begins": proposal.begins and asdict(proposal.begins),
        "invoice": invoice and [invoice.entity, invoice.from_credit],
        "after": asdict(proposal.subscription),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds:x}-{hashlib.sha256(text.encode()).hexdigest()}"


def previewed_at(token: str, *, now: datetime) -> datetime:
    """Read the instant a preview was reckoned at, at which the change is proposed again; too old a one is refused."""
    text, _, digest = token.partition("-")
    try:
        at = _EPOCH + timedelta(microseconds=int(text, 16))
    except (ValueError, OverflowError):
        at = None
    if at is None or len(digest) != hashlib.sha256().digest_size * 2:
        raise Invalid("preview_token", "this is not a token that a preview gave")
    if not now - PREVIEW_LIFE <= at <= now:
        raise Refused("preview_expired", "the preview is too old to be committed; preview the change again")
    return at


def check_token(
    token: str, subscription: Subscription, proposal: Proposal, *, at: datetime, invoice: Invoice | None = None
) -> None:
    """Refuse to commit anything but what was previewed; ``Refused("preview_outdated")``."""
    if token != preview_token(subscription, proposal, at=at, invoice=invoice):
        detail = "something changed since the preview, or another change was previewed; preview the change again"
        raise Refused("preview_outdated", detail)
