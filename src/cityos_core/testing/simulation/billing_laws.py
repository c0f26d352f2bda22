"""The laws of billing, checked against subscriptions, invoices, the books and the gateway's own record."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from random import Random
from typing import Final, Self

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.kernel.ids import InvoiceId, PlanId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.attempts import UNSETTLED, AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.gateway import Charge
from cityos_core.subscriptions.invoices import BOOKED, CreditNote, Invoice, InvoiceStatus, LineKind, standing
from cityos_core.subscriptions.journals import DEFERRED, EARNED_AT_ONCE, REVENUE, WRITE_OFF, owed, owed_by
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.mrr import Movement, recurring_revenue
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.recognition import charged_for_time
from cityos_core.testing.simulation.laws import LawBroken

Sums = Mapping[tuple[str, str], int]
"""Minor units by (account, currency)."""

BILLED: Final = {
    CycleStatus.INVOICED: frozenset({InvoiceStatus.OPEN}),
    CycleStatus.FAILED: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    CycleStatus.PAID: frozenset({InvoiceStatus.PAID}),
    CycleStatus.VOIDED: frozenset({InvoiceStatus.VOID}),
}
"""How a cycle that was invoiced and its invoice may stand."""


@frozen(kw_only=True)
class BillingFacts:
    """What one tenant's records say about its subscriptions at one moment."""

    scope: TenantScope
    subscriptions: tuple[Subscription, ...]
    plans: Mapping[PlanId, Plan]
    cycles: Mapping[SubscriptionId, Sequence[BillingCycle]]
    invoices: tuple[Invoice, ...]
    notes: tuple[CreditNote, ...]
    attempts: tuple[PaymentAttempt, ...]
    movements: tuple[Movement, ...]
    balances: Sums
    charges: tuple[Charge, ...]
    """The gateway's own record of what it collected from them."""

    @classmethod
    def of(cls, app: CityOS, scope: TenantScope, charged: Iterable[Charge]) -> Self:
        """Read them."""
        subscriptions = tuple(every(lambda request: app.subscriptions.list(scope, None, request)))
        invoices = tuple(every(lambda request: app.invoices.list(scope, None, request)))
        known = {one.id for one in subscriptions}
        return cls(
            scope=scope,
            subscriptions=subscriptions,
            plans={plan.id: plan for plan in every(lambda request: app.plans.list(scope, request))},
            cycles={one.id: app.subscriptions.cycles(scope, one.id) for one in subscriptions},
            invoices=invoices,
            notes=tuple(note for one in invoices if one.credited for note in app.invoices.credit_notes(scope, one.id)),
            attempts=tuple(made for one in invoices for made in app.invoices.attempts(scope, one.id)),
            movements=tuple(app.mrr.movements(scope)),
            balances={(one.account.path, one.account.currency): one.money.minor for one in app.ledger.balances(scope)},
            charges=tuple(one for one in charged if one.subscription_id in known),
        )


def check_billing(app: CityOS, scope: TenantScope, charged: Iterable[Charge], random: Random) -> int:
    """Check one tenant against every law of billing, with what the gateway collected; give how many were checked."""
    return check_facts(app, BillingFacts.of(app, scope, charged), random)


def check_facts(app: CityOS, facts: BillingFacts, random: Random) -> int:
    """Check what was read; recurring revenue is bridged between instants of ``random``."""
    checks = (
        _cycles_are_whole(facts),
        _nothing_is_missed(facts),
        _each_is_billed_once(facts),
        _numbers_have_no_gaps(facts),
        _what_is_owed_is_booked(facts),
        _what_is_earned_is_booked(facts),
        _time_earns_all_of_it(facts),
        _gateway_agrees(facts),
        _nothing_is_given_back_twice(facts),
        _revenue_adds_up(app, facts, random),
    )
    for breach in (breach for check in checks for breach in check):
        raise LawBroken(f"tenant {facts.scope.tenant_id}: {breach}")
    return len(checks)


def check_settled(app: CityOS, scope: TenantScope, now: datetime) -> None:
    """Check that nothing is left to be done: nothing is due, nobody works on a cycle, the outcome of every payment is known."""
    facts = BillingFacts.of(app, scope, ())
    for subscription_id, cycle in due_cycles(app, scope, now):
        raise LawBroken(f"subscription {subscription_id}: cycle {cycle} is due still")
    for row in (row for found in facts.cycles.values() for row in found):
        if row.status is CycleStatus.PROCESSING:
            raise LawBroken(f"subscription {row.subscription_id}: cycle {row.index} is {row.claim}'s for ever")
    for made in facts.attempts:
        if made.status in UNSETTLED:
            raise LawBroken(f"payment attempt {made.key} is {made.status} for ever: {made.reason}")


