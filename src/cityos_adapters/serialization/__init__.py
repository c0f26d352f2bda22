"""The one JSON form of everything: read strictly into the core's classes, and written back.

``load(OrderDraft, parse(text))`` names every mistake by its JSON path in one ``Invalid``; ``load(type(x), dump(x)) == x``.
"""

from cityos_adapters.serialization.amounts import UnsignedMoney
from cityos_adapters.serialization.documents import Json, parse, render
from cityos_adapters.serialization.scalars import LocalTime
from cityos_adapters.serialization.strict import Strict, dump, load
from cityos_core.kernel.decimals import exact_text

__all__ = ["Json", "LocalTime", "Strict", "UnsignedMoney", "dump", "exact_text", "load", "parse", "render"]
