"""How a process is set up: from flags, the environment (``CITYOS_*``), a TOML file, or defaults, in this order."""

import tomllib
from collections.abc import Mapping
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
)


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
class Settings:
    """Every key with its value and origin."""

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
    def tenant(self) -> str | None:
        """The handle of the tenant to work in."""
        return self.values["tenant"].value


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
