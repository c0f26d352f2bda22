"""Orders that can be priced."""

from collections.abc import Sequence

from attrs import evolve
from hypothesis import strategies as st

from cityos_core.orders.draft import (
    PARTIES,
    Discount,
    LineDraft,
    OrderDraft,
    Party,
    ShippingDraft,
    ShippingRecipient,
    TaxRemitter,
)
from cityos_core.orders.pricing import PricedLine, price
from cityos_core.testing.strategies.values import currencies, handles, instants, money, percentages, unit_prices

VENDORS = ("acme", "borealis", "casa-verde")


def funding() -> st.SearchStrategy[dict[Party, int]]:
    """Draw who funds a discount, in which proportion."""
    return st.dictionaries(st.sampled_from(PARTIES), st.integers(0, 100), min_size=1)


@st.composite
def line_drafts(draw: st.DrawFn, reference: str, currency: str, vendors: Sequence[str] = VENDORS) -> LineDraft:
    """Draw a line whose discounts never come to more than it, without tax."""
    price, quantity = draw(unit_prices(currency)), draw(st.integers(1, 20))
    discounts = [
        Discount(percentage=rate, funding=draw(funding())) for rate in draw(st.lists(percentages(), max_size=2))
    ]
    if not discounts and draw(st.booleans()):
        amount = draw(money(currency, least=0, most=price.times(quantity).minor))
        discounts = [Discount(amount=amount, funding=draw(funding()))]
    return LineDraft(
        reference=reference,
        sku=draw(handles()),
        vendor=draw(st.sampled_from(vendors)),
        quantity=quantity,
        unit_price=price,
        discounts=tuple(discounts),
        tags=tuple(draw(st.lists(handles(), max_size=2, unique=True))),
    )


@st.composite
def order_drafts(draw: st.DrawFn, *, currency: str | None = None, vendors: Sequence[str] = VENDORS) -> OrderDraft:
    """Draw an order of one to four lines that has a price."""
    code = currency or draw(currencies())
    lines = tuple(draw(line_drafts(str(number + 1), code, vendors)) for number in range(draw(st.integers(1, 4))))
    placed_at, fulfilled_at = sorted(draw(st.tuples(instants(), instants())))
    shipping = st.builds(
        ShippingDraft,
        amount=money(code, least=0, most=10**5),
        vendor=st.none() | st.sampled_from([line.vendor for line in lines]),
        tax=st.none() | money(code, least=0, most=10**4),
    )
    untaxed = OrderDraft(
        reference=draw(handles()),
        placed_at=placed_at,
        currency=code,
        lines=lines,
        customer=draw(st.none() | handles()),
        fulfilled_at=draw(st.none() | st.just(fulfilled_at)),
        prices_include_tax=draw(st.booleans()),
        shipping_recipient=draw(st.none() | st.sampled_from(ShippingRecipient)),
        tax_remitter=draw(st.none() | st.sampled_from(TaxRemitter)),
        shipping=tuple(draw(st.lists(shipping, max_size=2))),
        channel=draw(st.none() | handles()),
        customer_group=draw(st.none() | handles()),
    )
    return evolve(untaxed, lines=tuple(_taxed(draw, line, untaxed) for line in price(untaxed).lines))


def _taxed(draw: st.DrawFn, line: PricedLine, order: OrderDraft) -> LineDraft:
    most = line.goods if order.prices_include_tax else 10**4
    return evolve(line.draft, tax=draw(st.none() | money(order.currency, least=0, most=most)))
