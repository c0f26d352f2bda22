"""What a tenant has of subscriptions and their billing, for the contract of tenancy."""

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, frozen

from cityos_core.kernel.ids import InvoiceId, PlanId
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import CreditNote
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.ports import InvoiceFilter, SubscriptionFilter
from cityos_core.subscriptions.usage import UsageRecord
from cityos_core.testing.contracts import charged, subscribed
from cityos_core.testing.contracts.charged import Owing
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.subscribed import COMPANY, LEASE
from cityos_core.testing.contracts.world import Place
from cityos_core.unit_of_work import UnitOfWork

REQUEST = PageRequest(100)


@frozen(kw_only=True)
class Billed:
    """One of everything; tenants use the same handles, keys, numbers and series."""

    owing: Owing
    cycle: BillingCycle
    note: CreditNote
    attempt: PaymentAttempt
    case: DunningCase
    usage: UsageRecord
    movement: Movement
    run: BillingRun


def belongings(place: Place) -> Billed:
    """Make it up."""
    plan = subscribed.plan(place)
    subscription = subscribed.subscription(place, plan)
    invoice = charged.invoice(place, subscription)
    return Billed(
        owing=Owing(plan=plan, subscription=subscription, invoice=invoice),
        cycle=subscribed.upcoming(subscription),
        note=charged.credit_note(place, invoice),
        attempt=charged.attempt(invoice),
        case=charged.case(invoice),
        usage=subscribed.usage(subscription),
        movement=subscribed.movement(subscription),
        run=subscribed.billing_run(place),
    )


def store(uow: UnitOfWork, owned: Billed) -> None:
    """Store it."""
    uow.plans.add(owned.owing.plan)
    uow.subscriptions.add(owned.owing.subscription)
    uow.invoices.add([owned.owing.invoice])
    uow.cycles.add([owned.cycle])
    uow.credit_notes.add([owned.note])
    uow.attempts.add([owned.attempt])
    uow.dunning.put([owned.case])
    uow.usage.add([owned.usage])
    uow.movements.add([owned.movement])
    uow.billing_runs.add(owned.run)
    uow.numbers.take("invoice", 1)


def live(uow: UnitOfWork, owned: Billed) -> None:
    """Do everything to it that can be done."""
    subscription = owned.owing.subscription
    uow.plans.save(evolve(owned.owing.plan, name="lived"))
    uow.subscriptions.save([evolve(subscription, payment_method="lived")])
    uow.invoices.save([evolve(owned.owing.invoice, recognised=1, recognise_at=None)])
    uow.cycles.save([cycle.released() for cycle in uow.cycles.claim("w1", LATER, lease=LEASE, limit=9)])
    uow.attempts.save([evolve(owned.attempt, reason="lived", next_at=None)])
    uow.dunning.put([evolve(owned.case, next_at=None)])
    uow.usage.settle([subscription.id])
    uow.movements.add([subscribed.movement(subscription, 1, revenue=0)])
    uow.numbers.take("invoice", 7)


