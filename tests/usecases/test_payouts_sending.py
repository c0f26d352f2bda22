"""Sending payouts: every answer a provider can give, and everything that can be done about it."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Payout, PayoutStatus, Transfer, TransferResult
from cityos_core.payouts.service import PayoutUseCases
from cityos_core.vendors.model import PayoutAccount, VendorStatus
from usecases.town import code
from usecases.treasury import Treasury, eur


@pytest.fixture
def treasury() -> Treasury:
    """One vendor with 100.00 available."""
    opened = Treasury.open()
    opened.vendor("acme", "100.00")
    return opened


def run(treasury: Treasury, *behaviours: Behaviour) -> Payout:
    """Run with a script, and give the payout that came of it."""
    treasury.provider.script(*behaviours)
    treasury.payouts.run(treasury.scope)
    return treasury.only()


def process(treasury: Treasury) -> Payout:
    """Send again what is due, and give the payout."""
    treasury.payouts.process(treasury.scope)
    return treasury.only()


def where(treasury: Treasury) -> tuple[str, str]:
    """Tell what the vendor has available and on its way."""
    return treasury.balance("acme").text, treasury.balance("acme", "in_payout").text


def test_a_failure_that_heals(treasury: Treasury) -> None:
    """A failed attempt is tried again after an hour, not before, under a new key; the money stays reserved."""
    payout = run(treasury, Behaviour.FAIL)
    assert (payout.status, payout.reason) == (PayoutStatus.PENDING, "the provider's balance is too low")
    assert where(treasury) == ("0.00", "100.00")
    treasury.wait(minutes=59)
    assert process(treasury).status is PayoutStatus.PENDING
    treasury.wait(minutes=1)
    payout = process(treasury)
    assert (payout.status, [attempt.outcome for attempt in payout.attempts]) == (
        PayoutStatus.PAID,
        ["failed", "paid"],
    )
    assert treasury.provider.paid("EUR") == eur("100.00")
    treasury.audit()


def test_failing_for_good(treasury: Treasury) -> None:
    """After five retries the payout fails with the reason, and the vendor has its money again."""
    payout = run(treasury, *[Behaviour.FAIL] * 6)
    for hours in (1, 2, 4, 8, 16):
        assert payout.status is PayoutStatus.PENDING
        treasury.wait(hours=hours)
        payout = process(treasury)
    assert (payout.status, payout.reason, len(payout.attempts)) == (
        PayoutStatus.FAILED,
        "the provider's balance is too low",
        6,
    )
    assert where(treasury) == ("100.00", "0.00")
    assert treasury.entries() == [EntryStatus.APPROVED]
    treasury.audit()


def test_a_refusal_is_not_retried(treasury: Treasury) -> None:
    """What cannot heal fails at once, with words the vendor can act on."""
    payout = run(treasury, Behaviour.DECLINE)
    assert (payout.status, payout.reason) == (PayoutStatus.FAILED, "the account is closed; name another one")
    assert where(treasury) == ("100.00", "0.00")
    assert treasury.provider.calls == 1
    treasury.payouts.run(treasury.scope)
    assert treasury.provider.paid("EUR") == eur("100.00")


def test_an_unreachable_provider_is_tried_again(treasury: Treasury) -> None:
    """Nothing happened, so it is a failure that heals."""
    assert run(treasury, Behaviour.UNAVAILABLE).status is PayoutStatus.PENDING
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.PAID


def test_a_timeout_after_the_fact(treasury: Treasury) -> None:
    """The provider paid but did not say so: it is asked, nothing is sent again, and it is paid once."""
    payout = run(treasury, Behaviour.TIME_OUT_AFTER)
    assert (payout.status, where(treasury)) == (PayoutStatus.UNKNOWN, ("0.00", "100.00"))
    treasury.wait(minutes=1)
    assert process(treasury).status is PayoutStatus.PAID
    assert (treasury.provider.calls, treasury.provider.paid("EUR")) == (1, eur("100.00"))
    treasury.audit()


def test_a_timeout_before_the_fact(treasury: Treasury) -> None:
    """The provider never saw it: it is asked, then it is sent again under the same key."""
    assert run(treasury, Behaviour.TIME_OUT_BEFORE).status is PayoutStatus.UNKNOWN
    treasury.wait(minutes=1)
    payout = process(treasury)
    assert (payout.status, len(payout.attempts)) == (PayoutStatus.PAID, 1)
    assert (treasury.provider.calls, treasury.provider.paid("EUR")) == (2, eur("100.00"))
    treasury.audit()


def test_nothing_is_sent_while_the_outcome_is_unknown(treasury: Treasury) -> None:
    """A provider that does not answer questions is asked again and again, and given nothing."""
    run(treasury, Behaviour.TIME_OUT_AFTER)
    treasury.provider.is_silent = True
    for _ in range(10):
        treasury.wait(hours=1)
        assert process(treasury).status is PayoutStatus.UNKNOWN
    assert treasury.provider.calls == 1
    treasury.provider.is_silent = False
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.PAID
    treasury.audit()


def test_a_late_success(treasury: Treasury) -> None:
    """An accepted transfer is on its way until the provider says that it arrived."""
    payout = run(treasury, Behaviour.ACCEPT)
    assert (payout.status, where(treasury)) == (PayoutStatus.IN_TRANSIT, ("0.00", "100.00"))
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.IN_TRANSIT
    treasury.provider.arrive(payout.attempts[-1].key)
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.PAID
    assert treasury.entries() == [EntryStatus.PAID]
    treasury.audit()


def test_a_transfer_that_breaks_down_on_its_way(treasury: Treasury) -> None:
    """An accepted transfer that fails gives the vendor its money back."""
    payout = run(treasury, Behaviour.ACCEPT)
    treasury.provider.break_down(payout.attempts[-1].key)
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.FAILED
    assert where(treasury) == ("100.00", "0.00")
    treasury.audit()


def test_returned_after_paid(treasury: Treasury) -> None:
    """The bank sends a paid payout back: the vendor has the money again, once, and the next run pays it again."""
    payout = run(treasury)
    treasury.provider.bring_back(payout.attempts[-1].key)
    for _ in range(10):
        returned = treasury.payouts.returned(treasury.scope, payout.id, reason="account closed")
        assert (returned.status, returned.reason) == (PayoutStatus.RETURNED, "account closed")
    assert where(treasury) == ("100.00", "0.00")
    assert (treasury.holds("gateway:memory:available"), treasury.entries()) == (eur("0.00"), [EntryStatus.APPROVED])
    treasury.payouts.run(treasury.scope)
    assert (treasury.provider.paid("EUR"), treasury.entries()) == (eur("100.00"), [EntryStatus.PAID])
    treasury.audit()


def test_only_what_was_paid_returns(treasury: Treasury) -> None:
    """A payout that is still on its way fails instead; the error says what can be done."""
    payout = run(treasury, Behaviour.ACCEPT)
    returned = treasury.payouts.returned
    assert code(lambda: returned(treasury.scope, payout.id, reason="x")) == "invalid_state"


def test_a_changed_account_needs_approval(treasury: Treasury) -> None:
    """A payout made for one account is held, not sent to another, until somebody approves that."""
    run(treasury, Behaviour.FAIL)
    new = PayoutAccount(method="memory", reference="acct_new", holder="Acme Ltd", verified=True)
    treasury.change("acme", payout_account=new)
    treasury.wait(hours=1)
    payout = process(treasury)
    assert payout.status is PayoutStatus.HELD
    assert "account changed" in (payout.reason or "")
    treasury.payouts.release(treasury.scope, payout.id)
    assert process(treasury).status is PayoutStatus.HELD
    approved = treasury.payouts.approve_account(treasury.scope, payout.id)
    assert (approved.account, approved.holder, approved.approved_account) == ("acct_new", "Acme Ltd", "memory|acct_new")
    assert process(treasury).status is PayoutStatus.PAID
    assert [payment.account for payment in treasury.provider.payments()] == ["acct_new"]
    treasury.audit()


def test_another_change_needs_another_approval(treasury: Treasury) -> None:
    """Approval is for one account, not for whatever comes next; an unverified one cannot be approved."""
    run(treasury, Behaviour.FAIL)
    second = PayoutAccount(method="memory", reference="acct_2", holder="Acme", verified=True)
    treasury.change("acme", payout_account=second)
    treasury.wait(hours=1)
    payout = process(treasury)
    treasury.payouts.approve_account(treasury.scope, payout.id)
    third = evolve(second, reference="acct_3", verified=False)
    treasury.change("acme", payout_account=third)
    assert process(treasury).status is PayoutStatus.HELD
    approve = treasury.payouts.approve_account
    assert code(lambda: approve(treasury.scope, payout.id)) == "account_not_verified"
    treasury.change("acme", payout_account=second)
    assert code(lambda: approve(treasury.scope, payout.id)) == "account_unchanged"
    treasury.payouts.release(treasury.scope, payout.id)
    assert process(treasury).status is PayoutStatus.PAID


@pytest.mark.parametrize(
    "changes",
    [
        {"status": VendorStatus.SUSPENDED},
        {"payout_account": None},
        {"payout_account": PayoutAccount(method="memory", reference="acct_acme", holder="Acme")},
    ],
)
def test_what_else_holds_a_payout(treasury: Treasury, changes: dict[str, object]) -> None:
    """A vendor that was suspended, or whose account is gone or no longer verified, is looked at first."""
    run(treasury, Behaviour.FAIL)
    treasury.change("acme", **changes)
    treasury.wait(hours=1)
    payout = process(treasury)
    assert payout.status is PayoutStatus.HELD
    assert payout.reason
    assert treasury.provider.calls == 1


def test_holding_and_releasing(treasury: Treasury) -> None:
    """A held payout is not sent, its money stays reserved; released, it goes on."""
    payout = run(treasury, Behaviour.FAIL)
    treasury.payouts.hold(treasury.scope, payout.id, reason="a second pair of eyes")
    treasury.wait(days=1)
    assert (process(treasury).status, where(treasury)) == (PayoutStatus.HELD, ("0.00", "100.00"))
    treasury.payouts.release(treasury.scope, payout.id)
    assert process(treasury).status is PayoutStatus.PAID


def test_canceling_gives_the_money_back(treasury: Treasury) -> None:
    """A pending or held payout can be called off; one that was sent cannot."""
    payout = run(treasury, Behaviour.FAIL)
    canceled = treasury.payouts.cancel(treasury.scope, payout.id, reason="the vendor asked")
    assert (canceled.status, where(treasury)) == (PayoutStatus.CANCELED, ("100.00", "0.00"))
    assert treasury.entries() == [EntryStatus.APPROVED]
    treasury.wait(days=1)
    treasury.payouts.process(treasury.scope)
    assert treasury.provider.calls == 1
    treasury.audit()
    cancel = treasury.payouts.cancel
    assert code(lambda: cancel(treasury.scope, payout.id, reason="again")) == "invalid_state"
    assert code(lambda: cancel(treasury.scope, payout.id, reason=" ")) in {"invalid_state", "no_reason"}


def test_canceling_debt_that_was_netted(treasury: Treasury) -> None:
    """Debt that a payout paid off stays paid off when the payout is canceled."""
    treasury.earn("acme", eur("40.00"), "debt")
    payout = run(treasury, Behaviour.FAIL)
    treasury.payouts.cancel(treasury.scope, payout.id, reason="the vendor asked")
    assert (where(treasury), treasury.balance("acme", "debt")) == (("60.00", "0.00"), eur("0.00"))


def test_trying_again_now(treasury: Treasury) -> None:
    """A payout in back-off can be sent at once."""
    payout = run(treasury, Behaviour.FAIL)
    treasury.payouts.retry(treasury.scope, payout.id)
    assert process(treasury).status is PayoutStatus.PAID


def test_trying_again_after_a_failure(treasury: Treasury) -> None:
    """A failed payout is tried again as a new one that refers to it, once, to the account the vendor has now."""
    failed = run(treasury, Behaviour.DECLINE)
    new = PayoutAccount(method="memory", reference="acct_new", holder="Acme", verified=True)
    treasury.change("acme", payout_account=new)
    again = treasury.payouts.retry(treasury.scope, failed.id)
    assert (again.retries, again.amount, again.account) == (failed.id, failed.amount, "acct_new")
    assert treasury.payouts.retry(treasury.scope, failed.id) == again
    treasury.payouts.process(treasury.scope)
    assert treasury.payouts.retry(treasury.scope, failed.id).status is PayoutStatus.PAID
    assert len(treasury.all()) == 2
    assert treasury.provider.paid("EUR") == eur("100.00")
    retry = treasury.payouts.retry
    assert code(lambda: retry(treasury.scope, again.id)) == "invalid_state"
    treasury.audit()


def test_trying_again_needs_the_money(treasury: Treasury) -> None:
    """What was paid otherwise in the meantime is not paid by a retry."""
    failed = run(treasury, Behaviour.DECLINE)
    treasury.payouts.run(treasury.scope)
    retry = treasury.payouts.retry
    assert code(lambda: retry(treasury.scope, failed.id)) == "not_available"


def test_a_person_pays(treasury: Treasury) -> None:
    """A manual payout is in transit until somebody confirms it under a reference, as often as they like."""
    treasury.vendor("birch", "20.00", method="manual")
    treasury.payouts.run(treasury.scope, vendors=["birch"])
    payout = treasury.only()
    treasury.wait(days=30)
    assert process(treasury).status is PayoutStatus.IN_TRANSIT
    for _ in range(10):
        paid = treasury.payouts.confirm(treasury.scope, payout.id, reference="B-77")
        assert (paid.status, paid.reference) == (PayoutStatus.PAID, "B-77")
    assert treasury.holds("bank") == eur("-20.00")
    confirm = treasury.payouts.confirm
    assert code(lambda: confirm(treasury.scope, payout.id, reference="B-78")) == "invalid_state"
    assert code(lambda: confirm(treasury.scope, payout.id, reference="")) == "no_reference"
    treasury.audit()


def test_a_person_says_it_failed(treasury: Treasury) -> None:
    """A manual payout that cannot be made is failed by hand; repeating that changes nothing."""
    treasury.vendor("birch", "20.00", method="manual")
    treasury.payouts.run(treasury.scope, vendors=["birch"])
    for _ in range(3):
        failed = treasury.payouts.fail(treasury.scope, treasury.only().id, reason="no such IBAN")
        assert (failed.status, failed.reason) == (PayoutStatus.FAILED, "no such IBAN")
    assert (treasury.balance("birch"), treasury.holds("bank")) == (eur("20.00"), eur("0.00"))
    treasury.audit()


def test_a_person_resolves_what_is_unknown(treasury: Treasury) -> None:
    """An unknown outcome that the provider never tells can be confirmed or failed by somebody who looked it up."""
    payout = run(treasury, Behaviour.TIME_OUT_AFTER)
    treasury.provider.is_silent = True
    assert treasury.payouts.confirm(treasury.scope, payout.id, reference="seen").status is PayoutStatus.PAID
    treasury.wait(days=1)
    assert process(treasury).status is PayoutStatus.PAID
    treasury.audit()


def test_a_method_that_went_away(treasury: Treasury) -> None:
    """A payout whose method is no longer configured waits, says why, and goes on when it is back."""
    run(treasury, Behaviour.FAIL)
    treasury.wait(hours=1)
    without = PayoutUseCases.of(evolve(treasury.dependencies, payout_methods={}))
    without.process(treasury.scope)
    assert (treasury.only().status, "not configured" in (treasury.only().reason or "")) == (PayoutStatus.PENDING, True)
    treasury.wait(hours=1)
    assert process(treasury).status is PayoutStatus.PAID


def test_a_method_that_went_away_on_the_way(treasury: Treasury) -> None:
    """Without its method nobody can say which account a payout left: it is neither asked about nor confirmed."""
    payout = run(treasury, Behaviour.ACCEPT)
    without = PayoutUseCases.of(evolve(treasury.dependencies, payout_methods={}))
    treasury.wait(hours=1)
    without.process(treasury.scope)
    assert (treasury.only().status, treasury.provider.calls) == (PayoutStatus.IN_TRANSIT, 1)
    confirm = without.confirm
    assert code(lambda: confirm(treasury.scope, payout.id, reference="B-1")) == "method_not_configured"
    assert without.fail(treasury.scope, payout.id, reason="lost").status is PayoutStatus.FAILED
    treasury.audit()


class Liar:
    """A provider whose answers mean nothing."""

    name = "liar"
    account = "gateway:liar:available"
    at_once = 10
    asks_after = None

    def __init__(self, *answers: object) -> None:
        self.answers = answers

    def send(self, transfers: Sequence[Transfer]) -> Sequence[TransferResult]:
        """Answer what it was told to, or break."""
        if self.answers and isinstance(self.answers[0], Exception):
            raise self.answers[0]
        return list(self.answers)  # type: ignore[arg-type]

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Break."""
        raise RuntimeError("out of order")


