"""The contract of tenancy: invariant 38, for every method of every repository at once."""

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen

from cityos_core.access.model import ApiKey, Assignment, Impersonation, ImpersonationStatus
from cityos_core.audit.ports import AuditFilter
from cityos_core.catalog.model import Category
from cityos_core.commissions.lines import EntryStatus
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import StoredRule
from cityos_core.exports.model import Chunk, Export
from cityos_core.jobs.model import Job
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import BatchId, PayoutId, ProductId
from cityos_core.kernel.paging import PageRequest
from cityos_core.ledger.ports import JournalFilter
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_core.payouts.model import Payout, PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.tenancy.domains import Domain, DomainStatus
from cityos_core.tenancy.model import SettingEntry
from cityos_core.testing.contracts import billed, credentials, domains, examples, exports, jobs, rules, sales
from cityos_core.testing.contracts.answers import answered
from cityos_core.testing.contracts.audit import recorded
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.journals import account, earn, move, negated
from cityos_core.testing.contracts.world import Contract, Place
from cityos_core.unit_of_work import UnitOfWork

REQUEST = PageRequest(100)


@frozen(kw_only=True)
class Belongings:
    """One of everything that a tenant can own, not stored yet."""

    place: Place
    product: ProductId
    order: Order
    rule: StoredRule
    batch: BatchId
    payout: Payout
    domain: Domain
    key: ApiKey
    assignment: Assignment
    impersonation: Impersonation
    export: Export
    job: Job
    billed: billed.Billed


class IsolationContract(Contract):
    """What a neighbour has or does makes no difference."""

    def test_inv_38_answers_are_the_same_with_and_without_a_neighbour(self, north: Place, south: Place) -> None:
        """Every method answers a tenant the same, to the letter, before and after a neighbour fills its own books.

        The neighbour uses the same handles, skus, references and keys; the questions name its ids as well as the own.
        """
        ours, theirs = belongings(north), belongings(south)
        store(ours)
        before = north.see(lambda uow: list(answers(uow, ours, theirs)))
        store(theirs)
        assert north.see(lambda uow: list(answers(uow, ours, theirs))) == before
        live(theirs)
        assert north.see(lambda uow: list(answers(uow, ours, theirs))) == before

    def test_inv_38_nothing_of_a_neighbours_can_be_touched(self, north: Place, south: Place) -> None:
        """Whatever a tenant writes with a neighbour's ids, the neighbour's answers stay the same to the letter."""
        ours, theirs = belongings(north), belongings(south)
        store(ours)
        store(theirs)
        before = south.see(lambda uow: list(answers(uow, theirs, ours)))
        for number in range(TRESPASSES):
            trespass(north, theirs, number)
        assert south.see(lambda uow: list(answers(uow, theirs, ours))) == before


def belongings(place: Place) -> Belongings:
    """Make up what a tenant owns."""
    order = sales.order(place.ids, "A-1", place.acme, place.birch, store=place.store.id)
    batch = BatchId(place.ids.new())
    payout = evolve(examples.payout(PayoutId(place.ids.new()), place.acme, batch_id=batch), status=PayoutStatus.PENDING)
    return Belongings(
        place=place,
        product=ProductId(place.ids.new()),
        order=order,
        rule=rules.stored(place.ids, place.id, rules.FULL, 1),
        batch=batch,
        payout=payout,
        domain=domains.domain(place),
        key=credentials.api_key(place),
        assignment=credentials.assignment(place),
        impersonation=credentials.impersonation(place),
        export=exports.running(place),
        job=jobs.waiting(place, key="k", line="A-1"),
        billed=billed.belongings(place),
    )


