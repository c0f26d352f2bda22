"""Usage as it is reported, and as it stands."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import LIMIT
from cityos_core.subscriptions.recording_usage import MOST_RECORDS, Report
from cityos_core.subscriptions.usage import LONGEST_KEY, UsageRecord
from cityos_http.schema import about


@frozen(kw_only=True)
class UsageReport:
    """So much was used; reported again under its key it counts once."""

    key: str = field(metadata=about("Unique in the subscription.", example="2026-01-05/7", least=1, most=LONGEST_KEY))
    item: str = field(metadata=about("A metered item of the plan, by its key.", example="calls"))
    quantity: Fraction = field(metadata=about("How much, exactly.", example="2.5"))
    used_at: datetime

    @key.validator
    def _check_key(self, _attribute: object, value: str) -> None:
        if not value.strip() or len(value) > LONGEST_KEY:
            raise Invalid.at("$.key", "key", f"a usage key has one to {LONGEST_KEY} characters, and not only spaces")

    @quantity.validator
    def _check_quantity(self, _attribute: object, value: Fraction) -> None:
        if not 0 <= value < LIMIT:
            raise Invalid.at("$.quantity", "negative_quantity", "usage is zero or more, and fits 64 bits")


@frozen(kw_only=True)
class UsageRequest:
    """What was used by one subscription: all of it is taken, or nothing."""

    records: tuple[UsageReport, ...] = field(metadata=about("What was used.", least=1, most=MOST_RECORDS))

    @records.validator
    def _check_records(self, _attribute: object, value: tuple[UsageReport, ...]) -> None:
        if not 1 <= len(value) <= MOST_RECORDS:
            raise Invalid.at("$.records", "records", f"1 to {MOST_RECORDS} records are taken at a time")

    @property
    def reports(self) -> list[Report]:
        """What the use case takes."""
        return [(one.key, one.item, one.quantity, one.used_at) for one in self.records]


@frozen(kw_only=True)
class MeterRequest(UsageRequest):
    """What was used by one subscription, as its meter says."""

    subscription: SubscriptionId


@frozen(kw_only=True)
class UsageRecordView:
    """A report as it stands."""

    key: str
    item: str
    quantity: Fraction
    used_at: datetime
    recorded_at: datetime
    counts_at: datetime = field(metadata=about("The instant whose period it is priced in."))
    is_late: bool = field(metadata=about("Whether that period was billed before it came."))

    @classmethod
    def of(cls, record: UsageRecord) -> Self:
        """Show a record."""
        return cls(
            key=record.key,
            item=record.item,
            quantity=record.quantity,
            used_at=record.used_at,
            recorded_at=record.recorded_at,
            counts_at=record.counts_at,
            is_late=record.is_late,
        )


@frozen(kw_only=True)
class UsageView:
    """The reports of a batch as they stand, in its order."""

    records: tuple[UsageRecordView, ...]

    @classmethod
    def of(cls, records: Iterable[UsageRecord]) -> Self:
        """Show records."""
        return cls(records=tuple(map(UsageRecordView.of, records)))
