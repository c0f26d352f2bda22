"""What Prometheus reads: how many requests, how long they took. Never by tenant, whose number has no end."""

from typing import Final

from attrs import field, frozen
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What is counted by name; of others a client could make up any number."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


@frozen
class Measures:
    """The counters of one application."""

    registry: CollectorRegistry = field(factory=CollectorRegistry)
    requests: Counter = field(init=False)
    durations: Histogram = field(init=False)

    @requests.default
    def _requests(self) -> Counter:
        names = ["method", "route", "status"]
        return Counter("cityos_http_requests", "Requests answered.", names, registry=self.registry)

    @durations.default
    def _durations(self) -> Histogram:
        doc = "Seconds from the first byte of a request to the last of its answer."
        names = ["method", "route"]
        return Histogram("cityos_http_request_seconds", doc, names, registry=self.registry, buckets=SECONDS)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        method = method if method in METHODS else "(other)"
        self.requests.labels(method, route, str(status)).inc()
        self.durations.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Write them all."""
        return generate_latest(self.registry)
