"""The compiled rules of a tenant, remembered until its configuration changes."""

from collections import OrderedDict
from threading import Lock
from typing import Final, Protocol

from attrs import evolve, field, frozen

from cityos_core.commissions.ports import Rules
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.settings import COMMISSION_BOUNDS
from cityos_core.kernel.ids import TenantId
from cityos_core.tenancy.ports import Revisions
from cityos_core.tenancy.settings import Configuration

_LARGEST: Final = 256


class HoldsRules(Protocol):
    """What is asked of a unit of work."""

    @property
    def rules(self) -> Rules:
        """The rules the scope sees."""
        ...

    @property
    def revisions(self) -> Revisions:
        """Whether they changed."""
        ...


@frozen
class RuleBooks:
    """Gives rule books, remembering the last ones compiled; one per database, shared by its threads.

    Call it in a unit of work of the tenant's own scope, before that unit of work writes configuration.
    """

    _known: OrderedDict[TenantId, tuple[str, RuleBook]] = field(factory=OrderedDict, init=False, eq=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, eq=False, repr=False)

    def __call__(self, uow: HoldsRules, configuration: Configuration) -> RuleBook:
        """Give the active rules of the configuration's tenant and of the platform, within the tenant's bounds."""
        book = self._book(uow, configuration.tenant.id)
        bounds = configuration.value(COMMISSION_BOUNDS)
        return book if bounds is None else evolve(book, bounds=bounds)

    def _book(self, uow: HoldsRules, tenant: TenantId) -> RuleBook:
        revision = uow.revisions.current()
        with self._lock:
            remembered = self._known.get(tenant)
            if remembered and remembered[0] == revision:
                self._known.move_to_end(tenant)
                return remembered[1]
        book = RuleBook.of(uow.rules.current())
        with self._lock:
            self._known[tenant] = (revision, book)
            self._known.move_to_end(tenant)
            if len(self._known) > _LARGEST:
                self._known.popitem(last=False)
        return book
