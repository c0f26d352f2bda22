"""What billing does with a subscription that is due, decided in memory before anything of it is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import define, evolve, field, frozen

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import PlanId
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.billing import Bill, arrived, bill, passed_over
from cityos_core.subscriptions.catch_up import Course, course, due_cycles
from cityos_core.subscriptions.cycles import BillingCycle, SkipReason, upcoming
from cityos_core.subscriptions.invoices import Invoice, Line
from cityos_core.subscriptions.invoicing import taxed
from cityos_core.subscriptions.metering import Measured, Times
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, Plan
from cityos_core.subscriptions.terms import TaxRate

MOST_BILLED: Final = 24
"""How many invoices of one subscription are written in one transaction; what else is due is claimed next."""

HALTED: Final = "halted"
"""The code of a cycle that waits for a person to look."""

Drafting = Callable[[Subscription, Sequence[Line], int], Invoice]
"""Writes the invoice of a cycle."""


@frozen(kw_only=True)
class Leg:
    """The next step of catching up: which cycles, under which plans; usage of ``times`` must be known to take it."""

    subscription: Subscription
    plan: Plan
    used_under: Plan
    due: range
    course: Course
    times: Times


@frozen(kw_only=True)
class Piece:
    """A cycle that is billed, or several on one invoice; a closing one without anything to bill has none."""

    rows: tuple[BillingCycle, ...]
    draft: Invoice | None
    closes: bool


@define(kw_only=True)
class Work:
    """One subscription with the cycle that was claimed: what comes of it, leg by leg, until nothing is due any more.

    ``rows`` are cycles that end without an invoice, ``codes`` say why those of them that failed did. A cycle that is left
    out is left out with all that its invoice would have had: usage of the period before it, too.
    """

    claimed: BillingCycle
    before: Subscription
    plans: Mapping[PlanId, Plan]
    current: Span[datetime] | None
    """The time of the cycle before the one that was claimed."""
    now: datetime
    subscription: Subscription = field(init=False)
    pieces: list[Piece] = field(factory=list, init=False)
    rows: list[BillingCycle] = field(factory=list, init=False)
    codes: dict[int, str] = field(factory=dict, init=False)
    begun: int = field(default=0, init=False)
    """How many due cycles were taken up."""
    settles_late: bool = field(default=False, init=False)
    """Whether usage that was reported late is billed herewith."""

    def __attrs_post_init__(self) -> None:
        self.subscription = self.before

    @property
    def looked_at(self) -> datetime | None:
        """When a person had the cycle billed after all; then everything that was due by then is billed."""
        due_at = self.claimed.due_at
        return due_at if due_at is not None and due_at > self.claimed.starts_at else None

    def next_leg(self) -> Leg | None:
        """Say what is to be done next; nothing if nothing is due, or enough was billed for one transaction."""
        left = MOST_BILLED - sum(len(piece.rows) for piece in self.pieces)
        if self.codes or left <= 0:
            return None
        before = self.subscription
        after = before if before.scheduled is None else arrived(before, self.plans[before.scheduled.plan_id])
        plan, used_under = self.plans[after.plan_id], self.plans[before.plan_id]
        policy, until = plan.catch_up, self.now
        if policy is CatchUp.HALT and self.looked_at is not None:
            policy, until = CatchUp.BILL_EACH, min(self.now, self.looked_at)
        due = due_cycles(after, until)
        if not due:
            return None
        found = course(policy, due)
        if policy is CatchUp.BILL_EACH:
            found = evolve(found, billed=found.billed[:left])
        if after is not before and (policy is CatchUp.BILL_EACH or plan.metered or used_under.metered):
            found = evolve(found, billed=found.billed[:1])  # usage of the first one's period has another price
        return Leg(
            subscription=after,
            plan=plan,
            used_under=plan if found.skipped else used_under,
            due=due,
            course=found,
            times=self._times(after, found.billed),
        )

    def take(self, leg: Leg, measured: Measured, drafting: Drafting) -> None:
        """Take a leg; a cycle that cannot be billed fails, and ends the work."""
        if leg.course.skipped:
            self.subscription = leg.subscription
        for _ in leg.course.skipped:
            row = self._row(self.subscription)
            self.subscription = passed_over(self.subscription, row.index + 1)
            self._end(row.skipped(SkipReason.CATCH_UP))
        try:
            if leg.course.is_halted:
                self._fail(HALTED, _halted(leg.due))
            elif leg.course.is_merged:
                self._bill(leg, leg.course.billed, measured, drafting)
            else:
                for cycle in leg.course.billed:
                    self._bill(leg, range(cycle, cycle + 1), measured, drafting)
        except (Conflict, Refused, Invalid) as trouble:
            self._fail(trouble.code, str(trouble))

    def following(self) -> BillingCycle | None:
        """Lay out the cycle that comes next; there is none where one failed, or once the subscription is over."""
        if self.codes or self.subscription.status in OVER:
            return None
        laid, looked_at = upcoming(self.subscription), self.looked_at
        if looked_at is not None and laid.due_at is not None and laid.due_at < looked_at:
            return evolve(laid, due_at=looked_at)
        return laid

    def _bill(self, leg: Leg, cycles: range, measured: Measured, drafting: Drafting) -> None:
        after = leg.subscription if leg.subscription.next_cycle == cycles.start else self.subscription
        rows, bills = [], list[Bill]()
        late = () if self.settles_late else measured.late
        for cycle in cycles:
            rows.append(self._row(after))
            uses = (*measured.by_cycle.get(cycle - 1, ()), *(late if cycle == cycles.start else ()))
            bills.append(bill(after, leg.plan, uses=uses, used_under=leg.used_under))
            after = bills[-1].subscription
        closes = after.status in OVER
        lines = bills[0].lines if len(bills) == 1 else merged(bills, after.tax)
        draft = None if closes and not lines else drafting(after, lines, cycles[-1])
        self.pieces.append(Piece(rows=tuple(rows), draft=draft, closes=closes))
        self.begun += len(rows)
        self.subscription = after
        self.settles_late |= bool(late)

    def _row(self, subscription: Subscription) -> BillingCycle:
        """Give the row of the cycle that a subscription is billed for next: the claimed one, or a new one."""
        laid = upcoming(subscription)
        if laid.index != self.claimed.index:
            return laid
        return evolve(self.claimed, ends_at=laid.ends_at)

    def _fail(self, code: str, reason: str) -> None:
        """Note that the next cycle cannot be billed; what was claimed, or would be, waits for a person."""
        index = self.subscription.next_cycle
        row = self.claimed
        if index != row.index:
            worker = row.claim.worker if row.claim else ""
            row = upcoming(self.subscription).claimed(worker, now=self.now)
        self._end(row.failed(reason))
        self.codes[index] = code

    def _end(self, row: BillingCycle) -> None:
        self.rows.append(row)
        self.begun += 1

    def _times(self, subscription: Subscription, billed: Iterable[int]) -> Times:
        """Give the times of the cycles before these; that of the current one is as it was laid out, or cut short."""
        found = {}
        for index in (cycle - 1 for cycle in billed):
            if index == self.claimed.index - 1:
                if self.current is not None:
                    found[index] = self.current
            else:
                period = subscription.period(index)
                found[index] = Span(period.start_utc, period.end_utc)
        return found


def merged(bills: Iterable[Bill], tax: TaxRate | None) -> tuple[Line, ...]:
    """Put the lines of several cycles on one invoice: taxed together, rounded once."""
    lines = [line for one in bills for line in one.lines]
    if tax is None:
        return tuple(lines)
    return taxed([evolve(line, net=line.total if tax.included else line.net, tax=0) for line in lines], tax)


def _halted(due: range) -> str:
    return (
        f"{len(due)} cycles are due, and the plan has a person look before any is billed:"
        f" retry cycle {due.start} to bill each of them, or skip it"
    )
