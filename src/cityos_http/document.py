"""The OpenAPI 3.1 document, made from the endpoints, and the page that shows it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from attrs import NOTHING, fields
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from cityos_adapters.serialization import render
from cityos_http.endpoint import Endpoint, Key, Needs, Steps
from cityos_http.problems import MEDIA_TYPE
from cityos_http.reference import ABOUT, TAGS
from cityos_http.schema import Schema, Schemas

PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is for programs, `detail` says what to do next.",
    "properties": {
        "type": {"type": "string", "examples": ["urn:cityos:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Every mistake of a request, and where it is: `#/lines/0/quantity` in the body, `query/limit`.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["pointer", "code", "detail"],
                "additionalProperties": False,
            },
        },
        "current_state": {"type": ["string", "null"], "description": "With 409: the state that forbids it."},
        "allowed_actions": {
            "type": "array",
            "items": {"type": "string"},
            "description": "With 409: what can be done in that state.",
        },
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "additionalProperties": False,
}

MEANINGS: Final[Mapping[int, str]] = {
    400: "The request cannot be understood: its host, a header or a cursor is not one.",
    401: "Nobody proved who they are.",
    403: "The principal may not do this, or what it showed names different tenants.",
    404: "There is no such thing here, for this principal.",
    409: "A rule or the present state forbids it, or someone else was first.",
    412: "It is no longer the version that If-Match names.",
    413: "The body is too large.",
    414: "The query is too long.",
    415: "The body is not JSON.",
    422: "The input is wrong; `errors` names every mistake.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says when to try again.",
    500: "Our fault.",
    502: "A counterpart may or may not have acted; it will be asked before anything is sent again.",
    503: "A counterpart cannot be reached; nothing happened.",
}

TEXT: Final[Schema] = {"type": "string"}

HEADERS: Final[Mapping[str, Schema]] = {
    "X-Request-Id": {"description": "What to tell support.", "schema": TEXT},
    "ETag": {"description": "The version, for If-None-Match and If-Match.", "schema": TEXT},
    "Idempotent-Replayed": {"description": "`true` if this was done before and only answered again.", "schema": TEXT},
    "RateLimit": {"description": "What is left of the limit, and when all of it is back.", "schema": TEXT},
    "RateLimit-Policy": {"description": "The limit.", "schema": TEXT},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}

SCHEMES: Final[Mapping[str, Schema]] = {
    "access_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the identity provider.",
    },
    "secret_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "csk_... or crk_...",
        "description": "A secret or restricted API key. Keep it on a server.",
    },
    "publishable_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Publishable-Key",
        "description": "Names a tenant's storefront; may stand in a browser.",
    },
}


def document(endpoints: Iterable[Endpoint]) -> Schema:
    """Make the document."""
    schemas = Schemas()
    paths: dict[str, dict[str, Schema]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CityOS",
            "version": version("cityos"),
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": tag, "description": TAGS[tag]} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)
        ],
        "paths": paths,
        "components": {
            "schemas": {**dict(sorted(schemas.components.items())), "Problem": PROBLEM},
            "responses": {f"Problem{status}": _problem(status) for status in MEANINGS},
            "headers": dict(HEADERS),
            "securitySchemes": dict(SCHEMES),
        },
    }


def _operation(endpoint: Endpoint, schemas: Schemas) -> Schema:
    summary, description = endpoint.words
    return {
        "operationId": endpoint.operation,
        "summary": summary,
        **({"description": description} if description else {}),
        "tags": [endpoint.tag],
        "security": _security(endpoint),
        "parameters": [*_in_path(endpoint, schemas), *_in_query(endpoint, schemas), *_in_head(endpoint)],
        **_request(endpoint, schemas),
        "responses": {str(endpoint.status): _success(endpoint, schemas), **_failures(endpoint)},
    }


def _security(endpoint: Endpoint) -> list[Schema]:
    if endpoint.needs is Needs.NOTHING:
        return []
    known: list[Schema] = [{"access_token": []}, {"secret_key": []}]
    return [{"publishable_key": []}, *known] if endpoint.audience == "store" else known


def _in_path(endpoint: Endpoint, schemas: Schemas) -> Iterator[Schema]:
    for name, kind in endpoint.places.items():
        text = {"minLength": 1, "maxLength": 200} if kind is str else {}
        yield {"name": name, "in": "path", "required": True, "schema": {**schemas.of(kind), **text}}


def _in_query(endpoint: Endpoint, schemas: Schemas) -> Iterator[Schema]:
    if endpoint.query is not None:
        for name, schema in schemas.properties(endpoint.query).items():
            attribute = getattr(fields(endpoint.query), name)
            yield _parameter(name, "query", _present(schema), required=attribute.default is NOTHING)
    if endpoint.moves_money:
        doc = {"type": "boolean", "default": False, "description": "Say what would happen, and keep nothing of it."}
        yield _parameter("dry_run", "query", doc)


def _present(schema: Schema) -> Schema:
    """A query parameter is given or not; it is never null."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return {**schema, "type": kinds[0]}
    if "anyOf" in schema:
        rest = [part for part in schema["anyOf"] if part != {"type": "null"}]
        words = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**rest[0], **words} if len(rest) == 1 else {**words, "anyOf": rest}
    return schema


