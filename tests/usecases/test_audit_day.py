"""A whole day of a city, call by call: every use case that changes something leaves an entry that tells exactly what."""

from datetime import timedelta
from typing import Any

import pytest

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import Grant, KeyKind, Principal, PrincipalKind, Reach
from cityos_core.audit.model import Verb
from cityos_core.audit.trail import MASK
from cityos_core.catalog.draft import ProductDraft
from cityos_core.exports.model import ExportFormat, ExportKind
from cityos_core.jobs.model import JobStatus
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.ledger.by_hand import AdjustmentKind
from cityos_core.orders.buying import Wanted
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from cityos_core.testing.market import numbered
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.model import Profile, TeamRole, VendorStatus
from usecases.club_day import billed, corrected, subscribed
from usecases.diary import SECRET, Diary

PARENT = "de/green-city/food/wholesale"
ADMIN = Principal(kind=PrincipalKind.USER, id="7", grants=(Grant(role="administrator", reach=Reach.PLATFORM),))

QUESTIONS = frozenset(
    {
        *("tree.list", "tenants.get", "tenants.list", "stores.get", "stores.list"),
        *("domains.get", "domains.list", "domains.may_issue"),
        *("settings.explain", "settings.show", "settings.declared"),
        *("vendors.get", "vendors.list", "products.get", "products.list", "products.categories", "products.low_stock"),
        *("orders.get", "orders.list", "orders.quote_shipping"),
        *("commissions.rules", "commissions.history", "commissions.explain", "commissions.lint", "commissions.replay"),
        *("commissions.report", "commissions.entries", "commissions.export"),
        *("ledger.balances", "ledger.journals", "ledger.export", "ledger.verify", "ledger.statement"),
        *("payouts.get", "payouts.list", "payouts.batches", "payouts.dashboard"),
        *("plans.get", "plans.list", "subscriptions.get", "subscriptions.list", "subscriptions.cycles"),
        *("subscriptions.preview", "subscriptions.forecast"),
        *("invoices.get", "invoices.list", "invoices.attempts", "invoices.credit_notes"),
        *("billing.runs", "billing.get_run", "billing.cycles"),
        *("mrr.standings", "mrr.bridge", "mrr.cohorts", "mrr.movements"),
        *("audit.list", "audit.get", "audit.export", "audit.verify"),
        *("access.admit", "access.key", "access.keys", "access.assignments", "access.grants_of"),
        *("access.impersonations", "access.enter", "access.decide", "access.plan"),
        *("exports.get", "exports.list", "exports.read", "exports.write", "exports.run_due", "exports.run_all"),
        *("jobs.get", "jobs.list", "jobs.stats", "jobs.operations", "jobs.health"),
        *("jobs.run", "jobs.sweep", "jobs.tick", "jobs.relay", "jobs.prune", "jobs.drain"),
        *("access.take", "access.rate_limit"),
        *("requests.once", "requests.once_in_steps", "requests.forget", "requests.together", "requests.rehearse"),
    }
)
"""What changes no record of anyone's, and the machinery of jobs, which does. Whatever else there is has its hour in the
day below."""


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def opened(diary: Diary) -> TenantScope:
    """The tree, tenants, stores, domains and settings."""
    do = diary.do
    do("tree.add", PARENT)
    do("tree.add", "de/green-city/food/retail")
    do("tree.change", "de/green-city", name="Green City", metadata={"mayor": "Ada"})
    do("tree.archive", "de/green-city/food/retail")
    do("tree.restore", "de/green-city/food/retail")
    group = do("tenants.create", "group", parent=PARENT, name="Group", currency="EUR").scope
    scope: TenantScope = do("tenants.create", "north", parent=PARENT, name="North", currency="EUR", active=False).scope
    do("tenants.activate", "north")
    do("tenants.change", "north", name="North Market", tier="gold")
    do("tenants.set_parent", "north", "group")
    do("tree.add", "de/blue-city/food")
    do("tree.move", PARENT, "de/blue-city/food")
    do("tenants.suspend", "group", reason="unpaid")
    do("tenants.offboard", "group", reason="moved")
    do("tenants.archive", "group", reason="gone")
    assert group != scope
    do("stores.create", scope, "web", name="Web", countries=["DE"])
    do("stores.change", scope, "web", name="Web shop", currencies=["EUR"])
    domain = do("domains.add", scope, "shop.example")
    do("domains.verify", scope, "shop.example")
    diary.names.publish(domain.challenge, domain.token)
    diary.clock.advance(timedelta(days=1))
    do("domains.verify_due")
    do("domains.remove", scope, "shop.example")
    do("settings.set", PlatformScope(), "holding_days", 2)
    do("settings.set", scope, "holding_days", 1, locked=True)
    do("settings.set", scope, "holding_days", 0)
    do("settings.set", scope, "vendor_requirements", ["terms"])
    do("settings.set", scope, SECRET.key, "hunter2")
    do("settings.set", scope, SECRET.key, "hunter3")
    do("settings.unset", scope, SECRET.key)
    do("settings.unset", PlatformScope(), "holding_days")
    return scope


