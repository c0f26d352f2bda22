"""Answers to requests of one tenant."""

from datetime import datetime

from attrs import frozen

from cityos_adapters.memory.rows import require_own
from cityos_adapters.memory.tables import View
from cityos_core.idempotency.model import Answered
from cityos_core.kernel.ids import TenantId


@frozen
class MemoryAnswers:
    """Answers by principal and key; the whole database is held, so a key needs no lock of its own."""

    tenant: TenantId
    answers: View[tuple[str, str], Answered]

    def find(self, principal: str, key: str) -> Answered | None:
        return self.answers.get((principal, key))

    def put(self, answered: Answered) -> None:
        require_own(self.tenant, answered.tenant_id)
        self.answers.put((answered.principal, answered.key), answered)

    def forget(self, before: datetime) -> None:
        for key, answered in self.answers.items():
            if answered.created_at < before:
                self.answers.drop(key)