def _in_head(endpoint: Endpoint) -> Iterator[Schema]:
    if endpoint.key is not Key.NONE:
        words = {"description": "Whatever is unique to what is to happen, such as a new UUID; sent again, done once."}
        doc = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", **words}
        yield _parameter("Idempotency-Key", "header", doc, required=endpoint.key is Key.REQUIRED)
    if endpoint.versioned is not None:
        doc = {
            "type": "string",
            "examples": ["*"],
            "description": "The ETag of what you read; `*` for whatever is there.",
        }
        yield _parameter("If-Match", "header", doc, required=True)
    if endpoint.audience == "vendor":
        doc = {"type": "string", "description": "Which vendor, by handle, for members of several."}
        yield _parameter("X-Vendor", "header", doc)


def _parameter(name: str, place: str, schema: Schema, *, required: bool = False) -> Schema:
    description = schema.pop("description", None)
    words = {"description": description} if description else {}
    return {"name": name, "in": place, "required": required, **words, "schema": schema}


def _request(endpoint: Endpoint, schemas: Schemas) -> Schema:
    if endpoint.body is None:
        return {}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas.of(endpoint.body)}}}}


def _success(endpoint: Endpoint, schemas: Schemas) -> Schema:
    names = ["X-Request-Id"]
    if endpoint.needs is not Needs.NOTHING:
        names += ["RateLimit", "RateLimit-Policy"]
    if endpoint.key is not Key.NONE:
        names.append("Idempotent-Replayed")
    content: Schema = {}
    if endpoint.streams:
        content = {"content": {media.partition(";")[0]: {"schema": TEXT} for media in endpoint.streams}}
    elif endpoint.answer is not None:
        names.append("ETag")
        content = {"content": {"application/json": {"schema": schemas.of(endpoint.answer)}}}
    heads = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": "Done." if not endpoint.is_safe else "Here it is.", "headers": heads, **content}


def _failures(endpoint: Endpoint) -> Schema:
    statuses = {400, 413, 414, 422, 500, 503}
    if endpoint.needs is not Needs.NOTHING:
        statuses |= {401, 403, 404, 429}
    elif endpoint.query is not None:
        statuses |= {404}
    if endpoint.body is not None:
        statuses |= {413, 415}
    if not endpoint.is_safe:
        statuses |= {409}
    if endpoint.versioned is not None:
        statuses |= {412, 428}
    if endpoint.steps is not Steps.ONE:
        statuses |= {502}
    found: Schema = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}
    if endpoint.streams:
        found["409"] = {"$ref": "#/components/responses/Problem409"}
    elif endpoint.is_safe:
        found["304"] = {"description": "It is what If-None-Match names."}
    return found


def _problem(status: int) -> Schema:
    names = ["X-Request-Id", *(["Retry-After"] if status in {429, 503} else [])]
    return {
        "description": MEANINGS[status],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>CityOS API</title></head>
<body style="margin:0"><redoc spec-url="/schema/openapi.json"></redoc><script src="/schema/redoc.js"></script></body>
</html>
"""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing of the page comes from elsewhere."""


def handlers(endpoints: Iterable[Endpoint]) -> list[HTTPRouteHandler]:
    """Serve the document and its page from this host."""
    text = render(document(tuple(endpoints))).encode()

    @get("/schema/openapi.json", sync_to_thread=False)
    def get_document() -> Response[bytes]:
        return Response(text, media_type="application/json", headers={"cache-control": "no-cache"})

    @get("/schema", sync_to_thread=False)
    def get_reference() -> Response[str]:
        return Response(PAGE, media_type=MediaType.HTML, headers={"content-security-policy": POLICY})

    @get("/schema/redoc.js", sync_to_thread=True)
    def get_script() -> Response[bytes]:
        return Response(_script(), media_type="text/javascript", headers={"cache-control": "public, max-age=86400"})

    return [get_document, get_reference, get_script]


@cache
def _script() -> bytes:
    return files("cityos_http").joinpath("assets", "redoc.standalone.js").read_bytes()
