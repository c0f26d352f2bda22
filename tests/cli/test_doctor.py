"""What the doctor says of the systems beside the database."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from joserfc.jwk import RSAKey

from cityos_adapters.redis import connecting
from cli.shell import Cityos, read
from servers.processes import free_port

Doctor = Callable[..., dict[str, tuple[bool, str, str]]]


@contextmanager
def answering(documents: Mapping[str, object]) -> Iterator[str]:
    """Serve JSON documents by path; ``HERE`` in them is this server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).replace("HERE", here).encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        here = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def doctor(cityos: Cityos, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Ask the doctor about some settings."""
    cityos("db", "migrate").succeeded()

    def ask(**values: str) -> dict[str, tuple[bool, str, str]]:
        for name, value in values.items():
            monkeypatch.setenv(f"CITYOS_{name.upper()}", value)
        result = cityos("doctor", "--output", "json")
        found = {check["system"]: (check["ok"], check["detail"], check["fix"]) for check in read(result)}
        assert result.code == (not all(ok for ok, _, _ in found.values()))
        return found

    return ask


def test_only_what_is_configured(doctor: Doctor) -> None:
    """Systems that nobody named are not looked for."""
    assert list(doctor()) == ["database", "jobs"]


def test_redis(doctor: Doctor, valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis answers, or does not; its password is not told."""
    monkeypatch.setattr(connecting, "TIMEOUT_S", 30)  # of a busy machine
    assert doctor(redis_url=valkey)["redis"][0]
    ok, detail, fix = doctor(redis_url=f"redis://:hunter2@127.0.0.1:{free_port()}")["redis"]
    assert (ok, "did not answer" in detail, "hunter2" in detail + fix) == (False, True, False)
    assert doctor(redis_url="valkey")["redis"][0] is False


def test_issuer(doctor: Doctor) -> None:
    """An issuer of access tokens publishes its keys, under its own name."""
    key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}).as_dict(private=False)
    documents = {
        "/realms/demo/.well-known/openid-configuration": {"issuer": "HERE/realms/demo", "jwks_uri": "HERE/certs"},
        "/realms/other/.well-known/openid-configuration": {"issuer": "HERE/realms/demo", "jwks_uri": "HERE/certs"},
        "/certs": {"keys": [key]},
    }
    with answering(documents) as url:
        issuer = f"{url}/realms/demo"
        found = doctor(oidc_issuer=issuer, oidc_audience="platform", oidc_clients="web")["oidc"]
        assert (found[0], found[1]) == (True, f"{issuer} publishes 1 signing keys")
        ok, detail, _ = doctor(oidc_issuer=f"{url}/realms/other")["oidc"]
        assert (ok, "another issuer" in detail) == (False, True)
    assert doctor(oidc_issuer=issuer)["oidc"][0] is False
    assert "an address" in doctor(oidc_issuer="id.example.org")["oidc"][1]


def test_cerbos(doctor: Doctor) -> None:
    """Cerbos says that it is serving."""
    with answering({"/_cerbos/health": {"status": "SERVING"}}) as url:
        assert doctor(cerbos_url=url)["cerbos"] == (True, f"{url} is serving", "")
    assert doctor(cerbos_url=url)["cerbos"][0] is False
    with answering({"/_cerbos/health": {"status": "NOT_SERVING"}}) as url:
        assert doctor(cerbos_url=url)["cerbos"][0] is False
    assert "an address" in doctor(cerbos_url="cerbos")["cerbos"][1]


def test_payments(doctor: Doctor) -> None:
    """Whoever has the test gateway on is told; a gateway that nobody knows is not ready."""
    ok, detail, _ = doctor(payment_gateway="test")["payments"]
    assert (ok, "nobody is charged" in detail) == (True, True)
    ok, detail, fix = doctor(payment_gateway="stripe")["payments"]
    assert (ok, detail, fix) == (
        False,
        "payment_gateway is test, not 'stripe'",
        "correct CITYOS_PAYMENT_GATEWAY, or unset it",
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("platform_domain", "127.0.0.1", "127.0.0.1"),
        ("secret_key", "hunter2", "at least 32"),
        ("trusted_proxies", "everyone", "everyone"),
        ("log_level", "loud", "debug, info, warning or error"),
        ("oidc_audience", "platform", "set oidc_issuer"),
    ],
)
def test_settings_that_cannot_be_used(doctor: Doctor, name: str, value: str, says: str) -> None:
    """A value that would stop a process is found before one is started."""
    ok, detail, fix = doctor(**{name: value})["oidc" if name == "oidc_audience" else "settings"]
    assert (ok, says in detail, "hunter2" in detail, bool(fix)) == (False, True, False, True)


def test_secrets_are_not_shown(cityos: Cityos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever shows the settings shows no secret."""
    monkeypatch.setenv("CITYOS_SECRET_KEY", "hunter2" * 5)
    monkeypatch.setenv("CITYOS_REDIS_URL", "redis://user:hunter2@127.0.0.1")
    for form in ("table", "json"):
        shown = cityos("settings", "show", "--origin", "--output", form).succeeded().out
        assert "hunter2" not in shown
        assert "secret_key" in shown
