"""The signing keys of an issuer, kept: fetched once for everybody, and no more often than it helps."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

from attrs import define, field, frozen

from cityos_adapters.exchange import Unanswered
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Unavailable

REST: Final = timedelta(seconds=5)
"""How long an issuer is left alone that did not answer."""

_log = logging.getLogger(__name__)

K = TypeVar("K")


@frozen
class Fetched(Generic[K]):
    """Keys by their ids, and when they were fetched; none at first."""

    keys: Mapping[str, K]
    at: datetime | None = None


@define(kw_only=True)
class KeyRing(Generic[K]):
    """Gives keys by their ids; safe to share between threads.

    Keys are fetched again after ``fresh_for``. While they cannot be, the old ones are served for ``served_for`` in all,
    by whoever need not wait. A key id that is not known is looked for at most once per ``cool_down``, whoever asks and
    for whatever ids: made-up ones cannot cause more. Only such searches start the cool-down, so that a key that follows
    soon after an ordinary fetch is found at once.
    """

    fetch: Callable[[], Mapping[str, K]]
    clock: Clock
    fresh_for: timedelta
    served_for: timedelta
    cool_down: timedelta
    _fetched: Fetched[K] = field(factory=lambda: Fetched({}), init=False)
    _failed_at: datetime | None = field(default=None, init=False)
    _searched_at: datetime | None = field(default=None, init=False)
    _fetching: Lock = field(factory=Lock, init=False)

    def get(self, key_id: str) -> K | None:
        """Give a key, or none if the issuer has no such key; ``Unavailable`` if nobody can say."""
        key = self._current().get(key_id)
        return self._searched(key_id) if key is None else key

    def _current(self) -> Mapping[str, K]:
        if not self._is_within(self._fetched.at, self.fresh_for):
            must_wait = not self._is_within(self._fetched.at, self.served_for)
            with self._turn(wait=must_wait) as is_ours:
                rests = self._is_within(self._failed_at, REST)
                if is_ours and not rests and not self._is_within(self._fetched.at, self.fresh_for):
                    self._fetch()
        fetched = self._fetched
        if not self._is_within(fetched.at, self.served_for):
            raise _unavailable()
        return fetched.keys

    def _searched(self, key_id: str) -> K | None:
        with self._fetching:  # whoever searches may be about to find it
            if key_id not in self._fetched.keys and not self._is_within(self._searched_at, self.cool_down):
                self._searched_at = self.clock.now()
                self._fetch()
            key = self._fetched.keys.get(key_id)
            if key is None and self._failed_at is not None:
                raise _unavailable()
            return key

    @contextmanager
    def _turn(self, *, wait: bool) -> Iterator[bool]:
        is_ours = self._fetching.acquire(blocking=wait)
        try:
            yield is_ours
        finally:
            if is_ours:
                self._fetching.release()

    def _fetch(self) -> None:
        try:
            self._fetched = Fetched(self.fetch(), self.clock.now())
            self._failed_at = None
        except Unanswered as error:
            self._failed_at = self.clock.now()
            _log.warning("the keys of the identity provider could not be fetched: %s", error)

    def _is_within(self, at: datetime | None, span: timedelta) -> bool:
        """Tell whether something was less than so long ago; what lies ahead, because a clock was set back, was not."""
        return at is not None and timedelta(0) <= self.clock.now() - at < span


def _unavailable() -> Unavailable:
    return Unavailable("identity_provider_unavailable", "access tokens cannot be checked at present; try again later")
