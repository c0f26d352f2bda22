"""The use cases of exports."""

from collections.abc import Iterator, Mapping
from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.exports.kinds import SHEETS
from cityos_core.exports.model import Export, ExportFormat, ExportKind, ExportStatus
from cityos_core.exports.writing import WRITE, RunAll, RunDue, WriteExport, WritePage
from cityos_core.jobs.model import Job
from cityos_core.kernel.caller import caller
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import ExportId, Identifiers, JobId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class RequestExport:
    """Ask for an export of a list, by the filters that the list takes, as text, and for a job that writes it.

    ``Invalid`` names every filter that the kind does not have, or whose value is not understood.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: Scope,
        kind: ExportKind,
        format: ExportFormat,  # noqa: A002  the field's word
        where: Mapping[str, str] | None = None,
        *,
        by: str,
    ) -> Export:
        sheet, where = SHEETS[kind], dict(where or {})
        if isinstance(scope, PlatformScope) and not sheet.has_platform:
            raise Invalid.at("$.kind", "not_of_the_platform", f"{kind.value} belong to a tenant; choose one")
        sheet.read(where)
        export = Export(
            id=ExportId(self.identifiers.new()),
            tenant_id=scope.tenant_id,
            kind=kind,
            format=format,
            where=where,
            requested_by=by,
            created_at=self.clock.now(),
        )
        with self.unit_of_work(scope) as uow:
            uow.exports.add(export)
            uow.jobs.add([self._job(export)])
            uow.commit()
        return export

    def _job(self, export: Export) -> Job:
        return Job(
            id=JobId(self.identifiers.new()),
            tenant_id=export.tenant_id,
            operation=WRITE,
            arguments={"export": str(export.id)},
            key=f"{WRITE}@{export.id}",
            entity="export",
            entity_id=str(export.id),
            request_id=caller().request_id,
            requested_by=export.requested_by,
            created_at=export.created_at,
            due_at=export.created_at,
        )


@frozen
class GetExport:
    """Give an export and how far it has come, or ``NotFound("export_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, export_id: ExportId) -> Export:
        with self.unit_of_work(scope) as uow:
            return uow.exports.get(export_id)


@frozen
class ListExports:
    """List exports page by page, newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, request: PageRequest | None = None) -> Page[Export]:
        with self.unit_of_work(scope) as uow:
            return uow.exports.page(request or PageRequest())


@frozen
class ReadExport:
    """Give the content of an export in pieces, each read when it is taken; ``Conflict("export_not_ready")`` before."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, export_id: ExportId) -> Iterator[str]:
        with self.unit_of_work(scope) as uow:
            export = uow.exports.get(export_id)
        if export.status is not ExportStatus.SUCCEEDED:
            raise Conflict(
                "export_not_ready",
                f"the export failed ({export.reason}); ask for another one"
                if export.status is ExportStatus.FAILED
                else f"the export is {export.status.value}, {export.rows} rows so far; ask again in a moment",
                current_state=export.status.value,
            )
        return self._pieces(scope, export)

    def _pieces(self, scope: Scope, export: Export) -> Iterator[str]:
        for number in range(export.chunks):
            with self.unit_of_work(scope) as uow:
                text = uow.files.read(export.id, number)
            yield text


@frozen(kw_only=True)
class ExportUseCases:
    """Lists as files. The platform exports its audit, tenants everything."""

    request: RequestExport
    get: GetExport
    list: ListExports
    read: ReadExport
    write: WriteExport
    run_due: RunDue
    run_all: RunAll

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        pages = WritePage(uow, clock)
        run_due = RunDue(uow, clock, pages)
        return cls(
            request=RequestExport(uow, clock, dependencies.identifiers),
            get=GetExport(uow),
            list=ListExports(uow),
            read=ReadExport(uow),
            write=WriteExport(uow, clock, pages),
            run_due=run_due,
            run_all=RunAll(uow, run_due),
        )
