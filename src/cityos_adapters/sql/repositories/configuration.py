"""Setting values, and the word that tells whether configuration has changed."""

from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Final

from attrs import field, frozen
from sqlalchemy import Insert, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from cityos_adapters.sql.growth import replacing
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.tables.tenancy import revisions, setting_entries
from cityos_core.kernel.ids import PLATFORM, NodeId
from cityos_core.tenancy.model import SettingEntry

_uncommitted: Final = count()


@frozen
class SqlRevisions:
    """A counter per owner, raised by the commit of whoever wrote configuration; read once in a unit of work."""

    session: Session
    _read: list[str] = field(factory=list, init=False)

    def current(self) -> str:
        """Give the platform's and the tenant's own counter; never the same word twice while writes are uncommitted."""
        if self.session.wrote_configuration:
            return f"uncommitted {next(_uncommitted)}"
        if not self._read:
            numbers = {row.tenant_id: row.number for row in self.session.all(_REVISIONS)}
            self._read.append(f"{numbers.get(PLATFORM, 0)}.{numbers.get(self.session.tenant, 0)}")
        return self._read[0]

    def bump(self) -> None:
        """Raise the counter of this scope."""
        self.session.run(_raising(), tenant_id=self.session.tenant, number=1)


_REVISIONS: Final = select(revisions).where(revisions.c.tenant_id.in_((OWNER, PLATFORM)))


@cache
def _raising() -> Insert:
    return insert(revisions).on_conflict_do_update(
        index_elements=["tenant_id"], set_={"number": revisions.c.number + 1}
    )


_PUT: Final = replacing(setting_entries)


@frozen
class SqlSettings:
    """Setting values at the nodes a scope sees."""

    session: Session

    def put(self, entry: SettingEntry) -> None:
        self.session.require_own(entry.tenant_id, platform_may=True)
        self.session.run(
            _PUT.each,
            tenant_id=entry.tenant_id,
            node_id=entry.node_id,
            key=entry.key,
            value=entry.value,
            locked=entry.locked,
        )
        self.session.wrote_configuration = True

    def remove(self, node_id: NodeId, key: str) -> None:
        own = () if self.session.is_platform else (setting_entries.c.tenant_id == OWNER,)
        where = (setting_entries.c.node_id == bindparam("node"), setting_entries.c.key == bindparam("name"))
        self.session.run(delete(setting_entries).where(*own, *where), node=node_id, name=key)
        self.session.wrote_configuration = True

    def at(self, node_ids: Iterable[NodeId]) -> list[SettingEntry]:
        statement = select(setting_entries).where(
            self.session.seen(setting_entries), among(setting_entries.c.node_id, "nodes")
        )
        found = self.session.all(
            statement.order_by(setting_entries.c.node_id, setting_entries.c.key), nodes=list(node_ids)
        )
        return [
            SettingEntry(node_id=row.node_id, tenant_id=row.tenant_id, key=row.key, value=row.value, locked=row.locked)
            for row in found
        ]
