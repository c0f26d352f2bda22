"""Payout runs: who is paid, who is not and why, and what a dry run shows."""

from datetime import timedelta

import pytest
from attrs import evolve

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel.money import Money
from cityos_core.payouts.events import PayoutPaid, PayoutPending
from cityos_core.payouts.model import Decision, PayoutStatus, SkipReason
from cityos_core.vendors.model import VendorStatus
from usecases.town import code
from usecases.treasury import Treasury, eur


@pytest.fixture
def treasury() -> Treasury:
    """A tenant without vendors."""
    return Treasury.open()


def left_out(treasury: Treasury) -> dict[str, SkipReason]:
    """Run, and tell who was left out."""
    return {skipped.vendor: skipped.reason for skipped in treasury.payouts.run(treasury.scope).skipped}


def test_a_run_pays_what_is_available(treasury: Treasury) -> None:
    """Every vendor gets its available money, in one batch; what is pending or reserved stays."""
    treasury.vendor("acme", "100.00")
    treasury.vendor("birch", "50.00")
    treasury.earn("acme", eur("7.00"), "pending")
    treasury.earn("acme", eur("8.00"), "reserve")
    run = treasury.payouts.run(treasury.scope)
    assert (run.count, run.totals, run.left_out) == (2, (eur("150.00"),), {})
    assert {payout.batch_id for payout in treasury.all()} == {run.batch_id}
    assert {payout.status for payout in treasury.all()} == {PayoutStatus.PAID}
    assert treasury.provider.paid("EUR") == eur("150.00")
    assert treasury.holds("gateway:memory:available") == eur("-150.00")
    assert [treasury.balance("acme", state).text for state in ("available", "in_payout", "pending", "reserve")] == [
        "0.00",
        "0.00",
        "7.00",
        "8.00",
    ]
    treasury.audit()


def test_one_payout_per_vendor_and_currency(treasury: Treasury) -> None:
    """Currencies never mix: each is paid on its own, with its own minimum."""
    treasury.vendor("acme", "100.00")
    treasury.earn("acme", Money.of("5000", "JPY"))
    treasury.earn("acme", Money.of("3.00", "USD"))
    treasury.settings.set(treasury.scope, "payout_minimums", {"USD": "10.00", "JPY": "5000"})
    run = treasury.payouts.run(treasury.scope)
    assert run.totals == (eur("100.00"), Money.of("5000", "JPY"))
    assert [(skipped.amount.currency, skipped.reason) for skipped in run.skipped] == [("USD", SkipReason.BELOW_MINIMUM)]


def test_why_vendors_are_left_out(treasury: Treasury) -> None:
    """Each reason is reported, the money stays where it is, and the batch remembers."""
    treasury.vendor("a-owes", "10.00")
    treasury.earn("a-owes", eur("25.00"), "debt")
    treasury.vendor("b-owes-only")
    treasury.earn("b-owes-only", eur("5.00"), "debt")
    treasury.vendor("c-suspended", "10.00", status=VendorStatus.SUSPENDED)
    vendor = treasury.vendor("d-unverified", "10.00")
    assert vendor.payout_account is not None
    treasury.change("d-unverified", payout_account=evolve(vendor.payout_account, verified=False))
    treasury.vendor("e-elsewhere", "10.00", method="pigeon")
    treasury.vendor("f-manual", "10.00", payout_schedule="manual")
    treasury.vendor("g-small", "10.00")
    treasury.settings.set(treasury.scope, "payout_minimums", {"EUR": "10.01"})
    expected = {
        "a-owes": SkipReason.OWES,
        "b-owes-only": SkipReason.OWES,
        "c-suspended": SkipReason.NOT_APPROVED,
        "d-unverified": SkipReason.ACCOUNT_NOT_VERIFIED,
        "e-elsewhere": SkipReason.METHOD_NOT_CONFIGURED,
        "f-manual": SkipReason.NOT_DUE,
        "g-small": SkipReason.BELOW_MINIMUM,
    }
    assert left_out(treasury) == expected
    (batch,) = treasury.batches()
    assert (batch.payouts, {skipped.vendor: skipped.reason for skipped in batch.skipped}) == (0, expected)
    assert treasury.all() == []
    assert treasury.balance("g-small") == eur("10.00")


