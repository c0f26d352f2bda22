"""JSON Schema (2020-12) of what goes over the wire, made from the classes that read and write it."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from types import NoneType
from typing import Any, Final, get_args, get_origin
from uuid import UUID

from attrs import NOTHING, field, fields, frozen, has, resolve_types

from cityos_adapters.serialization.mistakes import json_name
from cityos_adapters.serialization.scalars import LocalTime
from cityos_adapters.serialization.strict import is_json
from cityos_core.kernel.money import LIMIT, Money, Percentage, UnitPrice
from cityos_http import exchange, identifiers
from cityos_http.asking import Listed
from cityos_http.dto import plain_type

Schema = dict[str, Any]

_SOME: Final = UUID("018f5e2a-7c1d-7b3a-9e4f-2a6b8c0d1e2f")


def about(
    doc: str,
    *,
    example: object = None,
    pattern: str | None = None,
    least: int | None = None,
    most: int | None = None,
    inside: bool = False,
) -> Mapping[str, object]:
    """Describe an attribute, for ``field(metadata=about(...))``.

    ``least`` and ``most`` bound a number, a text's length or a list's. They are what the class checks, said once more.
    An amount that stands ``inside`` something that names a currency may leave out its own.
    """
    return {"doc": doc, "example": example, "pattern": pattern, "least": least, "most": most, "inside": inside}


@frozen
class Schemas:
    """Schemas by name, gathered as they are asked for."""

    components: dict[str, Schema] = field(factory=dict)
    _owners: dict[str, Any] = field(factory=dict)

    def of(self, kind: Any) -> Schema:
        """Give the schema of a type; classes become components."""
        if kind in identifiers.PREFIXES:
            return {
                "type": "string",
                "pattern": identifiers.pattern(kind),
                "examples": [identifiers.written(kind, _SOME)],
            }
        if kind in _PLAIN:
            return deepcopy(_PLAIN[kind])
        if is_json(kind):
            return {}
        if get_origin(kind) is not None:
            return self._compound(get_origin(kind), get_args(kind))
        return self._named(kind)

    def _named(self, kind: Any) -> Schema:
        if kind in _AMOUNTS:
            return self._component(kind.__name__, _AMOUNTS[kind], kind)
        if kind in exchange.FORMS:
            return self._component(kind.__name__, exchange.FORMS[kind], kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            values = [member.value for member in kind]
            return self._component(kind.__name__, {"type": "string", "enum": values, **_doc(kind)}, kind)
        if has(kind):
            return self._object(kind)
        raise TypeError(f"{kind} has no schema; add it where the other types stand")

    def _compound(self, origin: Any, inner: tuple[Any, ...]) -> Schema:
        if origin is Listed:
            return self._list(inner[0])
        if origin in (tuple, list):
            return {"type": "array", "items": self.of(inner[0])}
        if origin is frozenset:
            return {"type": "array", "items": self.of(inner[0]), "uniqueItems": True}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            names = {"propertyNames": self.of(inner[0])} if inner[0] is not str else {}
            return {"type": "object", **names, "additionalProperties": self.of(inner[1])}
        return self._union(inner)

    def properties(self, cls: Any) -> dict[str, Schema]:
        """Give the schemas of a class's attributes by their JSON names."""
        resolve_types(cls)
        said = {name: words for base in cls.__mro__ for name, words in exchange.SAID.get(base, {}).items()}
        return {
            json_name(attribute.name): self._property(
                attribute, {"inside": cls in exchange.INSIDE, **said.get(attribute.name, attribute.metadata)}
            )
            for attribute in fields(cls)
        }

    def _property(self, attribute: Any, said: Mapping[str, Any]) -> Schema:
        found, bare = self.of(attribute.type), exchange.BARE.get(plain_type(attribute.type))
        if said["inside"] and bare is not None:
            found = {"anyOf": [*found.get("anyOf", [found]), dict(bare)]}
        inner = found
        if "anyOf" in found:
            inner = found["anyOf"][0]
        inner.update(_bounds(inner, said))
        if said.get("doc"):
            found["description"] = said["doc"]
        if said.get("example") is not None:
            found["examples"] = [said["example"]]
        default = attribute.default
        if default is not NOTHING and isinstance(default, str | int | bool) and not isinstance(default, Enum):
            found["default"] = default
        return found if default is NOTHING else _or_null(found)

    def _object(self, cls: Any) -> Schema:
        name = cls.__name__.removesuffix("View")
        self._claim(name, cls)
        if name not in self.components:
            self.components[name] = {}
            resolve_types(cls)
            properties = self.properties(cls)
            required = [json_name(item.name) for item in fields(cls) if item.default is NOTHING]
            self.components[name] = {
                "type": "object",
                **_doc(cls),
                "properties": properties,
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        return {"$ref": f"#/components/schemas/{name}"}

    def _list(self, item: Any) -> Schema:
        name = item.__name__.removesuffix("View") + "List"
        schema = {
            "type": "object",
            "description": "A page of a list; `next_cursor` continues it.",
            "properties": {
                "data": {"type": "array", "items": self.of(item)},
                "next_cursor": {"type": ["string", "null"]},
                "has_more": {"type": "boolean"},
            },
            "required": ["data", "next_cursor", "has_more"],
            "additionalProperties": False,
        }
        return self._component(name, schema, item)

    def _union(self, parts: tuple[Any, ...]) -> Schema:
        rest = [self.of(part) for part in parts if part is not NoneType]
        if len(rest) == len(parts):
            return {"anyOf": rest}
        if len(rest) == 1 and isinstance(rest[0].get("type"), str) and "enum" not in rest[0]:
            return {**rest[0], "type": [rest[0]["type"], "null"]}
        return {"anyOf": [*rest, {"type": "null"}]}

    def _component(self, name: str, schema: Schema, owner: Any) -> Schema:
        self._claim(name, owner)
        self.components.setdefault(name, schema)
        return {"$ref": f"#/components/schemas/{name}"}

    def _claim(self, name: str, owner: Any) -> None:
        if self._owners.setdefault(name, owner) is not owner:
            raise TypeError(f"{owner} and {self._owners[name]} would both be called {name} in the document")


def _or_null(schema: Schema) -> Schema:
    """What may be left out may also be null, which says the same."""
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return {**schema, "type": [kinds, "null"]}
    parts = schema.get("anyOf", [])
    if kinds is not None or {"type": "null"} in parts or not (parts or "$ref" in schema):
        return schema
    if parts:
        return {**schema, "anyOf": [*parts, {"type": "null"}]}
    words = {key: value for key, value in schema.items() if key != "$ref"}
    return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **words}


