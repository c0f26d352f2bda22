"""Placing orders."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from attrs import evolve

from cityos_core.catalog.model import ProductStatus
from cityos_core.commissions.lines import EntryKind, EntryStatus
from cityos_core.commissions.rules import BaseTerms, Basis, FloorPolicy, TaxBase, TierMode, VolumePeriod
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.orders.draft import OrderDraft, Party, ShippingRecipient, TaxRemitter
from cityos_core.orders.model import OrderStatus, Payment, VendorOrderStatus
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import flat, rule, tiered
from cityos_core.vendors.model import VendorStatus
from usecases.market import Market, eur
from usecases.town import code

TEN = rule("ten", rate="10")
PLATFORM = {Party.PLATFORM: 1}


def three_vendors() -> OrderDraft:
    return order_draft(
        "A-1",
        line("1", sku="acme-chair", unit_price="33.00"),
        line("2", sku="birch-chair", vendor="birch", unit_price="33.00"),
        line("3", sku="cedar-chair", vendor="cedar", unit_price="34.00"),
    )


def test_an_order_is_split_and_booked() -> None:
    """An order is split among its vendors, commissioned, and its payment booked to everyone who has a part in it."""
    market = Market.open(TEN)
    order = market.place(three_vendors())
    assert [part.vendor for part in order.vendor_orders] == ["acme", "birch", "cedar"]
    assert order.payments == (Payment("card", 10000),)
    assert market.balances() == {
        "gateway:card:pending": "100.00",
        "acme:pending": "29.70",
        "birch:pending": "29.70",
        "cedar:pending": "30.60",
        "revenue:commission": "10.00",
    }
    assert [event.name for event in market.happened("order.placed")] == ["order.placed"]
    market.audit()


def test_parts_sum_to_the_whole() -> None:
    """Items, discounts, tax, shipping and payment of the vendors' parts sum to those of the order."""
    market = Market.open(TEN, payment_gateway="transfer")
    draft = evolve(
        three_vendors(),
        shipping=(shipping("10.00", tax="1.90"), shipping("4.99", vendor="birch")),
        lines=tuple(
            evolve(one, tax=eur("6.27"), discounts=(discount("5", funding={Party.TENANT: 1}),))
            for one in three_vendors().lines
        ),
    )
    order = market.place(draft)
    totals = market.totals()
    assert order.total == eur("130.70")
    assert market.balance("gateway:transfer:pending") == "130.70"
    for name, whole in (
        ("gross", "100.00"),
        ("discounts", "5.00"),
        ("funding", "5.00"),
        ("shipping", "14.99"),
        ("tax", "20.71"),
    ):
        assert sum(getattr(total, name).minor for total in totals.values()) == eur(whole).minor
    vendors = sum(total.net.minor for total in totals.values())
    charged = sum(total.commission.minor for total in totals.values())
    assert vendors + charged == order.total.minor + eur("5.00").minor
    market.audit()


def test_a_promotion_the_platform_pays_for() -> None:
    """Item 100, a platform-funded 100 % promotion, 10 %: it funds 100, keeps 10, the vendor gets 90, the buyer pays 0."""
    market = Market.open(TEN)
    order = market.place(order_draft("A-1", line(discounts=[discount("100", funding=PLATFORM)])))
    assert order.total == eur("0.00")
    assert order.payments == ()
    assert market.balances() == {
        "acme:pending": "90.00",
        "revenue:commission": "10.00",
        "funding:platform": "100.00",
    }
    market.audit()


def test_a_promotion_the_vendor_pays_for() -> None:
    """The same promotion funded by the vendor: all zero, and the order stands all the same."""
    market = Market.open(TEN)
    market.place(order_draft("A-1", line(discounts=[discount("100")])))
    assert market.balances() == {}
    assert market.totals()["acme"].commission == eur("0.00")
    assert market.get().status is OrderStatus.PLACED


