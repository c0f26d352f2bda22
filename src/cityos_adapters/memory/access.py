"""API keys, assignments of roles and impersonations."""

from collections.abc import Collection
from datetime import datetime

from attrs import evolve, frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import save
from cityos_adapters.memory.shared import Shared
from cityos_core.access.model import ApiKey, Assignment, Impersonation
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId
from cityos_core.kernel.paging import Page, PageRequest


@frozen
class MemoryApiKeys:
    """API keys by id and hash."""

    keys: Shared[ApiKeyId, ApiKey]

    def add(self, key: ApiKey) -> None:
        self.keys.put(key.id, key)

    def save(self, key: ApiKey) -> None:
        save(self.keys, key.id, key)

    def get(self, key_id: ApiKeyId) -> ApiKey:
        key = self.keys.get(key_id)
        if key is None:
            raise NotFound("api_key_not_found", f"there is no API key {key_id}")
        return key

    def with_hashes(self, hashes: Collection[str]) -> dict[str, ApiKey]:
        return {key.hash: key for wanted in set(hashes) for key in self.keys.find("hash", wanted)}

    def page(self, request: PageRequest) -> Page[ApiKey]:
        return page(self.keys.own(), _words, request)

    def touch(self, key_id: ApiKeyId, at: datetime) -> None:
        key = self.keys.get(key_id)
        if key is not None:
            self.keys.put(key_id, evolve(key, last_used_at=at))


@frozen
class MemoryAssignments:
    """Assignments by id and user."""

    assignments: Shared[AssignmentId, Assignment]

    def add(self, assignment: Assignment) -> None:
        given = self.assignments.find("user", assignment.user)
        if any((other.tenant_id, other.grant) == (assignment.tenant_id, assignment.grant) for other in given):
            raise Conflict("assigned", f"{assignment.user} has that role there already; there is nothing to do")
        self.assignments.put(assignment.id, assignment)

    def remove(self, assignment_id: AssignmentId) -> None:
        self.assignments.drop(self.get(assignment_id).id)

    def get(self, assignment_id: AssignmentId) -> Assignment:
        assignment = self.assignments.get(assignment_id)
        if assignment is None:
            raise NotFound("assignment_not_found", f"there is no assignment {assignment_id}")
        return assignment

    def of_user(self, names: Collection[str]) -> list[Assignment]:
        found = (assignment for name in set(names) for assignment in self.assignments.find("user", name))
        return sorted(found, key=_words)

    def page(self, request: PageRequest) -> Page[Assignment]:
        return page(self.assignments.own(), _words, request)


@frozen
class MemoryImpersonations:
    """Impersonations by id."""

    impersonations: Shared[ImpersonationId, Impersonation]

    def add(self, impersonation: Impersonation) -> None:
        self.impersonations.put(impersonation.id, impersonation)

    def save(self, impersonation: Impersonation) -> None:
        save(self.impersonations, impersonation.id, impersonation)

    def get(self, impersonation_id: ImpersonationId) -> Impersonation:
        impersonation = self.impersonations.get(impersonation_id)
        if impersonation is None:
            raise NotFound("impersonation_not_found", f"there is no impersonation {impersonation_id}")
        return impersonation

    def page(self, request: PageRequest) -> Page[Impersonation]:
        return page(
            self.impersonations.own(), lambda row: (moment(row.started_at), str(row.id)), request, newest_first=True
        )


def _words(row: ApiKey | Assignment) -> Words:
    return moment(row.created_at), str(row.id)
