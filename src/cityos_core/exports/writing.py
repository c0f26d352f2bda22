"""Writing exports: a page at a time, each in a transaction of its own, so that a worker may die anywhere."""

from typing import Final

from attrs import evolve, frozen

from cityos_core.exports.kinds import SHEETS
from cityos_core.exports.model import MOST_ATTEMPTS, Chunk, Export, ExportStatus
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import CityOSError, Conflict
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import LARGEST_PAGE, PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

AT_ONCE: Final = 100
"""How many exports are looked up at a time."""


@frozen
class RunDue:
    """Write every export of a scope that is due, and give how many were finished.

    Any number of workers may run at once. A chunk, and how far it has come with it, is one transaction; an export whose
    worker died is written again from its beginning, :data:`MOST_ATTEMPTS` times in all. What goes wrong with one is kept
    as its reason and never stops the others.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: Scope) -> int:
        finished = 0
        while due := self._due(scope):
            finished += sum(self._run(scope, export_id) for export_id in due)
        return finished

    def _due(self, scope: Scope) -> list[ExportId]:
        with self.unit_of_work(scope) as uow:
            return uow.exports.due(self.clock.now(), limit=AT_ONCE)

    def _run(self, scope: Scope, export_id: ExportId) -> bool:
        try:
            export = self._claim(scope, export_id)
            return export is not None and self._write(scope, export)
        except Conflict as error:
            if not _is_taken(error):
                raise
            return False

    def _claim(self, scope: Scope, export_id: ExportId) -> Export | None:
        """Take an export, or give it up if it was taken too often; none if there is nothing to write."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            export = uow.exports.get(export_id)
            if not export.is_due(now):
                return None
            if export.attempts >= MOST_ATTEMPTS:
                reason = export.reason or f"it was started {export.attempts} times and never finished"
                _commit(uow, export.step("fail", at=now, reason=reason), "exports.give_up")
                return None
            return _commit(uow, evolve(export.step("start", at=now), rows=0, size=0, chunks=0), "exports.claim")

    def _write(self, scope: Scope, export: Export) -> bool:
        after: str | None = None
        while export.status is ExportStatus.RUNNING:
            try:
                export, after = self._write_page(scope, export, after)
            except CityOSError as error:
                if _is_taken(error):
                    raise
                self._put_off(scope, export, error.detail)
                return False
            except Exception as error:
                self._put_off(scope, export, f"unexpected {type(error).__name__}")
                raise
        return True

    def _write_page(self, scope: Scope, export: Export, after: str | None) -> tuple[Export, str | None]:
        """Write the page after the one before, as a chunk; give what became of the export, and where the next begins."""
        faults.point("exports.chunk.before")
        sheet = SHEETS[export.kind]
        with self.unit_of_work(scope) as uow:
            page = sheet.page(uow, sheet.where(export), PageRequest(limit=LARGEST_PAGE, after=after))
            lines = list(sheet.lines(uow, page.items, export.format))
            text = "".join(lines) if export.chunks else sheet.heading(export.format) + "".join(lines)
            uow.files.write(Chunk(export.id, export.chunks, text))
            now = self.clock.now()
            grown = export.grown(rows=len(lines), size=len(text.encode()), at=now)
            if page.after is None:
                grown = grown.step("succeed", at=now)
            return _commit(uow, grown, "exports.chunk"), page.after

    def _put_off(self, scope: Scope, export: Export, reason: str) -> None:
        """Keep why an export could not be written: it is tried again when its lease ends, or it has failed."""
        after = evolve(export, reason=reason)
        if export.attempts >= MOST_ATTEMPTS:
            after = export.step("fail", at=self.clock.now(), reason=reason)
        with self.unit_of_work(scope) as uow:
            _commit(uow, after, "exports.put_off")


@frozen
class RunAll:
    """Write every export that is due, of the platform and of every tenant, and give how many were finished."""

    unit_of_work: UnitOfWorkFactory
    run_due: RunDue

    def __call__(self) -> int:
        with self.unit_of_work(PlatformScope()) as uow:
            tenants = uow.tenants.all()
        return self.run_due(PlatformScope()) + sum(self.run_due(tenant.scope) for tenant in tenants)


def _commit(uow: UnitOfWork, export: Export, point: str) -> Export:
    """Store a changed export with everything beside it, and give it in its new version."""
    uow.exports.save(export)
    faults.point(f"{point}.before_commit")
    uow.commit()
    faults.point(f"{point}.after_commit")
    return evolve(export, version=export.version + 1)


def _is_taken(error: CityOSError) -> bool:
    """True if another worker was first: the export is its business now."""
    return isinstance(error, Conflict) and error.code == "stale"