def test_the_transaction_freezes_the_decision() -> None:
    """Each line has a commission transaction with the decision, the facts it was made from and its journal."""
    market = Market.open(rule("ten", rate=flat("10", ("0.30", "line")), tax="20", base=BaseTerms(tax=TaxBase.GROSS)))
    order = market.place(order_draft("A-1", line(quantity=2, tax="38.00")))
    (entry,) = market.entries()
    assert (entry.kind, entry.status) == (EntryKind.SALE, EntryStatus.PENDING)
    assert (entry.gross, entry.tax, entry.commission, entry.commission_tax) == (20000, 3800, 2410, 482)
    assert entry.net == 20000 + 3800 - 2410 - 482
    assert entry.volume == 20000
    assert entry.journal_key == f"order:{order.id}:paid"
    assert entry.line is not None
    assert entry.line.decisions[0].rule == "ten"
    assert entry.sale is not None
    assert entry.sale.category == "home/seats"
    assert entry.circumstances is not None
    assert entry.circumstances.hierarchy["tenant"] == "de/green-city/food/wholesale/north"
    market.audit()


def test_tax_and_shipping_settings_are_frozen() -> None:
    """Who receives shipping and who remits tax follow the settings, or the order, and stay as they were placed."""
    market = Market.open(shipping_recipient="tenant", tax_remitter="platform")
    draft = order_draft("A-1", line(tax="19.00"), shipping=[shipping("5.00", tax="0.95")])
    order = market.place(draft)
    assert (order.shipping_recipient, order.tax_remitter) == (ShippingRecipient.TENANT, TaxRemitter.PLATFORM)
    assert market.balances() == {
        "gateway:card:pending": "124.95",
        "acme:pending": "100.00",
        "tax:de": "19.95",
        "revenue:shipping": "5.00",
    }
    market.settings.set(market.scope, "tax_remitter", "vendor")
    assert market.get().tax_remitter is TaxRemitter.PLATFORM
    other = market.place(evolve(draft, reference="A-2", tax_remitter=TaxRemitter.VENDOR))
    assert other.tax_remitter is TaxRemitter.VENDOR
    market.audit()


def test_prices_that_include_tax() -> None:
    """Where prices include tax the vendor who does not remit it does not get it."""
    market = Market.open(TEN, tax_remitter="platform")
    market.place(order_draft("A-1", line(unit_price="119.00", tax="19.00"), prices_include_tax=True))
    assert market.balances()["acme:pending"] == "90.00"
    total = market.totals()["acme"]
    assert (total.gross, total.tax, total.commission, total.net) == (
        eur("119.00"),
        eur("0.00"),
        eur("10.00"),
        eur("90.00"),
    )
    market.audit()


def test_placing_again_changes_nothing() -> None:
    """The same order again is answered with the one that stands; other content under its reference is a conflict."""
    market = Market.open(TEN)
    first = market.place(three_vendors())
    before = market.balances()
    assert (
        market.place(
            evolve(three_vendors(), lines=tuple(evolve(one, tax=eur("0.00")) for one in three_vendors().lines))
        )
        == first
    )
    assert market.balances() == before
    assert len(market.happened("order.placed")) == 1
    with pytest.raises(Conflict) as error:
        market.place(order_draft("A-1"))
    assert error.value.code == "reference_taken"
    assert code(lambda: market.place(three_vendors(), payments=[Payment("cash", 10000)])) == "reference_taken"


