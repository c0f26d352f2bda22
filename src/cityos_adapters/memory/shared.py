"""Tables that tenants share: each reaches its own rows, the platform all of them."""

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from cityos_adapters.memory.rows import require_own
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import PLATFORM, TenantId


class Owned(Protocol):
    """A row that says whose it is."""

    @property
    def tenant_id(self) -> TenantId:
        """The owner: a tenant, or the platform."""
        ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Owned)


@frozen
class Shared(View[K, V], Generic[K, V]):
    """A shared table as one scope reaches it: what it does not reach is not there."""

    tenant: TenantId

    def __len__(self) -> int:
        return len(self.items())

    def get(self, key: K) -> V | None:
        """Give the row with a key."""
        row = super().get(key)
        return row if row is not None and self._reaches(row) else None

    def all(self) -> list[V]:
        """List every row."""
        return [row for _, row in self.items()]

    def own(self) -> list[V]:
        """List the rows that belong to the scope itself."""
        return [row for row in self.all() if row.tenant_id == self.tenant]

    def items(self) -> list[tuple[K, V]]:
        """List every key with its row."""
        return [(key, row) for key, row in super().items() if self._reaches(row)]

    def found(self, index: str, value: Hashable) -> list[tuple[K, V]]:
        """List the rows that carry a value, with their keys."""
        return [(key, row) for key, row in super().found(index, value) if self._reaches(row)]

    def put(self, key: K, row: V) -> None:
        """Store a row of an owner that the scope reaches."""
        if self.tenant != PLATFORM:
            require_own(self.tenant, row.tenant_id)
        stored = super().get(key)
        if stored is not None and not self._reaches(stored):
            raise Conflict("constraint_violated", f"{key} is in use; give what is new an id of its own")
        super().put(key, row)

    def drop(self, key: K) -> None:
        """Forget a row, if the scope reaches it."""
        if self.get(key) is not None:
            super().drop(key)

    def _reaches(self, row: V) -> bool:
        return self.tenant in (PLATFORM, row.tenant_id)