@pytest.mark.parametrize("answers", [(), (None,), ("paid",), (1, 2), (RuntimeError("disk full"),)])
def test_answers_that_mean_nothing(answers: tuple[object, ...]) -> None:
    """Whatever nonsense a provider answers, or breaks with, the outcome is unknown and nothing is sent again."""
    liar = Liar(*answers)
    treasury = Treasury.open(methods={"liar": liar})
    treasury.vendor("acme", "10.00", method="liar")
    treasury.vendor("birch", "10.00")
    treasury.payouts.run(treasury.scope)
    states = {payout.vendor: payout.status for payout in treasury.all()}
    assert states == {"acme": PayoutStatus.UNKNOWN, "birch": PayoutStatus.PAID}
    treasury.wait(days=1)
    treasury.payouts.process(treasury.scope)
    assert {payout.vendor: payout.status for payout in treasury.all()} == states
    treasury.audit()


def test_no_payout_by_that_id(treasury: Treasury) -> None:
    """An unknown payout is not found, whatever is asked of it."""
    nobody = PayoutId(treasury.identifiers.new())
    uses = treasury.payouts
    for call in (
        lambda: uses.get(treasury.scope, nobody),
        lambda: uses.hold(treasury.scope, nobody, reason="x"),
        lambda: uses.retry(treasury.scope, nobody),
        lambda: uses.confirm(treasury.scope, nobody, reference="x"),
    ):
        assert code(call) == "payout_not_found"


def test_yen_and_dinar(treasury: Treasury) -> None:
    """Amounts without and with three decimals go out exactly."""
    treasury.earn("acme", Money.of("1200", "JPY"))
    treasury.earn("acme", Money.of("1.250", "KWD"))
    treasury.payouts.run(treasury.scope)
    assert treasury.provider.paid("JPY") == Money.of("1200", "JPY")
    assert treasury.provider.paid("KWD") == Money.of("1.250", "KWD")
    treasury.audit()