def questions(uow: UnitOfWork, owned: Billed) -> Iterator[object]:
    """Ask everything about it that there is to ask."""
    subscription, invoice = owned.owing.subscription.id, owned.owing.invoice.id
    yield from (uow.plans.many([owned.owing.plan.id]), uow.plans.named("gold"), uow.plans.page(REQUEST))
    yield from (uow.subscriptions.many([subscription]), uow.subscriptions.many([subscription], lock=True))
    everyone, incomplete = SubscriptionFilter(), uow.subscriptions.abandoned(LATER, limit=9)
    yield from (incomplete, uow.subscriptions.page(everyone, REQUEST))
    yield uow.subscriptions.page(evolve(everyone, subscriber=COMPANY), REQUEST)
    yield from (uow.cycles.of([subscription]), uow.cycles.of([subscription], last=1), uow.cycles.counts(LATER))
    yield from (uow.cycles.page(None, REQUEST), uow.invoices.of({subscription: [0]}))
    for where in (InvoiceFilter(), InvoiceFilter(subscriber=COMPANY), InvoiceFilter(subscription=subscription)):
        yield uow.invoices.page(where, REQUEST)
    yield from (uow.invoices.earning(LATER, limit=9), uow.numbers.take("invoice", 1), uow.credit_notes.of([invoice]))
    yield from (uow.attempts.of([invoice]), uow.attempts.due(LATER, limit=9), uow.dunning.of([subscription]))
    yield from (uow.dunning.find([invoice]), uow.dunning.due(LATER, limit=9), uow.usage.find(subscription, ["k"]))
    yield from (uow.usage.sums({subscription: [(AT, LATER)]}), uow.usage.unbilled([subscription]))
    yield from (uow.movements.latest([subscription]), uow.movements.until(LATER), uow.billing_runs.page(REQUEST))


def refusals(uow: UnitOfWork, owned: Billed) -> Sequence[Callable[[], object]]:
    """List the questions that a neighbour is refused."""
    return (
        lambda: uow.plans.get(owned.owing.plan.id),
        lambda: uow.subscriptions.get(owned.owing.subscription.id),
        lambda: uow.subscriptions.get(owned.owing.subscription.id, lock=True),
        lambda: uow.invoices.get(owned.owing.invoice.id),
        lambda: uow.credit_notes.get(owned.note.id),
        lambda: uow.billing_runs.get(owned.run.id),
    )


def trespasses(place: Place, theirs: Billed) -> Sequence[Callable[[UnitOfWork], object]]:
    """List ways of writing what is a neighbour's."""
    owing, mine = theirs.owing, place.id
    other = InvoiceId(place.ids.new())
    return (
        lambda uow: uow.plans.add(evolve(owing.plan, id=PlanId(place.ids.new()), handle="mine")),
        lambda uow: uow.plans.save(evolve(owing.plan, name="mine")),
        lambda uow: uow.plans.save(evolve(owing.plan, name="mine", tenant_id=mine)),
        lambda uow: uow.subscriptions.save([evolve(owing.subscription, next_cycle=9)]),
        lambda uow: uow.subscriptions.save([evolve(owing.subscription, next_cycle=9, tenant_id=mine)]),
        lambda uow: uow.invoices.save([evolve(owing.invoice, recognised=0)]),
        lambda uow: uow.invoices.save([evolve(owing.invoice, recognised=0, tenant_id=mine)]),
        lambda uow: uow.invoices.add([evolve(owing.invoice, id=other, cycle=9, number=9, tenant_id=mine)]),
        lambda uow: uow.cycles.claim("mine", LATER, lease=LEASE, limit=9),
        lambda uow: uow.cycles.save([evolve(theirs.cycle, reason="mine", tenant_id=mine)]),
        lambda uow: uow.cycles.add([evolve(theirs.cycle, index=9, tenant_id=mine)]),
        lambda uow: uow.numbers.take("invoice", 9),
        lambda uow: uow.credit_notes.add([evolve(theirs.note, number=9, tenant_id=mine)]),
        lambda uow: uow.attempts.save([evolve(theirs.attempt, reason="mine", tenant_id=mine)]),
        lambda uow: uow.attempts.add([evolve(theirs.attempt, number=9, tenant_id=mine)]),
        lambda uow: uow.dunning.put([evolve(theirs.case, retries=9, tenant_id=mine)]),
        lambda uow: uow.usage.add([evolve(theirs.usage, key="mine", tenant_id=mine)]),
        lambda uow: uow.usage.settle([owing.subscription.id]),
        lambda uow: uow.movements.add([evolve(theirs.movement, number=9, tenant_id=mine)]),
        lambda uow: uow.billing_runs.add(evolve(theirs.run, worker="mine", tenant_id=mine)),
    )
