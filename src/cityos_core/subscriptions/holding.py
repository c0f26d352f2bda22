"""Subscriptions that a unit of work holds, with everything that a payment of theirs touches, as it stands by now."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from attrs import define, evolve

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers, InvoiceId, SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.applying import OVER, aligned
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import DunningPolicy
from cityos_core.subscriptions.reading import by_subscription, plans_of
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWork


class Ports(Protocol):
    """What a docket is opened with."""

    @property
    def clock(self) -> Clock: ...

    @property
    def identifiers(self) -> Identifiers: ...

    @property
    def configuration(self) -> ConfigurationReader: ...


def open_docket(ports: Ports, uow: UnitOfWork, scope: TenantScope) -> Docket:
    """Open the docket of a unit of work."""
    configuration = ports.configuration(uow, scope.tenant_id)
    return Docket(uow=uow, identifiers=ports.identifiers, configuration=configuration, at=ports.clock.now())


@define(kw_only=True)
class Held:
    """One subscription; what is changed here is changed on the docket as well.

    ``rows`` are its cycles by index, from those that its ``invoices`` bill on to the one that comes next.
    """

    docket: Docket
    subscription: Subscription
    rows: dict[int, BillingCycle]
    invoices: dict[InvoiceId, Invoice]
    attempts: dict[str, PaymentAttempt]
    cases: dict[InvoiceId, DunningCase]
    relieved: InvoiceId | None = None
    """An invoice that is no longer owed, after which it may go on if nothing else that failed is."""

    @property
    def dunning(self) -> DunningPolicy:
        """What happens after a payment failed."""
        return self.docket.plans[self.subscription.plan_id].dunning

    def become(self, after: Subscription) -> None:
        """Change the subscription; the cycle that comes next is where, and if, it now falls due."""
        before, self.subscription = self.subscription, after
        self.docket.save(before, after)
        row = self.rows.get(after.next_cycle)
        if row is not None and (after.due_at != before.due_at or after.status in OVER):
            self.move(aligned(row, after))

    def move(self, row: BillingCycle) -> None:
        """Change a cycle."""
        if row != self.rows.get(row.index):
            self.rows[row.index] = row
            self.docket.move(row)

    def amend(self, invoice: Invoice) -> None:
        """Change an invoice."""
        self.docket.amend(invoice, self.invoices[invoice.id])
        self.invoices[invoice.id] = invoice

    def answered(self, attempt: PaymentAttempt) -> None:
        """Change an attempt."""
        self.attempts[attempt.key] = attempt
        self.docket.answered(attempt)

    def keep(self, case: DunningCase) -> None:
        """Open or change a dunning case."""
        if case != self.cases.get(case.invoice_id):
            self.cases[case.invoice_id] = case
            self.docket.case(case)

    def close(self, case: DunningCase) -> None:
        """Let a dunning case be over."""
        self.keep(evolve(case, next_at=None, needs_method=False))

    def billed_by(self, invoice: Invoice) -> list[BillingCycle]:
        """List the cycles that an invoice bills: several if they were merged, none if it is for a change within one."""
        return [row for row in self.rows.values() if row.invoice_id == invoice.id]


def hold(docket: Docket, places: Mapping[SubscriptionId, Collection[int]]) -> dict[SubscriptionId, Held]:
    """Hold subscriptions, with the invoices of these cycles of theirs, in a fixed number of queries."""
    uow = docket.uow
    subscriptions = uow.subscriptions.many(places, lock=True)
    docket.plans |= plans_of(uow, subscriptions.values())
    invoices = by_subscription(uow.invoices.of(places))
    ids = [one.id for found in invoices.values() for one in found]
    attempts = by_subscription(uow.attempts.of(ids))
    cases = by_subscription([*uow.dunning.find(ids).values()])
    rows = by_subscription(uow.cycles.of(places, last=_reach(subscriptions, invoices)))
    return {
        key: Held(
            docket=docket,
            subscription=one,
            rows={row.index: row for row in rows.get(key, ())},
            invoices={found.id: found for found in invoices.get(key, ())},
            attempts={found.key: found for found in attempts.get(key, ())},
            cases={found.invoice_id: found for found in cases.get(key, ())},
        )
        for key, one in subscriptions.items()
    }


def _reach(
    subscriptions: Mapping[SubscriptionId, Subscription], invoices: Mapping[SubscriptionId, Iterable[Invoice]]
) -> int:
    """Say how many of the last cycles reach back to the first one that any of the invoices bills."""
    return 2 + max(
        (subscriptions[key].next_cycle - _first(one) for key, found in invoices.items() for one in found),
        default=0,
    )


def _first(invoice: Invoice) -> int:
    """Give the first cycle that an invoice bills, or an earlier one; each of several that were merged has its lines."""
    return min([invoice.cycle, *(line.cycle for line in invoice.lines)])
