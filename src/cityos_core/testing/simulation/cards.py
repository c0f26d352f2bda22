"""Cards that are declined and heal, and a payment gateway with moods, over the scripted one of the memory adapters."""

from random import Random
from typing import TYPE_CHECKING, Final

from attrs import define, field

from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.gateway import Charge, ChargeResult

if TYPE_CHECKING:
    from cityos_adapters.memory.gateway import ScriptedGateway

_MOODS: Final = {
    "APPROVE": 84,
    "PEND": 3,
    "MISSTATE": 1,
    "LOSE_ANSWER": 4,
    "BREAK": 2,
    "LOSE_REQUEST": 3,
    "UNAVAILABLE": 3,
}
"""Of a hundred charges to good cards, how many meet which behaviour."""

_UNCLEAR: Final = ("PEND", "MISSTATE")
"""What only the gateway's own people clear up."""


@define
class MoodyGateway:
    """Passes charges on, and decides what happens to those that it has not seen; a calm one collects them all."""

    gateway: "ScriptedGateway"
    random: Random
    is_calm: bool = False
    name: str = field(init=False)
    _seen: set[str] = field(factory=set, init=False)
    _unclear: dict[str, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.name = self.gateway.name

    def charge(self, charge: Charge) -> ChargeResult:
        """Collect, or not."""
        from cityos_adapters.memory.gateway import Behaviour  # noqa: PLC0415  the core knows no adapter until asked

        is_new = charge.key not in self._seen and charge.payment_method not in self.gateway.methods
        if is_new and not self.is_calm:
            self._seen.add(charge.key)
            mood = self.random.choices(list(_MOODS), weights=list(_MOODS.values()))[0]
            self.gateway.script(Behaviour[mood], key=charge.key)
            if mood in _UNCLEAR:
                self._unclear[charge.key] = mood
        return self.gateway.charge(charge)

    def inquire(self, charge: Charge) -> ChargeResult:
        """Tell what became of a charge."""
        return self.gateway.inquire(charge)

    def calm_down(self) -> None:
        """Be calm from now on, and answer everything."""
        self.is_calm = True
        self.fall_silent(is_silent=False)

    def fall_silent(self, *, is_silent: bool) -> None:
        """Answer no question about earlier charges, or do again."""
        self.gateway.is_silent = is_silent

    def clear_up(self, *, all_of_it: bool = False) -> None:
        """Let some of the charges that are under way succeed or be declined, and state rightly what was misstated."""
        from cityos_adapters.memory.gateway import Decline  # noqa: PLC0415  as above

        for key, mood in list(self._unclear.items()):
            if all_of_it or self.random.randrange(2):
                is_declined = mood == "PEND" and not self.random.randrange(4)
                self.gateway.settle(key, Decline() if is_declined else None)
                del self._unclear[key]

    def decline(self, card: str, kind: DeclineClass) -> None:
        """Decline a card from now on."""
        from cityos_adapters.memory.gateway import Decline  # noqa: PLC0415  as above

        self.gateway.methods[card] = Decline(kind, f"the card is declined ({kind.value})")

    def heal(self, card: str) -> None:
        """Accept a card again."""
        self.gateway.methods.pop(card, None)

    def declines(self, card: str | None) -> bool:
        """Tell whether a card is declined."""
        return card in self.gateway.methods

    def collected(self) -> list[Charge]:
        """List everything that was collected, in order: the gateway's own record."""
        return self.gateway.charged
