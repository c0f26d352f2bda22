"""Bodies and queries that an endpoint understands, written from its schema in the words of one tenant."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

import jsonschema_rs

from callers.stall import BESIDE, CUSTOMER, PARENT, VENDOR, Stall
from callers.wire import Heard
from cityos_http import document
from cityos_http.endpoint import Endpoint, Key
from cityos_http.identifiers import PREFIXES, written
from cityos_http.routes import ENDPOINTS

Json = Any


@cache
def described() -> Mapping[str, Json]:
    """Give the OpenAPI document."""
    return document.document(ENDPOINTS)


def operation(endpoint: Endpoint) -> Mapping[str, Json]:
    """Give what the document says of an endpoint."""
    found: Mapping[str, Json] = described()["paths"][endpoint.path][endpoint.method.lower()]
    return found


def words(stall: Stall) -> Mapping[str, Json]:
    """Name what a tenant has, as bodies and queries do; what is not here comes from the schema's examples."""
    handle = stall.tenant.handle
    return {
        "vendor": VENDOR,
        "vendors": [VENDOR],
        "store": f"{handle}-web",
        "stores": [f"{handle}-web"],
        "sku": f"{handle}-{VENDOR}",
        "order": f"{handle}-order-2",
        "customer": f"{handle}-{CUSTOMER}",
        "user": f"{handle}-kim@acme.example",
        "rule": f"{handle}-standard",
        "node": f"{stall.tenant.path}/{handle}-web",
        "parent": PARENT,
        "path": PARENT,
        "to": BESIDE,
        "method": "memory",
        "portals": [],
        "plan": f"{handle}-team",
        "subscription": prefixed(stall)["sub"],
        "used_at": "2026-01-05T10:00:00Z",
    }


def own_words(stall: Stall) -> Mapping[str, Json]:
    """Name what nobody else has, where bodies and queries refer to something of a tenant."""
    handle = stall.tenant.handle
    return {
        "vendor": f"{handle}-goods",
        "vendors": [f"{handle}-goods"],
        "store": f"{handle}-web",
        "stores": [f"{handle}-web"],
        "sku": f"{handle}-{VENDOR}",
        "order": f"{handle}-order-2",
        "rule": f"{handle}-standard",
        "node": f"{stall.tenant.path}/{handle}-web",
        "user": f"{handle}-kim@acme.example",
        "customer": f"{handle}-{CUSTOMER}",
        "plan": f"{handle}-team",
    }


def given(stall: Stall) -> Mapping[str, Json]:
    """Give the bodies that do not follow from a schema, by operation."""
    line = {"reference": "1", "sku": f"{stall.tenant.handle}-{VENDOR}", "vendor": VENDOR, "quantity": 1}
    order = {"reference": "new", "placed_at": "2026-01-05T09:00:00Z", "currency": "EUR"}
    member = {"email": "new@acme.example", "role": "staff"}
    euro, seats = {"amount": "1.00", "currency": "EUR"}, {"quantities": {"seats": 3}}
    rule, reason = {"name": stall.names["a rule"]}, {"reason": "unpaid invoices"}
    return {
        "activate_commission_rule": rule,
        "retire_commission_rule": rule,
        "activate_platform_commission_rule": {"name": "anywhere"},
        "retire_platform_commission_rule": {"name": "anywhere"},
        "suspend_tenant": reason,
        "offboard_tenant": reason,
        "create_api_key": {"name": "new", "role": "operator"},
        "change_member": {"role": "manager"},
        "set_setting": {"value": {"EUR": "5.00"}},
        "set_platform_setting": {"value": {"EUR": "5.00"}},
        "create_order": {**order, "lines": [{**line, "unit_price": "100.00"}]},
        "create_product": {"sku": "new", "title": "New", "unit_price": {"amount": "1.00", "currency": "EUR"}},
        "create_vendor": {"handle": "new", "profile": {"name": "New"}},
        "create_store": {"handle": "new", "name": "New"},
        "create_tenant": {"handle": "new", "parent": PARENT, "name": "New", "currency": "EUR"},
        "invite_member": member,
        "invite_vendor_member": member,
        "add_user": {"user": "new@acme.example", "role": "operator"},
        "refund_order": {"amount": euro},
        "create_plan": {"handle": "new", "name": "New", "items": [{"key": "base", "name": "Base", "price": euro}]},
        "change_subscription": seats,
        "change_own_subscription": seats,
        "preview_subscription": {"change": seats},
        "preview_own_subscription": {"change": seats},
        "add_discount": {"code": "spring", "percentage": "10"},
        "credit_invoice": {"lines": [{"line": 0, "amount": euro}], "reason": "a gesture"},
    }


def body_of(endpoint: Endpoint, stall: Stall) -> Json:
    """Write a body that an endpoint understands, with nothing in it that may be left out."""
    if endpoint.body is None:
        return None
    known = given(stall).get(endpoint.operation)
    return known if known is not None else example(body_schema(endpoint), words(stall))