def store(owned: Belongings) -> None:
    """Store it."""
    place = owned.place
    with place.open() as uow:
        uow.categories.add([Category(tenant_id=place.id, path="furniture", name=place.tenant.handle)])
        uow.products.add(examples.product(owned.product, place.id, place.acme.id, "chair"))
        uow.inventory.save([examples.stock(place.id, place.acme.id, "chair", on_hand=1)])
        uow.orders.add(owned.order)
        uow.entries.add([sales.sale_entry(place.ids, owned.order, index) for index in (0, 1)])
        uow.rules.add([owned.rule])
        uow.settings.put(SettingEntry(node_id=place.node.id, tenant_id=place.id, key="a", value=place.tenant.handle))
        uow.batches.add(examples.batch(owned.batch, place.id))
        uow.payouts.add([owned.payout])
        uow.domains.add(owned.domain)
        uow.api_keys.add(owned.key)
        uow.assignments.add(owned.assignment)
        uow.impersonations.add(owned.impersonation)
        uow.exports.add(owned.export)
        uow.files.write(Chunk(owned.export.id, 0, place.tenant.handle))
        uow.jobs.add([owned.job])
        billed.store(uow, owned.billed)
        uow.answers.put(answered(place))
        uow.audit.append(recorded(place))
        uow.commit()
    earn(place, "sale-1", 500)
    move(place, "release-1", 200, "pending", "available")


def live(owned: Belongings) -> None:
    """Do everything to it that can be done."""
    place = owned.place
    first = owned.order.vendor_orders[0]
    with place.open() as uow:
        uow.entries.mark(EntryStatus.APPROVED, vendor_order=first.id)
        uow.coverage.cover(owned.payout.id, place.acme.id, "EUR")
        uow.entries.mark(EntryStatus.PAID, payout=owned.payout.id)
        uow.orders.save(sales.afterlife(place.ids, owned.order))
        uow.payouts.save(evolve(owned.payout, status=PayoutStatus.PAID))
        uow.vendors.save(evolve(place.acme, reason="lived"))
        uow.stores.save(evolve(place.store, name="lived"))
        uow.settings.remove(place.node.id, "a")
        uow.rules.add([rules.later(owned.rule)])
        uow.rules.supersede([evolve(owned.rule, superseded_at=LATER)])
        uow.inventory.save([examples.stock(place.id, place.acme.id, "chair", on_hand=0)])
        if (sale := uow.ledger.find("release-1")) is not None:
            uow.ledger.post_many([negated(place, sale)])
        uow.domains.save(evolve(owned.domain, status=DomainStatus.ACTIVE))
        uow.api_keys.touch(owned.key.id, LATER)
        uow.api_keys.save(evolve(owned.key, name="lived"))
        uow.assignments.remove(owned.assignment.id)
        uow.impersonations.save(evolve(owned.impersonation, status=ImpersonationStatus.ENDED))
        uow.files.write(Chunk(owned.export.id, 0, "lived"))
        uow.exports.save(owned.export.step("succeed", at=LATER))
        uow.jobs.save(jobs.started(owned.job))
        uow.jobs.record(jobs.finished(uow.jobs.get(owned.job.id)))
        billed.live(uow, owned.billed)
        uow.answers.forget(LATER)
        uow.audit.append(recorded(place))
        uow.commit()


def answers(uow: UnitOfWork, ours: Belongings, theirs: Belongings) -> Iterator[str]:
    """Ask everything there is to ask, naming what is ours and what is theirs, and write the answers down."""
    for owned in (ours, theirs):
        for question in _about(uow, owned):
            yield repr(question)
        yield from _refusals(uow, owned)


