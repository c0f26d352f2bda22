"""Settings of a process, and what is put together from them."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from cityos_adapters.bootstrap import SystemClock, SystemRandomness, gateways, limiter, open_city, policy, tokens
from cityos_adapters.cerbos import CerbosPolicy
from cityos_adapters.keycloak import KeycloakTokens
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.memory.limiter import MemoryRateLimiter
from cityos_adapters.redis.limiter import RedisRateLimiter
from cityos_adapters.settings import KEYS, Identity, Logging, Settings, read_settings
from cityos_adapters.sql.migration import migrate
from cityos_core.access.absent import NoTokens
from cityos_core.access.roles import RoleTable
from cityos_core.kernel.errors import Invalid

DOCS = Path(__file__).parents[2] / "docs"
CLOCK = SystemClock()
ISSUER = "https://id.example.org/realms/demo"


def configured(**values: str) -> Settings:
    """Read settings from an environment with these."""
    return read_settings({}, {f"CITYOS_{name.upper()}": value for name, value in values.items()})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("key", [key.name for key in KEYS])
def test_every_key_is_documented(key: str) -> None:
    """The page about settings names every key."""
    assert f"`{key}`" in (DOCS / "operations/settings.md").read_text("utf-8")


def test_what_is_not_configured_is_absent() -> None:
    """Nothing but the database is needed."""
    settings = configured()
    assert (settings.redis_url, settings.identity, settings.cerbos_url, settings.secret_key) == (None,) * 4
    assert settings.payment_gateway is None
    assert (settings.platform_domains, settings.dns_servers, settings.trusted_proxies) == (("localhost",), (), ())
    assert settings.logging == Logging("info", "text")


def test_several_values_are_separated_by_commas() -> None:
    """Lists are written in one text."""
    settings = configured(
        platform_domain="city.example, town.example,",
        dns_servers="192.0.2.1,2001:db8::1",
        trusted_proxies="10.0.0.0/8, 192.0.2.7",
        oidc_issuer=ISSUER,
        oidc_audience="platform",
        oidc_clients="web,app",
    )
    assert settings.platform_domains == ("city.example", "town.example")
    assert settings.dns_servers == ("192.0.2.1", "2001:db8::1")
    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.7")
    assert settings.identity == Identity(ISSUER, "platform", frozenset({"web", "app"}))


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("secret_key", "short", "secret_key"),
        ("dns_servers", "ns.example.org", "dns_servers"),
        ("trusted_proxies", "10.0.0.1/8", "trusted_proxies"),
        ("log_level", "loud", "logging"),
        ("log_format", "xml", "logging"),
        ("payment_gateway", "stripe", "payment_gateway"),
        ("oidc_issuer", ISSUER, "identity"),
        ("oidc_clients", "web", "identity"),
    ],
)
def test_what_cannot_be_used_is_refused(name: str, value: str, asked: str) -> None:
    """A value that is not understood is named, and secrets are not repeated."""
    with pytest.raises(Invalid, match=name) as refused:
        getattr(configured(**{name: value}), asked)
    assert name != "secret_key" or value not in refused.value.detail


def test_the_choice_of_adapters() -> None:
    """What is configured is used, what is not has a stand-in in this process."""
    with ExitStack() as connections:
        assert isinstance(policy(configured(), connections), RoleTable)
        assert isinstance(policy(configured(cerbos_url="http://127.0.0.1:3592"), connections), CerbosPolicy)
        assert isinstance(limiter(configured(), CLOCK, connections), MemoryRateLimiter)
        assert isinstance(limiter(configured(redis_url="redis://127.0.0.1:1"), CLOCK, connections), RedisRateLimiter)
    assert gateways(configured(), CLOCK) == {}
    (name, gateway), *_ = gateways(configured(payment_gateway="test"), CLOCK).items()
    assert (name, type(gateway)) == ("card", ScriptedGateway)
    identity = configured(oidc_issuer=ISSUER, oidc_audience="platform", oidc_clients="web")
    assert isinstance(tokens(configured(), CLOCK), NoTokens)
    assert isinstance(tokens(identity, CLOCK), KeycloakTokens)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cerbos_url", "cerbos"),
        ("redis_url", "valkey"),
        ("platform_domain", "127.0.0.1"),
        ("dns_servers", "x"),
        ("payment_gateway", "x"),
    ],
)
def test_a_city_is_not_opened_half(name: str, value: str) -> None:
    """A setting that cannot be used stops a process when it starts, and not its first caller."""
    migrate("sqlite:///city.db")
    with pytest.raises(Invalid), open_city(configured(**{name: value})):
        pytest.fail("it was opened")


def test_randomness_is_even() -> None:
    """Every character of the alphabet comes up, about as often as every other, and no two picks are alike."""
    chosen = SystemRandomness().pick("abcd", 4000)
    assert set(chosen) == set("abcd")
    assert min(Counter(chosen).values()) > 800
    assert len({SystemRandomness().pick("abcdefghijklmnop", 32) for _ in range(100)}) == 100


def test_nothing_is_loaded_in_vain() -> None:
    """Libraries of systems that are not configured are not loaded when a city is opened."""
    migrate("sqlite:///city.db")
    code = (
        "import sys, json\n"
        "from cityos_adapters.bootstrap import open_city\n"
        "from cityos_adapters.settings import read_settings\n"
        "with open_city(read_settings({}, {})) as city:\n"
        "    city.tenants.list()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert not {"redis", "httpx2", "joserfc", "dns", "schwifty", "alembic"} & set(json.loads(loaded))