def staffed(diary: Diary, scope: TenantScope) -> None:
    """Vendors with teams and accounts, products, stock, and commission rules."""
    do = diary.do
    do("vendors.register", scope, "acme", Profile(name="Acme", email="a@acme.example"))
    do("vendors.change", scope, "acme", stores=["web"], payout_schedule="weekly")
    do("vendors.requirement", scope, "acme", "terms", "submit", reference="doc 1")
    do("vendors.requirement", scope, "acme", "terms", "accept")
    do("vendors.invite", scope, "acme", "ada@acme.example", TeamRole.OWNER)
    do("vendors.join", scope, "acme", "ada@acme.example")
    do("vendors.invite", scope, "acme", "bob@acme.example", TeamRole.STAFF)
    do("vendors.change_role", scope, "acme", "bob@acme.example", TeamRole.MANAGER)
    do("vendors.remove_member", scope, "acme", "bob@acme.example")
    do("vendors.submit", scope, "acme")
    do("vendors.reject", scope, "acme", reason="blurred")
    do("vendors.submit", scope, "acme")
    do("vendors.set_payout_account", scope, "acme", method="memory", reference="acct_acme", holder="Acme")
    do("vendors.verify_payout_account", scope, "acme")
    do("vendors.approve", scope, "acme")
    do("vendors.suspend", scope, "acme", reason="late")
    do("vendors.reinstate", scope, "acme")
    do("vendors.change", scope, "acme", stores=[], payout_schedule="manual")
    drafts = [VendorDraft(handle=name, name=name.title(), status=VendorStatus.APPROVED) for name in ("birch", "cedar")]
    do("vendors.import_rows", scope, numbered(drafts))
    do("vendors.import_rows", scope, numbered([VendorDraft(handle="cedar", name="Cedar & Sons")]))
    do("vendors.terminate", scope, "cedar", reason="retired")
    do("products.add_category", scope, "home/seats", name="Seats")
    do("products.add_category", scope, "home/lamps")
    do("products.create", scope, "chair", title="Chair", vendor="acme", unit_price=UnitPrice.of("100", "EUR"))
    do("products.change", scope, "chair", title="Armchair", category="home/seats", tags=["soft"])
    do("products.publish", scope, "chair")
    do("products.withdraw", scope, "chair")
    do("products.publish", scope, "chair")
    price = UnitPrice.of("19.99", "EUR")
    lamp = ProductDraft(sku="lamp", title="Lamp", vendor="birch", unit_price=price, currency="EUR", category="home/new")
    do("products.import_rows", scope, numbered([lamp]))
    do("products.archive", scope, "lamp")
    do("products.publish", scope, "lamp")
    do("products.set_stock", scope, "chair", 5)
    do("products.set_stock", scope, "chair", 50, low_at=2)
    north = ("tenant", "north")
    do("commissions.import_rules", PlatformScope(), [rule("everywhere", rate="1")])
    do("commissions.import_rules", scope, [rule("ten", *north, rate="10"), rule("new", *north, rate="9")])
    do("commissions.import_rules", scope, [rule("ten", *north, rate="11")])
    do("commissions.retire", scope, "new")
    do("commissions.activate", scope, "new")
    do("commissions.retire", scope, "new")


