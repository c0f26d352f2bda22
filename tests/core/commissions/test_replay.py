"""Replaying past sales: the same rules change nothing, volumes grow as they did, nothing is kept but sums."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import (
    Circumstances,
    CommissionEntry,
    EntryKind,
    SaleLine,
    VolumeWindow,
)
from cityos_core.commissions.replay import ReplayReport, replay
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Basis, FloorPolicy, Rule, VolumePeriod
from cityos_core.commissions.volumes import RunningVolumes
from cityos_core.commissions.windows import interval
from cityos_core.kernel.ids import OrderId, OrderLineId, VendorId, VendorOrderId
from cityos_core.testing import START, SequentialIdentifiers
from cityos_core.testing.commissions import HIERARCHY, flat, rule, sale, sold, tiered

IDS = SequentialIdentifiers()
HOUR = timedelta(hours=1)


def entries(*lines: SaleLine, at: datetime = START, by: Rule | None = None) -> list[CommissionEntry]:
    """One order's transactions, decided by a rule."""
    order, reference = IDS.new(), str(IDS.new())
    decided = decide(RuleBook.of([by or rule()]), sale(*lines, at=at))
    return [
        CommissionEntry(
            id=IDS.new(),
            order_id=OrderId(order),
            order_reference=reference,
            vendor_order_id=VendorOrderId(order),
            line_id=OrderLineId(IDS.new()),
            line_reference=line.reference,
            vendor_id=VendorId(UUID(int=0)),
            vendor=line.vendor,
            sku=line.sku,
            category=line.category,
            kind=EntryKind.SALE,
            occurred_at=at,
            currency=one.currency,
            gross=line.gross,
            discounts=0,
            funding=0,
            shipping=0,
            tax=0,
            commission=one.amount,
            commission_tax=one.tax,
            net=line.gross - one.amount - one.tax,
            volume=line.gross,
            journal_key="",
            line=one,
            sale=line,
            circumstances=Circumstances(hierarchy=HIERARCHY),
        )
        for line, one in zip(lines, decided, strict=True)
    ]


def replayed(past: list[CommissionEntry], *rules: Rule, since: datetime | None = None) -> ReplayReport:
    """Replay by other rules."""
    return replay(RuleBook.of(rules), past, since=since)


def test_changes() -> None:
    """The change is told per vendor, per category and in all."""
    past = [
        *entries(sold(category="a"), sold("50.00", vendor="birch", category="b")),
        *entries(sold("10.00"), at=START + HOUR),
    ]
    report = replayed(past, rule(rate="5", tax="21"), rule("Birch", "vendor", "birch", rate="20"))
    assert [(c.name, c.lines, c.before.text, c.after.text, c.change.text) for c in report.vendors] == [
        ("acme", 2, "11.00", "5.50", "-5.50"),
        ("birch", 1, "5.00", "10.00", "5.00"),
    ]
    assert [(c.name, c.lines, c.change.text) for c in report.categories] == [
        ("", 1, "-0.50"),
        ("a", 1, "-5.00"),
        ("b", 1, "5.00"),
    ]
    (total,) = report.totals
    assert (total.lines, total.before.text, total.after.text, total.tax_after.text) == (3, "16.00", "15.50", "1.16")
    assert (report.orders, report.refused, report.unknown_lines) == (2, 0, 0)


def test_refunds_and_lost_facts() -> None:
    """Refunds are left out; lines whose facts were not kept are counted and in no sum."""
    (kept, lost) = entries(sold(), sold(reference="2"))
    back = evolve(kept, kind=EntryKind.REVERSAL, commission=-500, volume=0)
    report = replayed([kept, evolve(lost, sale=None), back], rule(rate="5"))
    assert (report.totals[0].lines, report.totals[0].after.text, report.unknown_lines) == (1, "5.00", 1)


def test_refused() -> None:
    """Orders that the other rules would refuse are named, and in no sum."""
    strict = rule("Strict", rate=flat("0", ("50.00", "line")), floor_policy=FloorPolicy.REFUSE)
    past = [*entries(sold("10.00")), *entries(sold("60.00"))]
    report = replayed(past, strict)
    assert (report.orders, report.refused, report.totals[0].lines) == (2, 1, 1)
    assert report.refusals[0].order == past[0].order_reference
    assert "Strict" in report.refusals[0].reason


def test_since() -> None:
    """Sales before the beginning only count towards volumes."""
    monthly = rule(rate=tiered(("100.00", "10"), (None, "20"), basis=Basis.PERIOD, period=VolumePeriod.MONTH))
    past = [*entries(sold("80.00")), *entries(sold("40.00"), at=START + HOUR)]
    report = replayed(past, monthly, since=START + HOUR)
    assert (report.orders, report.totals[0].after.text) == (1, "6.00")


def test_interleaved_orders() -> None:
    """Orders placed at one instant are decided apart, whatever the order of their transactions."""
    first, second = entries(sold(), sold(reference="2")), entries(sold(), sold(reference="2"))
    fee = rule(rate=flat("0", ("1.00", "order")))
    mixed = [first[0], second[0], first[1], second[1]]
    assert replayed(mixed, fee).totals[0].after.text == "2.00"


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 30000)), min_size=1, max_size=12))
@settings(max_examples=40)
def test_volumes_grow_as_they_did(sales: list[tuple[int, int]]) -> None:
    """The running volume of every window is the sum over its interval, of what came before."""
    windows = (
        *(VolumeWindow(period=period) for period in (VolumePeriod.MONTH, VolumePeriod.QUARTER, VolumePeriod.YEAR)),
        VolumeWindow(period=VolumePeriod.ROLLING, days=7),
    )
    zone, start = "Europe/Paris", datetime(2025, 11, 20, 22, 30, tzinfo=UTC)
    volumes, done = RunningVolumes(windows, zone), list[tuple[datetime, int]]()
    for days, amount in sorted(sales):
        at = start + timedelta(days=days)
        for window in windows:
            since, before = interval(window, at, zone)
            expected = sum(volume for moment, volume in done if since <= moment <= before)
            assert volumes.before("acme", "EUR", window, at) == expected
        volumes.add("acme", "EUR", at, amount)
        done.append((at, amount))
    assert volumes.before("birch", "EUR", windows[0], start) == 0
