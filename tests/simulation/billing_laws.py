"""What must hold once billing has come to rest, whatever happened to those who did it: read from what is stored."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from operator import itemgetter
from random import Random
from typing import Final, TypeVar

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.jobs.health import Health
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest, every
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.ledger.model import Balance
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.attempts import UNSETTLED, AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.dunning import DunningCase, Template
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.journals import owed_by
from cityos_core.subscriptions.model import BILLED, Subscription
from cityos_core.subscriptions.plans import CatchUp
from cityos_core.unit_of_work import UnitOfWorkFactory
from simulation.acquirer import GOOD, Acquirer
from simulation.stage import Diary
from simulation.subscribed import House

T = TypeVar("T")

SETTLED: Final = frozenset({CycleStatus.INVOICED, CycleStatus.PAID, CycleStatus.FAILED})
"""A cycle in one of these states was billed; if it failed, its payment did."""


@frozen(kw_only=True)
class Records:
    """Everything that is stored about the subscriptions of a tenant."""

    house: House
    now: datetime
    subscriptions: dict[SubscriptionId, Subscription]
    cycles: dict[SubscriptionId, list[BillingCycle]]
    invoices: dict[InvoiceId, Invoice]
    attempts: dict[str, PaymentAttempt]
    cases: list[DunningCase]
    balances: list[Balance]

    @classmethod
    def of(cls, app: CityOS, database: UnitOfWorkFactory, house: House, now: datetime) -> "Records":
        """Read it."""
        scope, cycles = house.scope, defaultdict(list)
        subscriptions = {one.id: one for one in _all(lambda request: app.subscriptions.list(scope, None, request))}
        invoices = {one.id: one for one in _all(lambda request: app.invoices.list(scope, None, request))}
        with database(scope) as uow:
            for row in uow.cycles.of(subscriptions):
                cycles[row.subscription_id].append(row)
            attempts = {one.key: one for one in uow.attempts.of(invoices)}
            cases = [*uow.dunning.find(invoices).values()]
        return cls(
            house=house,
            now=now,
            subscriptions=subscriptions,
            cycles=dict(cycles),
            invoices=invoices,
            attempts=attempts,
            cases=cases,
            balances=list(app.ledger.balances(scope)),
        )

    def holds(self, *heads: str) -> dict[str, int]:
        """Sum what accounts hold whose names begin so, by currency."""
        held: Counter[str] = Counter()
        for item in self.balances:
            if item.account.path.startswith(heads):
                held[item.account.currency] += item.money.minor
        return {currency: amount for currency, amount in held.items() if amount}


def _all(fetch: Callable[[PageRequest], Page[T]]) -> list[T]:
    return list(every(fetch))


def is_at_rest(app: CityOS, database: UnitOfWorkFactory, houses: Iterable[House], now: datetime) -> bool:
    """Tell whether nothing is due, under way or unknown any more, nor waits for a person."""
    if not all(_is_idle(app.jobs.health(), now) for _ in range(2)):  # while the first look goes on jobs may be made
        return False
    for house in houses:
        with database(house.scope) as uow:
            states = uow.cycles.counts(now)
            if states.get(CycleStatus.UPCOMING) or states.get(CycleStatus.PROCESSING):
                return False
            if uow.attempts.due(datetime.max.replace(tzinfo=now.tzinfo), limit=1):
                return False
        if any(waiting_for_a_person(app, house)):
            return False
    return True


def _is_idle(health: Health, now: datetime) -> bool:
    is_kept = all(one.next_at > now for one in health.schedules)
    return is_kept and not (health.outbox or health.counts.waiting or health.counts.active or health.counts.delayed)


def waiting_for_a_person(app: CityOS, house: House) -> Iterator[BillingCycle]:
    """List the cycles that could not be billed, or were not to be before somebody looked."""
    failed = every(lambda request: app.billing.cycles(house.scope, CycleStatus.FAILED, request))
    return (row for row in failed if row.invoice_id is None)


def check_cycles(records: Records) -> int:
    """Every cycle that was due has one row, and one invoice or the reason why there is none; give how many there are."""
    used: Counter[InvoiceId] = Counter()
    merging = {one.subscription_id for one in records.house.members if one.offer.catch_up is CatchUp.MERGE}
    for subscription in records.subscriptions.values():
        rows = records.cycles[subscription.id]
        periods = [subscription.period(index) for index in range(len(rows))]
        laid = [(index, period.start_utc, period.end_utc) for index, period in enumerate(periods)]
        assert [(row.index, row.starts_at, row.ends_at) for row in rows] == laid
        if subscription.status in BILLED:
            assert rows[-1].status is CycleStatus.UPCOMING
            assert rows[-1].due_at == subscription.due_at
            assert rows[-1].starts_at > records.now
        for row in rows[: subscription.next_cycle]:
            _check_row(row, records)
        billed = Counter(row.invoice_id for row in rows if row.invoice_id is not None)
        assert set(billed.values()) <= {1} or subscription.id in merging
        used += billed
    assert set(records.invoices) == set(used)
    natural = Counter((one.subscription_id, one.cycle, one.change) for one in records.invoices.values())
    assert set(natural.values()) == {1}
    return sum(len(rows) - 1 for rows in records.cycles.values())


def _check_row(row: BillingCycle, records: Records) -> None:
    if row.status in SETTLED:
        assert row.invoice_id is not None, row
        invoice = records.invoices[row.invoice_id]
        assert (invoice.status is InvoiceStatus.PAID) == (row.status is CycleStatus.PAID)
        assert row.index in {invoice.cycle, *(line.cycle for line in invoice.lines)}
    else:
        assert row.status in (CycleStatus.SKIPPED, CycleStatus.VOIDED), row
        assert row.reason, row


def check_numbers(records: Records) -> None:
    """Invoices are numbered without gaps, each legal entity for itself."""
    for entity in {one.entity for one in records.invoices.values()}:
        numbers = sorted(one.number or 0 for one in records.invoices.values() if one.entity == entity)
        assert numbers == list(range(1, len(numbers) + 1))


def check_payments(records: Records, provider: Acquirer) -> int:
    """The provider's book and ours agree on every attempt, and nothing was collected twice; give how many were paid."""
    entries = [one for one in provider.entries() if one.subscription in map(str, records.subscriptions)]
    assert {one.status for one in records.attempts.values()}.isdisjoint(UNSETTLED)
    ours = {key: (str(one.invoice_id), one.amount, one.decline) for key, one in records.attempts.items()}
    assert len({one.key for one in entries}) == len(entries)
    assert {one.key: (one.invoice, one.amount, one.decline) for one in entries} == ours
    collected = Counter(one.invoice for one in entries if one.decline is None)
    assert set(collected.values()) <= {1}
    paid = {str(one.id) for one in records.invoices.values() if one.status is InvoiceStatus.PAID and one.total}
    assert set(collected) == paid
    assert records.holds("gateway:") == _sums(one.amount for one in entries if one.decline is None)
    return sum(1 for one in records.attempts.values() if one.status is AttemptStatus.SUCCEEDED)


