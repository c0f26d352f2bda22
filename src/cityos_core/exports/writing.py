"""Writing exports: a page at a time, each in a transaction of its own, so that a worker may die anywhere."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from cityos_core.exports.kinds import SHEETS
from cityos_core.exports.model import MOST_ATTEMPTS, Chunk, Export, ExportStatus
from cityos_core.jobs.policy import may_heal
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import CityOSError, Conflict, Refused
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import LARGEST_PAGE, PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

WRITE: Final = "exports.write"
"""The operation that writes one export; its argument ``export`` is the export's id."""

AT_ONCE: Final = 100
"""How many exports are looked up at a time."""


@frozen
class WritePage:
    """Write the page of an export after the one before, as a chunk; give what became of it, and where the next begins."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: Scope, export: Export, after: str | None) -> tuple[Export, str | None]:
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

    def put_off(self, scope: Scope, export: Export, reason: str, *, for_good: bool = False) -> None:
        """Keep why an export could not be written: it is tried again when its lease ends, or it has failed."""
        after = evolve(export, reason=reason)
        if for_good or export.attempts >= MOST_ATTEMPTS:
            after = export.step("fail", at=self.clock.now(), reason=reason)
        with self.unit_of_work(scope) as uow:
            _commit(uow, after, "exports.put_off")


@frozen
class WriteExport:
    """Write one export for a job, and give it once it is there; what goes wrong is kept as its reason, and raised.

    The job keeps other workers from it, so it is taken from whoever else has it. It is written from its beginning,
    :data:`MOST_ATTEMPTS` times at most; one that failed is ``Refused("export_failed")`` unless it is begun ``anew``.
    ``written`` is called after each page.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    pages: WritePage

    def __call__(
        self, scope: Scope, export_id: ExportId, *, anew: bool = False, written: Callable[[], object] = lambda: None
    ) -> Export:
        export, after = self._claim(scope, export_id, anew=anew), None
        while export.status is ExportStatus.RUNNING:
            try:
                export, after = self.pages(scope, export, after)
            except Exception as error:
                if not _is_taken(error):
                    self.pages.put_off(scope, export, _reason(error), for_good=not may_heal(error))
                raise
            written()
        return export

    def _claim(self, scope: Scope, export_id: ExportId, *, anew: bool) -> Export:
        """Take an export; one that is there is given as it is."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            export = uow.exports.get(export_id)
            if export.status is ExportStatus.SUCCEEDED:
                return export
            if export.status is ExportStatus.FAILED or export.attempts >= MOST_ATTEMPTS:
                if not anew:
                    failed = _give_up(uow, export, now)
                    raise Refused("export_failed", f"{failed.reason}; ask for another one, or have its job retried")
                export = evolve(export, attempts=0)
            return _commit(uow, evolve(export.step("start", at=now), rows=0, size=0, chunks=0), "exports.claim")


@frozen
class RunDue:
    """Write every export of a scope that is due, and give how many were finished.

    Any number of workers may run at once. A chunk, and how far it has come with it, is one transaction; an export whose
    worker died is written again from its beginning, :data:`MOST_ATTEMPTS` times in all. What goes wrong with one is kept
    as its reason and never stops the others.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    pages: WritePage

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
                _give_up(uow, export, now)
                return None
            return _commit(uow, evolve(export.step("start", at=now), rows=0, size=0, chunks=0), "exports.claim")

    def _write(self, scope: Scope, export: Export) -> bool:
        after: str | None = None
        while export.status is ExportStatus.RUNNING:
            try:
                export, after = self.pages(scope, export, after)
            except Exception as error:
                if not _is_taken(error):
                    self.pages.put_off(scope, export, _reason(error))
                if _is_taken(error) or not isinstance(error, CityOSError):
                    raise
                return False
        return True


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


def _give_up(uow: UnitOfWork, export: Export, now: datetime) -> Export:
    """Let an export have failed that was started too often, if it has not."""
    if export.status is ExportStatus.FAILED:
        return export
    reason = export.reason or f"it was started {export.attempts} times and never finished"
    return _commit(uow, export.step("fail", at=now, reason=reason), "exports.give_up")


def _reason(error: Exception) -> str:
    return error.detail if isinstance(error, CityOSError) else f"unexpected {type(error).__name__}"


def _is_taken(error: Exception) -> bool:
    """True if another worker was first: the export is its business now."""
    return isinstance(error, Conflict) and error.code == "stale"
