"""Collecting: whatever a gateway says, or keeps to itself, nobody pays twice and no money is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline
from cityos_core.idempotency.model import Reply
from cityos_core.idempotency.service import RequestUseCases
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, Origin
from cityos_core.subscriptions.collecting import Collect
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.cashier import Cashier
from usecases.subscribing import KINDS

MakeDatabase = Callable[[str], UnitOfWorkFactory]
SILENT = (Behaviour.LOSE_ANSWER, Behaviour.BREAK)
"""The money was collected, and nobody said so."""


def billed(*reactions: Any, database: UnitOfWorkFactory | None = None) -> Cashier:
    """Bill Ada's second month with a gateway that reacts so."""
    cashier = Cashier.open(database)
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)
    cashier.gateway.script(*reactions)
    cashier.run()
    return cashier


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reaction", SILENT)
@pytest.mark.parametrize("hours", [1, 50])
def test_a_lost_answer_is_asked_for(reaction: Behaviour, hours: int, kind: str, make_database: MakeDatabase) -> None:
    """Where the answer got lost the gateway is asked, and nothing is charged again, also when it forgot the key."""
    cashier = billed(reaction, database=make_database(kind))
    assert (cashier.last().status, cashier.owes()) == (AttemptStatus.UNKNOWN, "30.00")
    cashier.retry()
    cashier.run()
    calls = cashier.gateway.calls
    cashier.wait(hours=hours)
    cashier.retry()
    found = cashier.last()
    assert (found.status, found.number, cashier.gateway.calls) == (AttemptStatus.SUCCEEDED, 1, calls)
    assert cashier.gateway.collected("EUR").text == "60.00"
    assert cashier.owes() == "0.00"
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reaction", [Behaviour.LOSE_REQUEST, Behaviour.UNAVAILABLE])
def test_a_lost_request_is_sent_again(reaction: Behaviour, kind: str, make_database: MakeDatabase) -> None:
    """What never arrived is sent again under the same key, once the gateway says so."""
    cashier = billed(reaction, database=make_database(kind))
    assert cashier.last().status is AttemptStatus.UNKNOWN
    assert cashier.billing.inquire(cashier.scope).unknown == 0
    cashier.wait(minutes=5)
    assert cashier.billing.inquire(cashier.scope).paid == 1
    found = cashier.last()
    assert (found.status, found.number, found.origin) == (AttemptStatus.SUCCEEDED, 1, Origin.BILLING)
    cashier.audit()


def test_silence_is_asked_about_at_growing_intervals() -> None:
    """While the gateway is silent nothing is sent, and it is asked less and less often."""
    cashier = billed(Behaviour.LOSE_REQUEST)
    cashier.gateway.is_silent = True
    calls, waits = cashier.gateway.calls, []
    for _ in range(6):
        before, next_at = cashier.now, cashier.last().next_at
        assert next_at is not None
        waits.append((next_at - before).total_seconds() / 60)
        cashier.until(next_at.isoformat()[:-6])
        assert cashier.billing.inquire(cashier.scope).unknown == 1
    assert waits == [5, 30, 120, 360, 360, 360]
    assert (cashier.gateway.calls, cashier.last().inquiries) == (calls, 7)
    cashier.audit()


def test_under_way_is_no_answer() -> None:
    """A charge that is under way is asked about until it is settled."""
    cashier = billed(Behaviour.PEND)
    assert cashier.last().status is AttemptStatus.UNKNOWN
    cashier.wait(hours=1)
    assert cashier.run().unknown == 1
    cashier.gateway.settle(cashier.last().key, Decline(DeclineClass.SOFT, "no funds"))
    cashier.wait(hours=1)
    assert cashier.run().declined == 1
    assert (cashier.last().reason, cashier.cases()[0].retries) == ("no funds", 0)
    cashier.audit()


