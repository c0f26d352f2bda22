"""A tenant's settings, for its administrators."""

from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.tenancy import PlaceQuery, SettingRequest, SettingsQuery, SettingView

routes = Routes("/admin/settings", tag="Settings")


@routes.get("", action="settings:list")
def list_settings(asked: Asked, query: SettingsQuery) -> Listed[SettingView]:
    """List every setting as it holds in the tenant, or in one of its stores; secrets are masked."""
    found = asked.city.settings.show(asked.scope, node=query.node)
    return asked.part(query, found, lambda setting: setting.key, SettingView.of)


@routes.get("/{key}", action="settings:explain")
def explain_setting(asked: Asked, key: str, query: PlaceQuery) -> SettingView:
    """Explain a setting: its value, where it comes from, what it overrides and who locked it."""
    return SettingView.of(asked.city.settings.explain(asked.scope, key, node=query.node))


@routes.put("/{key}", action="settings:change")
def set_setting(asked: Asked, key: str, query: PlaceQuery, body: SettingRequest) -> SettingView:
    """Store a value for the tenant, or for one of its stores."""
    asked.require_may_set(key, body.value)
    return SettingView.of(asked.city.settings.set(asked.scope, key, body.value, node=query.node, locked=body.locked))


@routes.delete("/{key}", action="settings:change")
def unset_setting(asked: Asked, key: str, query: PlaceQuery) -> None:
    """Take a value away; what is inherited holds again."""
    asked.city.settings.unset(asked.scope, key, node=query.node)
