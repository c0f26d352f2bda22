"""Everything that can be done with payouts."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import Register
from cityos_core.payouts.dashboard import ShowDashboard
from cityos_core.payouts.model import Payout, PayoutBatch
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.payouts.requesting import Request, Retry
from cityos_core.payouts.review import ApproveAccount, Cancel, Desk, Hold, Release
from cityos_core.payouts.running import Run
from cityos_core.payouts.sending import Process
from cityos_core.payouts.settlement import Confirm, Fail, Returned
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class Get:
    """Give a payout with its attempts."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, payout_id: PayoutId) -> Payout:
        with self.unit_of_work(scope) as uow:
            return uow.payouts.get(payout_id)


@frozen
class List:
    """List payouts page by page, oldest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: PayoutFilter | None = None, request: PageRequest | None = None
    ) -> Page[Payout]:
        with self.unit_of_work(scope) as uow:
            return uow.payouts.page(where or PayoutFilter(), request or PageRequest())


@frozen
class Batches:
    """List the batches of past runs page by page, oldest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, request: PageRequest | None = None) -> Page[PayoutBatch]:
        with self.unit_of_work(scope) as uow:
            return uow.batches.page(request or PageRequest())


@frozen(kw_only=True)
class PayoutUseCases:
    """Making payouts, sending them, looking after them."""

    run: Run
    process: Process
    request: Request
    retry: Retry
    hold: Hold
    release: Release
    cancel: Cancel
    approve_account: ApproveAccount
    confirm: Confirm
    fail: Fail
    returned: Returned
    get: Get
    list: List
    batches: Batches
    dashboard: ShowDashboard

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        unit_of_work, clock, methods = dependencies.unit_of_work, dependencies.clock, dependencies.payout_methods
        register = Register(dependencies.identifiers, methods)
        desk = Desk(unit_of_work, clock, register)
        process = Process(unit_of_work, clock, methods, register)
        return cls(
            run=Run(dependencies, process),
            process=process,
            request=Request(unit_of_work, clock, dependencies.configuration, register),
            retry=Retry(unit_of_work, clock, register),
            hold=Hold(desk),
            release=Release(desk),
            cancel=Cancel(desk),
            approve_account=ApproveAccount(desk, frozenset(methods)),
            confirm=Confirm(desk),
            fail=Fail(desk),
            returned=Returned(desk),
            get=Get(unit_of_work),
            list=List(unit_of_work),
            batches=Batches(unit_of_work),
            dashboard=ShowDashboard(unit_of_work, clock, dependencies.configuration),
        )
