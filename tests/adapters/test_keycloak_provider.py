"""Access tokens of a real OpenID provider, over real connections."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cityos_adapters.bootstrap import SystemClock
from cityos_adapters.keycloak import KeycloakTokens, Realm
from cityos_core.access.model import Claims
from servers import oidc
from servers.oidc import Provider
from servers.processes import free_port
from usecases.town import code

CLIENTS = frozenset({"web", "worker", "idler"})


@pytest.fixture(scope="module")
def modules(node_modules: Path) -> Path:
    """The folder with the provider's package."""
    if not oidc.is_in(node_modules):
        pytest.skip(f"OpenID provider: there is none in {node_modules}. Put oidc-provider there.")
    return node_modules


@pytest.fixture(scope="module")
def provider(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider with its own keys."""
    with oidc.started(modules, tmp_path_factory.mktemp("oidc"), free_port()) as started:
        yield started


def proving(provider: Provider) -> KeycloakTokens:
    """Build what proves a provider's tokens."""
    return KeycloakTokens(Realm(issuer=provider.issuer, audience="platform", clients=CLIENTS), SystemClock())


def test_tokens_of_a_provider(provider: Provider) -> None:
    """Tokens signed by RSA and by elliptic curve are believed, in both shapes of organisations."""
    tokens = proving(provider)
    assert tokens.verify(provider.token("web")) == Claims(
        subject="web",
        name="service-account-web",
        email="alice@example.org",
        roles=frozenset({"buyer"}),
        organizations=frozenset({"acme"}),
        client="web",
    )
    assert tokens.verify(provider.token("worker")) == Claims(
        subject="worker",
        name="service-account-worker",
        roles=frozenset({"platform:quote:read"}),
        organizations=frozenset({"acme"}),
        client="worker",
    )


def test_tokens_that_are_meant_for_something_else(provider: Provider) -> None:
    """A genuine token for another audience, to another client, or of another kind is refused."""
    tokens = proving(provider)
    strays = provider.token("web", "urn:shop"), provider.token("intruder"), provider.token("idler")
    assert {code(partial(tokens.verify, token)) for token in strays} == {"token_not_accepted"}
    genuine = provider.token("web")
    assert code(lambda: tokens.verify(f"{genuine[:-4]}AAAA")) == "token_invalid"


def test_a_provider_with_new_keys(modules: Path, tmp_path: Path) -> None:
    """A provider that was restarted with other keys is believed at once; while it was gone, known keys went on."""
    port = free_port()
    with oidc.started(modules, tmp_path, port) as first:
        tokens, old = proving(first), first.token("web")
        assert code(lambda: tokens.verify(old)) == "ok"
    assert code(lambda: tokens.verify(old)) == "ok"
    with oidc.started(modules, tmp_path, port) as second:
        assert code(lambda: tokens.verify(second.token("web"))) == "ok"
        assert code(lambda: tokens.verify(second.token("worker"))) == "ok"
        assert code(lambda: tokens.verify(old)) == "token_invalid"