def test_another_amount_is_not_believed() -> None:
    """A gateway that says it collected something else is asked until it says what it was asked for."""
    cashier = billed(Behaviour.MISSTATE)
    cashier.wait(hours=1)
    cashier.run()
    assert (cashier.last().status, cashier.owes()) == (AttemptStatus.UNKNOWN, "30.00")
    assert "30.01" in (cashier.last().reason or "")
    cashier.gateway.settle(cashier.last().key)
    cashier.wait(hours=1)
    assert cashier.run().paid == 1
    cashier.audit()


class Odd:
    """A gateway that answers everything with the same words."""

    name = "card"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.inquiries = 0

    def charge(self, charge: Charge) -> Any:
        """Say what it always says."""
        return self.answer

    def inquire(self, charge: Charge) -> Any:
        """Say what it always says."""
        self.inquiries += 1
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "paid",
        ChargeResult(state="succeeded", reference="x"),  # type: ignore[arg-type]
        ChargeResult(state=ChargeState.SUCCEEDED),
        ChargeResult(state=ChargeState.SUCCEEDED, reference="  "),
        ChargeResult(state=ChargeState.SUCCEEDED, reference="a\x00b"),
        ChargeResult(state=ChargeState.SUCCEEDED, reference="x" * 201),
        ChargeResult(state=ChargeState.PENDING, reason="wait\x00"),
    ],
)
def test_what_is_no_answer_is_not_believed(answer: Any) -> None:
    """An answer that means nothing, or has no reference, leaves the outcome open; the gateway is asked before anything else."""
    cashier = Cashier.open()
    odd = Odd(answer)
    cashier.club.office.dependencies.gateways["card"] = odd  # type: ignore[index]
    cashier.sell()
    ada = cashier.join()
    cashier.wait(hours=1)
    cashier.run()
    assert (cashier.last().status, odd.inquiries, cashier.status(ada)) == (AttemptStatus.UNKNOWN, 1, "incomplete")


def test_a_decline_without_words_is_a_soft_one() -> None:
    """A gateway may decline without saying why, or how badly; and what it never saw but was just given is no answer."""
    cashier = Cashier.open()
    cashier.sell()
    gateways: Any = cashier.club.office.dependencies.gateways
    gateways["card"] = Odd(ChargeResult(state=ChargeState.DECLINED))
    cashier.join()
    assert (cashier.last().decline, cashier.last().reason) == (DeclineClass.SOFT, "the gateway gave no reason")
    gateways["card"] = Odd(ChargeResult(state=ChargeState.UNSEEN))
    cashier.join("bob")
    assert cashier.attempts()[-1].status is AttemptStatus.UNKNOWN


def test_a_gateway_that_is_not_configured() -> None:
    """Without its gateway an attempt waits with the reason; with it, it is asked about and made."""
    cashier = Cashier.open()
    cashier.sell()
    ada = cashier.join()
    cashier.wait(days=31)
    gateways: Any = cashier.club.office.dependencies.gateways
    card = gateways.pop("card")
    assert cashier.run().unknown == 1
    cashier.wait(hours=1)
    assert cashier.run().unknown == 1
    assert "not configured" in (cashier.last().reason or "")
    gateways["card"] = card
    cashier.wait(hours=3)
    assert cashier.run().paid == 1
    assert cashier.states(ada) == ["paid", "paid", "upcoming"]
    cashier.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_answer_twice(kind: str, make_database: MakeDatabase) -> None:
    """A worker that comes late with an answer that is known already changes nothing."""
    cashier = Cashier.open(make_database(kind))
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)
    sent: list[str] = []

    def stall(name: str) -> None:
        if name == "billing.charge.after" and not sent:
            sent.append(name)
            cashier.wait(minutes=6)
            assert cashier.billing.inquire(cashier.scope).paid == 1

    with faults.hooked(stall):
        cashier.run()
    assert sent
    assert cashier.last().status is AttemptStatus.SUCCEEDED
    assert len(cashier.club.office.journals("subscription_paid")) == 2
    cashier.audit()


