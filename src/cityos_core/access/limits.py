"""How often someone may ask."""

from typing import Final

from attrs import frozen

from cityos_core.access.model import Admission, RateLimit
from cityos_core.access.ports import Allowance, RateLimiter
from cityos_core.access.settings import RATE_LIMIT
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory

PLATFORM_LIMIT: Final = RateLimit(requests=600, seconds=60)
"""For work on what the platform owns."""


@frozen
class LimitOf:
    """Say which limit holds for someone: its key's own, else the tenant's setting."""

    unit_of_work: UnitOfWorkFactory
    configuration: ConfigurationReader

    def __call__(self, admission: Admission) -> RateLimit:
        """Give the limit."""
        if admission.key is not None and admission.key.rate_limit is not None:
            return admission.key.rate_limit
        if admission.tenant is None:
            return PLATFORM_LIMIT
        with self.unit_of_work(admission.tenant.scope) as uow:
            return self.configuration(uow, admission.tenant.id).value(RATE_LIMIT)


@frozen
class Take:
    """Count one request of someone."""

    limiter: RateLimiter

    def __call__(self, key: str, limit: RateLimit) -> Allowance:
        """Count it."""
        return self.limiter.take(key, limit)
