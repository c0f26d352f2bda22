"""Decisions by a Cerbos policy decision point, and the built-in table of roles as policies for it."""

from cityos_adapters.cerbos.policies import write_policies
from cityos_adapters.cerbos.policy import CerbosPolicy

__all__ = ["CerbosPolicy", "write_policies"]
