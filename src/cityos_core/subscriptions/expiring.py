"""Ending subscriptions that never began: the first payment did not come in time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.attempts import UNSETTLED
from cityos_core.subscriptions.changes import expire
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.holding import Held, hold, open_docket
from cityos_core.subscriptions.in_sets import Trouble, in_sets
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import FIRST_PAYMENT_WITHIN_HOURS, SubscriptionStatus
from cityos_core.subscriptions.voiding import voided

CHUNK: Final = 100
"""How many are looked up at a time, and ended in one transaction."""

UNPAID: Final = "the first payment never came"


@frozen(kw_only=True)
class Expired:
    """How many subscriptions ended before they began, and what was in the way of others."""

    subscriptions: int = 0
    troubles: tuple[Trouble, ...] = ()


@frozen
class Expire:
    """End incomplete subscriptions that waited long enough, and void what they were invoiced.

    While the outcome of an attempt is not known the payment may have come, and they wait on.
    """

    dependencies: Dependencies

    def __call__(self, scope: TenantScope) -> Expired:
        before = self.dependencies.clock.now() - timedelta(hours=FIRST_PAYMENT_WITHIN_HOURS)
        left, ended, troubles = set[SubscriptionId](), 0, list[Trouble]()
        while found := self._abandoned(scope, before, left):
            left |= set(found)
            for _, came in in_sets(found, partial(self._expire, scope)):
                if isinstance(came, set):
                    left -= came
                    ended += len(came)
                elif came.code != "stale":
                    troubles.append(came)
        return Expired(subscriptions=ended, troubles=tuple(troubles))

    def _abandoned(
        self, scope: TenantScope, before: datetime, left: Collection[SubscriptionId]
    ) -> list[SubscriptionId]:
        with self.dependencies.unit_of_work(scope) as uow:
            found = uow.subscriptions.abandoned(before, limit=CHUNK + len(left))
        return [one for one in found if one not in left]

    def _expire(self, scope: TenantScope, found: Sequence[SubscriptionId]) -> set[SubscriptionId]:
        """End those of them that still wait, and owe an answer to nobody; give which."""
        with self.dependencies.unit_of_work(scope) as uow:
            docket = open_docket(self.dependencies, uow, scope)
            held = hold(docket, {one: [0] for one in found})
            ending = [one for one in held.values() if _has_waited(one)]
            for one in ending:
                _end(docket, one)
            if ending:
                commit(uow, docket.write(), "billing.expire")
        return {one.subscription.id for one in ending}


def _has_waited(held: Held) -> bool:
    is_known = all(attempt.status not in UNSETTLED for attempt in held.attempts.values())
    return is_known and held.subscription.status is SubscriptionStatus.INCOMPLETE


def _end(docket: Docket, held: Held) -> None:
    for invoice in list(held.invoices.values()):
        if invoice.status is InvoiceStatus.OPEN:
            notes = docket.uow.credit_notes.of([invoice.id]) if invoice.credited else []
            voided(docket, invoice, UNPAID, notes=notes, rows=held.rows.values())
    held.become(expire(held.subscription, at=docket.at))
