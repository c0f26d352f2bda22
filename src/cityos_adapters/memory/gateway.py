"""A payment gateway that charges nobody but remembers every charge, and misbehaves on demand."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from threading import Lock
from typing import Final

from attrs import define, evolve, field, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState

REMEMBERED: Final = timedelta(hours=24)
"""How long a key protects from being charged again, as with most providers."""


class Behaviour(Enum):
    """What happens to the next charge, unless it is declined."""

    APPROVE = auto()
    """It is collected at once."""

    PEND = auto()
    """It is under way; it succeeds or is declined later, when the test says so."""

    MISSTATE = auto()
    """It is collected, but the answer names another amount, until the test puts it right."""

    LOSE_ANSWER = auto()
    """No answer comes, but it was collected."""

    BREAK = auto()
    """The call breaks with an error that is not one of ours, but it was collected."""

    LOSE_REQUEST = auto()
    """No answer comes, and nothing was collected."""

    UNAVAILABLE = auto()
    """The gateway cannot be reached."""


@frozen
class Decline:
    """It is declined."""

    kind: DeclineClass = DeclineClass.SOFT
    reason: str = "the account has not enough funds"


Reaction = Behaviour | Decline

TEST_METHODS: Final[Mapping[str, Reaction]] = {
    "declined": Decline(),
    "stolen": Decline(DeclineClass.HARD, "the card was reported stolen"),
    "authentication": Decline(DeclineClass.AUTHENTICATION, "the bank wants the customer to confirm the payment"),
    "lost": Behaviour.LOSE_ANSWER,
}
"""What becomes of every charge to the payment methods of these names: a decline of each class, and a lost answer."""


@frozen(kw_only=True)
class Kept:
    """A charge as the gateway has it."""

    charge: Charge
    result: ChargeResult
    at: datetime | None
    is_collected: bool


@define
class ScriptedGateway:
    """Approves everything at once, unless a script or the name of the payment method says what happens.

    It stands for a provider: it outlives whoever calls it, and the same key is never two payments. With a clock it
    forgets keys after a day: who then sends one again, instead of asking, charges twice.
    """

    name: str = "card"
    clock: Clock | None = None
    is_shared: bool = True
    """False if each process has its own. An inquiry about a charge that was lost in another one is answered by name."""
    is_silent: bool = False
    """True while it answers no question about earlier charges."""
    methods: dict[str, Reaction] = field(factory=lambda: dict(TEST_METHODS))
    """What happens to every charge to a payment method."""
    calls: int = 0
    """How often it was asked to charge."""
    _scripts: dict[tuple[str, str], deque[Reaction]] = field(factory=dict, init=False)
    _kept: dict[str, Kept] = field(factory=dict, init=False)
    _collected: list[Charge] = field(factory=list, init=False)
    _times: Counter[str] = field(factory=Counter, init=False)
    """How often something was collected under a key."""
    _lock: Lock = field(factory=Lock, init=False)

    def script(
        self,
        *reactions: Reaction,
        key: str | None = None,
        payment_method: str | None = None,
        subscriber: str | None = None,
    ) -> None:
        """Say what happens to the next charges that it has not seen, one reaction each.

        They are those under a key, else those to a payment method, of a subscriber by its reference, or else any.
        """
        wanted = {"key": key, "payment_method": payment_method, "subscriber": subscriber}
        place = next(((name, value) for name, value in wanted.items() if value is not None), ("any", ""))
        with self._lock:
            self._scripts.setdefault(place, deque()).extend(reactions)

    def charge(self, charge: Charge) -> ChargeResult:
        """Collect, but not again under a key that it remembers."""
        with self._lock:
            self.calls += 1
            known = self._kept.get(charge.key)
            if known is None or self._forgot(known):
                return self._react(charge, self._next(charge))
            if known.charge != charge:
                raise Conflict("key_reused", f"charge {charge.key} was given with other content before")
            return known.result

    def inquire(self, charge: Charge) -> ChargeResult:
        """Tell what became of a charge, however long ago."""
        with self._lock:
            if self.is_silent:
                raise Unavailable("gateway_unavailable", "the gateway does not answer; ask again later")
            known = self._kept.get(charge.key)
            if known is not None:
                return known.result
            if not self.is_shared and self._by_name(charge) is Behaviour.LOSE_ANSWER:
                return self._success(charge)
            return ChargeResult(state=ChargeState.UNSEEN)

    def settle(self, key: str, decline: Decline | None = None) -> None:
        """Let a charge that is under way succeed or be declined, or state one rightly that was misstated."""
        with self._lock:
            known = self._kept.get(key)
            if known is None:
                raise NotFound("charge_not_found", f"nothing was charged under {key}")
            if decline is None and known.result.state is not ChargeState.DECLINED:
                result = evolve(known.result, state=ChargeState.SUCCEEDED, amount=known.charge.amount)
                if not known.is_collected:
                    self._collect(known.charge)
            elif decline is not None and not known.is_collected:
                result = _declined(decline)
            else:
                raise Conflict("charge_settled", f"charge {key} {known.result.state.value} already")
            self._kept[key] = evolve(known, result=result, is_collected=decline is None)

    @property
    def charged(self) -> list[Charge]:
        """Everything that was collected, in order; a key that was charged twice is there twice."""
        with self._lock:
            return list(self._collected)

    def collected(self, currency: str, *, subscriber: str | None = None) -> Money:
        """Sum what was collected in a currency, from everybody or from a subscriber by its reference."""
        amounts = (
            one.amount
            for one in self.charged
            if one.amount.currency == currency and subscriber in (None, one.subscriber.reference)
        )
        return sum(amounts, Money.zero(currency))

    def _forgot(self, known: Kept) -> bool:
        return self.clock is not None and known.at is not None and self.clock.now() - known.at >= REMEMBERED

    def _next(self, charge: Charge) -> Reaction:
        method = charge.payment_method or ""
        places = (
            ("key", charge.key),
            ("payment_method", method),
            ("subscriber", charge.subscriber.reference),
            ("any", ""),
        )
        script = next((script for place in places if (script := self._scripts.get(place))), None)
        return script.popleft() if script else self._by_name(charge)

    def _by_name(self, charge: Charge) -> Reaction:
        return self.methods.get(charge.payment_method or "", Behaviour.APPROVE)

    def _react(self, charge: Charge, reaction: Reaction) -> ChargeResult:
        if isinstance(reaction, Decline):
            return self._keep(charge, _declined(reaction), is_collected=False)
        if reaction is Behaviour.UNAVAILABLE:
            raise Unavailable("gateway_unavailable", "the gateway does not answer; try again later")
        if reaction is Behaviour.LOSE_REQUEST:
            raise _silence()
        success = self._success(charge)
        if reaction is Behaviour.PEND:
            pending = ChargeResult(state=ChargeState.PENDING, reference=success.reference)
            return self._keep(charge, pending, is_collected=False)
        self._collect(charge)
        if reaction is Behaviour.MISSTATE:
            return self._keep(charge, evolve(success, amount=charge.amount + Money(1, charge.amount.currency)))
        self._keep(charge, success)
        if reaction is Behaviour.LOSE_ANSWER:
            raise _silence()
        if reaction is Behaviour.BREAK:
            raise ConnectionResetError("the connection broke")
        return success

    def _success(self, charge: Charge) -> ChargeResult:
        times = self._times[charge.key]
        reference = f"ch_{charge.key}" + (f"_{times + 1}" if times else "")
        return ChargeResult(state=ChargeState.SUCCEEDED, amount=charge.amount, reference=reference)

    def _collect(self, charge: Charge) -> None:
        self._collected.append(charge)
        self._times[charge.key] += 1

    def _keep(self, charge: Charge, result: ChargeResult, *, is_collected: bool = True) -> ChargeResult:
        at = None if self.clock is None else self.clock.now()
        self._kept[charge.key] = Kept(charge=charge, result=result, at=at, is_collected=is_collected)
        return result


def _declined(decline: Decline) -> ChargeResult:
    return ChargeResult(state=ChargeState.DECLINED, decline=decline.kind, reason=decline.reason)


def _silence() -> OutcomeUnknown:
    return OutcomeUnknown("gateway_timed_out", "the gateway did not answer in time; ask it first")
