"""From the outbox to listeners: a job per event and interested listener, made as the event is taken out."""

import json
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from attrs import frozen

from cityos_core.jobs.model import Job, Message
from cityos_core.jobs.ports import Listener
from cityos_core.jobs.running import SCHEDULER
from cityos_core.jobs.work import Progress
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock, moment
from cityos_core.kernel.errors import Invalid, Unavailable
from cityos_core.kernel.ids import Identifiers, JobId
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 500
"""How many events are taken out in one transaction."""

DELIVER: Final = "events.deliver"

ARGUMENTS: Final[Mapping[str, str]] = {
    "listener": "who is told",
    "id": "the id of the message",
    "name": "what happened",
    "subject": "the id of what it happened to",
    "occurred_at": "when",
    "payload": "the event's fields, as JSON",
}
"""How a job holds the message that it delivers."""


@frozen
class Relay:
    """Take events out of the outbox, a number per transaction, and make a job for each listener that wants one.

    Gives how many were taken. The jobs of one listener and subject are done in the order the events happened.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    listeners: tuple[Listener, ...]

    def __call__(self, *, limit: int = AT_ONCE) -> int:
        """Take them all; ``limit`` is how many are taken in one transaction."""
        relayed, taken = 0, limit
        while taken == limit:
            taken = self._some(limit)
            relayed += taken
        return relayed

    def _some(self, limit: int) -> int:
        with self.unit_of_work(PlatformScope()) as uow:
            messages = uow.outbox.take(limit=limit)
            if not messages:
                return 0
            uow.agenda.enter([job for message in messages for job in self._jobs(message)])
            faults.point("jobs.relay.before_commit")
            uow.commit()
        faults.point("jobs.relay.after_commit")
        return len(messages)

    def _jobs(self, message: Message) -> Iterator[Job]:
        for listener in self.listeners:
            if listener.events & {message.name, "*"}:
                yield Job(
                    id=JobId(self.identifiers.new()),
                    tenant_id=message.tenant_id,
                    operation=DELIVER,
                    arguments=arguments_of(message, listener.name),
                    key=f"{DELIVER}@{listener.name}/{message.id}",
                    entity=listener.name,
                    entity_id=str(message.subject),
                    requested_by=SCHEDULER,
                    created_at=message.occurred_at,  # what happened first comes first, whoever relays it
                    due_at=self.clock.now(),
                )


@frozen
class Deliver:
    """Tell a listener of the event that a job holds; ``Unavailable`` while there is no listener of that name."""

    listeners: tuple[Listener, ...]

    def __call__(self, _scope: Scope, job: Job, _progress: Progress) -> None:
        message = message_of(job)
        name = job.arguments["listener"]
        listener = next((one for one in self.listeners if one.name == name), None)
        if listener is None:
            raise Unavailable("no_such_listener", f"nobody by the name of {name!r} listens in this process")
        listener(message)


def arguments_of(message: Message, listener: str) -> dict[str, str]:
    """Write a message, and who is told of it, as the arguments of a job."""
    return {
        "listener": listener,
        "id": str(message.id),
        "name": message.name,
        "subject": str(message.subject),
        "occurred_at": message.occurred_at.isoformat(),
        "payload": json.dumps(dict(message.payload), ensure_ascii=False),
    }


def message_of(job: Job) -> Message:
    """Read the message in a job's arguments, or raise ``Invalid("not_a_message")``."""
    told = job.arguments
    try:
        payload = json.loads(told["payload"])
        return Message(
            id=UUID(told["id"]),
            tenant_id=job.tenant_id,
            name=told["name"],
            subject=UUID(told["subject"]),
            payload=dict(payload),
            occurred_at=moment(told["occurred_at"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Invalid(
            "not_a_message", f"a job that delivers an event is told {', '.join(ARGUMENTS)}; see that all are there"
        ) from None
