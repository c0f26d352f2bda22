"""Orders divided among everyone who has a part in them."""

from hypothesis import strategies as st

from cityos_core.commissions.lines import CommissionLine
from cityos_core.orders.pricing import price
from cityos_core.orders.settlement import Settlement, settle
from cityos_core.testing.strategies.orders import order_drafts


@st.composite
def settlements(draw: st.DrawFn, *, currency: str | None = None) -> Settlement:
    """Draw settled orders; commissions go up to beyond their base, with fixed parts and tax on them."""
    priced = price(draw(order_drafts(currency=currency)))
    return settle(priced, [draw(_commissions(line.gross)) for line in priced.lines])


@st.composite
def _commissions(draw: st.DrawFn, gross: int) -> CommissionLine:
    amount = draw(st.integers(0, gross) | st.integers(0, gross // 8) | st.integers(gross, gross + 50))
    fixed = draw(st.just(0) | st.integers(0, amount))
    tax = draw(st.just(0) | st.integers(0, amount // 4 + 1))
    return CommissionLine(reference="", currency="EUR", amount=amount, fixed=fixed, tax=tax)
