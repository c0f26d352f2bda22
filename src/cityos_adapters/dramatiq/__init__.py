"""Workers: woken through Redis where there are several processes, through a queue in memory where there is one.

A message is a hint that a job is due; what is to be done, and what became of it, stands in the job's row.
"""

from cityos_adapters.dramatiq.actors import actors
from cityos_adapters.dramatiq.bell import DramatiqBell
from cityos_adapters.dramatiq.brokers import broker_at, embedded_broker, redis_broker
from cityos_adapters.dramatiq.workers import Workers

__all__ = ["DramatiqBell", "Workers", "actors", "broker_at", "embedded_broker", "redis_broker"]
