"""Entries of the audit: the text that the chain seals, and what stands beside it for lists to filter by."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import evolve, fields, frozen, has

from cityos_adapters.serialization.amounts import within
from cityos_adapters.serialization.documents import parse
from cityos_adapters.serialization.mistakes import json_name
from cityos_adapters.serialization.scalars import identifier, instant, instant_text
from cityos_adapters.serialization.strict import dump
from cityos_core.access.model import ApiKey
from cityos_core.audit.model import IMMUTABLE, Change, Entry, Record, Verb
from cityos_core.audit.policy import canonical, differing
from cityos_core.audit.trail import MASK
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import TenantId
from cityos_core.payouts.model import Payout
from cityos_core.vendors.model import Vendor

Target: TypeAlias = tuple[str, str]
"""The kind and the identity of something that was changed."""

HIDDEN: Final[Mapping[type, frozenset[str]]] = {ApiKey: frozenset({"hash"})}
"""Fields of which the trail says only that they were set."""

LEFT_OUT: Final = frozenset({"tenant_id", "version"})
"""Fields that every record has and that say nothing about a change."""


@frozen(kw_only=True)
class Columns:
    """What of an entry lists filter by: everything else is in its body only."""

    id: UUID
    occurred_at: datetime
    principal: str
    action: str
    request_id: str | None
    targets: tuple[Target, ...]
    """Every target that entries are found by, once, sorted."""


def body_of(record: Record) -> str:
    """Write what a transaction did in the one form that is sealed."""
    who = record.caller
    content: dict[str, Any] = {
        "id": str(record.id),
        "occurred_at": instant_text(record.occurred_at),
        "principal": _storable(who.principal),
        "name": _storable(who.name),
        "on_behalf_of": _storable_if(who.on_behalf_of),
        "action": _storable(record.action),
        "reason": _storable_if(who.reason),
        "request_id": _storable_if(who.request_id),
        "address": _storable_if(who.address),
        "changes": [_written(change) for change in record.changes],
    }
    try:
        text = canonical(content)
    except TypeError:
        text = canonical(_plain(content))
    return text.encode("utf-8", "replace").decode()


def columns_of(record: Record) -> Columns:
    """Give what stands beside the body of a new entry."""
    return Columns(
        id=record.id,
        occurred_at=record.occurred_at,
        principal=_storable(record.caller.principal),
        action=_storable(record.action),
        request_id=_storable_if(record.caller.request_id),
        targets=_targets((change.kind, change.target) for change in record.changes),
    )


def entry_of(tenant_id: TenantId, sequence: int, body: str, *, previous: str, seal: str) -> Entry:
    """Read an entry back; ``Invalid("unreadable_entry")`` if its body is not one that :func:`body_of` wrote."""
    try:
        content: Any = parse(body)
        return Entry(
            id=identifier(content["id"]),
            tenant_id=tenant_id,
            sequence=sequence,
            occurred_at=instant(content["occurred_at"]),
            principal=content["principal"],
            name=content["name"],
            on_behalf_of=content["on_behalf_of"],
            action=content["action"],
            reason=content["reason"],
            request_id=content["request_id"],
            address=content["address"],
            changes=tuple({**change} for change in content["changes"]),
            previous=previous,
            hash=seal,
        )
    except (Invalid, KeyError, TypeError):
        raise Invalid(
            "unreadable_entry", f"entry {sequence} of the audit was tampered with; `cityos audit verify` says more"
        ) from None


def body_by(columns: Columns, body: str) -> str:
    """Give the body as it follows from its columns: ``body`` itself if they say the same."""
    try:
        content: Any = parse(body)
        said = Columns(
            id=identifier(content["id"]),
            occurred_at=instant(content["occurred_at"]),
            principal=content["principal"],
            action=content["action"],
            request_id=content["request_id"],
            targets=_targets((change["kind"], change["target"]) for change in content["changes"]),
        )
    except (Invalid, KeyError, TypeError):
        return ""
    return body if said == columns else canonical({**content, **_beside(columns)})


def _beside(columns: Columns) -> dict[str, Any]:
    return {
        "id": str(columns.id),
        "occurred_at": instant_text(columns.occurred_at),
        "principal": columns.principal,
        "action": columns.action,
        "request_id": columns.request_id,
        "changes": [{"kind": kind, "target": target} for kind, target in columns.targets],
    }


def _targets(named: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(sorted({target for target in named if target[0] not in IMMUTABLE}))


def discreet(record: object) -> object:
    """Leave of an account that is paid to only how it ends: a chain is read by many, and nothing in it is ever removed."""
    if isinstance(record, Vendor) and record.payout_account is not None:
        account = record.payout_account
        return evolve(record, payout_account=evolve(account, reference=_ending(account.reference)))
    if isinstance(record, Payout):
        approved = record.approved_account
        return evolve(
            record, account=_ending(record.account), approved_account=None if approved is None else _ending(approved)
        )
    return record


def _ending(account: str) -> str:
    return f"{MASK}{account[-4:]}"


def _written(change: Change) -> dict[str, Any]:
    before, after = _sides(change)
    return {
        "kind": change.kind,
        "target": change.target,
        "verb": change.verb.value,
        "before": before,
        "after": after,
    }


def _sides(change: Change) -> tuple[Any, Any]:
    before, after = change.before, change.after
    if change.verb is not Verb.CHANGED or before is None:
        return _whole(before), _whole(after)
    kind: Any = type(after)
    if type(before) is not kind or not has(kind):
        return differing(_whole(before), _whole(after))
    names = [name for name in _attributes(kind) if _is_other(getattr(before, name), getattr(after, name))]
    return _some(discreet(before), names), _some(discreet(after), names)


def _is_other(before: object, after: object) -> bool:
    return before is not after and before != after


def _some(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Write some fields of an object, amounts as they are written within it."""
    hidden = HIDDEN.get(type(value), ())
    with within(getattr(value, "currency", None), required=False):
        return {json_name(name): MASK if name in hidden else dump(getattr(value, name)) for name in names}


def _whole(value: object) -> Any:
    data = None if value is None else dump(discreet(value))
    if not has(type(value)) or not isinstance(data, dict):
        return data
    hidden = HIDDEN.get(type(value), ())
    return {name: MASK if name in hidden else item for name, item in data.items() if name not in LEFT_OUT}


@cache
def _attributes(cls: Any) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in fields(cls) if attribute.name not in LEFT_OUT)


def _plain(value: object) -> Any:
    """Write in words what has no form of its own."""
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted((_plain(item) for item in value), key=str)
        case _:
            return str(value)


def _storable(text: str) -> str:
    """Replace what no database holds: whoever calls may be named by another system."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def _storable_if(text: str | None) -> str | None:
    return None if text is None else _storable(text)
