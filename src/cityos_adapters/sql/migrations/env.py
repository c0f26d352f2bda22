"""How Alembic runs here: on a connection that :mod:`cityos_adapters.sql.migration` hands over, in its transaction."""

from alembic import context

from cityos_adapters.sql import tables
from cityos_adapters.sql.columns import METADATA

__all__ = ["tables"]

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
