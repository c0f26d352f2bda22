"""The scripted gateway keeps its word: one payment per key, whatever it was told to do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from cityos_adapters.memory.gateway import TEST_METHODS, Behaviour, Decline, Reaction, ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Conflict, NotFound, OutcomeUnknown, Unavailable
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.gateway import Charge, ChargeState, PaymentGateway
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.testing import SimulatedClock


def charge(key: str = "k", minor: int = 100, subscriber: str = "ann", payment_method: str | None = None) -> Charge:
    """Build a charge."""
    return Charge(
        key=key,
        amount=Money(minor, "EUR"),
        subscriber=Subscriber(SubscriberKind.CUSTOMER, subscriber),
        payment_method=payment_method,
        subscription_id=SubscriptionId(UUID(int=1)),
        invoice_id=InvoiceId(UUID(int=2)),
        description="",
    )


def state(gateway: PaymentGateway, one: Charge) -> ChargeState | type[Exception]:
    """Charge, and give what the gateway says or how it fails."""
    try:
        return gateway.charge(one).state
    except (CityOSError, ConnectionError) as error:
        return type(error)


def test_approves_by_itself() -> None:
    """Without a script it collects at once and keeps count, of everybody and of each subscriber."""
    gateway = ScriptedGateway()
    for key, subscriber in (("a", "ann"), ("b", "bo"), ("c", "ann")):
        answer = gateway.charge(charge(key, subscriber=subscriber))
        assert (answer.state, answer.amount, answer.reference) == (
            ChargeState.SUCCEEDED,
            Money(100, "EUR"),
            f"ch_{key}",
        )
    assert [one.key for one in gateway.charged] == ["a", "b", "c"]
    assert gateway.collected("EUR") == Money(300, "EUR")
    assert gateway.collected("EUR", subscriber="ann") == Money(200, "EUR")
    assert gateway.collected("USD") == Money(0, "USD")


@pytest.mark.parametrize("reaction", [Behaviour.APPROVE, Behaviour.PEND, Behaviour.MISSTATE, Decline()])
def test_the_same_key_twice_is_one_charge(reaction: Reaction) -> None:
    """A repeated key gives the stored answer, and uses nothing of the script."""
    gateway = ScriptedGateway()
    gateway.script(reaction)
    assert gateway.charge(charge()) == gateway.charge(charge()) == gateway.inquire(charge())
    assert (gateway.calls, len(gateway.charged) <= 1) == (2, True)


def test_a_key_has_one_content() -> None:
    """A known key with other content is refused."""
    gateway = ScriptedGateway()
    gateway.charge(charge())
    with pytest.raises(Conflict):
        gateway.charge(charge(minor=200))


@pytest.mark.parametrize(
    ("behaviour", "raised", "known"),
    [
        (Behaviour.LOSE_ANSWER, OutcomeUnknown, ChargeState.SUCCEEDED),
        (Behaviour.BREAK, ConnectionResetError, ChargeState.SUCCEEDED),
        (Behaviour.LOSE_REQUEST, OutcomeUnknown, ChargeState.UNSEEN),
        (Behaviour.UNAVAILABLE, Unavailable, ChargeState.UNSEEN),
    ],
)
def test_no_answer(behaviour: Behaviour, raised: type[Exception], known: ChargeState) -> None:
    """It may answer nothing whether or not it collected; asked later, it tells, and sent again, it collects once."""
    gateway = ScriptedGateway()
    gateway.script(behaviour)
    assert state(gateway, charge()) is raised
    assert gateway.inquire(charge()).state is known
    assert gateway.collected("EUR").minor == (100 if known is ChargeState.SUCCEEDED else 0)
    assert state(gateway, charge()) is ChargeState.SUCCEEDED
    assert gateway.collected("EUR") == Money(100, "EUR")


def test_a_decline_says_why() -> None:
    """A decline has its class and a reason, and collects nothing."""
    gateway = ScriptedGateway()
    gateway.script(Decline(DeclineClass.HARD, "the card is closed"))
    answer = gateway.charge(charge())
    assert (answer.state, answer.decline, answer.reason) == (
        ChargeState.DECLINED,
        DeclineClass.HARD,
        "the card is closed",
    )
    assert gateway.charged == []


def test_what_is_under_way() -> None:
    """A charge that is under way is collected once it succeeds, and only then; afterwards it is final."""
    gateway = ScriptedGateway()
    gateway.script(Behaviour.PEND, Behaviour.PEND)
    first, second = charge("a"), charge("b")
    for one in (first, second):
        assert state(gateway, one) is ChargeState.PENDING
    assert gateway.charged == []
    gateway.settle("a")
    gateway.settle("b", Decline())
    gateway.settle("a")
    assert (gateway.inquire(first).state, gateway.inquire(second).state) == (
        ChargeState.SUCCEEDED,
        ChargeState.DECLINED,
    )
    assert (gateway.inquire(first).amount, gateway.inquire(first).reference) == (Money(100, "EUR"), "ch_a")
    assert gateway.charged == [first]
    again: list[Callable[[], None]] = [lambda: gateway.settle("b"), lambda: gateway.settle("a", Decline())]
    for settle in again:
        with pytest.raises(Conflict):
            settle()
    with pytest.raises(NotFound):
        gateway.settle("nothing")


def test_a_wrong_amount() -> None:
    """It may name another amount than it collected, also when asked, until that is put right."""
    gateway = ScriptedGateway()
    gateway.script(Behaviour.MISSTATE)
    assert gateway.charge(charge()).amount == gateway.inquire(charge()).amount == Money(101, "EUR")
    assert gateway.collected("EUR") == Money(100, "EUR")
    gateway.settle("k")
    assert gateway.inquire(charge()).amount == Money(100, "EUR")
    assert gateway.charged == [charge()]


def test_keys_are_forgotten_after_a_day() -> None:
    """Within a day a key is charged once; then it would be charged again, but is still found by who asks."""
    clock = SimulatedClock()
    gateway = ScriptedGateway(clock=clock)
    first = gateway.charge(charge())
    clock.advance(timedelta(hours=23, minutes=59))
    assert gateway.charge(charge()) == first
    clock.advance(timedelta(minutes=1))
    assert gateway.inquire(charge()) == first
    second = gateway.charge(charge())
    assert second.reference != first.reference
    assert gateway.charged == [charge(), charge()]
    assert gateway.charge(charge()) == gateway.inquire(charge()) == second


def test_scripts_for_some() -> None:
    """A script for a key comes before one for a payment method, a subscriber, and any."""
    gateway = ScriptedGateway()
    gateway.script(Decline(reason="any"))
    gateway.script(Decline(reason="ann"), subscriber="ann")
    gateway.script(Decline(reason="visa"), payment_method="visa")
    gateway.script(Decline(reason="k"), key="k1")
    reasons = [
        gateway.charge(charge(key, payment_method=method)).reason
        for key, method in (("k0", None), ("k1", "visa"), ("k2", "visa"), ("k3", "visa"), ("k4", None))
    ]
    assert reasons == ["ann", "k", "visa", "any", None]


def test_scripts_come_before_names() -> None:
    """A script happens once; afterwards the name of the payment method decides again."""
    gateway = ScriptedGateway()
    gateway.script(Behaviour.APPROVE, subscriber="ann")
    assert [state(gateway, charge(key, payment_method="declined")) for key in "ab"] == [
        ChargeState.SUCCEEDED,
        ChargeState.DECLINED,
    ]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("declined", DeclineClass.SOFT),
        ("stolen", DeclineClass.HARD),
        ("authentication", DeclineClass.AUTHENTICATION),
        ("lost", None),
        ("card_1", None),
    ],
)
@pytest.mark.parametrize("is_shared", [True, False])
def test_payment_methods_by_name(method: str, kind: DeclineClass | None, is_shared: bool) -> None:
    """The names for tests do the same every time: a decline of each class, a lost answer; any other is charged."""
    gateway = ScriptedGateway(is_shared=is_shared)
    for key in ("a", "b"):
        one = charge(key, payment_method=method)
        if method == "lost":
            assert state(gateway, one) is OutcomeUnknown
            assert gateway.inquire(one).state is ChargeState.SUCCEEDED
        else:
            assert gateway.charge(one).decline is kind
    assert len(gateway.charged) == (2 if kind is None else 0)
    assert (method in TEST_METHODS) == (method != "card_1")


def test_what_another_process_lost() -> None:
    """Where each process has a gateway of its own, an answer that got lost in another one is found by its name."""
    lost, other = charge("a", payment_method="lost"), charge("b", payment_method="card_1")
    with pytest.raises(OutcomeUnknown):
        ScriptedGateway(is_shared=False).charge(lost)
    elsewhere = ScriptedGateway(is_shared=False)
    assert (elsewhere.inquire(lost).state, elsewhere.inquire(lost).reference) == (ChargeState.SUCCEEDED, "ch_a")
    assert elsewhere.inquire(other).state is ChargeState.UNSEEN
    assert elsewhere.charged == []
    assert ScriptedGateway().inquire(lost).state is ChargeState.UNSEEN


def test_silence() -> None:
    """A silent gateway answers no question."""
    gateway = ScriptedGateway(is_silent=True)
    with pytest.raises(Unavailable):
        gateway.inquire(charge())


def test_many_at_once() -> None:
    """Many threads that send the same few keys charge each of them once."""
    gateway = ScriptedGateway()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: gateway.charge(charge(f"{number % 5}")).reference, range(200)))
    assert len(set(answers)) == len(gateway.charged) == 5
    assert gateway.calls == 200
