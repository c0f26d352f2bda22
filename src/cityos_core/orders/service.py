"""The use cases of orders."""

from typing import Self

from attrs import frozen

from cityos_core.commissions.books import RuleBooks
from cityos_core.dependencies import Dependencies
from cityos_core.orders.buying import BuyOrder
from cityos_core.orders.disputes import CloseDispute, OpenDispute
from cityos_core.orders.finding import GetOrder, ListOrders
from cityos_core.orders.fulfilment import Deliver, Fulfil
from cityos_core.orders.importing import ImportOrders
from cityos_core.orders.placing import OpenCheckout, PlaceOrder
from cityos_core.orders.quoting import QuoteShipping
from cityos_core.orders.refunding import CancelOrder, RefundOrder
from cityos_core.orders.release import ReleaseDue


@frozen(kw_only=True)
class OrderUseCases:
    """What buyers bought, and what became of the goods and of the money."""

    place: PlaceOrder
    buy: BuyOrder
    import_rows: ImportOrders
    get: GetOrder
    list: ListOrders
    fulfil: Fulfil
    deliver: Deliver
    cancel: CancelOrder
    refund: RefundOrder
    open_dispute: OpenDispute
    close_dispute: CloseDispute
    release_due: ReleaseDue
    quote_shipping: QuoteShipping

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock, identifiers = dependencies.unit_of_work, dependencies.clock, dependencies.identifiers
        settings = dependencies.configuration
        checkout = OpenCheckout(clock=clock, identifiers=identifiers, configuration=settings, books=RuleBooks())
        place = PlaceOrder(unit_of_work=uow, open_checkout=checkout)
        return cls(
            place=place,
            buy=BuyOrder(clock=clock, identifiers=identifiers, configuration=settings, place=place),
            import_rows=ImportOrders(unit_of_work=uow, open_checkout=checkout),
            get=GetOrder(uow),
            list=ListOrders(uow),
            fulfil=Fulfil(unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=settings),
            deliver=Deliver(unit_of_work=uow, clock=clock),
            cancel=CancelOrder(unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=settings),
            refund=RefundOrder(unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=settings),
            open_dispute=OpenDispute(unit_of_work=uow, clock=clock, identifiers=identifiers),
            close_dispute=CloseDispute(unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=settings),
            release_due=ReleaseDue(unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=settings),
            quote_shipping=QuoteShipping(uow, settings),
        )
