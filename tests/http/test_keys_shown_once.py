"""The text of an API key is in one answer and nowhere else."""

from pathlib import Path

import pytest
from litestar.testing import TestClient

from cityos_adapters.bootstrap import SystemRandomness
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.roles import part_of_the_system
from cityos_core.testing import city, market
from cityos_http import create_app
from clients import Client


@pytest.mark.parametrize("rotated", [False, True], ids=["made", "rotated"])
def test_a_replay_does_not_show_a_key_again(admin: Client, rotated: bool) -> None:
    """The same request again is answered with the key as it is stored, and null in place of its text."""
    path, body = "/admin/api-keys", {"name": "warehouse", "role": "operator"}
    first = admin.post(path, body, key="once")
    if rotated:
        path, body = f"{path}/{first.json()['key']['id']}/rotate", {}
        first = admin.post(path, body, key="twice")
    again = admin.post(path, body, key="twice" if rotated else "once")
    assert first.status_code == again.status_code == 201
    assert first.json()["text"].startswith("csk_live_")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**first.json(), "text": None}


def test_no_key_is_in_the_database(tmp_path: Path) -> None:
    """Whoever reads the whole database finds no key: not among answers, not in the audit, not in events."""
    path = tmp_path / "city.db"
    migrate(f"sqlite:///{path}")
    with SqlDatabase(f"sqlite:///{path}", durable=False) as database:
        app = city(unit_of_work=database, randomness=SystemRandomness())
        tenant = market(app)
        maker = part_of_the_system("tests")
        _, key = app.access.create_key(tenant.scope, maker, KeyDraft(name="admin", role="administrator"))
        served = create_app(app)
        with TestClient(served, base_url=f"http://{tenant.handle}.localhost") as http:
            made = Client(http, key).post("/admin/api-keys", {"name": "warehouse", "role": "operator"})
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"warehouse" in content
    assert made.json()["text"].encode() not in content
    assert key.encode() not in content
