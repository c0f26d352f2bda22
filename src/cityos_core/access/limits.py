"""How often someone may ask."""

from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from cityos_core.access.model import Admission, ApiKey, KeyKind, PrincipalKind, RateLimit
from cityos_core.access.ports import Allowance, RateLimiter
from cityos_core.access.settings import RATE_LIMIT
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import TenantId
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.model import Tenant
from cityos_core.unit_of_work import UnitOfWorkFactory

PLATFORM_LIMIT: Final = RateLimit(requests=600, seconds=60)
"""For work on what the platform owns."""

BELIEVED: Final = timedelta(seconds=5)
"""How long a tenant's limit is remembered: every request asks for it."""

MOST_KNOWN: Final = 10_000


@frozen
class LimitOf:
    """Say which limit holds for someone: its key's own, else the tenant's setting, as it was within :data:`BELIEVED`."""

    unit_of_work: UnitOfWorkFactory
    configuration: ConfigurationReader
    clock: Clock
    _known: dict[TenantId, tuple[datetime, RateLimit]] = field(factory=dict, init=False, eq=False, repr=False)

    def __call__(self, admission: Admission) -> RateLimit:
        """Give the limit."""
        if admission.key is not None and admission.key.rate_limit is not None and _says_who(admission.key, admission):
            return admission.key.rate_limit
        if admission.tenant is None:
            return PLATFORM_LIMIT
        return self._of(admission.tenant)

    def _of(self, tenant: Tenant) -> RateLimit:
        now = self.clock.now()
        read_at, limit = self._known.get(tenant.id, (None, None))
        if limit is None or read_at is None or not read_at <= now < read_at + BELIEVED:
            with self.unit_of_work(tenant.scope) as uow:
                limit = self.configuration(uow, tenant.id).value(RATE_LIMIT)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[tenant.id] = (now, limit)
        return limit


def _says_who(key: ApiKey, admission: Admission) -> bool:
    """Tell whether it is the key that asks: a publishable one beside an access token only names the tenant."""
    return key.kind is not KeyKind.PUBLISHABLE or admission.principal.kind is PrincipalKind.API_KEY


@frozen
class Take:
    """Count one request of someone."""

    limiter: RateLimiter

    def __call__(self, key: str, limit: RateLimit) -> Allowance:
        """Count it."""
        return self.limiter.take(key, limit)