def check_asked_first(provider: Acquirer) -> None:
    """No charge arrived a second time unless the provider had been asked, and had said that it never saw it."""
    sent, unseen = Counter(provider.calls("sent")), Counter(provider.calls("unseen"))
    for key, times in sent.items():
        assert times <= 1 + unseen[key], key


def check_books(app: CityOS, records: Records) -> None:
    """The ledger is whole, the audit's chain as well; what was invoiced is what was earned, and is owed or was paid."""
    verified = app.ledger.verify(records.house.scope)
    assert verified.ok, verified.differences
    chain = app.audit.verify(records.house.scope)
    assert chain.is_whole, chain.problem
    counted = [one for one in records.invoices.values() if one.status is not InvoiceStatus.VOID]
    earned = records.holds("deferred:", "revenue:subscription", "tax:")
    assert earned == _sums(one.total for one in counted)
    owed: Counter[tuple[str, str]] = Counter()
    for one in counted:
        if one.due:
            owed[owed_by(one.subscriber), one.currency] += one.due.minor
    receivable = (item for item in records.balances if item.account.path.endswith(":receivable") and item.money)
    assert {(item.account.path, item.account.currency): item.money.minor for item in receivable} == owed


def check_certificates(app: CityOS, records: Records) -> int:
    """The certificate of every run that came to its end ties; give how many did."""
    runs = _all(lambda request: app.billing.runs(records.house.scope, request))
    for run in runs:
        assert run.certificate.ties, run.certificate.differences
    last = app.billing.run(records.house.scope).certificate
    assert (last.due, last.differences) == (0, ())
    return len(runs)


