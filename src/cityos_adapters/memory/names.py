"""A DNS that says what a test tells it to."""

from attrs import define, field

from cityos_core.kernel.errors import Unavailable


@define
class ScriptedNames:
    """Holds TXT records by name; silent if told so."""

    is_silent: bool = False
    """True while it answers nothing."""
    asked: list[str] = field(factory=list, init=False)
    """Every name that it was asked about, in order."""
    _texts: dict[str, tuple[str, ...]] = field(factory=dict, init=False)

    def publish(self, name: str, *texts: str) -> None:
        """Put these records at a name in place of what stood there."""
        self._texts[name.lower()] = texts

    def withdraw(self, name: str) -> None:
        """Let a name be gone."""
        self._texts.pop(name.lower(), None)

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the TXT records at a name."""
        self.asked.append(name)
        if self.is_silent:
            raise Unavailable("dns_unavailable", f"the DNS gave no answer about {name}; try again later")
        return self._texts.get(name.lower(), ())
