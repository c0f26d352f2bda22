"""The HTTP API: one facade behind it, nothing decided in it."""

from cityos_http.app import create_app
from cityos_http.options import HttpOptions

__all__ = ["HttpOptions", "create_app"]
