"""Access tokens of Keycloak, or of another OpenID provider that writes them alike."""

from cityos_adapters.keycloak.tokens import KeycloakTokens, Realm

__all__ = ["KeycloakTokens", "Realm"]
