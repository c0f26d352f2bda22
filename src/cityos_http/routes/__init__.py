"""Every endpoint, found by where it stands: each module here declares the ``routes`` of one subject."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

from cityos_http.endpoint import Endpoint


def _found() -> Iterator[Endpoint]:
    for module in walk_packages(__path__, f"{__name__}."):
        yield from getattr(import_module(module.name), "routes", ())


ENDPOINTS: Final = tuple(_found())
"""All of them, by the name of their module."""
