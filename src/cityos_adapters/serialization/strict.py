"""The strict converter: the core's classes are the schema; nothing is guessed, nothing is dropped."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from types import UnionType
from typing import Any, Final, NoReturn, Self, TypeVar, Union, cast, get_args, get_origin
from uuid import UUID

from attrs import NOTHING, Attribute, evolve, fields, frozen, has
from cattrs import Converter
from cattrs.cols import is_mapping, mapping_structure_factory
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from cityos_adapters.serialization import amounts, scalars
from cityos_adapters.serialization.amounts import within
from cityos_adapters.serialization.documents import Json
from cityos_adapters.serialization.mistakes import Unjudged, json_name, malformed
from cityos_core.commissions.rules import FixedPart, FlatRate, TieredRate
from cityos_core.commissions.validation import RULE_PARTS, mistakes_in_part
from cityos_core.kernel.decimals import exact_text
from cityos_core.kernel.errors import Invalid, require_none
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.proration import Span

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

MOST_IN_A_LIST: Final = 1000
"""How many items of one list may be wrong before the rest of it is left unread, so that memory stays bounded."""


def load(cls: type[T], data: object, *, currency: str | None = None) -> T:
    """Build an object of the core from JSON data; ``Invalid("malformed")`` names every mistake and its place.

    Bare amounts are in the currency that an object around them names, outside of any in ``currency``.
    """
    return _EXCHANGE.load(cls, data, currency=currency)


def dump(value: object) -> Json:
    """Write an object of the core as JSON data, in the exchange format; ``load`` gives back its equal."""
    return _EXCHANGE.dump(value)


@frozen
class Strict:
    """A strict JSON form: the exchange format, or one that writes single values in another way."""

    converter: Converter

    @classmethod
    def of(cls, readers: Mapping[Any, Callable[[Any], object]], writers: Mapping[Any, Callable[[Any], object]]) -> Self:
        """Make a form in which these types are read and written by these functions, and all others as usual."""
        return cls(_converter({**_READERS, **readers}, {**_WRITERS, **writers}))

    def load(self, cls: type[T], data: object, *, currency: str | None = None) -> T:
        """Build an object from JSON data; ``Invalid("malformed")`` names every mistake and its place."""
        try:
            with within(currency, required=False):
                return self.converter.structure(data, cls)
        except (BaseValidationError, Invalid) as error:
            raise malformed(error) from None

    def dump(self, value: object) -> Json:
        """Write an object as JSON data."""
        return cast("Json", self.converter.unstructure(value))


def _object_hook(cls: Any, converter: Converter) -> Hook:
    attributes = {json_name(attribute.name): attribute for attribute in fields(cls)}
    overrides: dict[str, Any] = {attribute.name: override(rename=name) for name, attribute in attributes.items()}
    if "currency" in attributes:
        overrides["currency"] = override(struct_hook=_reading(amounts.currency))
    for name, attribute in attributes.items():
        if attribute.validator is not None and attribute.converter is None:
            hook = _validated(attribute, attribute.validator, converter)
            overrides[attribute.name] = override(rename=name, struct_hook=hook)
    build = make_dict_structure_fn(cls, converter, **overrides)
    optional = {name for name, attribute in attributes.items() if attribute.default is not NOTHING}

    def read(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            scalars.wrong_type(value, "an object")
        unknown = value.keys() - attributes.keys()
        given = {key: item for key, item in value.items() if item is not None or key not in optional}
        with within(given.get("currency"), required="currency" in attributes.keys() - optional):
            return build(given, cls) if not unknown else _beside(unknown, build, given, cls)

    return read


def _beside(unknown: set[str], build: Hook, given: Any, cls: Any) -> NoReturn:
    """Refuse unknown keys, together with what is wrong in the known ones."""
    errors: list[Exception] = [ForbiddenExtraKeysError("", cls, unknown)]
    try:
        build(given, cls)
    except BaseValidationError as error:
        errors.insert(0, error)
    raise ClassValidationError("", errors, cls)


def _validated(attribute: "Attribute[Any]", validate: Callable[..., object], converter: Converter) -> Hook:
    """Judge a value where it stands, so that a mistake beside it hides none in it."""
    place = f"$.{json_name(attribute.name)}"

    def read(value: Any, cls: Any) -> Any:
        found = converter.structure(value, cls)
        try:
            validate(None, attribute, found)
        except Invalid as error:
            mistakes = [evolve(mistake, path=f"${mistake.path.removeprefix(place)}") for mistake in error.errors]
            raise Invalid(error.code, error.detail, mistakes) from None
        return found

    return read


def _object_form(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    overrides: dict[str, Any] = {
        attribute.name: override(rename=json_name(attribute.name)) for attribute in fields(cls)
    }
    write = make_dict_unstructure_fn(cls, converter, **overrides)
    if "currency" not in overrides:
        return write

    def write_within(value: Any) -> Any:
        with within(value.currency, required=False):
            return write(value)

    return write_within


def _list_hook(cls: Any, converter: Converter) -> Hook:
    item = get_args(cls)[0]
    read = converter.get_structure_hook(item)

    def read_list(value: Any, _: Any) -> Any:
        if type(value) is not list:
            scalars.wrong_type(value, "a list")
        found, errors = [], list[Exception]()
        for place, given in enumerate(value):
            try:
                found.append(read(given, item))
            except (BaseValidationError, Invalid, ValueError, TypeError, Unjudged) as error:
                error.add_note(IterableValidationNote("", place, item))
                errors.append(error)
                if len(errors) == MOST_IN_A_LIST:
                    break
        if errors:
            raise IterableValidationError("", errors, cls)
        return tuple(found)

    return read_list


def _mapping_hook(cls: Any, converter: Converter) -> Hook:
    build = mapping_structure_factory(cls, converter)
    return lambda value, _: build(value, cls) if type(value) is dict else scalars.wrong_type(value, "an object")


def _reading(read: Callable[[object], Any]) -> Hook:
    return lambda value, _: read(value)


def is_json(kind: Any) -> bool:
    """Tell whether a type is the union of all that JSON can say, whose value is taken as it is."""
    return get_origin(kind) in (Union, UnionType) and {list, dict} <= {get_origin(part) for part in get_args(kind)}


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is tuple and get_args(cls)[-1] is Ellipsis


def _money(value: object) -> Money:
    if type(value) is dict:
        return amounts.agreeing(_CONVERTER.structure(value, amounts.MoneyObject).amount)
    return amounts.bare_money(value)


def _unit_price(value: object) -> UnitPrice:
    if type(value) is dict:
        return amounts.agreeing(_CONVERTER.structure(value, amounts.UnitPriceObject).amount)
    return amounts.bare_unit_price(value)


def _fixed_part(value: object) -> FixedPart:
    return _CONVERTER.structure(value, amounts.FixedPartObject).part()


def _rate(value: object) -> FlatRate | TieredRate:
    if type(value) is dict and "tiers" in value:
        return _CONVERTER.structure(value, TieredRate)
    return _CONVERTER.structure(value, FlatRate)


def _span(value: object) -> Span[date] | Span[datetime] | None:
    """Read a span of days or of instants, as its start is written."""
    if value is None:
        return None
    start = value.get("start") if type(value) is dict else None
    kind: Any = Span[date] if type(start) is str and len(start) == len("2025-06-01") else Span[datetime]
    return cast("Span[date] | Span[datetime]", _CONVERTER.structure(value, kind))


def _part_hook(cls: Any, converter: Converter) -> Hook:
    read = _object_hook(cls, converter)

    def read_sound(value: Any, _: Any) -> Any:
        part = read(value, cls)
        require_none(mistakes_in_part(part))
        return part

    return read_sound


_READERS: Final[Mapping[Any, Callable[[Any], object]]] = {
    str: scalars.string,
    int: scalars.integer,
    bool: scalars.boolean,
    date: scalars.day,
    datetime: scalars.instant,
    scalars.LocalTime: scalars.local_time,
    UUID: scalars.identifier,
    Fraction: scalars.exact,
    int | Fraction: scalars.weight,
    Percentage: scalars.percentage,
    Money: _money,
    amounts.BareMoney: amounts.bare_money,
    amounts.UnsignedMoney: lambda value: amounts.unsigned(_money(value)),
    UnitPrice: _unit_price,
    amounts.BareUnitPrice: amounts.bare_unit_price,
    FixedPart: _fixed_part,
    FlatRate | TieredRate: _rate,
    Span[date] | Span[datetime] | None: _span,
}

_WRITERS: Final[Mapping[Any, Callable[[Any], object]]] = {
    StrEnum: lambda member: member.value,
    datetime: scalars.instant_text,
    date: date.isoformat,
    UUID: str,
    Fraction: exact_text,
    Percentage: lambda rate: rate.text,
    Money: amounts.amount_form,
    UnitPrice: amounts.amount_form,
    FixedPart: amounts.fixed_part_form,
}


def _converter(
    readers: Mapping[Any, Callable[[Any], object]], writers: Mapping[Any, Callable[[Any], object]]
) -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    converter.register_structure_hook_factory(has, _object_hook)
    converter.register_structure_hook_factory(lambda cls: cls in RULE_PARTS, _part_hook)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    converter.register_structure_hook_factory(is_mapping, _mapping_hook)
    converter.register_structure_hook(StrEnum, scalars.member)
    converter.register_structure_hook_func(is_json, lambda value, _: value)
    converter.register_unstructure_hook_func(is_json, lambda value: value)
    for cls, read in readers.items():
        converter.register_structure_hook(cls, _reading(read))
    converter.register_unstructure_hook_factory(has, _object_form)
    for cls, write in writers.items():
        converter.register_unstructure_hook(cls, write)
    return converter


_CONVERTER: Final = _converter(_READERS, _WRITERS)
_EXCHANGE: Final = Strict(_CONVERTER)
