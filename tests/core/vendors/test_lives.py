"""State machines of tenants, vendors, requirements and products never leave their tables."""

from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.catalog.model import PRODUCT_LIFE, ProductStatus
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.states import Machine
from cityos_core.tenancy.model import TENANT_LIFE, TenantStatus
from cityos_core.vendors.model import REQUIREMENT_LIFE, VENDOR_LIFE, RequirementStatus, VendorStatus

LIVES: list[tuple[Machine[Any], type[Enum], Enum]] = [
    (TENANT_LIFE, TenantStatus, TenantStatus.PROVISIONING),
    (VENDOR_LIFE, VendorStatus, VendorStatus.PENDING),
    (REQUIREMENT_LIFE, RequirementStatus, RequirementStatus.MISSING),
    (PRODUCT_LIFE, ProductStatus, ProductStatus.DRAFT),
]


@given(st.sampled_from(LIVES), st.lists(st.text(max_size=8) | st.integers(0, 20), max_size=30))
def test_a_life_stays_in_its_table(life: tuple[Machine[Any], type[Enum], Enum], words: list[str | int]) -> None:
    """Whatever is asked, in whatever order, a step is one of the table or a conflict that names the allowed ones."""
    machine, states, state = life
    actions = sorted({action for _, action in machine.table})
    for word in words:
        action = word if isinstance(word, str) else actions[word % len(actions)]
        if action in machine.allowed(state):
            state = machine.next(state, action)
            assert isinstance(state, states)
        else:
            with pytest.raises(Conflict) as refused:
                machine.next(state, action)
            assert refused.value.allowed_actions == machine.allowed(state)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life[0].noun)
def test_every_state_can_be_reached(life: tuple[Machine[Any], type[Enum], Enum]) -> None:
    """From its first state, a life can come to each of its states, along a route of allowed steps."""
    machine, states, first = life
    for target in states:
        state = first
        for action in machine.route(first, target):
            state = machine.next(state, action)
        assert state is target


def test_a_route_is_the_shortest() -> None:
    """A route takes the fewest steps, none if it is there already, and says so if there is none."""
    assert VENDOR_LIFE.route(VendorStatus.PENDING, VendorStatus.APPROVED) == ("submit", "approve")
    assert VENDOR_LIFE.route(VendorStatus.APPROVED, VendorStatus.APPROVED) == ()
    with pytest.raises(Conflict, match="terminated cannot become approved"):
        VENDOR_LIFE.route(VendorStatus.TERMINATED, VendorStatus.APPROVED)
