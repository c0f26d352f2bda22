"""A real OpenID provider from npm that writes access tokens as Keycloak does."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from attrs import frozen

from servers.processes import dying_with_us, stop, wait_for


@frozen
class Provider:
    """A running provider, by its issuer."""

    issuer: str

    def token(self, client: str, resource: str = "urn:platform") -> str:
        """Get an access token for a client (``web``, ``worker``, ``idler``, ``intruder``)."""
        with httpx2.Client(trust_env=False) as http:
            answer = http.post(
                f"{self.issuer}/protocol/openid-connect/token",
                data={"grant_type": "client_credentials", "resource": resource},
                auth=(client, "secret"),
            )
        return str(answer.raise_for_status().json()["access_token"])


def is_in(modules: Path) -> bool:
    """True if the provider's package is in a folder ``node_modules``."""
    return (modules / "oidc-provider").is_dir()


@contextmanager
def started(modules: Path, folder: Path, port: int) -> Iterator[Provider]:
    """Start a provider with keys of its own, and give it while the block runs."""
    program = [str(shutil.which("node")), str(Path(__file__).with_suffix(".mjs"))]
    with (folder / "log").open("wb") as log:
        start = [*dying_with_us(), *program, str(modules), str(port)]
        server = subprocess.Popen(start, stdout=log, stderr=log)
    provider = Provider(f"http://127.0.0.1:{port}/realms/demo")
    try:
        wait_for(server, f"{provider.issuer}/.well-known/openid-configuration", folder / "log")
        yield provider
    finally:
        stop(server)