def test_parallel_placing_of_one_order() -> None:
    """One order sent from many threads at once is placed once, and all are given it."""
    market = Market.open(TEN)
    with ThreadPoolExecutor(8) as threads:
        placed = list(threads.map(lambda _: market.place(three_vendors()), range(8)))
    assert len({order.id for order in placed}) == 1
    assert market.balance("gateway:card:pending") == "100.00"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: evolve(d, lines=(line(vendor="nobody"),)), "unknown_vendor"),
        (lambda d: evolve(d, lines=(line(vendor="pending", sku="pending-chair"),)), "vendor_not_approved"),
        (lambda d: evolve(d, lines=(line(sku="nothing"),)), "unknown_sku"),
        (lambda d: evolve(d, lines=(line(vendor="birch"),)), "other_vendor"),
        (lambda d: evolve(d, lines=(line(sku="draft"),)), "not_published"),
        (lambda d: evolve(d, lines=(line(sku="sofa"),)), "sold_in_variants"),
        (lambda d: evolve(d, lines=(line(discounts=[discount(amount="100.01")]),)), "discount_exceeds_line"),
        (lambda d: evolve(d, currency="USD"), "currency_mismatch"),
    ],
)
def test_what_cannot_be_placed(change: Callable[[OrderDraft], OrderDraft], expected: str) -> None:
    """An order with anything wrong about it is refused, says why, and leaves no trace."""
    market = Market.open(TEN)
    market.vendor("pending", VendorStatus.SUSPENDED)
    market.product("pending-chair", "pending")
    market.product("draft", "acme", status=ProductStatus.DRAFT)
    market.product("sofa", "acme", variant="sofa-red")
    assert code(lambda: market.place(change(order_draft("A-1")))) == expected
    assert market.balances() == {}
    assert code(market.get) == "order_not_found"


def test_refusals_name_their_subject() -> None:
    """A refusal names the vendor or the sku that is in the way."""
    market = Market.open()
    market.vendor("pending", VendorStatus.PENDING)
    with pytest.raises(Refused, match="vendor pending is pending"):
        market.place(order_draft("A-1", line(vendor="pending")))
    with pytest.raises(Refused, match="sku nothing"):
        market.place(order_draft("A-1", line(sku="nothing")))


def test_past_orders_may_name_products_that_are_gone() -> None:
    """A historic order does not ask whether a product is still published; the vendor must be approved all the same."""
    market = Market.open()
    market.product("gone", "acme", status=ProductStatus.ARCHIVED)
    assert market.place(order_draft("A-1", line(sku="gone")), historic=True).reference == "A-1"
    market.vendor("late", VendorStatus.REJECTED)
    assert code(lambda: market.place(order_draft("A-2", line(vendor="late")), historic=True)) == "vendor_not_approved"


def test_payments_sum_to_the_total() -> None:
    """Payments through several gateways are booked apart; they have to come to the total."""
    market = Market.open()
    market.place(order_draft("A-1"), payments=[Payment("card", 7000, "pi_1"), Payment("voucher", 3000)])
    assert market.balances() == {
        "gateway:card:pending": "70.00",
        "gateway:voucher:pending": "30.00",
        "acme:pending": "100.00",
    }
    for payments in ([Payment("card", 9999)], [Payment("card", 10001), Payment("cash", -1)], []):
        assert code(partial(market.place, order_draft("A-2"), payments=payments)) in (
            "payment_mismatch",
            "negative_amount",
        )


def test_fulfilled_orders_arrive_fulfilled() -> None:
    """An order that says when it was fulfilled is so in the same transaction, its money due after the holding period."""
    market = Market.open(holding_days=14)
    sent = START + timedelta(days=3)
    order = market.place(order_draft("A-1", fulfilled_at=sent))
    (part,) = order.vendor_orders
    assert (part.status, part.fulfilled_at) == (VendorOrderStatus.FULFILLED, sent)
    assert part.release_due_at == sent + timedelta(days=14)
    assert [event.name for event in market.happened("order.fulfilment_created")] == ["order.fulfilment_created"]


def test_stock_is_set_aside() -> None:
    """Placing sets counted units aside, tells when they become few, and is refused when there are too few."""
    market = Market.open()
    market.stock("chair", 5, low_at=2)
    market.place(order_draft("A-1", line("1", quantity=2), line("2", quantity=1)))
    assert market.stock("chair").reserved == 3
    assert len(market.happened("inventory.low")) == 1
    assert code(lambda: market.place(order_draft("A-2", line(quantity=3)))) == "out_of_stock"
    market.place(order_draft("A-3", fulfilled_at=START))
    assert (market.stock("chair").reserved, market.stock("chair").on_hand) == (3, 4)
    assert len(market.happened("inventory.low")) == 1


