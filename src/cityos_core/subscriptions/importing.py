"""Plans and usage from files: each row stands alone, gets an answer, and a second time changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from attrs import asdict, evolve, frozen

from cityos_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.imports import Outcome, Row, RowResult, import_in_chunks
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.drafts import PlanDraft, UsageDraft
from cityos_core.subscriptions.planning import CreatePlan
from cityos_core.subscriptions.recording_usage import MOST_RECORDS, RecordUsage, Report

MISTAKES: Final = (Invalid, NotFound, Conflict, Refused, Forbidden)
"""What rejects a row; anything else is wrong with the world, and ends the import."""


@frozen
class ImportPlans:
    """Put plans on sale that a file lists; one that is there already must be the same."""

    create: CreatePlan

    def __call__(self, scope: TenantScope, rows: Iterable[Row[PlanDraft]]) -> Iterator[RowResult]:
        """Import rows as the answers are taken, each in a transaction of its own."""
        return (self._answer(scope, row) for row in rows)

    def _answer(self, scope: TenantScope, row: Row[PlanDraft]) -> RowResult:
        try:
            return row.answer(self._import(scope, row.readable()))
        except MISTAKES as error:
            return row.answer(Outcome.REJECTED, error)

    def _import(self, scope: TenantScope, draft: PlanDraft) -> Outcome:
        try:
            self.create(scope, **asdict(draft, recurse=False))
        except Conflict as taken:
            if taken.code != "handle_taken":
                raise
            self._check_same(scope, draft)
            return Outcome.UNCHANGED
        return Outcome.CREATED

    def _check_same(self, scope: TenantScope, draft: PlanDraft) -> None:
        with self.create.unit_of_work(scope) as uow:
            currency = draft.currency or self.create.configuration(uow, scope.tenant_id).tenant.currency
            standing = uow.plans.named(draft.handle)
        if PlanDraft.of(standing) != evolve(draft, currency=currency):
            detail = f"plan {draft.handle} is sold on other terms, and those never change; give this one another handle"
            raise Conflict("plan_differs", detail)


@frozen
class ImportUsage:
    """Write down what a file says was used, of any number of subscriptions; each report counts once.

    The reports of a subscription are taken together, and where one of them is wrong apart, so that only it is rejected.
    """

    record: RecordUsage

    def __call__(self, scope: TenantScope, rows: Iterable[Row[UsageDraft]]) -> Iterator[RowResult]:
        """Import rows as the answers are taken, in bounded memory; the work stops where the taking stops."""
        return import_in_chunks(rows, partial(self._write, scope), size=MOST_RECORDS)

    def _write(self, scope: TenantScope, rows: Sequence[Row[UsageDraft]]) -> Sequence[RowResult]:
        answers: dict[int, RowResult] = {}
        parts: dict[SubscriptionId, list[tuple[Row[UsageDraft], UsageDraft]]] = {}
        for row in rows:
            try:
                draft = row.readable()
            except Invalid as error:
                answers[row.number] = row.answer(Outcome.REJECTED, error)
            else:
                parts.setdefault(draft.subscription, []).append((row, draft))
        for part in parts.values():
            answers |= self._record(scope, part)
        return [answers[row.number] for row in rows]

    def _record(
        self, scope: TenantScope, part: Sequence[tuple[Row[UsageDraft], UsageDraft]]
    ) -> Mapping[int, RowResult]:
        """Record reports of one subscription together; if one of them is wrong, either half of them by itself."""
        subscription_id = part[0][1].subscription
        try:
            with self.record.unit_of_work(scope) as uow:
                known = {*uow.usage.find(subscription_id, {draft.key for _, draft in part})}
            self.record(scope, subscription_id, [_report(draft) for _, draft in part])
        except MISTAKES as error:
            if len(part) == 1 or error.code == "subscription_not_found":
                return {row.number: row.answer(Outcome.REJECTED, error) for row, _ in part}
            half = len(part) // 2
            return {**self._record(scope, part[:half]), **self._record(scope, part[half:])}
        answers = {}
        for row, draft in part:
            answers[row.number] = row.answer(Outcome.UNCHANGED if draft.key in known else Outcome.CREATED)
            known.add(draft.key)
        return answers


def _report(draft: UsageDraft) -> Report:
    return draft.key, draft.item, draft.quantity, draft.used_at
