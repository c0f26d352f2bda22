"""Usage as it is reported, in batches: each report once, and into the period it belongs to."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.decimals import fraction
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus, SkipReason
from cityos_core.subscriptions.model import BILLED, Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.usage import UsageRecord, counts_at
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MOST_RECORDS: Final = 1000
"""Records that are taken at a time."""

MOMENT: Final = timedelta(microseconds=1)
"""The shortest time there is."""

LEFT_OUT: Final = frozenset({SkipReason.CATCH_UP.value, SkipReason.BY_HAND.value})
"""Why a cycle was skipped with all that its invoice would have had: usage of the period before it, too."""

Quantity = int | Fraction | Decimal | str
"""How much was used, exactly; as text it is a decimal number."""

Report = tuple[str, str, Quantity, datetime]
"""A key, the item, how much of it was used, and when."""


@frozen
class RecordUsage:
    """Write down what was used, a batch at a time, all of it or nothing; what is reported again under its key counts once.

    What belongs to a period that was billed already follows the plan's policy for late usage.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, records: Sequence[Report]
    ) -> list[UsageRecord]:
        """Give the records that stand, in the order of the reports.

        ``Conflict("usage_key_reused")`` if a key came with other content, ``Refused("usage_late")`` if the plan takes
        none, ``Refused("not_billed")`` for a time that is never billed, ``Conflict("invalid_state")`` if the
        subscription has not begun or is over.
        """
        if len(records) > MOST_RECORDS:
            raise Invalid(
                "too_many_records", f"at most {MOST_RECORDS} records are taken at a time; send several batches"
            )
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            held = uow.subscriptions.get(subscription_id, lock=True)
            reported = [_record(held, report, number, now) for number, report in enumerate(records)]
            known = uow.usage.find(held.id, {one.key for one in reported})
            first = _first_of_each(reported, known)
            added = _Meter.of(uow, held, now).placed(first) if first else []
            standing = {**known, **{one.key: one for one in added}}
            for one in reported:
                standing[one.key].check_same(one)
            if added:
                uow.usage.add(added)
                commit(uow, (), "subscriptions.record_usage")
        return [standing[one.key] for one in reported]


def _record(held: Subscription, report: Report, number: int, now: datetime) -> UsageRecord:
    key, item, quantity, used_at = report
    return UsageRecord(
        tenant_id=held.tenant_id,
        subscription_id=held.id,
        key=key,
        item=item,
        quantity=exact(quantity, path=f"$.records[{number}].quantity"),
        used_at=used_at,
        recorded_at=now,
        counts_at=used_at,
    )


def exact(quantity: Quantity, *, path: str) -> Fraction:
    """Take a quantity as the exact number it is; a float is refused, for it is not."""
    if isinstance(quantity, Decimal) and quantity.is_finite():
        quantity = format(quantity, "f")
    if isinstance(quantity, str):
        try:
            return fraction(quantity, what="a quantity")
        except Invalid as mistake:
            raise Invalid.at(path, mistake.code, mistake.detail) from None
    if type(quantity) not in (int, Fraction):
        raise Invalid.at(
            path, "not_exact", 'a quantity is a whole number, a fraction or a decimal string such as "2.5"'
        )
    return Fraction(quantity)


def _first_of_each(reported: Sequence[UsageRecord], known: Mapping[str, UsageRecord]) -> list[UsageRecord]:
    first: dict[str, UsageRecord] = {}
    for one in reported:
        if one.key not in known:
            first.setdefault(one.key, one)
    return list(first.values())


@frozen(kw_only=True)
class _Meter:
    """Where usage of a subscription belongs, as things stand now."""

    uow: UnitOfWork
    subscription: Subscription
    plan: Plan
    current: BillingCycle | None
    now: datetime

    @classmethod
    def of(cls, uow: UnitOfWork, held: Subscription, now: datetime) -> "_Meter":
        """Read a subscription's meter; ``Conflict("invalid_state")`` if nothing it uses is billed."""
        if held.status in OVER or held.status is SubscriptionStatus.INCOMPLETE:
            when = "again once it is paid" if held.status is SubscriptionStatus.INCOMPLETE else "to another one"
            detail = f"a subscription that is {held.status.value} takes no usage; report it {when}"
            raise Conflict("invalid_state", detail, current_state=held.status.value)
        rows = {row.index: row for row in uow.cycles.of([held.id], last=2)}
        return cls(
            uow=uow,
            subscription=held,
            plan=uow.plans.get(held.plan_id),
            current=rows.get(held.next_cycle - 1),
            now=now,
        )

    def placed(self, records: Sequence[UsageRecord]) -> list[UsageRecord]:
        """Say in which period each counts, and whether that was billed before."""
        since = self._open_since
        placed = [evolve(one, counts_at=self._counts_at(one, since)) for one in records]
        if all(one.counts_at >= since for one in placed):
            return placed
        billed = self.uow.cycles.of([self.subscription.id])
        return [evolve(one, is_late=one.counts_at < since and _is_within(billed, one)) for one in placed]

    @property
    def _open_since(self) -> datetime:
        return self.subscription.created_at if self.current is None else self.current.starts_at

    @property
    def _closed_at(self) -> datetime | None:
        """Since when nothing is billed: it ends with its period, is paused, or rests because it was not paid."""
        held = self.subscription
        if held.status in BILLED or self.current is None:
            return held.ends_at
        return self.current.ends_at if held.paused_at is None else held.paused_at

    def _counts_at(self, record: UsageRecord, since: datetime) -> datetime:
        held, closed_at, now = self.subscription, self._closed_at, self.now
        if record.used_at < held.created_at:
            raise Refused("not_billed", f"usage {record.key!r} is from before the subscription began; leave it out")
        if closed_at is not None and record.used_at <= now:
            if record.used_at >= closed_at:
                detail = f"usage {record.key!r} is from after {closed_at.isoformat()}, since when nothing is billed"
                raise Refused("not_billed", f"{detail}; leave it out")
            now = min(now, closed_at - MOMENT)
        is_trial = held.trial_ends_at is not None and record.used_at < held.trial_ends_at
        open_since = held.created_at if is_trial else since
        return counts_at(self.plan, record.item, used_at=record.used_at, now=now, open_since=open_since)


def _is_within(cycles: Sequence[BillingCycle], record: UsageRecord) -> bool:
    """Tell whether a record lies in a cycle that is priced again: not in one that rested, or whose usage was left out."""
    left_out = {
        one.index - 1 if one.reason in LEFT_OUT else one.index for one in cycles if one.status is CycleStatus.SKIPPED
    }
    return any(one.starts_at <= record.counts_at < one.ends_at and one.index not in left_out for one in cycles)
