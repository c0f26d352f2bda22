"""How a process is set up: from flags, the environment (``CITYOS_*``), a TOML file, or defaults, in this order."""

import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from attrs import frozen

from cityos_core.kernel.errors import Invalid

CONFIG_FILE: Final = Path("cityos.toml")
"""Read from the working directory if it is there and no other file is named."""


@frozen
class Key:
    """Something that can be set: what it is for, and what it is unless it is set."""

    name: str
    doc: str
    default: str | None = None
    secret: bool = False
    """True if the value is never shown."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CITYOS_{self.name.upper()}"


KEYS: Final = (
    Key(
        "database_url",
        "Where the data is: sqlite:///city.db or postgresql://user:password@host/name.",
        "sqlite:///city.db",
    ),
    Key("tenant", "The tenant that commands work in."),
    Key("bank_directory", "Where bank files are written, for the payout method named bank."),
    Key("bank_name", "Whose account the bank files pay from."),
    Key("bank_iban", "The account they pay from."),
    Key("bank_bic", "The bank it is at; most banks need none."),
    Key("payment_gateway", "Who collects payments: test, which charges nobody. Without it nothing can be collected."),
    Key("platform_domain", "The names under which tenants have a subdomain, separated by commas.", "localhost"),
    Key(
        "secret_key",
        "What cursors are signed with: the same for every process of a city, at least 32 characters.",
        secret=True,
    ),
    Key(
        "redis_url",
        "Where rate limits are counted and workers woken, for all processes: redis://host:6379/0. Without it each has its own.",
    ),
    Key("oidc_issuer", "Who issues access tokens: https://host/realms/name."),
    Key("oidc_audience", "What the tokens have to be meant for."),
    Key("oidc_clients", "The clients whose tokens are accepted, separated by commas."),
    Key("cerbos_url", "Who decides what a principal may do: http://host:3592. Without it the built-in table of roles."),
    Key(
        "dns_servers", "Which name servers prove domains, by address, separated by commas. Without them the machine's."
    ),
    Key("trusted_proxies", "The networks of proxies that are believed who a request is from, separated by commas."),
    Key("log_level", "What is logged: debug, info, warning or error.", "info"),
    Key("log_format", "How it is logged: text for eyes, json for programs.", "text"),
)

SHORTEST_SECRET: Final = 32
PAYMENT_GATEWAYS: Final = ("test",)
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_FORMATS: Final = ("text", "json")


@frozen
class Setting:
    """A value, and where it came from: ``flag``, ``environment``, the name of the file, or ``default``."""

    value: str | None
    origin: str


@frozen
class Bank:
    """The account that bank files pay from, and where they are written."""

    directory: str
    name: str
    iban: str
    bic: str | None


@frozen
class Identity:
    """Who issues access tokens, and which of them are accepted."""

    issuer: str
    audience: str
    clients: frozenset[str]


@frozen
class Logging:
    """What is logged, and how."""

    level: str
    format: str


@frozen
class Settings:
    """Every key with its value and origin. What cannot be used as it is raises ``Invalid`` when it is asked for."""

    values: Mapping[str, Setting]

    @property
    def database_url(self) -> str:
        """Where the data is; it may hold a password and is never shown as it is."""
        return self.values["database_url"].value or ""

    @property
    def bank(self) -> Bank | None:
        """The bank account to pay from; none unless it is set completely."""
        directory, name, iban, bic = (
            self.values[f"bank_{part}"].value for part in ("directory", "name", "iban", "bic")
        )
        if not (directory or name or iban):
            return None
        if not (directory and name and iban):
            raise Invalid("incomplete_bank", "to pay by bank file, set bank_directory, bank_name and bank_iban")
        return Bank(directory, name, iban, bic)

    @property
    def payment_gateway(self) -> str | None:
        """Who collects payments; none: nothing can be collected."""
        found = self.values["payment_gateway"].value
        return None if found is None else self._one_of("payment_gateway", PAYMENT_GATEWAYS)

    @property
    def tenant(self) -> str | None:
        """The handle of the tenant to work in."""
        return self.values["tenant"].value

    @property
    def platform_domains(self) -> tuple[str, ...]:
        """The names under which tenants have a subdomain."""
        return self._several("platform_domain")

    @property
    def secret_key(self) -> str | None:
        """What cursors are signed with; none: every process makes its own."""
        secret = self.values["secret_key"].value
        if secret is not None and len(secret) < SHORTEST_SECRET:
            raise Invalid("weak_secret", f"secret_key has at least {SHORTEST_SECRET} characters")
        return secret

    @property
    def redis_url(self) -> str | None:
        """Where rate limits are counted and workers woken, for all processes; it may hold a password and is never shown as it is."""
        return self.values["redis_url"].value

    @property
    def identity(self) -> Identity | None:
        """Who issues access tokens; none unless it is set completely."""
        issuer, audience = self.values["oidc_issuer"].value, self.values["oidc_audience"].value
        clients = self._several("oidc_clients")
        if not (issuer or audience or clients):
            return None
        if not (issuer and audience and clients):
            raise Invalid("incomplete_oidc", "to accept access tokens, set oidc_issuer, oidc_audience and oidc_clients")
        return Identity(issuer, audience, frozenset(clients))

    @property
    def cerbos_url(self) -> str | None:
        """Who decides what a principal may do; none: the built-in table of roles."""
        return self.values["cerbos_url"].value

    @property
    def dns_servers(self) -> tuple[str, ...]:
        """The addresses of the name servers that prove domains; none: the machine's."""
        return self._several("dns_servers", check=ip_address)

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """The networks of proxies that are believed who a request is from."""
        return self._several("trusted_proxies", check=ip_network)

    @property
    def logging(self) -> Logging:
        """What is logged, and how."""
        return Logging(self._one_of("log_level", LOG_LEVELS), self._one_of("log_format", LOG_FORMATS))

    def _several(self, name: str, check: Callable[[str], object] = str) -> tuple[str, ...]:
        found = tuple(part.strip() for part in (self.values[name].value or "").split(",") if part.strip())
        for part in found:
            try:
                check(part)
            except ValueError as error:
                raise Invalid(f"invalid_{name}", f"{name}: {error}") from None
        return found

    def _one_of(self, name: str, known: tuple[str, ...]) -> str:
        found = self.values[name].value or ""
        if found not in known:
            choice = f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else known[0]
            raise Invalid(f"invalid_{name}", f"{name} is {choice}, not {found!r}")
        return found


def read_settings(
    flags: Mapping[str, str | None], environment: Mapping[str, str], config: Path | None = None
) -> Settings:
    """Find each key's value; a file that is named must be there, and holds known keys only."""
    named = config or (Path(environment["CITYOS_CONFIG"]) if environment.get("CITYOS_CONFIG") else None)
    path = named or CONFIG_FILE
    stored = _stored(path) if named or path.is_file() else {}
    found = {}
    for key in KEYS:
        choices = (
            Setting(flags.get(key.name), "flag"),
            Setting(environment.get(key.variable), "environment"),
            Setting(stored.get(key.name), str(path)),
        )
        found[key.name] = next((choice for choice in choices if choice.value), Setting(key.default, "default"))
    return Settings(found)


def _stored(path: Path) -> Mapping[str, str]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Invalid("unreadable_config", f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid("invalid_config", f"the settings file {path} is not TOML: {error}") from None
    known = [key.name for key in KEYS]
    for name, value in values.items():
        if name not in known:
            raise Invalid("invalid_config", f"{path} sets {name!r}; the keys are {', '.join(known)}")
        if not isinstance(value, str):
            raise Invalid("invalid_config", f"{path}: {name} is text, in quotes")
    return values
