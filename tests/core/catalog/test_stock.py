"""Stock: what is free is never promised twice."""

from hypothesis import given
from hypothesis import strategies as st

from cityos_core.catalog.model import Stock, ancestry
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import PLATFORM, VendorId


@given(
    st.integers(0, 50),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(("reserve", "release", "ship")), st.integers(1, 20)), max_size=30),
)
def test_stock_never_falls_below_zero(on_hand: int, backorders: bool, steps: list[tuple[str, int]]) -> None:
    """Reserving, releasing and shipping what was reserved never leave less than nothing, unless back-orders are allowed."""
    stock = Stock(tenant_id=PLATFORM, vendor_id=VendorId(PLATFORM), sku="x", on_hand=on_hand, backorders=backorders)
    for action, quantity in steps:
        free = stock.free
        if action == "reserve":
            try:
                stock = stock.reserve(quantity)
            except Refused:
                assert quantity > free
                assert not backorders
        else:
            taken = min(quantity, stock.reserved)
            stock = stock.release(taken) if action == "release" else stock.ship(taken)
        assert stock.reserved >= 0
        assert stock.free >= 0 or backorders


def test_categories_have_ancestors() -> None:
    """Nearest first, itself included."""
    assert ancestry("a/b/c") == ("a/b/c", "a/b", "a")
