"""API keys of a tenant, for its administrators."""

from cityos_core.kernel.ids import ApiKeyId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.access import ApiKeyRequest, ApiKeyView, NewApiKeyView, RotationRequest

routes = Routes("/admin/api-keys", tag="Access")


@routes.get("", action="api-keys:list")
def list_api_keys(asked: Asked, query: Paged) -> Listed[ApiKeyView]:
    """List the tenant's keys, oldest first."""
    return asked.listed(query, asked.city.access.keys(asked.scope, asked.page(query)), ApiKeyView.of)


@routes.post("", action="api-keys:create", shown_once="text")
def create_api_key(asked: Asked, body: ApiKeyRequest) -> NewApiKeyView:
    """Make a key; its text is shown in this answer and never again."""
    key, text = asked.city.access.create_key(asked.scope, asked.principal, body.draft())
    return NewApiKeyView(key=ApiKeyView.of(key), text=text)


@routes.get("/{key}", action="api-keys:read")
def get_api_key(asked: Asked, key: ApiKeyId) -> ApiKeyView:
    """Read what is stored of a key."""
    return ApiKeyView.of(asked.city.access.key(asked.scope, key))


@routes.post("/{key}/rotate", action="api-keys:rotate", shown_once="text")
def rotate_api_key(asked: Asked, key: ApiKeyId, body: RotationRequest) -> NewApiKeyView:
    """Replace a key by a new one; for a while both work."""
    new, text = asked.city.access.rotate_key(asked.scope, asked.principal, key, works_until=body.works_until)
    return NewApiKeyView(key=ApiKeyView.of(new), text=text)


@routes.post("/{key}/revoke", action="api-keys:revoke", status=200)
def revoke_api_key(asked: Asked, key: ApiKeyId) -> ApiKeyView:
    """Let a key work no more."""
    asked.city.access.revoke_key(asked.scope, key)
    return ApiKeyView.of(asked.city.access.key(asked.scope, key))