def test_silence_is_worth_less_than_what_others_heard() -> None:
    """A worker whose call came to nothing leaves alone what another has sent again meanwhile."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)
    cashier.gateway.script(Behaviour.LOSE_REQUEST, Behaviour.LOSE_REQUEST)
    sent: list[str] = []

    def stall(name: str) -> None:
        if name == "billing.charge.after" and not sent:
            sent.append(name)
            cashier.wait(minutes=6)
            cashier.billing.inquire(cashier.scope)
            assert cashier.last().inquiries == 2

    with faults.hooked(stall):
        cashier.run()
    assert cashier.last().inquiries == 2
    cashier.wait(hours=1)
    assert cashier.run().paid == 1
    cashier.audit()


def test_a_lease_that_ran_out_before_the_charge() -> None:
    """An attempt whose lease has run out is not sent by the worker that laid it out, but by whoever asked first."""
    cashier = Cashier.open()
    cashier.sell()
    for number in range(3):
        cashier.join(f"c{number}")
    cashier.wait(days=31)
    calls = cashier.gateway.calls

    def stall(name: str) -> None:
        if name == "billing.invoice.after_commit":
            cashier.wait(minutes=6)

    with faults.hooked(stall):
        found = cashier.run()
    assert (found.unknown, found.paid, cashier.gateway.calls) == (0, 3, calls + 3)
    cashier.audit()


def waiting(cashier: Cashier) -> None:
    """Let Ada subscribe in a larger transaction, so that her first attempt is committed and not made."""
    together = RequestUseCases.of(cashier.club.office.dependencies.unit_of_work, cashier.club.office.clock).together

    def begin() -> Reply:
        cashier.join()
        return Reply(status=201)

    together(cashier.scope, begin)
    assert (cashier.gateway.calls, cashier.last().status) == (0, AttemptStatus.PENDING)


def test_an_invoice_that_is_void_before_it_is_charged() -> None:
    """What is no longer owed is not charged; that is no failure of the subscriber's."""
    cashier = Cashier.open()
    cashier.sell()
    waiting(cashier)
    cashier.void(cashier.invoices()[0])
    (done,) = Collect.of(cashier.club.office.dependencies)(cashier.scope, cashier.attempts())
    assert (done.status, cashier.gateway.calls, cashier.cases()) == (AttemptStatus.DECLINED, 0, [])
    assert "nothing was charged" in (done.reason or "")
    cashier.audit()


@pytest.mark.parametrize("reaction", [Behaviour.LOSE_ANSWER, Behaviour.LOSE_REQUEST])
def test_an_invoice_that_is_void_before_the_answer_comes(reaction: Behaviour) -> None:
    """Money that comes for what is no longer owed is the subscriber's credit; what never arrived is not sent again."""
    cashier = billed(reaction)
    cashier.void(cashier.invoices()[-1])
    calls = cashier.gateway.calls
    cashier.wait(hours=1)
    cashier.run()
    assert cashier.gateway.calls == calls
    expected = (
        ("30.00", AttemptStatus.SUCCEEDED) if reaction is Behaviour.LOSE_ANSWER else ("0.00", AttemptStatus.DECLINED)
    )
    assert (cashier.credit(), cashier.last().status) == expected
    assert not cashier.cases()
    cashier.audit()


def test_nothing_is_sent_inside_a_larger_transaction() -> None:
    """What is not committed is not sent: a subscription that begins in a larger transaction is charged after it."""
    cashier = Cashier.open()
    cashier.sell()
    waiting(cashier)
    cashier.wait(hours=1)
    assert cashier.run().paid == 1
    cashier.audit()


