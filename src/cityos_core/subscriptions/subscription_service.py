"""Everything that can be done with plans and subscriptions."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.subscriptions.beginning import BeginSubscription
from cityos_core.subscriptions.changing import (
    CancelSubscription,
    ChangeSubscription,
    ChangeTrialEnd,
    ConvertTrial,
    PauseSubscription,
    PreviewChange,
    ResumeSubscription,
    UndoChange,
)
from cityos_core.subscriptions.collecting import Collect
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.discounting import AddDiscount
from cityos_core.subscriptions.importing import ImportPlans, ImportUsage
from cityos_core.subscriptions.looking import Forecast, GetSubscription, ListCycles, ListSubscriptions
from cityos_core.subscriptions.paying import ChangeMethod, PayInvoice
from cityos_core.subscriptions.planning import CreatePlan, GetPlan, ListPlans, RetirePlan
from cityos_core.subscriptions.recording_usage import RecordUsage


@frozen(kw_only=True)
class PlanUseCases:
    """What is sold by the period."""

    create: CreatePlan
    get: GetPlan
    list: ListPlans
    retire: RetirePlan
    import_rows: ImportPlans

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        create = CreatePlan(
            unit_of_work=uow,
            clock=clock,
            identifiers=dependencies.identifiers,
            configuration=dependencies.configuration,
        )
        return cls(
            create=create,
            get=GetPlan(uow),
            list=ListPlans(uow),
            retire=RetirePlan(uow, clock),
            import_rows=ImportPlans(create),
        )


@frozen(kw_only=True)
class SubscriptionUseCases:
    """Who has which plan, from the beginning to the end."""

    begin: BeginSubscription
    get: GetSubscription
    list: ListSubscriptions
    cycles: ListCycles
    preview: PreviewChange
    change: ChangeSubscription
    undo: UndoChange
    pause: PauseSubscription
    resume: ResumeSubscription
    cancel: CancelSubscription
    change_trial: ChangeTrialEnd
    convert: ConvertTrial
    pay: PayInvoice
    change_method: ChangeMethod
    add_discount: AddDiscount
    record_usage: RecordUsage
    import_usage: ImportUsage
    forecast: Forecast

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        desk, record_usage = _desk(dependencies), RecordUsage(uow, clock)
        return cls(
            begin=BeginSubscription(desk),
            get=GetSubscription(uow),
            list=ListSubscriptions(uow),
            cycles=ListCycles(uow),
            preview=PreviewChange(desk),
            change=ChangeSubscription(desk),
            undo=UndoChange(desk),
            pause=PauseSubscription(desk),
            resume=ResumeSubscription(desk),
            cancel=CancelSubscription(desk),
            change_trial=ChangeTrialEnd(desk),
            convert=ConvertTrial(desk),
            pay=PayInvoice(desk),
            change_method=ChangeMethod(desk),
            add_discount=AddDiscount(desk),
            record_usage=record_usage,
            import_usage=ImportUsage(record_usage),
            forecast=Forecast(uow),
        )


def _desk(dependencies: Dependencies) -> Desk:
    return Desk(
        unit_of_work=dependencies.unit_of_work,
        clock=dependencies.clock,
        identifiers=dependencies.identifiers,
        configuration=dependencies.configuration,
        gateways=dependencies.gateways,
        collect=Collect.of(dependencies),
    )