def sold(diary: Diary, scope: TenantScope) -> None:
    """Orders placed, shipped, refunded, disputed, cancelled and released."""
    do = diary.do
    two = (line(), line("2", vendor="birch", sku="lamp", unit_price="19.99"))
    for number in range(1, 5):
        do("orders.place", scope, order_draft(f"A-{number}", *two, placed_at=diary.clock.now()))
    do("orders.buy", scope, [Wanted("chair", 2)], customer="c-1", reference="B-1")
    drafts = [order_draft(f"C-{number}", fulfilled_at=START, placed_at=START) for number in (1, 2)]
    do("orders.import_rows", scope, numbered(drafts))
    do("orders.fulfil", scope, "A-1", vendor="acme", items={"1": 1}, carrier="dhl", tracking="7")
    do("orders.fulfil", scope, "A-1", vendor="birch")
    do("orders.fulfil", scope, "A-2")
    do("orders.deliver", scope, "A-1")
    do("orders.cancel", scope, "A-3", note="changed mind")
    do("orders.refund", scope, "A-2", lines=[LineRefund(line="2")], reason="broken", key="r-1")
    do("orders.open_dispute", scope, "A-1", "d-1", amount=eur("10.00"), reason="fraud")
    do("orders.close_dispute", scope, "A-1", "d-1", DisputeOutcome.LOST)
    do("orders.open_dispute", scope, "A-2", "d-2", amount=eur("10.00"), reason="fraud")
    do("orders.close_dispute", scope, "A-2", "d-2", DisputeOutcome.WON)
    diary.clock.advance(timedelta(days=40))
    do("orders.release_due", scope)


def paid(diary: Diary, scope: TenantScope) -> None:
    """Payouts of every kind of ending, and journals by hand."""
    do = diary.do
    acme = diary.ask("vendors.get", scope, "acme")
    diary.provider.script(Behaviour.DECLINE, Behaviour.PAY)
    first = do("payouts.request", scope, "acme", eur("10.00"))
    do("payouts.hold", scope, first.id, reason="odd")
    do("payouts.release", scope, first.id)
    do("payouts.process", scope)
    second = do("payouts.retry", scope, first.id)
    do("payouts.process", scope)
    do("payouts.returned", scope, second.id, reason="closed")
    third = do("payouts.request", scope, "acme", eur("5.00"))
    do("payouts.cancel", scope, third.id, reason="mistake")
    do("vendors.set_payout_account", scope, "birch", method="manual", reference="DE1", holder="Birch")
    do("vendors.verify_payout_account", scope, "birch")
    do("payouts.run", scope)
    outgoing = [item for item in diary.ask("payouts.list", scope).items if item.status == "in_transit"]
    do("payouts.confirm", scope, outgoing[0].id, reference="statement 1")
    fourth = do("payouts.request", scope, "acme", eur("4.00"))
    do("vendors.set_payout_account", scope, "acme", method="manual", reference="acct_new", holder="Acme")
    do("vendors.verify_payout_account", scope, "acme")
    do("payouts.process", scope)
    do("payouts.approve_account", scope, fourth.id)
    do("payouts.process", scope)
    do("payouts.fail", scope, fourth.id, reason="bounced")
    words: dict[str, Any] = {"reason": "why", "actor": "ada"}
    fee = do(
        "ledger.adjust",
        scope,
        kind=AdjustmentKind.FEE,
        amount=eur("1.00"),
        debit=f"vendor:{acme.id}:available",
        credit="revenue:fees",
        **words,
    )
    do("ledger.reverse", scope, fee.key, **words)
    do("ledger.receive_unknown", scope, source="bank", amount=eur("3.00"), reference="x-1")
    do("ledger.resolve_suspense", scope, source="bank", reference="x-1", to="revenue:fees", **words)


