"""What a billing run proves: every cycle that was due is billed once, skipped by policy, or failed with a reason."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from cityos_core.kernel.ids import BillingRunId, TenantId
from cityos_core.kernel.money import Money


@frozen(kw_only=True)
class Certificate:
    """Counts and sums of one run; it ties if :attr:`differences` is empty.

    ``due`` counts the cycles that were due when the run took them up, those it came upon one after another included.
    ``invoiced`` and ``booked`` are the same sums from two sides, the invoices and the ledger's journals.
    """

    due: int = 0
    billed: int = 0
    closed: int = 0
    """Cycles that ended their subscription instead of beginning a period."""
    skipped: Mapping[str, int] = field(factory=dict)
    failed: Mapping[str, int] = field(factory=dict)
    taken_by_others: int = 0
    """Cycles that another worker finished meanwhile."""
    invoices: int = 0
    invoiced: tuple[Money, ...] = ()
    booked: tuple[Money, ...] = ()
    paid: int = 0
    declined: int = 0
    unknown: int = 0

    @property
    def differences(self) -> tuple[str, ...]:
        """Say what does not tie, in words; nothing if everything does."""
        accounted = self.billed + self.closed + self.taken_by_others
        accounted += sum(self.skipped.values()) + sum(self.failed.values())
        found = []
        if accounted != self.due:
            found.append(f"{self.due} cycles were due, {accounted} are accounted for")
        if self.invoiced != self.booked:
            sums = [", ".join(map(str, side)) or "nothing" for side in (self.invoiced, self.booked)]
            found.append(f"invoices come to {sums[0]}, their journals to {sums[1]}")
        return tuple(found)

    @property
    def ties(self) -> bool:
        """True if every due cycle is accounted for, and invoices and ledger agree."""
        return not self.differences


@frozen(kw_only=True)
class BillingRun:
    """One billing run with its certificate."""

    id: BillingRunId
    tenant_id: TenantId
    worker: str
    started_at: datetime
    finished_at: datetime
    certificate: Certificate