def _about(uow: UnitOfWork, owned: Belongings) -> Iterator[object]:
    place, order = owned.place, owned.order
    yield from (uow.tree.under(place.node.path), uow.tree.at([place.node.path]), uow.tenants.all(), uow.stores.all())
    yield from (uow.vendors.known([place.acme.id]), uow.products.count(place.acme.id))
    yield from (uow.orders.page(OrderFilter(store=place.store.id), REQUEST), uow.orders.to_send(place.acme.id))
    yield from (uow.orders.many([order.id]), uow.orders.many([order.id], lock=True))
    yield from (uow.stores.named("web"), uow.settings.at([place.node.id]), uow.revisions.current())
    yield from (uow.vendors.named(["acme"]), uow.vendors.page(REQUEST), uow.categories.all())
    yield from (uow.products.by_sku(["chair", "chair/red"]), uow.products.page(REQUEST, vendor="acme"))
    yield from (uow.inventory.lock(["chair"]), uow.inventory.low())
    yield from (uow.orders.placed(["A-1"]), uow.orders.page(OrderFilter(), REQUEST), uow.orders.due(LATER, limit=100))
    yield from (uow.rules.current(), uow.rules.recorded(LATER), uow.rules.versions(owned.rule.id))
    yield from (uow.entries.of_order(order.id), uow.entries.page(EntryFilter(), REQUEST))
    yield from (uow.entries.page(EntryFilter(line=order.lines[0].id), REQUEST), uow.entries.totals(EntryFilter()))
    volumes = uow.entries.volume([place.acme.id], "EUR", since=AT, before=LATER)
    yield volumes.get(place.acme.id, 0)
    yield from (uow.ledger.find("sale-1"), uow.ledger.find("reversal:release-1"))
    yield from (uow.books.balances(), uow.books.balances(f"vendor:{place.acme.id}:"), uow.books.balances(as_of=LATER))
    where = JournalFilter(account=f"vendor:{place.acme.id}:")
    yield from (uow.books.journals(where, REQUEST), list(uow.books.export(where)), list(uow.books.differences()))
    yield from (list(uow.books.export(JournalFilter())), uow.payouts.page(PayoutFilter(), REQUEST))
    yield from (uow.payouts.page(PayoutFilter(batch=owned.batch), REQUEST), uow.payouts.due(LATER, limit=100))
    yield from (uow.batches.page(REQUEST), uow.batches.last_sweep(), uow.payables.payable(after=None, limit=100))
    yield uow.payables.of(place.acme.id)
    yield from (uow.team_members.of("anna@acme.example"), uow.domains.active("shop.example"), uow.domains.page(REQUEST))
    yield from (uow.domains.due(LATER, limit=100), uow.exports.page(REQUEST), uow.exports.due(LATER, limit=100))
    yield from (
        uow.api_keys.with_hashes([owned.key.hash]),
        uow.api_keys.page(REQUEST),
        uow.impersonations.page(REQUEST),
    )
    yield from (uow.assignments.of_user([owned.assignment.user]), uow.assignments.page(REQUEST))
    yield from jobs.questions(uow, owned.job)
    yield from billed.questions(uow, owned.billed)
    yield from (uow.answers.find("user:1", "key"), uow.audit.head(), list(uow.audit.links()))
    named = AuditFilter(target=str(place.acme.id))
    yield from (uow.audit.page(named, REQUEST), uow.audit.page(AuditFilter(), REQUEST), list(uow.audit.export(named)))


def _refusals(uow: UnitOfWork, owned: Belongings) -> Iterator[str]:
    questions: tuple[Callable[[], object], ...] = (
        lambda: uow.tree.get(owned.place.node.id),
        lambda: uow.tenants.get(owned.place.id),
        lambda: uow.stores.get(owned.place.store.id),
        lambda: uow.tenants.named(owned.place.tenant.handle),
        lambda: uow.vendors.get(owned.place.acme.id),
        lambda: uow.products.get(owned.product),
        lambda: uow.orders.get(owned.order.id),
        lambda: uow.orders.get(owned.order.id, lock=True),
        lambda: uow.payouts.get(owned.payout.id),
        lambda: uow.batches.get(owned.batch),
        lambda: uow.domains.get(owned.domain.id),
        lambda: uow.api_keys.get(owned.key.id),
        lambda: uow.assignments.get(owned.assignment.id),
        lambda: uow.impersonations.get(owned.impersonation.id),
        lambda: uow.exports.get(owned.export.id),
        lambda: uow.files.read(owned.export.id, 0),
        lambda: uow.jobs.get(owned.job.id),
        *(partial(reach, uow) for reach in jobs.machinery(owned.job)),
        *billed.refusals(uow, owned.billed),
    )
    for question in questions:
        try:
            yield repr(question())
        except CityOSError as error:
            yield f"{type(error).__name__} {error.code} {error.detail}"


TRESPASSES = 72


