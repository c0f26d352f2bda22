"""Telling workers of jobs, by a message that carries ids and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from attrs import define, field
from dramatiq import Broker, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from redis.exceptions import RedisError

from cityos_core.jobs.ports import Wake
from cityos_core.kernel.errors import Unavailable

MOST_WAITING: Final = 10_000
"""How many messages a queue holds before no more are added: while no worker runs, the same jobs are told of again."""


@define(eq=False)
class DramatiqBell:
    """Sends a message per job to the queue of its operation; ``Unavailable`` if Redis does not take them."""

    broker: Broker
    _is_heard: bool = field(default=True, init=False)

    def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
        """Tell of jobs, as far as the queues have room."""
        try:
            self._send([(queues[wake.operation], wake) for wake in wakes])
        except RedisError as error:
            why = f"Redis did not take the message ({type(error).__name__}); jobs wait, and are told of again"
            if self._is_heard:  # once, not with every sweep
                structlog.get_logger("cityos.queue").warning("nobody is told of jobs", why=why)
            self._is_heard = False
            raise Unavailable("queue_unavailable", why) from error
        self._is_heard = True

    def _send(self, told: Sequence[tuple[str, Wake]]) -> None:
        room = {queue: MOST_WAITING - self._waiting(queue) for queue in {queue for queue, _ in told}}
        for queue, wake in told:
            if room[queue] > 0:
                self.broker.enqueue(message(queue, wake))
                room[queue] -= 1

    def _waiting(self, queue: str) -> int:
        self.broker.declare_queue(queue)
        match self.broker:
            case RedisBroker():
                return int(self.broker.do_qsize(queue))
            case StubBroker():
                return int(self.broker.queues[queue].qsize())
            case other:
                raise TypeError(f"nobody knows how much waits at {type(other).__name__}")


def message(queue: str, wake: Wake) -> Message[None]:
    """Write the message about a job; each queue has one actor, by its name."""
    ids = (str(wake.tenant_id), str(wake.job_id))
    return Message(queue_name=queue, actor_name=queue, args=ids, kwargs={}, options={})
