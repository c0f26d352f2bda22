"""Plans and subscriptions of one tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from attrs import frozen
from sqlalchemy import bindparam, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables import subscriptions as tables
from cityos_adapters.sql.tables.subscriptions import IS_INCOMPLETE, plans
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import PlanId, SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.time import Anchor
from cityos_core.subscriptions.model import Quantities, Subscription
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.terms import Collection, Subscriber

_p = plans.c
_PLANS: Final = select(plans).where(_p.tenant_id == OWNER)
_PLAN: Final = _PLANS.where(_p.id == ID)
_NAMED: Final = _PLANS.where(_p.handle == bindparam("wanted"))
_SEVERAL: Final = _PLANS.where(among(_p.id))
_NEW_PLAN: Final = growth(plans)


@frozen
class SqlPlans:
    """Plans by id and handle."""

    session: Session

    def add(self, plan: Plan) -> None:
        self.session.require_own(plan.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW_PLAN, [_plan_row(plan)]))

    def get(self, plan_id: PlanId) -> Plan:
        row = self.session.first(_PLAN, id_=plan_id)
        if row is None:
            raise NotFound("plan_not_found", f"there is no plan {plan_id}")
        return _plan(row)

    def named(self, handle: str) -> Plan:
        row = self.session.first(_NAMED, wanted=handle)
        if row is None:
            raise NotFound("plan_not_found", f"there is no plan {handle}")
        return _plan(row)

    def many(self, plan_ids: Iterable[PlanId]) -> Mapping[PlanId, Plan]:
        found = map(_plan, self.session.all(_SEVERAL, ids=set(plan_ids)))
        return {plan.id: plan for plan in found}

    def save(self, plan: Plan) -> None:
        self.session.require_own(plan.tenant_id)
        with self.session.whole():
            self.session.save(plans, [_plan_row(plan)])

    def page(self, request: PageRequest) -> Page[Plan]:
        return page(self.session, _PLANS, (_p.handle,), request, lambda rows: [_plan(row) for row in rows])


def _plan_row(plan: Plan) -> Values:
    return {
        "tenant_id": plan.tenant_id,
        "id": plan.id,
        "version": plan.version,
        "handle": plan.handle,
        "name": plan.name,
        "currency": plan.currency,
        "interval": plan.interval,
        "count": plan.count,
        "plan_items": plan.items,
        "trial_days": plan.trial_days,
        "catch_up": plan.catch_up,
        "late_usage": plan.late_usage,
        "dunning": plan.dunning,
        "proration": plan.proration,
        "created_at": plan.created_at,
        "retired_at": plan.retired_at,
    }


def _plan(row: AnyRow) -> Plan:
    return Plan(
        id=row.id,
        tenant_id=row.tenant_id,
        handle=row.handle,
        name=row.name,
        currency=row.currency,
        interval=row.interval,
        count=row.count,
        items=row.plan_items,
        trial_days=row.trial_days,
        catch_up=row.catch_up,
        late_usage=row.late_usage,
        dunning=row.dunning,
        proration=row.proration,
        created_at=row.created_at,
        retired_at=row.retired_at,
        version=row.version,
    )


_s = tables.subscriptions.c
_SUBSCRIPTIONS: Final = select(tables.subscriptions).where(_s.tenant_id == OWNER)
_ONE: Final = _SUBSCRIPTIONS.where(_s.id == ID)
_HOLD_ONE: Final = _ONE.with_for_update(key_share=True)
_MANY: Final = _SUBSCRIPTIONS.where(among(_s.id)).order_by(_s.id)
_HOLD_MANY: Final = _MANY.with_for_update(key_share=True)
_NEW: Final = growth(tables.subscriptions)
_ABANDONED: Final = (
    select(_s.id)
    .where(_s.tenant_id == OWNER, IS_INCOMPLETE, _s.created_at < bindparam("before", type_=Instant()))
    .order_by(_s.created_at, _s.id)
    .limit(bindparam("most"))
)


@frozen
class SqlSubscriptions:
    """Subscriptions by id."""

    session: Session

    def add(self, subscription: Subscription) -> None:
        self.session.require_own(subscription.tenant_id)
        self.session.grow((_NEW, [_subscription_row(subscription)]))

    def get(self, subscription_id: SubscriptionId, *, lock: bool = False) -> Subscription:
        read, statement = (self.session.lock, _HOLD_ONE) if lock else (self.session.all, _ONE)
        for row in read(statement, id_=subscription_id):
            return _subscription(row)
        raise NotFound("subscription_not_found", f"there is no subscription {subscription_id}")

    def many(
        self, subscription_ids: Iterable[SubscriptionId], *, lock: bool = False
    ) -> Mapping[SubscriptionId, Subscription]:
        read, statement = (self.session.lock, _HOLD_MANY) if lock else (self.session.all, _MANY)
        found = map(_subscription, read(statement, ids=set(subscription_ids)))
        return {subscription.id: subscription for subscription in found}

    def save(self, subscriptions: Sequence[Subscription]) -> None:
        for subscription in subscriptions:
            self.session.require_own(subscription.tenant_id)
        self.session.save(tables.subscriptions, [_subscription_row(subscription) for subscription in subscriptions])

    def page(self, where: SubscriptionFilter, request: PageRequest) -> Page[Subscription]:
        given = ((_s.status, where.status), (_s.subscriber, where.subscriber), (_s.plan_id, where.plan))
        statement = _SUBSCRIPTIONS.where(*(column == value for column, value in given if value is not None))
        keys = (_s.created_at, _s.id)
        return page(self.session, statement, keys, request, lambda rows: [_subscription(row) for row in rows])

    def abandoned(self, before: datetime, *, limit: int) -> list[SubscriptionId]:
        return [row.id for row in self.session.all(_ABANDONED, before=before, most=limit)]


def _subscription_row(subscription: Subscription) -> Values:
    return {
        "tenant_id": subscription.tenant_id,
        "id": subscription.id,
        "version": subscription.version,
        "store_id": subscription.store_id,
        "subscriber_kind": subscription.subscriber.kind,
        "subscriber": subscription.subscriber.reference,
        "plan_id": subscription.plan_id,
        "currency": subscription.currency,
        "quantities": dict(subscription.quantities),
        "discounts": subscription.discounts,
        "tax": subscription.tax,
        "collection_method": subscription.collection.method,
        "terms_days": subscription.collection.terms_days,
        "payment_method": subscription.payment_method,
        "status": subscription.status,
        "anchor_local": subscription.anchor.local.isoformat(),
        "anchor_zone": subscription.anchor.zone,
        "anchor_interval": subscription.anchor.interval,
        "anchor_count": subscription.anchor.count,
        "first_cycle": subscription.first_cycle,
        "next_cycle": subscription.next_cycle,
        "trial_ends_at": subscription.trial_ends_at,
        "cancellation": subscription.cancellation,
        "scheduled": subscription.scheduled,
        "paused_at": subscription.paused_at,
        "created_at": subscription.created_at,
        "ended_at": subscription.ended_at,
    }


def _subscription(row: AnyRow) -> Subscription:
    return Subscription(
        id=row.id,
        tenant_id=row.tenant_id,
        store_id=row.store_id,
        subscriber=Subscriber(row.subscriber_kind, row.subscriber),
        plan_id=row.plan_id,
        currency=row.currency,
        quantities=cast("Quantities", row.quantities),
        discounts=row.discounts,
        tax=row.tax,
        collection=Collection(method=row.collection_method, terms_days=row.terms_days),
        payment_method=row.payment_method,
        status=row.status,
        anchor=Anchor(
            local=datetime.fromisoformat(row.anchor_local),
            zone=row.anchor_zone,
            interval=row.anchor_interval,
            count=row.anchor_count,
        ),
        first_cycle=row.first_cycle,
        next_cycle=row.next_cycle,
        trial_ends_at=row.trial_ends_at,
        cancellation=row.cancellation,
        scheduled=row.scheduled,
        paused_at=row.paused_at,
        created_at=row.created_at,
        ended_at=row.ended_at,
        version=row.version,
    )