def check_revenue(app: CityOS, records: Records, start: datetime, random: Random) -> None:
    """Recurring revenue at a start and its movements come to that at an end; in the end it is what is in force."""
    scope, span = records.house.scope, records.now - start
    for _ in range(20):
        first, last = sorted(start + span * random.random() for _ in range(2))
        before, after = app.mrr.standings(scope, first), app.mrr.standings(scope, last)
        for currency, bridge in app.mrr.bridge(scope, first, last).items():
            zero = Money.zero(currency)
            assert sum(bridge.moved.values(), bridge.start) == bridge.end
            assert bridge.start == (before[currency].revenue if currency in before else zero)
            assert bridge.end == (after[currency].revenue if currency in after else zero)
    counting = [one for one in records.subscriptions.values() if one.status in BILLED]
    stands = app.mrr.standings(scope)
    on_trial = [one for one in counting if one.trial_ends_at is not None and one.trial_ends_at > records.now]
    assert sum(one.subscriptions for one in stands.values()) == len(counting) - len(on_trial)


def check_jobs(app: CityOS, houses: Iterable[House]) -> list[Job]:
    """No job is left, no event either; give those that failed."""
    health = app.jobs.health()
    assert health.is_healthy
    assert (health.counts.waiting, health.counts.active, health.counts.delayed, health.outbox) == (0, 0, 0, 0)
    scopes: list[Scope] = [PlatformScope(), *(house.scope for house in houses)]
    where = JobFilter(status=JobStatus.FAILED)
    return [job for scope in scopes for job in _all(partial(app.jobs.list, scope, where))]


def check_notices(records: Records, diary: Diary) -> int:
    """Who listens was told of every step of every dunning case, in order, and of none twice by another name.

    Gives how many notices there were.
    """
    told: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for line in diary.lines():
        told[line["invoice"]].setdefault(line["id"], line)
    declined = Counter(one.invoice_id for one in records.attempts.values() if one.status is AttemptStatus.DECLINED)
    for case in records.cases:
        lines = list(told[str(case.invoice_id)].values())
        assert lines == sorted(lines, key=itemgetter("at"))
        steps = [line["template"] for line in lines if line["template"] != Template.RECOVERED]
        assert steps[0] in (Template.PAYMENT_FAILED, Template.METHOD_NEEDED)
        is_over = records.subscriptions[case.subscription_id].status in OVER  # what was under way then is no news
        further = len(steps) - declined[case.invoice_id]
        assert further in ((-1, 0, 1) if is_over else (0, 1)), (steps, case)
        assert further < 1 or steps[-1] == Template.ENDED
    return sum(len(told[str(case.invoice_id)]) for case in records.cases)


def invoiced(records: Records) -> Mapping[str, list[tuple[int, str]]]:
    """List what those were billed, cycle by cycle, whose bills do not depend on when billing ran."""
    exact = {one.subscription_id: one.name for one in records.house.members if one.is_exact}
    found = defaultdict(list)
    for one in records.invoices.values():
        if one.subscription_id in exact:
            found[exact[one.subscription_id]].append((one.cycle, one.total.text))
    return {name: sorted(bills) for name, bills in found.items()}


def collected(records: Records) -> Mapping[str, int]:
    """Sum what was collected from those of them whose cards pay at once."""
    good = {one.subscription_id: one.name for one in records.house.members if one.is_exact and one.card == GOOD}
    sums: Counter[str] = Counter()
    for one in records.attempts.values():
        if one.subscription_id in good and one.status is AttemptStatus.SUCCEEDED:
            sums[good[one.subscription_id]] += one.amount.minor
    return sums


def _sums(amounts: Iterable[Money]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for one in amounts:
        sums[one.currency] += one.minor
    return {currency: amount for currency, amount in sums.items() if amount}
