"""What is never written where others read it, in logs and messages: whatever is called, or looks like, a secret."""

import re
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "***"

SECRET_NAMES: Final = frozenset(
    {
        "api_key",
        "authorization",
        "cookie",
        "dsn",
        "password",
        "private_key",
        "secret",
        "secret_key",
        "set_cookie",
        "token",
        "x_publishable_key",
    }
)
"""Names of values that are never written, whatever they are."""

_ENDINGS: Final = ("_password", "_secret", "_token")

SECRET_FORMS: Final = tuple(
    (re.compile(form, re.ASCII), replacement)
    for form, replacement in (
        (r"(c[psr]k_(?:live|test)_)[0-9A-Za-z]+", rf"\1{HIDDEN}"),
        (r"eyJ[\w-]+\.[\w-]+\.[\w-]*", HIDDEN),
        (r"(?i)(bearer|basic)\s+[\w.~+/=-]+", rf"\1 {HIDDEN}"),
        (r"(?i)([a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s/]+@", rf"\1{HIDDEN}@"),
        (r"(?<![A-Z0-9])([A-Z]{2}[0-9]{2})[0-9A-Z]{7,26}([0-9A-Z]{4})\b", rf"\1{HIDDEN}\2"),
        (r"(?<![A-Z0-9])([A-Z]{2}[0-9]{2})(?: [0-9A-Z]{4}){2,7}(?: [0-9A-Z]{1,3})?\b", rf"\1{HIDDEN}"),
    )
)
"""What secrets look like: API keys, tokens, credentials, passwords in addresses, IBANs.

They may stand right behind a letter: the ``n`` of a line's end that was written as ``\\n``.
"""


def redacted(text: str) -> str:
    """Hide whatever looks like a secret."""
    for form, replacement in SECRET_FORMS:
        text = form.sub(replacement, text)
    return text


def without_secrets(value: object) -> object:
    """Hide secrets at any depth, by what they are called and by what they look like; what is not plain becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {name: HIDDEN if _is_secret(str(name)) else without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(inner) for inner in value]
    return redacted(repr(value))


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain in SECRET_NAMES or plain.endswith(_ENDINGS)