def test_stores_have_rules_channels_and_ranges() -> None:
    """In a store its rules hold, its channel is the order's, and only what is sold there can be bought."""
    market = Market.open(TEN, rule("store", "store", "outlet", rate="20"))
    market.stores.create(market.scope, "outlet", name="Outlet", channel="kiosk")
    market.vendor("elsewhere", stores=("main",))
    market.product("other-chair", "elsewhere")
    market.product("main-chair", "acme", stores=("main",))
    order = market.place(order_draft("A-1"), store="outlet")
    assert (order.channel, order.store_id is not None) == ("kiosk", True)
    assert market.totals()["acme"].commission == eur("20.00")
    for sold in (line(sku="other-chair", vendor="elsewhere"), line(sku="main-chair")):
        assert code(partial(market.place, order_draft("A-2", sold), store="outlet")) == "not_sold_here"


def test_volume_tiers_climb_with_what_was_sold() -> None:
    """Tiers over a month count what the vendor sold before, in the order of placing; refunds do not lower it."""
    climbing = tiered(
        ("150", "10"), (None, "20"), basis=Basis.PERIOD, period=VolumePeriod.MONTH, mode=TierMode.MARGINAL
    )
    market = Market.open(rule("climbing", rate=climbing))
    market.place(order_draft("A-1"))
    market.orders.refund(market.scope, "A-1")
    market.place(order_draft("A-2", placed_at=START + timedelta(hours=1)))
    assert market.entries("A-2")[0].commission == 500 + 1000
    market.place(order_draft("A-3", placed_at=START + timedelta(days=40)))
    assert market.entries("A-3")[0].commission == 1000
    market.audit()


def test_a_commission_above_its_base() -> None:
    """A commission above its base makes a debt, or refuses the order, by the rule's policy."""
    heavy = flat("0", ("150.00", "line"))
    market = Market.open(rule("debt", rate=heavy, floor_policy=FloorPolicy.DEBT))
    market.place(order_draft("A-1"))
    assert market.balances() == {
        "gateway:card:pending": "100.00",
        "acme:debt": "50.00",
        "revenue:commission": "150.00",
    }
    market.audit()
    market.orders.refund(market.scope, "A-1", amount=eur("40.00"))
    market.audit()
    market.orders.refund(market.scope, "A-1")
    assert market.balances() == {}
    refusing = Market.open(rule("refuse", rate=heavy, floor_policy=FloorPolicy.REFUSE))
    with pytest.raises(Refused):
        refusing.place(order_draft("A-1"))


def test_suspended_tenants_take_no_orders() -> None:
    """A tenant that is not active takes no orders."""
    market = Market.open()
    with market.database(market.scope) as uow:
        tenant = uow.tenants.get(market.scope.tenant_id)
        uow.tenants.save(tenant.step("suspend", reason="unpaid"))
        uow.commit()
    assert code(lambda: market.place(order_draft("A-1"))) == "tenant_not_active"


def test_other_tenants_see_nothing() -> None:
    """What one tenant sold is unknown to another: it can neither be read nor touched, and its reference is free."""
    north = Market.open(TEN)
    south = Market.open(TEN, database=north.database, handle="south")
    order = north.place(order_draft("A-1"))
    for ask in (
        south.get,
        lambda: south.orders.refund(south.scope, "A-1"),
        lambda: south.orders.cancel(south.scope, "A-1"),
        lambda: south.orders.fulfil(south.scope, "A-1"),
        lambda: south.orders.open_dispute(south.scope, "A-1", "d"),
    ):
        assert code(ask) == "order_not_found"
    assert south.orders.list(south.scope).items == ()
    assert south.place(order_draft("A-1")).id != order.id
    assert north.balances() == south.balances()
