"""Everything that can be done about billing."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import BillingRunId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.billing_run import Run
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycle_work import RetryCycle, SkipCycle
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.inquiring import Inquire
from cityos_core.subscriptions.recognising import Recognise
from cityos_core.subscriptions.retrying import Retry
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class ListRuns:
    """List billing runs with their certificates page by page, newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, request: PageRequest | None = None) -> Page[BillingRun]:
        with self.unit_of_work(scope) as uow:
            return uow.billing_runs.page(request or PageRequest())


@frozen
class GetRun:
    """Give a billing run with its certificate, or ``NotFound("billing_run_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, run_id: BillingRunId) -> BillingRun:
        with self.unit_of_work(scope) as uow:
            return uow.billing_runs.get(run_id)


@frozen
class ListCycles:
    """List cycles by their start, in some state if given, page by page; of those that failed some wait for a person."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, status: CycleStatus | None = None, request: PageRequest | None = None
    ) -> Page[BillingCycle]:
        with self.unit_of_work(scope) as uow:
            return uow.cycles.page(status, request or PageRequest())


@frozen(kw_only=True)
class BillingUseCases:
    """Billing what is due, collecting it, asking what became of payments, and looking after what could not be billed."""

    run: Run
    retry: Retry
    inquire: Inquire
    recognise: Recognise
    runs: ListRuns
    get_run: GetRun
    cycles: ListCycles
    retry_cycle: RetryCycle
    skip_cycle: SkipCycle

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        inquire = Inquire.of(dependencies)
        return cls(
            run=Run(dependencies, inquire),
            retry=Retry(dependencies, inquire),
            inquire=inquire,
            recognise=Recognise(
                unit_of_work=dependencies.unit_of_work,
                clock=dependencies.clock,
                identifiers=dependencies.identifiers,
                configuration=dependencies.configuration,
            ),
            runs=ListRuns(dependencies.unit_of_work),
            get_run=GetRun(dependencies.unit_of_work),
            cycles=ListCycles(dependencies.unit_of_work),
            retry_cycle=RetryCycle(dependencies),
            skip_cycle=SkipCycle(dependencies),
        )
