"""Orders from files: each is placed once, however often its file is read."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from attrs import field, frozen

from cityos_core.kernel.errors import Forbidden, Invalid, NotFound, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.imports import Outcome, Row, RowResult, import_in_chunks
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.finding import taken
from cityos_core.orders.placing import Checkout, OpenCheckout, Request
from cityos_core.orders.ports import Placed
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class ImportOrders:
    """Place the orders of a file, row by row; those that were placed before are left as they are.

    Past orders may name products that are no longer published. An order that differs from the one placed under its
    reference is rejected, and so is one that :class:`PlaceOrder` would refuse.
    """

    unit_of_work: UnitOfWorkFactory
    open_checkout: OpenCheckout

    def __call__(self, scope: TenantScope, rows: Iterable[Row[OrderDraft]]) -> Iterator[RowResult]:
        """Import rows as the answers are taken, in bounded memory; the work stops where the taking stops."""
        return import_in_chunks(rows, partial(self._write, scope))

    def _write(self, scope: TenantScope, rows: Sequence[Row[OrderDraft]]) -> Sequence[RowResult]:
        drafts = [row.draft for row in rows if row.draft is not None]
        with self.unit_of_work(scope) as uow:
            placed = uow.orders.placed({draft.reference for draft in drafts})
            new = [draft for draft in drafts if draft.reference not in placed]
            till = _Till(checkout=self.open_checkout(uow, scope, new), placed=placed)
            results = [till.judge(row) for row in rows]
            uow.commit(till.events)
        return results


@frozen(kw_only=True)
class _Till:
    """Rows that are written together: what was placed before them, and what happened."""

    checkout: Checkout
    placed: dict[str, Placed]
    events: list[Event] = field(factory=list)

    def judge(self, row: Row[OrderDraft]) -> RowResult:
        try:
            request = Request.of(row.readable(), historic=True)
            known = self.placed.get(request.draft.reference)
            if known is None:
                self._place(request)
                return row.answer(Outcome.CREATED)
        except (Invalid, NotFound, Refused, Forbidden) as error:
            return row.answer(Outcome.REJECTED, error)
        if known.digest != request.digest:
            return row.answer(Outcome.REJECTED, taken(request.draft.reference))
        return row.answer(Outcome.UNCHANGED)

    def _place(self, request: Request) -> None:
        order, happened = self.checkout.place(request)
        self.placed[order.reference] = Placed(order.id, order.digest)
        self.events.extend(happened)