def test_debt_is_paid_off_first(treasury: Treasury) -> None:
    """What a vendor owes is netted in the journal that sets its payout aside."""
    treasury.vendor("acme", "100.00")
    treasury.earn("acme", eur("30.00"), "debt")
    treasury.payouts.run(treasury.scope)
    assert treasury.only().amount == eur("70.00")
    assert (treasury.balance("acme"), treasury.balance("acme", "debt")) == (eur("0.00"), eur("0.00"))
    treasury.audit()


def test_special_currencies_carry_the_rest(treasury: Treasury) -> None:
    """Forint are paid in whole units; the rest waits for the next payout."""
    treasury.vendor("acme")
    treasury.earn("acme", Money.of("1234.56", "HUF"))
    treasury.payouts.run(treasury.scope)
    assert treasury.only().amount == Money.of("1234.00", "HUF")
    assert treasury.balance("acme", currency="HUF") == Money.of("0.56", "HUF")
    assert left_out(treasury) == {"acme": SkipReason.BELOW_MINIMUM}
    treasury.earn("acme", Money.of("0.44", "HUF"))
    treasury.payouts.run(treasury.scope)
    assert treasury.balance("acme", currency="HUF") == Money.of("0.00", "HUF")


def test_a_dry_run_changes_nothing(treasury: Treasury) -> None:
    """It shows exactly what a run then does, and leaves no payout, batch, journal or event."""
    treasury.vendor("acme", "100.00")
    treasury.earn("acme", eur("30.00"), "debt")
    treasury.vendor("birch", "10.00", payout_schedule="manual")
    journals, events = len(list(treasury.ledger.export(treasury.scope))), len(treasury.memory.outbox)
    dry = treasury.payouts.run(treasury.scope, dry_run=True)
    assert dry.is_dry
    assert (treasury.all(), treasury.batches(), treasury.provider.calls) == ([], [], 0)
    assert len(list(treasury.ledger.export(treasury.scope))) == journals
    assert len(treasury.memory.outbox) == events
    wet = treasury.payouts.run(treasury.scope)
    assert (dry.payouts, dry.skipped, dry.totals) == (wet.payouts, wet.skipped, wet.totals)
    (planned,) = wet.payouts
    assert (planned.amount, planned.netted) == (eur("70.00"), eur("30.00"))


def test_decisions_one_by_one(treasury: Treasury) -> None:
    """A caller that takes the decisions one by one gets them all, and the result holds only sums."""
    for number in range(120):
        treasury.vendor(f"v{number}", "1.00")
    taken: list[Decision] = []
    run = treasury.payouts.run(treasury.scope, each=taken.append)
    assert (len(taken), run.count, run.payouts, run.skipped) == (120, 120, (), ())
    assert run.totals == (eur("120.00"),)
    assert [batch.payouts for batch in treasury.batches()] == [120]


def test_a_batch_remembers_a_hundred(treasury: Treasury) -> None:
    """However many vendors are left out, a batch stays small."""
    for number in range(130):
        treasury.vendor(f"v{number}", "1.00", payout_schedule="manual")
    run = treasury.payouts.run(treasury.scope)
    assert run.left_out == {SkipReason.NOT_DUE: 130}
    assert [len(batch.skipped) for batch in treasury.batches()] == [100]


def test_a_run_over_some_vendors(treasury: Treasury) -> None:
    """Named vendors are paid, in all their currencies, or told why not; the others wait."""
    for handle in ("acme", "birch", "cedar"):
        treasury.vendor(handle, "10.00")
    treasury.earn("birch", Money.of("9.00", "USD"))
    treasury.vendor("dry")
    run = treasury.payouts.run(treasury.scope, vendors=["birch", "dry"])
    assert [(payout.vendor, payout.amount.currency) for payout in run.payouts] == [("birch", "EUR"), ("birch", "USD")]
    assert [(skipped.vendor, skipped.reason) for skipped in run.skipped] == [("dry", SkipReason.NOTHING_AVAILABLE)]
    assert treasury.balance("acme") == eur("10.00")
    assert code(lambda: treasury.payouts.run(treasury.scope, vendors=["nobody"])) == "vendor_not_found"


def test_weekly_vendors_are_paid_once_a_week(treasury: Treasury) -> None:
    """A vendor paid on Fridays waits for Friday, is paid by the first run of it, and then waits for the next."""
    treasury.vendor("acme", "10.00", payout_schedule="weekly:5")
    assert left_out(treasury) == {"acme": SkipReason.NOT_DUE}
    treasury.wait(days=4)
    treasury.payouts.run(treasury.scope)
    assert treasury.only().status is PayoutStatus.PAID
    treasury.earn("acme", eur("5.00"))
    assert left_out(treasury) == {"acme": SkipReason.NOT_DUE}
    treasury.wait(days=7)
    assert left_out(treasury) == {}


