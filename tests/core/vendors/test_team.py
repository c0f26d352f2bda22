"""Teams: a permission table, and an owner who is always there."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import PLATFORM, VendorId
from cityos_core.vendors.model import Member, Profile, TeamRole, Vendor
from cityos_core.vendors.schedules import Cadence, PayoutSchedule
from cityos_core.vendors.team import invited, joined, may, removed, with_role

NOW = datetime(2026, 1, 5, tzinfo=UTC)
PEOPLE = ("a@x", "b@x", "c@x")

steps = st.lists(
    st.tuples(
        st.sampled_from(("invite", "join", "change_role", "remove")),
        st.sampled_from(PEOPLE),
        st.sampled_from(TeamRole),
    ),
    max_size=30,
)


def owners(vendor: Vendor) -> list[Member]:
    """List the owners who have joined."""
    return [member for member in vendor.team if member.role is TeamRole.OWNER and member.joined_at is not None]


@given(steps)
def test_a_team_never_loses_its_last_owner(taken: list[tuple[str, str, TeamRole]]) -> None:
    """Once an owner has joined, there is always one, whatever is tried; nobody is on the team twice."""
    vendor = Vendor(id=VendorId(PLATFORM), tenant_id=PLATFORM, handle="x", profile=Profile(name="X"), created_at=NOW)
    had_owner = False
    for action, email, role in taken:
        with suppress(Conflict, NotFound, Refused):
            match action:
                case "invite":
                    vendor = invited(vendor, email, role, NOW)
                case "join":
                    vendor = joined(vendor, email, NOW)
                case "change_role":
                    vendor = with_role(vendor, email, role)
                case _:
                    vendor = removed(vendor, email)
        had_owner = had_owner or bool(owners(vendor))
        assert bool(owners(vendor)) == had_owner
        assert len({member.email for member in vendor.team}) == len(vendor.team)


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        (TeamRole.OWNER, "team", True),
        (TeamRole.OWNER, "payout_account", True),
        (TeamRole.MANAGER, "payouts", True),
        (TeamRole.MANAGER, "payout_account", False),
        (TeamRole.MANAGER, "team", False),
        (TeamRole.STAFF, "orders", True),
        (TeamRole.STAFF, "refunds", False),
        (TeamRole.OWNER, "everything", False),
    ],
)
def test_permissions(role: TeamRole, permission: str, allowed: bool) -> None:
    """A role may do what its table says, and someone who has not joined may do nothing."""
    member = Member(email="a@x", role=role, invited_at=NOW, joined_at=NOW)
    assert may(member, permission) is allowed
    assert not may(Member(email="a@x", role=role, invited_at=NOW), permission)


@given(st.sampled_from(Cadence), st.integers(1, 7), st.integers(1, 31))
def test_schedules_are_text(cadence: Cadence, weekday: int, day: int) -> None:
    """Every schedule is read back from its text."""
    schedule = PayoutSchedule(
        cadence=cadence,
        weekday=weekday if cadence is Cadence.WEEKLY else 1,
        day=day if cadence is Cadence.MONTHLY else 1,
    )
    assert PayoutSchedule.of(schedule.text) == schedule


@pytest.mark.parametrize("text", ["", "hourly", "weekly:0", "weekly:8", "monthly:32", "daily:1", "weekly:", "weekly:a"])
def test_texts_that_are_no_schedule(text: str) -> None:
    """Anything else is refused with the forms there are."""
    with pytest.raises(Invalid, match="write daily"):
        PayoutSchedule.of(text)