def body_schema(endpoint: Endpoint) -> Mapping[str, Json]:
    """Give the schema of an endpoint's body."""
    content: Mapping[str, Json] = operation(endpoint)["requestBody"]["content"]["application/json"]["schema"]
    return resolved(content)


def asked(stall: Stall) -> Mapping[str, Mapping[str, str]]:
    """Give the queries that do not follow from a schema, by operation."""
    return {
        "list_commission_rule_versions": {"name": stall.names["a rule"]},
        "list_platform_commission_rule_versions": {"name": "anywhere"},
        "explain_commission": {"reference": stall.names["a line"]},
    }


def query_of(endpoint: Endpoint, stall: Stall, **others: str) -> str:
    """Write the query that an endpoint insists on, and others."""
    needed = {
        parameter["name"]: example(parameter["schema"], words(stall), parameter["name"])
        for parameter in operation(endpoint)["parameters"]
        if parameter["in"] == "query" and parameter["required"]
    }
    query = urlencode({**needed, **asked(stall).get(endpoint.operation, {}), **others})
    return f"?{query}" if query else ""


def heads_of(endpoint: Endpoint) -> dict[str, str]:
    """Give the headers that an endpoint insists on."""
    heads = {"if-match": "*"} if endpoint.versioned else {}
    return {**heads, "idempotency-key": endpoint.operation} if endpoint.key is Key.REQUIRED else heads


def resolved(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Follow a reference."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return described()["components"]["schemas"][name] if name else schema


def properties(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Give the properties of an object."""
    found: Mapping[str, Json] = resolved(schema).get("properties", {})
    return found


def example(schema: Mapping[str, Json], known: Mapping[str, Json], name: str = "") -> Json:
    """Write a small value of a schema; a property of a known name has the known value."""
    if name in known:
        return known[name]
    schema = resolved(schema)
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    if "default" in schema:
        return schema["default"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], known)
    kind = schema.get("type", "object")
    return _WRITERS[kind if isinstance(kind, str) else kind[0]](schema, known)


def _object(schema: Mapping[str, Json], known: Mapping[str, Json]) -> Json:
    return {name: example(schema["properties"][name], known, name) for name in schema.get("required", ())}


def _array(schema: Mapping[str, Json], known: Mapping[str, Json]) -> Json:
    return [example(schema["items"], known)] * schema.get("minItems", 0)


def _string(schema: Mapping[str, Json], _known: Mapping[str, Json]) -> Json:
    moments = {"date-time": "2026-01-05T09:00:00Z", "date": "2026-01-05"}
    return moments.get(schema.get("format", ""), "word")


_WRITERS: Final[Mapping[str, Callable[[Mapping[str, Json], Mapping[str, Json]], Json]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda schema, _known: schema.get("minimum", 1),
    "boolean": lambda _schema, _known: False,
    "null": lambda _schema, _known: None,
}


def require_documented(endpoint: Endpoint, heard: Heard) -> None:
    """Insist that an answer is what the document says of it."""
    answers = operation(endpoint)["responses"]
    assert str(heard.status) in answers, heard
    found = answers[str(heard.status)]
    name = found.get("$ref", "").rpartition("/")[2]
    content = described()["components"]["responses"][name]["content"] if name else found.get("content", {})
    assert bool(content) is bool(heard.content), heard
    if content:
        kind = (heard.header("content-type") or "").partition(";")[0]
        schema = {**content[kind]["schema"], "components": described()["components"]}
        if kind.endswith("json"):
            jsonschema_rs.Draft202012Validator(schema).validate(heard.json)


def with_word(endpoint: Endpoint, stall: Stall, others: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Write bodies that refer to something of others, each at one place; the place is named."""
    body = body_of(endpoint, stall)
    yield from _with_word(body_schema(endpoint), body, others, "$")


def _with_word(
    schema: Mapping[str, Json], body: Json, others: Mapping[str, Json], place: str
) -> Iterator[tuple[str, Json]]:
    for name, inner in properties(schema).items():
        if name in others:
            yield f"{place}.{name}", {**body, name: others[name]}
        below = resolved(resolved(inner).get("items", {}))
        if "properties" in below and body.get(name):
            for where, part in _with_word(below, body[name][0], others, f"{place}.{name}[0]"):
                yield where, {**body, name: [part]}
        identified = re.match(r"\^(\w+)_\[", str(resolved(inner).get("pattern", "")))
        if identified and name not in others and identified[1] in others:
            yield f"{place}.{name}", {**body, name: others[identified[1]]}


def prefixed(stall: Stall) -> Mapping[str, str]:
    """Give a tenant's ids by their prefixes, for places that take an id."""
    return {prefix: written(kind, stall.ids[kind]) for kind, prefix in PREFIXES.items() if kind in stall.ids}
