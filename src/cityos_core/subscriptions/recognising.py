"""Booking what was earned as revenue, when a month ends and when the time that was paid for is over."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, Self

from attrs import evolve, field, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers, InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.holding import open_docket
from cityos_core.subscriptions.in_sets import Trouble, in_sets
from cityos_core.subscriptions.invoices import Invoice, Standing
from cityos_core.subscriptions.journals import journal, recognised
from cityos_core.subscriptions.recognition import charged_for_time, recognition
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

CHUNK: Final = 200
"""How many due invoices are looked up at a time, and recognised in one transaction."""

ALL: Final = 10**9
"""More invoices than are ever due at once; a rehearsal lists them all, for it cannot move on by recognising some."""

Place = tuple[SubscriptionId, int]
"""A cycle of which an invoice is to be looked at."""


@frozen(kw_only=True)
class Recognised:
    """How many invoices were looked at, how many journals that made, and what became revenue, per currency."""

    invoices: int = 0
    journals: int = 0
    amounts: Mapping[str, Money] = field(factory=dict)

    def __add__(self, other: "Recognised") -> "Recognised":
        nothing = {currency: Money.zero(currency) for currency in sorted({*self.amounts, *other.amounts})}
        return Recognised(
            invoices=self.invoices + other.invoices,
            journals=self.journals + other.journals,
            amounts={
                currency: self.amounts.get(currency, zero) + other.amounts.get(currency, zero)
                for currency, zero in nothing.items()
            },
        )


@frozen(kw_only=True)
class Recognise:
    """Book as revenue what was earned of every invoice whose time has come, a chunk of them per transaction.

    It can be stopped anywhere and run again, by any number of workers at once: what is recognised is not due any more.
    What is wrong with one invoice is raised after all the others. Dry, it books nothing and says what it would have booked.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build it over its ports."""
        return cls(
            unit_of_work=dependencies.unit_of_work,
            clock=dependencies.clock,
            identifiers=dependencies.identifiers,
            configuration=dependencies.configuration,
        )

    def __call__(self, scope: TenantScope, *, dry_run: bool = False) -> Recognised:
        now = self.clock.now()
        return self._rehearse(scope, now) if dry_run else self._perform(scope, now)

    def _perform(self, scope: TenantScope, now: datetime) -> Recognised:
        done, troubles = Recognised(), dict[Place, Trouble]()
        while due := self._due(scope, now, limit=CHUNK, besides=troubles):
            for places, came in in_sets(due, partial(self._recognise, scope, now)):
                if isinstance(came, Recognised):
                    done += came
                else:
                    troubles |= dict.fromkeys(places, came)
        for trouble in troubles.values():
            raise trouble
        return done

    def _rehearse(self, scope: TenantScope, now: datetime) -> Recognised:
        done, due = Recognised(), iter(self._due(scope, now, limit=ALL))
        while chunk := list(islice(due, CHUNK)):
            done += self._recognise(scope, now, chunk, is_rehearsal=True)
        return done

    def _due(self, scope: TenantScope, now: datetime, *, limit: int, besides: Collection[Place] = ()) -> list[Place]:
        with self.unit_of_work(scope) as uow:
            found = uow.invoices.earning(now, limit=limit + len(besides))
        return sorted({(one.subscription_id, one.cycle) for one in found}.difference(besides))

    def _recognise(
        self, scope: TenantScope, now: datetime, places: Sequence[Place], *, is_rehearsal: bool = False
    ) -> Recognised:
        """Recognise the invoices of some cycles, held with their subscriptions, unless another worker was faster."""
        due = _by_subscription(places)
        with self.unit_of_work(scope) as uow:
            docket = open_docket(self, uow, scope)
            held = uow.subscriptions.many(due, lock=not is_rehearsal)
            done = Recognised()
            for invoice, charged in _charged(uow, due, now):
                done += _book(docket, invoice, charged, place=held[invoice.subscription_id].anchor.zone)
            if done.invoices and not is_rehearsal:
                commit(uow, docket.write(), "billing.recognise")
        return done


def _by_subscription(places: Iterable[Place]) -> dict[SubscriptionId, set[int]]:
    found: dict[SubscriptionId, set[int]] = {}
    for subscription_id, cycle in places:
        found.setdefault(subscription_id, set()).add(cycle)
    return found


def _charged(
    uow: UnitOfWork, due: Mapping[SubscriptionId, Collection[int]], now: datetime
) -> Iterator[tuple[Invoice, list[Standing]]]:
    """Give the due invoices of these cycles and what is left of their lines: their own cycle and the next give back."""
    invoices = uow.invoices.of({key: {*cycles, *(one + 1 for one in cycles)} for key, cycles in due.items()})
    credited = [one.id for one in invoices if one.credited]
    left: dict[InvoiceId, list[Standing]] = {}
    for one in charged_for_time(invoices, uow.credit_notes.of(credited) if credited else ()):
        left.setdefault(one.ref.invoice_id, []).append(one)
    for invoice in invoices:
        is_due = invoice.recognise_at is not None and invoice.recognise_at <= now
        if is_due and invoice.cycle in due[invoice.subscription_id]:
            yield invoice, left.get(invoice.id, [])


def _book(docket: Docket, invoice: Invoice, charged: Iterable[Standing], *, place: str) -> Recognised:
    found = recognition(invoice, charged, place=place, months=docket.place, now=docket.at)
    docket.amend(
        evolve(
            invoice,
            recognised=invoice.recognised + sum(step.amount for step in found.steps),
            recognise_at=found.recognise_at,
        )
    )
    for number, step in enumerate(found.steps):
        docket.journals += journal(
            invoice,
            docket.identifiers,
            key=f"recognition:{invoice.id}:{invoice.version}.{number}",
            kind="subscription_recognised",
            movements=recognised(invoice, step.amount),
            at=step.at,
        )
    amount = Money(sum(step.amount for step in found.steps), invoice.currency)
    return Recognised(invoices=1, journals=len(found.steps), amounts={invoice.currency: amount} if amount else {})