def _doc(cls: type) -> Schema:
    text = " ".join((cls.__doc__ or "").split())
    return {"description": text.replace("``", "`")} if text else {}


def _bounds(schema: Schema, said: Mapping[str, Any]) -> Schema:
    kinds = schema.get("type", "")
    names = next(
        (names for kind, names in _BOUND_NAMES.items() if kind == kinds or (isinstance(kinds, list) and kind in kinds)),
        None,
    )
    found: Schema = {}
    if names is not None:
        found.update(
            {name: said[key] for name, key in zip(names, ("least", "most"), strict=True) if said.get(key) is not None}
        )
    if said.get("pattern"):
        found["pattern"] = said["pattern"]
    return found


_BOUND_NAMES: Final = {
    "integer": ("minimum", "maximum"),
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
}

_PLAIN: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 1 - LIMIT, "maximum": LIMIT - 1},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    LocalTime: {
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+$",
        "examples": ["2026-01-31T09:00:00"],
    },
    UUID: {"type": "string", "format": "uuid"},
    Percentage: {"type": "string", "pattern": exchange.UNSIGNED, "examples": ["8.5"]},
    Fraction: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+|/[0-9]+)?$", "examples": ["0.2"]},
    exchange.WEIGHT: exchange.WEIGHT_FORM,
}


def _amount(doc: str, pattern: str, example: str) -> Schema:
    return {
        "type": "object",
        "description": doc,
        "properties": {
            "amount": {"type": "string", "pattern": pattern, "examples": [example]},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]},
        },
        "required": ["amount", "currency"],
        "additionalProperties": False,
    }


_AMOUNTS: Final[Mapping[Any, Schema]] = {
    Money: _amount("An exact amount with exactly its currency's digits.", exchange.DECIMAL, "19.99"),
    UnitPrice: _amount(
        "An exact price of one unit, which may have more digits than its currency.", exchange.UNSIGNED, "0.5292"
    ),
}
