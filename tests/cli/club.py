"""A club: who subscribes to what, on the command line, while time passes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define

from cli.shell import Cityos, Result, read

TEAM = {
    "handle": "team",
    "name": "Team",
    "items": [
        {"key": "seats", "name": "Seats", "kind": "per_seat", "price": "10.00"},
        {"key": "calls", "name": "Calls", "kind": "metered", "pricing": {"tiers": [{"unit": "0.05"}]}},
    ],
}
"""10.00 a seat and month, and five cents a call."""


@define
class Club:
    """Runs commands in a tenant, at a time that only moves when told to."""

    cityos: Cityos
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self, *args: str, stdin: str = "") -> Result:
        """Run a command."""
        return self.cityos(*args, stdin=stdin)

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)

    def json(self, *args: str, code: int = 0) -> Any:
        """Run a command and read what it printed, whatever else it is to end with."""
        result = self(*args, "--output", "json")
        assert result.code == code, result.err
        return read(result)

    def sell(self, handle: str = "basic", *more: str) -> Any:
        """Sell a plan: 30.00 a month unless told otherwise."""
        return self.json("plans", "create", handle, "--name", handle.title(), "--price", "30.00", *more)

    def sell_team(self) -> None:
        """Sell a plan with seats and usage."""
        Path("plans.json").write_text(json.dumps([TEAM]))
        self("plans", "import", "plans.json").succeeded()

    def begin(self, plan: str = "basic", who: str = "ada", *more: str, code: int = 0) -> Any:
        """Let somebody subscribe."""
        return self.json("subscriptions", "begin", plan, who, *more, code=code)

    def get(self, subscription: Any) -> Any:
        """Read a subscription."""
        return self.json("subscriptions", "show", subscription["id"])

    def invoices(self, subscription: Any) -> Any:
        """List the invoices of a subscription, newest first."""
        return self.json("invoices", "list", "--subscription", subscription["id"])

    def bill(self, *more: str, code: int = 0) -> Any:
        """Run billing."""
        return self.json("billing", "run", "--yes", *more, code=code)

    def used(self, subscription: Any, key: str, quantity: str, item: str = "calls") -> str:
        """Write a line of a file of usage: as of now."""
        return f"{subscription['id']},{key},{item},{quantity},{self.now.isoformat()}\n"
