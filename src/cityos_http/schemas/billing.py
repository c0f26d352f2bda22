"""Billing runs as the API shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import define, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import BillingRunId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.tallying import Billed, Came
from cityos_http.schema import about
from cityos_http.schemas.runs import MOST_SHOWN


@frozen(kw_only=True)
class BillingCertificateView:
    """What a run proves: every cycle that was due is billed once, skipped by policy, or failed with a reason."""

    ties: bool = field(metadata=about("Whether every due cycle is accounted for, and invoices and ledger agree."))
    differences: tuple[str, ...] = field(metadata=about("What does not tie, in words."))
    due: int
    billed: int
    closed: int = field(metadata=about("Cycles that ended their subscription instead of beginning a period."))
    skipped: Mapping[str, int] = field(metadata=about("By reason."))
    failed: Mapping[str, int] = field(metadata=about("By reason."))
    taken_by_others: int = field(metadata=about("Cycles that another worker finished meanwhile."))
    invoices: int
    invoiced: tuple[Money, ...] = field(metadata=about("What the invoices come to, by currency."))
    booked: tuple[Money, ...] = field(metadata=about("What the ledger's journals of them come to, by currency."))
    paid: int
    declined: int
    unknown: int = field(metadata=about("Payments of which nobody knows yet what became of them."))

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """Show a certificate."""
        return cls(
            ties=certificate.ties,
            differences=certificate.differences,
            due=certificate.due,
            billed=certificate.billed,
            closed=certificate.closed,
            skipped=dict(certificate.skipped),
            failed=dict(certificate.failed),
            taken_by_others=certificate.taken_by_others,
            invoices=certificate.invoices,
            invoiced=certificate.invoiced,
            booked=certificate.booked,
            paid=certificate.paid,
            declined=certificate.declined,
            unknown=certificate.unknown,
        )


@frozen(kw_only=True)
class BillingRunView:
    """One billing run with its certificate."""

    id: BillingRunId
    worker: str
    started_at: datetime
    finished_at: datetime
    certificate: BillingCertificateView

    @classmethod
    def of(cls, run: BillingRun) -> Self:
        """Show a run."""
        return cls(
            id=run.id,
            worker=run.worker,
            started_at=run.started_at,
            finished_at=run.finished_at,
            certificate=BillingCertificateView.of(run.certificate),
        )


@frozen(kw_only=True)
class BilledCycleView:
    """What a run did with one cycle."""

    subscription: SubscriptionId
    cycle: int
    outcome: Came
    invoice: str | None = field(metadata=about("Entity and number of the invoice that bills it.", example="north/7"))
    total: Money | None
    code: str | None = field(metadata=about("Why it has no invoice, in a word."))
    reason: str | None

    @classmethod
    def of(cls, billed: Billed) -> Self:
        """Show what came of a cycle."""
        return cls(
            subscription=billed.subscription_id,
            cycle=billed.cycle,
            outcome=billed.came,
            invoice=billed.invoice,
            total=billed.total,
            code=billed.code,
            reason=billed.reason,
        )


@define
class SeenCycles:
    """The first cycles of a run; how many there are does not matter to memory."""

    cycles: list[Billed] = field(factory=list)

    def add(self, billed: Billed) -> None:
        """Keep a cycle unless enough are kept."""
        self.cycles += [billed][: MOST_SHOWN - len(self.cycles)]


@frozen(kw_only=True)
class BilledRunView:
    """What a run did, or what it would do."""

    dry_run: bool
    id: BillingRunId | None = field(metadata=about("None of a dry run."))
    certificate: BillingCertificateView
    cycles: tuple[BilledCycleView, ...] = field(metadata=about("The first hundred."))

    @classmethod
    def of(cls, run: BillingRun, seen: SeenCycles, *, is_dry: bool) -> Self:
        """Show a run, of whose cycles the first were seen."""
        return cls(
            dry_run=is_dry,
            id=None if is_dry else run.id,
            certificate=BillingCertificateView.of(run.certificate),
            cycles=tuple(map(BilledCycleView.of, seen.cycles)),
        )


@frozen(kw_only=True)
class CycleRequest:
    """A cycle of a subscription."""

    subscription: SubscriptionId
    index: int = field(metadata=about("Which cycle, counted from zero.", example=0, least=0))

    @index.validator
    def _check(self, _attribute: object, value: int) -> None:
        if value < 0:
            raise Invalid.at("$.index", "index", "cycles are counted from zero")