def trespass(place: Place, theirs: Belongings, number: int) -> None:
    """Try one way of writing what is theirs; being refused and writing nothing are both right."""
    there, order = theirs.place, theirs.order
    entry = SettingEntry(node_id=there.node.id, tenant_id=there.id, key="a", value="mine")
    try:
        with place.open() as uow:
            attempts: tuple[Callable[[], object], ...] = (
                lambda: uow.tree.save([evolve(there.node, name="mine")]),
                lambda: uow.tree.save([evolve(there.node, name="mine", tenant_id=place.id)]),
                lambda: uow.tenants.save(evolve(there.tenant, name="mine")),
                lambda: uow.stores.save(evolve(there.store, name="mine")),
                lambda: uow.settings.put(entry),
                lambda: uow.settings.remove(there.node.id, "a"),
                lambda: uow.vendors.save(evolve(there.acme, reason="mine")),
                lambda: uow.vendors.save(evolve(there.acme, reason="mine", tenant_id=place.id)),
                lambda: uow.products.save(examples.product(theirs.product, place.id, place.acme.id, "taken")),
                lambda: uow.inventory.save([examples.stock(there.id, there.acme.id, "chair", on_hand=0)]),
                lambda: uow.orders.save(evolve(order, customer="mine", tenant_id=place.id)),
                lambda: uow.rules.add([rules.later(theirs.rule)]),
                lambda: uow.rules.supersede([evolve(theirs.rule, superseded_at=AT)]),
                lambda: uow.entries.mark(EntryStatus.PAID, vendor_order=order.vendor_orders[0].id),
                lambda: uow.entries.mark(EntryStatus.PAID, line=order.lines[0].id),
                lambda: uow.coverage.cover(theirs.payout.id, there.acme.id, "EUR"),
                lambda: uow.coverage.uncover(theirs.payout.id),
                lambda: uow.ledger.lock([account(there, "available")]),
                lambda: uow.ledger.peek([account(there, "available")]),
                lambda: uow.payouts.save(evolve(theirs.payout, reason="mine", tenant_id=place.id)),
                lambda: uow.batches.save(evolve(examples.batch(theirs.batch, place.id), payouts=99)),
                lambda: uow.domains.save(evolve(theirs.domain, status=DomainStatus.ACTIVE)),
                lambda: uow.domains.save(evolve(theirs.domain, status=DomainStatus.ACTIVE, tenant_id=place.id)),
                lambda: uow.domains.add(evolve(theirs.domain, name="mine.example", tenant_id=place.id)),
                lambda: uow.api_keys.save(evolve(theirs.key, name="mine")),
                lambda: uow.api_keys.save(evolve(theirs.key, name="mine", tenant_id=place.id)),
                lambda: uow.api_keys.add(evolve(theirs.key, name="mine", tenant_id=place.id)),
                lambda: uow.api_keys.touch(theirs.key.id, LATER),
                lambda: uow.assignments.remove(theirs.assignment.id),
                lambda: uow.assignments.add(evolve(theirs.assignment, user="mine", tenant_id=place.id)),
                lambda: uow.impersonations.save(evolve(theirs.impersonation, reason="mine")),
                lambda: uow.impersonations.save(evolve(theirs.impersonation, reason="mine", tenant_id=place.id)),
                lambda: uow.impersonations.add(evolve(theirs.impersonation, reason="mine", tenant_id=place.id)),
                lambda: uow.exports.save(evolve(theirs.export, reason="mine")),
                lambda: uow.exports.save(evolve(theirs.export, reason="mine", tenant_id=place.id)),
                lambda: uow.files.write(Chunk(theirs.export.id, 0, "mine")),
                *(partial(write, uow) for write in jobs.trespasses(place, theirs.job)),
                *(partial(write, uow) for write in billed.trespasses(place, theirs.billed)),
                lambda: uow.answers.put(evolve(answered(there), fingerprint="mine")),
                lambda: uow.answers.forget(LATER),
                lambda: uow.audit.append(recorded(there)),
            )
            assert len(attempts) == TRESPASSES
            attempts[number]()
            uow.commit()
    except CityOSError:
        return
