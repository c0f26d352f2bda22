"""Volume windows: which are needed, and between which instants they lie."""

from datetime import UTC, datetime, timedelta

import pytest

from cityos_core.commissions.lines import VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Basis, Rule, VolumePeriod
from cityos_core.commissions.windows import interval, windows
from cityos_core.testing import START
from cityos_core.testing.commissions import rule, tiered

AT = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)


def climbing(name: str, period: str, days: int | None = None, currency: str = "EUR") -> Rule:
    """A rule whose tiers climb with a period's volume."""
    rate = tiered((None, "10"), basis=Basis.PERIOD, period=VolumePeriod(period), days=days, currency=currency)
    return rule(name, rate=rate)


@pytest.mark.parametrize(
    ("period", "days", "zone", "since"),
    [
        ("month", None, "UTC", "2026-05-01T00:00:00+00:00"),
        ("month", None, "Europe/Paris", "2026-05-31T22:00:00+00:00"),
        ("month", None, "America/New_York", "2026-05-01T04:00:00+00:00"),
        ("quarter", None, "UTC", "2026-04-01T00:00:00+00:00"),
        ("quarter", None, "Europe/Paris", "2026-03-31T22:00:00+00:00"),
        ("year", None, "Europe/Paris", "2025-12-31T23:00:00+00:00"),
        ("rolling", 1, "UTC", "2026-05-30T22:30:00+00:00"),
        ("rolling", 90, "Europe/Paris", "2026-03-02T23:30:00+00:00"),
    ],
)
def test_interval(period: str, days: int | None, zone: str, since: str) -> None:
    """Periods begin at midnight in the tenant's time zone, rolling ones the same wall-clock time some days before."""
    window = VolumeWindow(period=VolumePeriod(period), days=days)
    assert interval(window, AT, zone) == (datetime.fromisoformat(since), AT)


def test_needed_windows() -> None:
    """Only windows of valid rules in the sale's currency are needed, each once."""
    ended = rule(
        rate=tiered((None, "1"), basis=Basis.PERIOD, period=VolumePeriod.YEAR), valid_until=START - timedelta(days=1)
    )
    book = RuleBook.of(
        [
            climbing("A", "month"),
            climbing("B", "month"),
            climbing("C", "rolling", 30),
            climbing("D", "quarter", currency="USD"),
            ended,
            rule(),
        ]
    )
    month, rolling = VolumeWindow(period=VolumePeriod.MONTH), VolumeWindow(period=VolumePeriod.ROLLING, days=30)
    assert windows(book, currency="EUR", at=START) == (month, rolling)
    assert windows(RuleBook.of([rule()]), currency="EUR", at=START) == ()