def test_a_missed_pay_day_is_made_up_for(treasury: Treasury) -> None:
    """If no run took place on the pay day, the next one pays."""
    treasury.vendor("acme", "10.00", payout_schedule="monthly:31")
    treasury.payouts.run(treasury.scope)
    treasury.wait(days=28)
    assert left_out(treasury) == {}
    assert treasury.only().created_at.day == 2


def test_a_run_over_some_does_not_use_up_a_pay_day(treasury: Treasury) -> None:
    """Only a run that looked at everybody settles a pay day for everybody."""
    for handle in ("acme", "birch"):
        treasury.vendor(handle, "10.00", payout_schedule="weekly:1")
    treasury.payouts.run(treasury.scope, vendors=["acme"])
    assert treasury.balance("birch") == eur("10.00")
    treasury.payouts.run(treasury.scope)
    assert treasury.balance("birch") == eur("0.00")


def test_the_tenants_time_zone_counts() -> None:
    """A pay day begins at midnight where the tenant is."""
    treasury = Treasury.open(time_zone="Pacific/Auckland")
    treasury.vendor("acme", "10.00", payout_schedule="weekly:5")
    treasury.clock.advance(timedelta(days=3, hours=1))
    assert left_out(treasury) == {"acme": SkipReason.NOT_DUE}
    treasury.clock.advance(timedelta(hours=1))
    assert left_out(treasury) == {}


def test_the_tenants_schedule_is_inherited(treasury: Treasury) -> None:
    """A vendor without a schedule of its own follows the tenant's."""
    treasury.settings.set(treasury.scope, "payout_schedule", "manual")
    treasury.vendor("acme", "10.00")
    treasury.vendor("birch", "10.00", payout_schedule="daily")
    assert left_out(treasury) == {"acme": SkipReason.NOT_DUE}
    assert treasury.only().vendor == "birch"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"cadence": "weekly", "weekday": 5}, {"acme": SkipReason.NOT_DUE}),
        ({"cadence": "weekly", "weekday": 1}, {}),
        ({"cadence": "monthly", "day": 5}, {}),
        ({"cadence": "monthly", "day": 6}, {"acme": SkipReason.NOT_DUE}),
    ],
)
def test_a_schedule_in_parts(treasury: Treasury, value: dict[str, str | int], expected: dict[str, SkipReason]) -> None:
    """A schedule may be set as a cadence with its day; parts that do not go together are refused."""
    treasury.settings.set(treasury.scope, "payout_schedule", dict(value))
    treasury.vendor("acme", "10.00")
    assert left_out(treasury) == expected
    put = treasury.settings.set
    assert code(lambda: put(treasury.scope, "payout_schedule", {"cadence": "daily", "day": 3})) == "invalid_setting"


def test_commission_transactions_follow_their_payout(treasury: Treasury) -> None:
    """What a payout covers is paid when it is paid."""
    treasury.vendor("acme", "10.00")
    treasury.vendor("birch", "10.00", payout_schedule="manual")
    treasury.payouts.run(treasury.scope)
    assert (treasury.entries("acme"), treasury.entries("birch")) == ([EntryStatus.PAID], [EntryStatus.APPROVED])


def test_events_tell_the_story(treasury: Treasury) -> None:
    """A payout's events name its vendor, amount, batch and reference."""
    treasury.vendor("acme", "10.00")
    run = treasury.payouts.run(treasury.scope)
    told = [event for event in treasury.memory.outbox if event.name.startswith("payout.")]
    assert [event.name for event in told] == ["payout.pending", "payout.processing", "payout.paid"]
    assert isinstance(told[0], PayoutPending)
    assert isinstance(told[-1], PayoutPaid)
    assert (told[-1].vendor, told[-1].amount, told[-1].batch) == ("acme", eur("10.00"), run.batch_id)
    assert told[-1].reference == treasury.only().reference


def test_a_second_run_pays_nothing_again(treasury: Treasury) -> None:
    """Run after run, a vendor is paid what came in since."""
    treasury.vendor("acme", "10.00")
    treasury.payouts.run(treasury.scope)
    treasury.payouts.run(treasury.scope)
    assert len(treasury.all()) == 1
    treasury.earn("acme", eur("2.00"))
    treasury.payouts.run(treasury.scope)
    assert treasury.provider.paid("EUR") == eur("12.00")
    treasury.audit()
