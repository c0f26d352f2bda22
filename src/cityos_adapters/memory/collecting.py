"""Payment attempts and dunning cases of one tenant."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter

from attrs import frozen

from cityos_adapters.memory.due import longest_due
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import InvoiceId, SubscriptionId, TenantId
from cityos_core.subscriptions.attempts import UNSETTLED, PaymentAttempt
from cityos_core.subscriptions.dunning import DunningCase


@frozen
class MemoryAttempts:
    """Attempts by key."""

    tenant: TenantId
    attempts: View[str, PaymentAttempt]

    def add(self, attempts: Sequence[PaymentAttempt]) -> None:
        with self.attempts.transaction.whole():
            for attempt in attempts:
                require_own(self.tenant, attempt.tenant_id)
                if self.attempts.get(attempt.key) is not None:
                    raise Conflict("attempt_exists", f"attempt {attempt.key} was made before; ask what became of it")
                self.attempts.put(attempt.key, attempt)

    def save(self, attempts: Sequence[PaymentAttempt]) -> None:
        with self.attempts.transaction.whole():
            for attempt in attempts:
                require_own(self.tenant, attempt.tenant_id)
                save(self.attempts, attempt.key, attempt)

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[PaymentAttempt]:
        found = (attempt for invoice_id in set(invoice_ids) for attempt in self.attempts.find("invoice", invoice_id))
        return sorted(found, key=lambda attempt: (attempt.invoice_id, attempt.number))

    def due(self, now: datetime, *, limit: int) -> list[PaymentAttempt]:
        unsettled = (attempt for status in UNSETTLED for attempt in self.attempts.find("status", status))
        return longest_due(unsettled, attrgetter("next_at"), _place, now, limit=limit)


def _place(attempt: PaymentAttempt) -> tuple[SubscriptionId, int, int, int]:
    return attempt.subscription_id, attempt.cycle, attempt.change, attempt.number


@frozen
class MemoryDunning:
    """Dunning cases by invoice."""

    tenant: TenantId
    cases: View[InvoiceId, DunningCase]

    def put(self, cases: Sequence[DunningCase]) -> None:
        with self.cases.transaction.whole():
            for case in cases:
                require_own(self.tenant, case.tenant_id)
                if self.cases.get(case.invoice_id) is None and case.version == 1:
                    self.cases.put(case.invoice_id, case)
                else:
                    save(self.cases, case.invoice_id, case)

    def of(self, subscription_ids: Iterable[SubscriptionId]) -> list[DunningCase]:
        found = (case for wanted in set(subscription_ids) for case in self.cases.find("subscription", wanted))
        return sorted((case for case in found if not case.is_over), key=lambda case: case.invoice_id)

    def find(self, invoice_ids: Iterable[InvoiceId]) -> dict[InvoiceId, DunningCase]:
        found = ((invoice_id, self.cases.get(invoice_id)) for invoice_id in set(invoice_ids))
        return {invoice_id: case for invoice_id, case in found if case is not None}

    def due(self, now: datetime, *, limit: int) -> list[DunningCase]:
        return longest_due(self.cases.all(), attrgetter("next_at"), attrgetter("invoice_id"), now, limit=limit)
