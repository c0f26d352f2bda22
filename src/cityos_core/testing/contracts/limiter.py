"""The contract of rate limiters."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from cityos_core.access.model import RateLimit
from cityos_core.access.ports import RateLimiter

SLOW = RateLimit(requests=3, seconds=3600)
"""Nothing comes back while a test runs."""

QUICK = RateLimit(requests=20, seconds=1, burst=1)


class RateLimiterContract:
    """A burst, then an even flow, per key. The subclass brings the fixture ``limiter`` and :meth:`wait`."""

    def wait(self, seconds: float) -> None:
        """Let time pass where the limiter reads it."""
        raise NotImplementedError

    def test_a_burst_and_no_more(self, limiter: RateLimiter) -> None:
        """As many requests as a burst has are allowed at once, and what is left is told; the next one is refused."""
        taken = [limiter.take("a", SLOW) for _ in range(3)]
        assert [(one.allowed, one.limit, one.remaining) for one in taken] == [(True, 3, 2), (True, 3, 1), (True, 3, 0)]
        assert all(one.retry_after_s == 0 for one in taken)
        assert 0 < taken[0].reset_after_s < taken[2].reset_after_s <= 3600
        refused = limiter.take("a", SLOW)
        assert (refused.allowed, refused.remaining) == (False, 0)
        assert 0 < refused.retry_after_s <= 1200

    def test_a_burst_can_be_smaller_or_larger(self, limiter: RateLimiter) -> None:
        """How many may come at once is a matter of its own."""
        small, large = RateLimit(requests=3, seconds=3600, burst=1), RateLimit(requests=3, seconds=3600, burst=5)
        assert [limiter.take("a", small).allowed for _ in range(2)] == [True, False]
        assert [limiter.take("b", large).allowed for _ in range(6)] == [True] * 5 + [False]

    def test_refusals_cost_nothing(self, limiter: RateLimiter) -> None:
        """Whoever keeps asking does not wait longer for it."""
        for _ in range(3):
            limiter.take("a", SLOW)
        waits = [limiter.take("a", SLOW).retry_after_s for _ in range(10)]
        assert waits == sorted(waits, reverse=True)

    def test_keys_are_apart(self, limiter: RateLimiter) -> None:
        """What one key used up is there for another, also if one is the beginning of the other."""
        for _ in range(4):
            limiter.take("a", SLOW)
        assert limiter.take("a:b", SLOW).remaining == 2
        assert limiter.take("", SLOW).remaining == 2
        assert not limiter.take("a", SLOW).allowed

    def test_it_recovers(self, limiter: RateLimiter) -> None:
        """After the wait that was told, the next request is allowed."""
        for _ in range(3):
            answer = limiter.take("a", QUICK)
            while not answer.allowed:
                self.wait(answer.retry_after_s)
                answer = limiter.take("a", QUICK)
        self.wait(limiter.take("b", QUICK).reset_after_s)
        again = limiter.take("b", QUICK)
        assert (again.allowed, again.remaining) == (True, 0)

    def test_a_limit_can_be_changed(self, limiter: RateLimiter) -> None:
        """A limit that was lowered holds at once, for no longer than it says; one that was raised helps at once."""
        for _ in range(3):
            limiter.take("a", SLOW)
        assert limiter.take("a", RateLimit(requests=100, seconds=3600, burst=200)).allowed
        lowered = limiter.take("a", RateLimit(requests=1, seconds=10))
        assert not lowered.allowed
        assert 0 < lowered.retry_after_s <= 10

    def test_the_largest_limits_are_exact(self, limiter: RateLimiter) -> None:
        """A limit of a million requests a day counts each one."""
        limit = RateLimit(requests=1_000_000, seconds=86_400)
        assert [limiter.take("a", limit).remaining for _ in range(3)] == [999_999, 999_998, 999_997]

    def test_threads_share_it(self, limiter: RateLimiter) -> None:
        """Fifty threads with one key, all at once, never get more than the limit."""
        limit, start = RateLimit(requests=40, seconds=3600), Barrier(50)

        def ask(_number: int) -> list[bool]:
            start.wait()
            return [limiter.take("a", limit).allowed for _ in range(3)]

        with ThreadPoolExecutor(50) as threads:
            answers = Counter(allowed for answers in threads.map(ask, range(50)) for allowed in answers)
        assert answers == {True: 40, False: 110}
