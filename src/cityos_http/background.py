"""What a server does beside answering: exports, domains whose check is due, answers too old to replay."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

import structlog
from attrs import define, field

from cityos_core.app import CityOS
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.scope import PlatformScope, Scope

EVERY_S: Final = 5.0
"""How long it rests when nobody wakes it."""

WORKER: Final = Caller(principal="system:worker")


@define
class Background:
    """One thread that does what is due, again and again; any number of processes may have one."""

    city: CityOS
    _wake: Event = field(factory=Event, init=False)
    _is_over: bool = field(default=False, init=False)
    _thread: Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin."""
        self._thread = Thread(target=self._run, name="cityos-background", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now whether something is due."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is being done, and end."""
        self._is_over = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with acting(WORKER):
            while not self._is_over:
                self._wake.clear()
                for name, work in self._works():
                    if not self._is_over:
                        self._do(name, work)
                self._wake.wait(EVERY_S)

    def _works(self) -> list[tuple[str, Callable[[], object]]]:
        return [
            ("exports", self.city.exports.run_all),
            ("domains", self.city.domains.verify_due),
            ("answers", self._forget_answers),
        ]

    def _do(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Unavailable as away:
            why = "; ".join([away.detail, *getattr(away, "__notes__", ())])
            structlog.get_logger("cityos.background").warning("put off", work=name, code=away.code, why=why)
        except Exception as error:  # noqa: BLE001  the thread goes on whatever one round met
            structlog.get_logger("cityos.background").error("failed", work=name, exc_info=error)

    def _forget_answers(self) -> None:
        scopes: list[Scope] = [PlatformScope(), *(tenant.scope for tenant in self.city.tenants.list())]
        for scope in scopes:
            self.city.requests.forget(scope)
