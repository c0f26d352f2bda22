"""The OpenAPI document is kept: whatever it allows is answered as it says, and whatever it forbids is refused."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from callers.bodies import described
from callers.house import House
from callers.stall import VENDOR, furnished, needs_tenant
from callers.wire import Wire
from cityos_core.kernel.scope import PlatformScope
from cityos_http.endpoint import Endpoint, Needs
from cityos_http.routes import ENDPOINTS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
]

CONFIG = {
    "generation": {"mode": "all", "with-security-parameters": False, "deterministic": True, "database": "none"},
    "checks": {"missing_required_header": {"expected-statuses": [400, 404, 422, 428]}},
}
SCHEMA = schemathesis.openapi.from_dict(dict(described()), config=schemathesis.Config.from_dict(CONFIG))
BY_ID = {endpoint.operation: endpoint for endpoint in ENDPOINTS}
BASE = "http://north.localhost"


class Visit:
    """A tenant that requests go to, and another one that the platform may close."""

    def __init__(self) -> None:
        self.house = House.of()
        self.north, self.south = furnished(self.house, "north", "south")
        self.platform = {"host": "localhost", **self.house.key(PlatformScope())}

    def heads(self, endpoint: Endpoint) -> dict[str, str]:
        """Give the headers of someone who may use an endpoint."""
        return self.platform if endpoint.needs is Needs.PLATFORM else self.north.own(endpoint)


@pytest.fixture(scope="module")
def visit() -> Visit:
    """A tenant that the requests of all operations go to."""
    return Visit()


@pytest.fixture(scope="module")
def wire(visit: Visit) -> Iterator[Wire]:
    """The way to it."""
    with visit.house.open() as wire:
        yield wire


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1."""
    assert described()["openapi"].startswith("3.1")
    SCHEMA.validate()


def test_operations_read_well() -> None:
    """Every operation is called by a verb and a noun that no other has, and says what it does and who may."""
    operations = [one for path in described()["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) == len(ENDPOINTS)
    schemes = set(described()["components"]["securitySchemes"])
    for one in operations:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", one["operationId"])
        assert one["summary"]
        assert not one["summary"].endswith(".")
        assert one["tags"]
        assert {name for scheme in one["security"] for name in scheme} <= schemes
        assert bool(one["security"]) is (BY_ID[one["operationId"]].needs is not Needs.NOTHING)
    assert {tag["name"] for tag in described()["tags"]} == {tag for one in operations for tag in one["tags"]}


def schemas(value: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """List every part of the document that has an example or a default."""
    if isinstance(value, dict):
        if isinstance(value.get("examples"), list) or ("default" in value and "type" in value):
            yield place, value
        for name, inner in value.items():
            yield from schemas(inner, f"{place}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from schemas(inner, f"{place}/{number}")


def test_examples_are_examples() -> None:
    """Every example and default of the document is what its schema allows."""
    checked = 0
    for place, schema in schemas(described()):
        validator = jsonschema_rs.Draft202012Validator({**schema, "components": described()["components"]})
        for example in [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]:
            checked += 1
            assert validator.is_valid(example), (place, example)
    assert checked > 100


def sent(case: Case[Any], wire: Wire, heads: dict[str, str]) -> Response:
    """Send what was generated, by the hand of someone who may."""
    given = case.as_transport_kwargs(base_url=BASE)
    request = requests.Request(**{key: given[key] for key in given if key in WORDS}).prepare()
    parts = urlsplit(str(request.url))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body = request.body.encode() if isinstance(request.body, str) else request.body
    own = {name.lower() for name in heads}
    raw = [(_raw(name), _raw(value)) for name, value in request.headers.items() if name.lower() not in own]
    heard = wire.ask(str(request.method), target, [*raw, *((_raw(k), _raw(v)) for k, v in heads.items())], body or b"")
    headers: dict[str, list[str]] = {}
    for name, value in heard.headers:
        headers.setdefault(name, []).append(value)
    return Response(heard.status, headers, heard.content, request, elapsed=0.0, verify=False)


WORDS = frozenset({"method", "url", "headers", "params", "data", "json", "files", "cookies"})


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def at_home(case: Case[Any], endpoint: Endpoint, visit: Visit) -> None:
    """Let a request meet what there is, unless its path was spoilt on purpose."""
    meta = case.meta
    spoilt = {where.name for where, how in meta.components.items() if how.mode.is_negative} if meta else set()
    if "PATH" not in spoilt and endpoint.places:
        stall = visit.north if needs_tenant(endpoint) else visit.south
        case.path_parameters = {place: stall.at(endpoint, place) for place in endpoint.places}
    if endpoint.audience == "vendor":
        case.headers["X-Vendor"] = VENDOR
    if "HEADER" not in spoilt and endpoint.versioned:
        case.headers["If-Match"] = "*"


@SCHEMA.parametrize()
@settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_document_is_kept(case: Case[Any], visit: Visit, wire: Wire) -> None:
    """Generated requests, good ones and bad ones: no failure of ours, nothing undocumented, nothing bad accepted."""
    endpoint = BY_ID[case.operation.definition.raw["operationId"]]
    at_home(case, endpoint, visit)
    case.validate_response(sent(case, wire, visit.heads(endpoint)), checks=CHECKS)