def due_cycles(app: CityOS, scope: TenantScope, now: datetime) -> set[tuple[SubscriptionId, int]]:
    """List the cycles that are due, and that nobody has taken."""
    upcoming = every(lambda request: app.billing.cycles(scope, CycleStatus.UPCOMING, request))
    return {(row.subscription_id, row.index) for row in upcoming if row.is_due(now)}


def _cycles_are_whole(facts: BillingFacts) -> Iterator[str]:
    """Cycles follow each other without a gap in their numbers or an overlap in time, and all but the last are done with."""
    for one in facts.subscriptions:
        rows = facts.cycles[one.id]
        if [row.index for row in rows] != list(range(len(rows))):
            yield f"subscription {one.id} has the cycles {[row.index for row in rows]}"
        if len(rows) - one.next_cycle not in ((0, 1) if one.status in OVER else (1,)):
            yield f"subscription {one.id} is billed for cycle {one.next_cycle} next, and has {len(rows)} cycles"
        for row, following in pairwise(rows):
            if not row.starts_at <= row.ends_at <= following.starts_at:
                yield f"subscription {one.id}: cycles {row.index} and {following.index} overlap"
        for row in rows[: one.next_cycle]:
            waits = row.invoice_id is None and row.status not in (CycleStatus.SKIPPED, CycleStatus.VOIDED)
            if waits or row.due_at is not None:
                yield f"subscription {one.id}: cycle {row.index} is past, and {row.status}"


def _nothing_is_missed(facts: BillingFacts) -> Iterator[str]:
    """Whoever is billed has a cycle that falls due when the period ends, or later if a person put it off, or has failed."""
    for one in facts.subscriptions:
        if one.due_at is not None:
            row = facts.cycles[one.id][-1]
            waits = row.status is CycleStatus.UPCOMING and row.due_at is not None and row.due_at >= one.due_at
            if not waits and row.status not in (CycleStatus.PROCESSING, CycleStatus.FAILED):
                yield f"subscription {one.id}: cycle {row.index} is due at {one.due_at}, and {row.status} at {row.due_at}"


def _each_is_billed_once(facts: BillingFacts) -> Iterator[str]:
    """A cycle has one invoice at most, and the two stand alike; no item is charged twice for a cycle."""
    invoices = {one.id: one for one in facts.invoices}
    rows = {(row.subscription_id, row.index): row for found in facts.cycles.values() for row in found}
    for row in rows.values():
        found = None if row.invoice_id is None else invoices.get(row.invoice_id)
        stands = None if found is None else found.status
        if row.invoice_id is not None and stands not in BILLED.get(row.status, ()):
            yield f"subscription {row.subscription_id}: cycle {row.index} is {row.status}, its invoice {stands}"
    for invoice in facts.invoices:
        if not invoice.change and rows[invoice.subscription_id, invoice.cycle].invoice_id != invoice.id:
            yield f"invoice {invoice.entity}/{invoice.number} bills cycle {invoice.cycle}, which has another invoice"
    for (subscription_id, cycle, item), times in Counter(_charged(facts)).items():
        if times > 1:
            yield f"subscription {subscription_id}: {item} of cycle {cycle} was charged {times} times"


def _charged(facts: BillingFacts) -> Iterator[tuple[SubscriptionId, int, str]]:
    for invoice in facts.invoices:
        for line in invoice.lines if invoice.status is not InvoiceStatus.VOID else ():
            if line.kind is LineKind.RECURRING:
                yield invoice.subscription_id, line.cycle, line.item


def _numbers_have_no_gaps(facts: BillingFacts) -> Iterator[str]:
    series: dict[str, list[int]] = defaultdict(list)
    for invoice in facts.invoices:
        series[f"invoices of {invoice.entity}"].append(invoice.number or 0)
    for note in facts.notes:
        series[f"credit notes of {note.entity}"].append(note.number)
    for name, numbers in series.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"the {name} are numbered {sorted(numbers)}"


def _what_is_owed_is_booked(facts: BillingFacts) -> Iterator[str]:
    """What the books say that a subscriber owes is what is due on the open invoices; what is lost, on those given up."""
    due: Counter[tuple[str, str]] = Counter()
    for invoice in facts.invoices:
        due[owed_by(invoice.subscriber), invoice.currency] += invoice.due.minor
        if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
            due[WRITE_OFF, invoice.currency] += owed(invoice)
    owes = (":receivable", WRITE_OFF)
    yield from _differences({key: amount for key, amount in facts.balances.items() if key[0].endswith(owes)}, due)


