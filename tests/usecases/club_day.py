"""The hours in which a club sells, bills and collects: every use case of subscriptions that changes something."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.scope import TenantScope
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.drafts import PlanDraft, UsageDraft
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import Discount, Subscriber, SubscriberKind
from cityos_core.subscriptions.wishes import When
from cityos_core.testing.market import numbered
from core.subscriptions.samples import fixed, metered, seats
from usecases.billing import TERMS
from usecases.diary import Diary
from usecases.subscribing import CHARGED, agreed

DAY = timedelta(days=1)


def subscribed(diary: Diary, scope: TenantScope) -> None:
    """Plans, and what customers do with their subscriptions."""
    do = diary.do
    do("plans.create", scope, "basic", name="Basic", items=[fixed(), seats(), metered()])
    do("plans.create", scope, "cheap", name="Cheap", items=[fixed("5.00"), metered()])
    do("plans.import_rows", scope, numbered([PlanDraft(handle="old", name="Old", items=(fixed(),))]))
    do("plans.retire", scope, "old")
    ada = joined(diary, scope, "ada", "basic", quantities={"seats": 2})
    do("subscriptions.record_usage", scope, ada.id, [("u-1", "calls", "12.5", diary.clock.now())])
    used = UsageDraft(subscription=ada.id, key="u-2", item="calls", quantity=Fraction(1, 3), used_at=diary.clock.now())
    do("subscriptions.import_usage", scope, numbered([used]))
    do("subscriptions.add_discount", scope, ada.id, Discount(code="late", percentage=Percentage.of("10"), cycles=2))
    do("subscriptions.change_method", scope, ada.id, "card_2")
    diary.clock.advance(DAY)
    do("subscriptions.change", scope, ada.id, quantities={"seats": 5})
    do("subscriptions.change", scope, ada.id, "cheap", when=When.PERIOD_END)
    do("subscriptions.undo", scope, ada.id)
    do("subscriptions.change", scope, ada.id, "cheap")
    diary.clock.advance(DAY)
    do("subscriptions.pause", scope, ada.id)
    diary.clock.advance(DAY)
    do("subscriptions.resume", scope, ada.id)
    bob = joined(diary, scope, "bob", trial_days=14)
    do("subscriptions.change_trial", scope, bob.id, diary.clock.now() + 7 * DAY)
    do("subscriptions.convert", scope, bob.id)
    do("subscriptions.cancel", scope, bob.id, "too dear", at_period_end=True)
    do("subscriptions.undo", scope, bob.id)
    do("subscriptions.cancel", scope, bob.id, "too dear", at_period_end=False, gives_back=True)
    diary.gateway.script(Decline())
    eve = joined(diary, scope, "eve")
    do("subscriptions.pay", scope, invoiced(diary, scope, eve).id)


def billed(diary: Diary, scope: TenantScope) -> None:
    """Billing, payments that fail, get lost and come after all, cycles that a person looks at, and what was earned."""
    do = diary.do
    do("plans.create", scope, "papers", name="Papers", items=[fixed()], interval=Interval.DAY, catch_up=CatchUp.HALT)
    gil, hal = (joined(diary, scope, name, "papers") for name in ("gil", "hal"))
    kim, lou = (joined(diary, scope, name) for name in ("kim", "lou"))
    diary.clock.advance(5 * DAY)
    do("billing.run", scope)
    do("billing.retry_cycle", scope, gil.id, 1)
    do("billing.skip_cycle", scope, hal.id, 1)
    used_at = diary.clock.now()
    diary.clock.advance(30 * DAY)
    diary.gateway.script(Decline(), subscriber="kim")
    diary.gateway.script(Behaviour.LOSE_REQUEST, subscriber="lou")
    do("billing.run", scope)
    do("subscriptions.record_usage", scope, kim.id, [("u-1", "calls", 100, used_at)])
    diary.clock.advance(DAY / 24)
    do("billing.inquire", scope)
    diary.clock.advance(3 * DAY)
    do("billing.retry", scope)
    do("billing.recognise", scope)
    diary.clock.advance(30 * DAY)
    do("billing.run", scope)
    late = invoiced(diary, scope, kim)
    assert [line.kind for line in late.lines] == ["recurring", "usage", "late_usage"]
    assert invoiced(diary, scope, lou).status == "paid"


def corrected(diary: Diary, scope: TenantScope) -> None:
    """Invoices that are paid by hand, taken back, given up and credited."""
    do = diary.do
    paid, voided, lost, outage = (
        invoiced(diary, scope, joined(diary, scope, name, collection=TERMS)) for name in ("mia", "ned", "oto", "pia")
    )
    do("invoices.mark_paid", scope, paid.id, reference="statement 7")
    do("invoices.void", scope, voided.id, reason="a mistake")
    do("invoices.write_off", scope, lost.id, reason="bankrupt")
    do("invoices.credit", scope, outage.id, [Correction(line=0, amount=Money.of("1.00", "EUR"))], reason="outage")


def joined(diary: Diary, scope: TenantScope, name: str, plan: str = "cheap", **terms: Any) -> Subscription:
    """Let somebody subscribe, charged unless told otherwise."""
    who = Subscriber(SubscriberKind.CUSTOMER, name)
    begun: Subscription = diary.do(
        "subscriptions.begin",
        scope,
        plan,
        agreed(**{"subscriber": who, "collection": CHARGED, **terms}),
        payment_method=f"card of {name}",
    )
    return begun


def invoiced(diary: Diary, scope: TenantScope, subscription: Subscription) -> Invoice:
    """Give the latest invoice of a subscription."""
    found: Invoice = diary.ask("invoices.list", scope, InvoiceFilter(subscription=subscription.id)).items[0]
    return found
