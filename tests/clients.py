"""Requests as one client makes them, with its key and a new idempotency key for every POST."""

from itertools import count
from typing import Any

from attrs import field, frozen
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient


@frozen
class Client:
    """A client of the API that shows a key."""

    http: TestClient[Litestar] = field(repr=False)
    key: str = field(repr=False)
    header: str = "Authorization"
    _numbers: Any = field(factory=lambda: count(1), init=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request says."""
        return {self.header: f"Bearer {self.key}" if self.header == "Authorization" else self.key}

    def get(self, path: str, **query: object) -> Response:
        """Read something."""
        return self.http.get(path, params=query, headers=self.headers)  # type: ignore[arg-type]

    def post(self, path: str, body: object = None, *, key: str | None = None, **query: object) -> Response:
        """Create something, or take a step."""
        return self.send("POST", path, body, {"Idempotency-Key": key or f"key-{next(self._numbers)}"}, **query)

    def put(self, path: str, body: object, **query: object) -> Response:
        """Replace something."""
        return self.send("PUT", path, body, {}, **query)

    def patch(self, path: str, body: object, *, etag: str | None = None) -> Response:
        """Change something that was read with an entity tag."""
        return self.send("PATCH", path, body, {} if etag is None else {"If-Match": etag})

    def delete(self, path: str, **query: object) -> Response:
        """Remove something."""
        return self.send("DELETE", path, None, {}, **query)

    def send(self, method: str, path: str, body: object, headers: dict[str, str], **query: object) -> Response:
        """Send a request with any headers."""
        content: dict[str, Any] = {} if body is None else {"json": body}
        return self.http.request(
            method,
            path,
            params=query,  # type: ignore[arg-type]
            headers={**self.headers, **headers},
            **content,
        )


def everything(client: Client, path: str, **query: object) -> list[Any]:
    """Read a list to its end."""
    found: list[Any] = []
    cursor: dict[str, object] = {}
    while True:
        page = client.get(path, **query, **cursor).json()
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def refusal(response: Response) -> tuple[int, str]:
    """Give the status and the code of a problem."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]
