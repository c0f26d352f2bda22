"""Dunning: payments that failed are tried again on their days, and given up in the end."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.payouts.rehearsal import rehearsal
from cityos_core.subscriptions.answering import Collected
from cityos_core.subscriptions.attempts import UNSETTLED, Origin, PaymentAttempt, attempt
from cityos_core.subscriptions.dunning import Due, DunningCase
from cityos_core.subscriptions.holding import Held, hold, open_docket
from cityos_core.subscriptions.in_sets import Trouble, in_sets
from cityos_core.subscriptions.inquiring import Inquire
from cityos_core.subscriptions.outcomes import give_up, go_on, relieve
from cityos_core.subscriptions.settings import BILLING_GATEWAY

CHUNK: Final = 100
"""How many dunning cases are looked up at a time, and taken further in one transaction."""


@frozen(kw_only=True)
class Retried:
    """How many payments were tried again, given up, or found to be owed no longer; others wait for an answer.

    ``collected`` is what came of the attempts, of those included whose outcome had been open.
    """

    retried: int = 0
    ended: int = 0
    closed: int = 0
    waiting: int = 0
    collected: Collected = Collected()

    def __add__(self, other: "Retried") -> "Retried":
        return Retried(
            retried=self.retried + other.retried,
            ended=self.ended + other.ended,
            closed=self.closed + other.closed,
            waiting=self.waiting + other.waiting,
            collected=self.collected + other.collected,
        )


@frozen(kw_only=True)
class _Step:
    """What one transaction did, and the attempts that it laid out."""

    counted: Retried
    attempts: tuple[PaymentAttempt, ...] = ()


@frozen
class Retry:
    """Take every dunning case further that is due: try its payment again, or give up where that is of no use.

    First it is asked what became of attempts whose outcome is not known; nothing is tried again before that is clear. An
    attempt is committed before it is made. A dry run does it in one transaction that is undone, and asks nobody.
    """

    dependencies: Dependencies
    inquire: Inquire

    def __call__(self, scope: TenantScope, *, dry_run: bool = False) -> Retried:
        if dry_run:
            with rehearsal(self.dependencies.database, scope) as unit_of_work:
                return _Retrying(evolve(self.dependencies, unit_of_work=unit_of_work), scope, None).go()
        return _Retrying(self.dependencies, scope, self.inquire).go()


@frozen
class _Retrying:
    dependencies: Dependencies
    scope: TenantScope
    inquire: Inquire | None

    def go(self) -> Retried:
        done, troubles = Retried(), list[Trouble]()
        for found in self.inquire.each(self.scope) if self.inquire is not None else ():
            done += Retried(collected=Collected.of(found.attempts.values()))
            troubles += found.troubles
        for came in self._steps():
            if isinstance(came, _Step):
                collected, found_troubles = self._collect(came)
                done += came.counted + collected
                troubles += found_troubles
            elif came.code != "stale":
                troubles.append(came)
        for trouble in troubles:
            raise trouble
        return done

    def _steps(self) -> Iterator[_Step | Trouble]:
        """Take all that is due further, a chunk at a time; whoever gets a step makes its attempts before the next."""
        start, seen = self.dependencies.clock.now(), set[InvoiceId]()
        while True:
            with self.dependencies.unit_of_work(self.scope) as uow:
                found = uow.dunning.due(start, limit=CHUNK + len(seen))
            due = [case for case in found if case.invoice_id not in seen]
            if not due:
                return
            seen = {case.invoice_id for case in found}
            for _, came in in_sets(due, self._take_further):
                yield came

    def _take_further(self, cases: Sequence[DunningCase]) -> _Step:
        with self.dependencies.unit_of_work(self.scope) as uow:
            docket = open_docket(self.dependencies, uow, self.scope)
            held = hold(docket, _places(uow.attempts.of([case.invoice_id for case in cases])))
            done = sum((_further(held[case.subscription_id], case.invoice_id) for case in cases), Retried())
            go_on(docket, held.values())
            commit(uow, docket.write(), "billing.retry")
        return _Step(counted=done, attempts=tuple(docket.attempts))

    def _collect(self, step: _Step) -> tuple[Retried, tuple[Trouble, ...]]:
        if self.inquire is None or not step.attempts:
            return Retried(), ()
        found = self.inquire.collect.each(self.scope, step.attempts)
        return Retried(collected=Collected.of(found.attempts.values())), found.troubles


def _places(attempts: Iterable[PaymentAttempt]) -> dict[SubscriptionId, set[int]]:
    found: dict[SubscriptionId, set[int]] = {}
    for one in attempts:
        found.setdefault(one.subscription_id, set()).add(one.cycle)
    return found


def _further(held: Held, invoice_id: InvoiceId) -> Retried:
    """Take a case further, as it stands now that its subscription is held."""
    docket, case, invoice = held.docket, held.cases[invoice_id], held.invoices[invoice_id]
    earlier = [one for one in held.attempts.values() if one.invoice_id == invoice_id]
    due = case.due(docket.at)
    if due is Due.NOTHING:
        return Retried()
    if not invoice.due:
        relieve(held, invoice_id)
        return Retried(closed=1)
    if any(one.status in UNSETTLED for one in earlier):
        return Retried(waiting=1)
    if due is Due.END:
        give_up(held, invoice_id)
        return Retried(ended=1)
    gateway = docket.configuration.value(BILLING_GATEWAY)
    docket.attempt(attempt(invoice, earlier, origin=Origin.RETRY, gateway=gateway, at=docket.at))
    return Retried(retried=1)
