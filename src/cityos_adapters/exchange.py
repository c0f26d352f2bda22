"""One exchange over HTTP with a counterpart: bounded in time and in size, and never led elsewhere."""

from http import HTTPStatus
from time import monotonic
from typing import Final

import httpx2
from attrs import Attribute

from cityos_adapters.serialization import parse
from cityos_core.kernel.errors import Invalid

_PLAIN: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Uncompressed, so that the bound on the size is one on what is read."""


def web_address(_instance: object, attribute: "Attribute[str]", value: str) -> None:
    """Check that an attribute is the address of a counterpart: http or https, a host, and nothing secret."""
    try:
        url = httpx2.URL(value)
    except (httpx2.InvalidURL, TypeError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        name = attribute.metadata.get("setting", attribute.name)
        raise Invalid("invalid_address", f"{name} has to be an address such as https://id.example.org")


class Unanswered(Exception):  # noqa: N818  it is what happened
    """No answer came that can be used, and why: for the log, not for callers."""


def exchange(
    client: httpx2.Client, method: str, url: str, *, send: object = None, within_s: float, at_most: int
) -> object:
    """Give the JSON document that answers a request. Anything but a whole one with status 200 is ``Unanswered``.

    A redirection is not followed. ``within_s`` bounds every step and all of the body, ``at_most`` its bytes.
    """
    end = monotonic() + within_s
    try:
        request = client.build_request(method, url, json=send, headers=_PLAIN, timeout=within_s)
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code != HTTPStatus.OK:
                raise Unanswered(f"{url} answered with status {response.status_code}")
            body = bytearray()
            for part in response.iter_raw():
                body += part
                if len(body) > at_most:
                    raise Unanswered(f"{url} answered with more than {at_most} bytes")
                if monotonic() > end:
                    raise Unanswered(f"{url} did not answer within {within_s} s")
        finally:
            response.close()
        return parse(bytes(body))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unanswered(f"{url} did not answer: {type(error).__name__} {error}") from error
    except Invalid as error:
        raise Unanswered(f"{url} did not answer with JSON: {error.detail}") from error
    except UnicodeError as error:
        raise Unanswered(f"{url} cannot be asked in UTF-8") from error
