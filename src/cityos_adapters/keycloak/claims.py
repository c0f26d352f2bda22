"""What a proven access token of Keycloak says, as claims of the core."""

from collections.abc import Iterator, Mapping

from cityos_core.access.model import Claims


class Malformed(Exception):  # noqa: N818  it is what the token is
    """A claim does not have the shape that it has in tokens of Keycloak."""


def claims_of(token: Mapping[str, object]) -> Claims:
    """Read the claims of a token; ``Malformed`` if who it is for, roles or organisations cannot be told for certain."""
    email = token.get("email") if token.get("email_verified") is True else None
    return Claims(
        subject=_text(token.get("sub")),
        name=next((name for key in ("name", "preferred_username") if isinstance(name := token.get(key), str)), ""),
        email=email if isinstance(email, str) and email else None,
        roles=frozenset(_roles(token)),
        organizations=_organizations(token["organization"]) if "organization" in token else None,
        client=_text(token.get("azp")),
    )


def _roles(token: Mapping[str, object]) -> Iterator[str]:
    """List roles of the realm as ``name``, roles of a client as ``client:name``.

    A realm role or a client with a colon in its name is passed over: one could be taken for the other.
    """
    for name in _names(_object(token.get("realm_access", {})).get("roles", [])):
        if ":" not in name:
            yield name
    for client, access in _object(token.get("resource_access", {})).items():
        for name in _names(_object(access).get("roles", [])):
            if ":" not in client:
                yield f"{client}:{name}"


def _organizations(claim: object) -> frozenset[str]:
    """List the aliases in either shape: a list of them, or an object that describes each."""
    if not isinstance(claim, dict):
        return frozenset(_names(claim))
    for description in claim.values():
        _object(description)
    return frozenset(_text(alias) for alias in claim)


def _object(claim: object) -> Mapping[str, object]:
    if not isinstance(claim, dict):
        raise Malformed("it is not an object")
    return claim


def _names(claim: object) -> list[str]:
    if not isinstance(claim, list):
        raise Malformed("it is not a list")
    return [_text(name) for name in claim]


def _text(claim: object) -> str:
    if not isinstance(claim, str) or not claim:
        raise Malformed("it is not a text")
    return claim