def _what_is_earned_is_booked(facts: BillingFacts) -> Iterator[str]:
    """What was invoiced is deferred, revenue or tax, less what credit notes gave back; what is deferred is what is left."""
    invoices = {one.id: one for one in facts.invoices if one.status in BOOKED}
    expected: Counter[tuple[str, str]] = Counter()
    for invoice in invoices.values():
        expected[DEFERRED, invoice.currency] -= invoice.recognised
        expected[REVENUE, invoice.currency] += invoice.recognised
        for line in invoice.lines:
            expected[REVENUE if line.kind in EARNED_AT_ONCE else DEFERRED, invoice.currency] += line.net
        expected[_tax(invoice), invoice.currency] += invoice.tax_total.minor
    for note in facts.notes:
        if note.invoice_id in invoices:
            invoice = invoices[note.invoice_id]
            for part in note.lines:
                kind = invoice.lines[part.number].kind
                expected[REVENUE if kind in EARNED_AT_ONCE else DEFERRED, note.currency] -= part.net
                expected[_tax(invoice), note.currency] -= part.tax
    yield from _differences({key: facts.balances.get(key, 0) for key in expected}, expected)


def _time_earns_all_of_it(facts: BillingFacts) -> Iterator[str]:
    """Of an invoice that nobody has to look at again all is revenue that is left of what it charged for time."""
    left: Counter[InvoiceId] = Counter()
    for one in charged_for_time(facts.invoices, facts.notes):
        left[one.ref.invoice_id] += one.net
    for invoice in facts.invoices:
        is_done = invoice.recognise_at is None and invoice.status in BOOKED
        if is_done and invoice.recognised != left[invoice.id]:
            number = f"{invoice.entity}/{invoice.number}"
            yield f"of invoice {number} {invoice.recognised} is revenue for good, and {left[invoice.id]} was earned"


def _tax(invoice: Invoice) -> str:
    return f"tax:{invoice.tax.jurisdiction}" if invoice.tax else "tax:none"


def _gateway_agrees(facts: BillingFacts) -> Iterator[str]:
    """What the gateway collected was asked for, once, and is in the books unless nobody knows of it yet."""
    attempts = {one.key: one for one in facts.attempts}
    for key, times in Counter(charge.key for charge in facts.charges).items():
        if times > 1:
            yield f"the gateway collected {key} {times} times"
    known: Counter[tuple[str, str]] = Counter()
    collected = {charge.key for charge in facts.charges}
    for charge in facts.charges:
        made = attempts.get(charge.key)
        if made is None or made.amount != charge.amount or made.status is AttemptStatus.DECLINED:
            yield f"the gateway collected {charge.amount} under {charge.key}, of which we know {made}"
        elif made.status not in UNSETTLED:
            known[f"gateway:{made.gateway}:pending", charge.amount.currency] += charge.amount.minor
    for made in attempts.values():
        if made.status is AttemptStatus.SUCCEEDED and made.key not in collected:
            yield f"the gateway never collected {made.key}, which is said to be paid"
    yield from _differences({key: facts.balances.get(key, 0) for key in known}, known)


def _nothing_is_given_back_twice(facts: BillingFacts) -> Iterator[str]:
    """No line gives back more than it charged, by credits and credit notes together."""
    voided = {one.id for one in facts.invoices if one.status is InvoiceStatus.VOID}
    notes = [note for note in facts.notes if note.invoice_id not in voided]
    for one in standing(facts.invoices, notes, among=frozenset(InvoiceStatus)):
        if one.net < 0 or one.tax < 0:
            yield f"of line {one.ref.number} of invoice {one.ref.invoice_id} {one.net} and tax {one.tax} are left"


def _revenue_adds_up(app: CityOS, facts: BillingFacts, random: Random) -> Iterator[str]:
    """Recurring revenue is what subscriptions count now, and any two instants are bridged by what moved between them."""
    counted: Counter[str] = Counter()
    for one in facts.subscriptions:
        counted[one.currency] += recurring_revenue(one, facts.plans[one.plan_id]).minor
    for currency, standing_now in app.mrr.standings(facts.scope).items():
        if standing_now.revenue.minor != counted.pop(currency, 0):
            yield f"recurring revenue is {standing_now.revenue}, which is not what subscriptions count"
    if any(counted.values()):
        yield f"subscriptions count {dict(counted)}, and recurring revenue has nothing of it"
    instants = sorted(random.choices([one.at for one in facts.movements], k=2)) if facts.movements else []
    for start, end in pairwise(instants):
        for currency, bridge in app.mrr.bridge(facts.scope, start, end).items():
            if sum(bridge.moved.values(), bridge.start) != bridge.end:
                yield f"recurring revenue does not add up from {start} to {end}: {bridge}"
            standing_then = app.mrr.standings(facts.scope, end).get(currency)
            if bridge.end != (standing_then.revenue if standing_then else Money.zero(currency)):
                yield f"recurring revenue ends as {bridge.end} at {end}, where it stands at {standing_then}"


def _differences(booked: Sums, expected: Sums) -> Iterator[str]:
    for path, currency in sorted(booked.keys() | expected.keys()):
        held, wanted = booked.get((path, currency), 0), expected.get((path, currency), 0)
        if held != wanted:
            yield f"{path} holds {held} {currency}, and it should be {wanted}"
