"""What can be done as a job: operations, and what does each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Self, TypeAlias

from attrs import frozen

from cityos_core.jobs.model import Job
from cityos_core.jobs.policy import Operation
from cityos_core.kernel.errors import FieldError, Invalid, NotFound, require_none
from cityos_core.kernel.scope import PlatformScope, Scope

Progress: TypeAlias = Callable[[int], None]
"""Shows how many hundredths of the work are done, and holds the job for another lease.

Raises ``Conflict("stale")`` if another worker took the job over, which ends the work. Called outside of units of work,
as often as one likes: a call that would change little is free.
"""

Do: TypeAlias = Callable[[Scope, Job, Progress], str | None]
"""Does a job in its scope and says in a few words what it came to. It may be done again: a worker can die anywhere."""


@frozen
class Work:
    """An operation, and what does it."""

    operation: Operation
    do: Do


@frozen
class Works:
    """Everything that can be done, by name."""

    by_name: Mapping[str, Work]

    @classmethod
    def of(cls, works: Iterable[Work]) -> Self:
        """Gather works, each under the name of its operation."""
        return cls({work.operation.name: work for work in works})

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def named(self, name: str) -> Work:
        """Give the work of an operation, or ``NotFound("no_such_operation")``."""
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name))
            raise NotFound("no_such_operation", f"there is no operation {name!r}; there are {known}")
        return self.by_name[name]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation."""
        return tuple(work.operation for work in self.by_name.values())

    @property
    def queues(self) -> Mapping[str, str]:
        """The queue of each operation."""
        return {operation.name: operation.queue for operation in self.operations}


def require_fitting(operation: Operation, scope: Scope, arguments: Mapping[str, str]) -> None:
    """Raise ``Invalid`` if an operation is not carried out in a scope, or does not know an argument."""
    audience, is_platform = operation.audience, isinstance(scope, PlatformScope)
    if not (audience.has_platform if is_platform else audience.has_tenants):
        whose = "tenants; choose one" if is_platform else "the platform; ask for it there"
        raise Invalid.at("$.operation", "wrong_audience", f"{operation.name} belongs to {whose}")
    known = ", ".join(operation.arguments) or "none"
    require_none(
        FieldError(f"$.arguments.{name}", "unknown_argument", f"{operation.name} takes no {name!r}; it takes {known}")
        for name in arguments
        if name not in operation.arguments
    )