def overseen(diary: Diary, scope: TenantScope) -> None:
    """Keys, roles, impersonation, exports, and support that looks in."""
    do = diary.do
    key, _ = do("access.create_key", scope, ADMIN, KeyDraft(name="till", kind=KeyKind.SECRET, role="support"))
    new, _ = do("access.rotate_key", scope, ADMIN, key.id)
    do("access.revoke_key", scope, new.id)
    assignment = do("access.assign", scope, ADMIN, "ada@acme.example", "support")
    grants = [assignment.grant]
    begun = do("access.start_impersonation", scope, ADMIN, "ada@acme.example", grants, reason="ticket 7")
    do("access.end_impersonation", scope, begun.id)
    do("access.unassign", scope, assignment.id)
    do("exports.request", scope, ExportKind.ORDERS, ExportFormat.CSV, by="user:7")
    job = do("jobs.enqueue", scope, "exports.write", {"export": "that one"})
    assert diary.ask("jobs.run", scope, job.id).status is JobStatus.FAILED
    do("jobs.retry", scope, job.id)
    do("audit.look", scope, "order", ["1", "2"])
    do("audit.look", PlatformScope(), "tenant", [])


@pytest.fixture(scope="module")
def lived() -> tuple[Diary, TenantScope]:
    """A city after its day."""
    diary = Diary()
    scope = opened(diary)
    for hours in (staffed, sold, paid, subscribed, billed, corrected, overseen):
        hours(diary, scope)
    return diary, scope


def test_every_use_case_that_changes_something_is_audited(lived: tuple[Diary, TenantScope]) -> None:
    """Each use case is either a question or was seen to leave an entry that tells exactly what it changed."""
    diary, _ = lived
    assert set(diary.called) == set(diary.use_cases()) - QUESTIONS
    assert set(diary.use_cases()) >= QUESTIONS


def test_every_kind_of_record_appears(lived: tuple[Diary, TenantScope]) -> None:
    """The day touched every kind of record that there is, and every chain holds."""
    diary, scope = lived
    told = [change for each in (scope, PlatformScope()) for entry in diary.entries(each) for change in entry.changes]
    assert {change["kind"] for change in told} == {
        *("node", "tenant", "store", "domain", "setting_entry", "vendor", "product", "category", "stock", "order"),
        *("stored_rule", "commission_entry", "entries", "coverage", "journal", "payout", "payout_batch"),
        *("plan", "subscription", "billing_cycle", "invoice", "credit_note", "payment_attempt", "dunning_case"),
        *("usage_record", "movement", "billing_run"),
        *("api_key", "assignment", "impersonation", "export", "job"),
    }
    assert {change["verb"] for change in told} == set(Verb)
    assert diary.ask("audit.verify", scope).is_whole
    assert diary.ask("audit.verify", PlatformScope()).is_whole


def test_secrets_do_not_appear(lived: tuple[Diary, TenantScope]) -> None:
    """No secret setting, no API key's hash, and no account that is paid to is anywhere in what is stored of the audit."""
    diary, scope = lived
    bodies = [row.body for row in diary.database.storage.of(scope.tenant_id).audit.rows.values()]
    hashes = [key.hash for key in diary.database.storage.api_keys.rows.values()]
    words = ("hunter2", "hunter3", "acct_acme", "acct_new", *hashes)
    assert not [body for body in bodies for word in words if word in body]
    changes: list[Any] = [change for entry in diary.entries(scope) for change in entry.changes]
    secret = [change for change in changes if change["target"].endswith(f"/{SECRET.key}")]
    assert [change["verb"] for change in secret] == ["added", "changed", "removed"]
    assert secret[0]["after"]["value"] == secret[2]["before"]["value"] == MASK


def test_questions_leave_nothing(lived: tuple[Diary, TenantScope]) -> None:
    """Who only asks leaves no entry, and so does who changes nothing."""
    diary, scope = lived
    places = diary._places()
    for name in ("vendors.list", "products.categories", "orders.list", "ledger.verify", "commissions.lint"):
        diary.ask(name, scope)
    diary.ask("exports.run_all")
    diary.ask("orders.release_due", scope)
    diary.ask("settings.unset", scope, SECRET.key)
    diary.ask("products.add_category", scope, "home/seats")
    diary.ask("payouts.run", scope, dry_run=True)
    diary.ask("orders.refund", scope, "A-4", amount=eur("1.00"), dry_run=True)
    assert diary._places() == places
