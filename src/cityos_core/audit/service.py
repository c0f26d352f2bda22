"""Reading what was done, proving that nobody rewrote it, and adding who looked."""

from collections.abc import Generator, Iterable
from typing import Self

from attrs import frozen

from cityos_core.audit.model import Entry, Verification
from cityos_core.audit.ports import AuditFilter
from cityos_core.audit.walking import Place, ending, walk
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import Scope
from cityos_core.recording import note_seen
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class ListEntries:
    """List entries page by page, the newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: Scope, where: AuditFilter | None = None, request: PageRequest | None = None
    ) -> Page[Entry]:
        with self.unit_of_work(scope) as uow:
            return uow.audit.page(where or AuditFilter(), request or PageRequest())


@frozen
class GetEntry:
    """Give the entry at a place of the chain."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, sequence: int) -> Entry:
        with self.unit_of_work(scope) as uow:
            found = uow.audit.page(AuditFilter(sequence=sequence), PageRequest(limit=1)).items
        if not found:
            raise NotFound(
                "audit_entry_not_found", f"there is no entry {sequence}; list the entries to see those there are"
            )
        return found[0]


@frozen
class ExportEntries:
    """Stream entries, the oldest first; the unit of work stays open until the stream ends or is closed."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, where: AuditFilter | None = None) -> Generator[Entry, None, None]:
        with self.unit_of_work(scope) as uow:
            yield from uow.audit.export(where or AuditFilter())


@frozen
class VerifyChain:
    """Walk along the whole chain and say where it does not hold, if anywhere; it changes nothing.

    ``known`` is a place that was noted outside of the database, such as the last one of an earlier verification: a chain
    that was written anew from before it shows.
    """

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, *, known: Place | None = None) -> Verification:
        with self.unit_of_work(scope) as uow:
            said = uow.audit.head()
            found = walk(uow.audit.links(), [said] if known is None else [said, known])
            return ending(found, uow.audit.head()) if found.is_whole else found


@frozen
class Look:
    """Write down that whoever is acting saw records of a kind, or a list with nothing in it; nothing else changes.

    For those who come into a tenant from outside: what they change is written down anyway.
    """

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, kind: str, targets: Iterable[str]) -> None:
        with self.unit_of_work(scope) as uow:
            note_seen(uow, kind, targets)
            uow.commit()


@frozen(kw_only=True)
class AuditUseCases:
    """Everything that can be done with the audit; the platform's own chain is that of its scope."""

    list: ListEntries
    get: GetEntry
    export: ExportEntries
    verify: VerifyChain
    look: Look

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        unit_of_work = dependencies.unit_of_work
        return cls(
            list=ListEntries(unit_of_work),
            get=GetEntry(unit_of_work),
            export=ExportEntries(unit_of_work),
            verify=VerifyChain(unit_of_work),
            look=Look(unit_of_work),
        )
