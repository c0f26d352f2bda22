"""Who bills in one tenant of a simulated city: the daily run, retries, recognition, and a person who looks; and outages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import define

from cityos_core.kernel.paging import every
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.stretches import local_time
from cityos_core.testing.simulation.billing_laws import due_cycles
from cityos_core.testing.simulation.laws import LawBroken
from cityos_core.testing.simulation.membership import Membership

FORESEEN: Final = frozenset({"halted", "beyond_last_band"})
"""Why cycles may fail before they are invoiced: a person is to look after an outage, or more was used than has a price."""


@define
class Office:
    """Bills and collects, unless it stands still."""

    those: Membership
    outages: int
    """Of a thousand days, on how many billing begins to stand still, for up to five weeks."""
    _closed_until: datetime | None = None
    _month: tuple[int, int] | None = None
    """The month up to which revenue was recognised."""

    @property
    def is_open(self) -> bool:
        """Whether billing is running at all."""
        return self._closed_until is None or self._closed_until <= self.those.clock.now()

    def perhaps_close(self) -> None:
        """Let billing stand still from now on, or not."""
        chance = self.those.chance
        if self.is_open and chance.is_one_of(self.outages):
            self._closed_until = self.those.clock.now() + timedelta(days=chance.random.randint(2, 35))
            chance.count("outages")

    def bill(self) -> None:
        """Bill what is due; once a month book what was earned; have a person look at what failed."""
        if self.is_open:
            self._look()
            self._run()
            self._recognise()

    def retry(self) -> None:
        """Try payments again that failed."""
        if self.is_open:
            retry, scope = self.those.app.billing.retry, self.those.scope
            done = self.those.chance.trouble(lambda: retry(scope), rival=lambda: retry(scope))
            self.those.chance.count("payment retries", done.retried)

    def finish(self) -> None:
        """Do once more, undisturbed, all that can be done by now."""
        self._closed_until = None
        self._prove(self._certified)
        self.those.app.billing.retry(self.those.scope)
        self.those.app.billing.recognise(self.those.scope)

    def _run(self) -> None:
        chance = self.those.chance
        self._prove(lambda: chance.trouble(self._certified, rival=self._certified))
        chance.count("billing runs")

    def _certified(self) -> BillingRun:
        done = self.those.app.billing.run(self.those.scope)
        if not done.certificate.ties:
            raise LawBroken(f"billing run {done.id} does not tie: {'; '.join(done.certificate.differences)}")
        if done.certificate.failed.keys() - FORESEEN:
            raise LawBroken(f"billing run {done.id}: cycles failed for {dict(done.certificate.failed)}")
        self.those.chance.count("cycles billed", done.certificate.billed)
        return done

    def _prove(self, run: Callable[[], BillingRun]) -> None:
        """Prove that a run leaves nothing that was due before; what it made due itself is the next one's."""
        app, scope, now = self.those.app, self.those.scope, self.those.clock.now()
        due = due_cycles(app, scope, now)
        done = run()
        for subscription_id, cycle in due & due_cycles(app, scope, now) if due else ():
            raise LawBroken(f"subscription {subscription_id}: cycle {cycle} was due, and billing run {done.id} left it")

    def _recognise(self) -> None:
        local = local_time(self.those.clock.now(), self.those.quarter.plan.time_zone)
        if self._month != (local.year, local.month):
            recognise, scope = self.those.app.billing.recognise, self.those.scope
            self.those.chance.trouble(lambda: recognise(scope), rival=lambda: recognise(scope))
            self._month = local.year, local.month

    def _look(self) -> None:
        """Have what could not be billed tried again, or left out."""
        app, scope = self.those.app, self.those.scope
        failed = every(lambda request: app.billing.cycles(scope, CycleStatus.FAILED, request))
        for cycle in [one for one in failed if one.invoice_id is None]:
            if self.those.random.randrange(2):
                self._decide(cycle)

    def _decide(self, cycle: BillingCycle) -> None:
        billing, scope = self.those.app.billing, self.those.scope
        is_retried = bool(self.those.random.randrange(2))
        decide: Callable[..., BillingCycle] = billing.retry_cycle if is_retried else billing.skip_cycle
        what = "cycles retried" if is_retried else "cycles left out"
        self.those.chance.allowed(what, lambda: decide(scope, cycle.subscription_id, cycle.index))