@pytest.mark.parametrize("trouble", [Conflict("journal_key_reused", "no"), Invalid("amount_too_large", "no")])
def test_an_outcome_that_cannot_be_recorded(trouble: Exception) -> None:
    """What is wrong with one outcome is told when all others are recorded; the attempt is asked about again."""
    cashier = Cashier.open()
    cashier.sell()
    for number in range(3):
        cashier.join(f"c{number}")
    cashier.wait(days=31)
    times = iter([True, True, False, False])

    def interfere(name: str) -> None:
        if name == "billing.record.before_commit" and next(times, False):
            raise trouble

    with faults.hooked(interfere), pytest.raises(type(trouble)):
        cashier.run()
    assert [one.certificate.paid for one in cashier.runs()] == [2]
    assert cashier.runs()[0].certificate.unknown == 1
    cashier.wait(hours=1)
    assert cashier.run().paid == 1
    cashier.audit()


def test_who_pays_hears_what_is_wrong() -> None:
    """An outcome that cannot be recorded is told to whoever had the attempt made; the money is found later."""
    cashier = Cashier.open()
    cashier.sell()

    def interfere(name: str) -> None:
        if name == "billing.record.before_commit":
            raise Conflict("broken", "no")

    with faults.hooked(interfere), pytest.raises(Conflict, match="no"):
        cashier.join()
    with faults.hooked(interfere):
        cashier.wait(hours=1)
        with pytest.raises(Conflict, match="no"):
            cashier.billing.inquire(cashier.scope)
    cashier.wait(hours=1)
    assert cashier.billing.inquire(cashier.scope).paid == 1
    cashier.audit()


def test_an_outcome_that_others_get_in_the_way_of() -> None:
    """An outcome that loses its race again and again is asked for later; the money is where it was."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)

    def interfere(name: str) -> None:
        if name == "billing.record.before_commit":
            raise Conflict("stale", "another transaction was first")

    with faults.hooked(interfere):
        assert cashier.run().unknown == 1
        cashier.wait(hours=1)
        assert cashier.run().unknown == 1
    cashier.wait(hours=1)
    assert cashier.run().paid == 1
    cashier.audit()


@pytest.mark.parametrize("code", ["stale", "broken"])
def test_taking_over_in_spite_of_others(code: str) -> None:
    """Who cannot take an attempt over leaves it to others; any other conflict is seen."""
    cashier = Cashier.open()
    cashier.sell()
    cashier.join()
    cashier.wait(days=31)

    def interfere(name: str) -> None:
        if name == "billing.take_over.before_commit":
            raise Conflict(code, "another transaction was first")

    def die(name: str) -> None:
        if name == "billing.charge.before":
            raise faults.Crash

    with faults.hooked(die), pytest.raises(faults.Crash):
        cashier.run()
    cashier.wait(hours=1)
    with faults.hooked(interfere):
        if code == "broken":
            with pytest.raises(Conflict):
                cashier.run()
        else:
            assert (cashier.run().unknown, cashier.last().status) == (0, AttemptStatus.PENDING)
    assert cashier.run().paid == 1
    cashier.audit()


def test_many_attempts_are_made_in_groups() -> None:
    """However many attempts there are, a crash leaves no more than a group of them to be asked about."""
    cashier = Cashier.open()
    cashier.sell()
    for number in range(60):
        cashier.join(f"c{number}")
    cashier.wait(days=31)
    recorded: list[str] = []
    with faults.hooked(recorded.append):
        assert cashier.run().paid == 60
    assert recorded.count("billing.record.after_commit") == 3
    cashier.audit()


def test_attempts_are_given_back_in_their_order() -> None:
    """Who has attempts made gets each of them as it is afterwards."""
    cashier = Cashier.open()
    cashier.sell()
    for number in range(3):
        cashier.join(f"c{number}", payment_method="declined" if number == 1 else None)
    done = Collect.of(cashier.club.office.dependencies)(cashier.scope, cashier.attempts())
    assert done == cashier.attempts()
    assert [one.status.value for one in done] == ["succeeded", "declined", "succeeded"]
