"""Placing orders: priced, commissioned, split among vendors and booked in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial

from attrs import evolve, field, frozen

from cityos_core.catalog.model import Product, ProductStatus
from cityos_core.catalog.records import offer
from cityos_core.commissions.books import RuleBooks
from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.windows import interval, windows
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.assembly import Circumstance, assemble
from cityos_core.orders.draft import OrderDraft, ShippingDraft
from cityos_core.orders.entries import sale_entries
from cityos_core.orders.events import OrderPlaced
from cityos_core.orders.finding import placed_as
from cityos_core.orders.fingerprint import order_fingerprint
from cityos_core.orders.fulfilment import Parcel, send
from cityos_core.orders.journals import journal, order_paid
from cityos_core.orders.model import Order, Payment
from cityos_core.orders.pricing import Listing, PricedOrder, price, sale
from cityos_core.orders.settings import HOLDING_DAYS, PAYMENT_GATEWAY, SHIPPING_RECIPIENT, TAX_REMITTER
from cityos_core.orders.settlement import settle
from cityos_core.orders.shipping_rates import ShippingQuote
from cityos_core.orders.standing import lines_of
from cityos_core.orders.stock import move_stock, reserve, sell, units_by_sku
from cityos_core.recording import is_part
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.model import TenantStatus
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor


@frozen(kw_only=True)
class Request:
    """An order someone asks for, in full; ``asked`` is the fingerprint of what was asked for where that was less."""

    draft: OrderDraft
    payments: tuple[Payment, ...] | None = None
    quotes: tuple[ShippingQuote, ...] = ()
    store: str | None = None
    historic: bool = False
    asked: str | None = None

    @classmethod
    def of(
        cls,
        draft: OrderDraft,
        *,
        payments: Iterable[Payment] | None = None,
        quotes: Iterable[ShippingQuote] = (),
        store: str | None = None,
        historic: bool = False,
        asked: str | None = None,
    ) -> "Request":
        """Take an order as it arrives; shipping that was quoted joins the shipping it already has."""
        quoted = tuple(quotes)
        charges = (ShippingDraft(amount=quote.amount, vendor=quote.vendor, tax=quote.tax) for quote in quoted)
        return cls(
            draft=evolve(draft, shipping=(*draft.shipping, *charges)) if quoted else draft,
            payments=None if payments is None else tuple(payments),
            quotes=quoted,
            store=store,
            historic=historic,
            asked=asked,
        )

    @cached_property
    def digest(self) -> str:
        """The fingerprint of what is asked for."""
        return self.asked or order_fingerprint(self.draft, payments=self.payments, store=self.store)


@frozen(kw_only=True)
class Checkout:
    """Where orders are placed in one unit of work: its configuration, rules, vendors and products, read once."""

    uow: UnitOfWork
    clock: Clock
    identifiers: Identifiers
    configuration: Configuration
    book: RuleBook
    vendors: Mapping[str, Vendor] = field(repr=False)
    products: Mapping[str, Product] = field(repr=False)

    def place(self, request: Request) -> tuple[Order, list[Event]]:
        """Place an order; nothing is written unless everything about it is in order."""
        draft, store = request.draft, self.configuration.store
        if draft.channel is None and store is not None:
            draft = evolve(draft, channel=store.channel)
        self._check(request)
        priced = price(
            draft,
            shipping_recipient=self.configuration.value(SHIPPING_RECIPIENT),
            tax_remitter=self.configuration.value(TAX_REMITTER),
        )
        listings = {line.sku: _listing(line.sku, self.products[line.sku]) for line in draft.lines}
        facts = sale(priced, listings=listings, hierarchy=self.configuration.hierarchy, volumes=self._volumes(priced))
        settlement = settle(priced, decide(self.book, facts))
        order = assemble(settlement, self._circumstance(request, listings), self.identifiers)
        order, fulfilments = self._fulfilled(order, request)
        units = units_by_sku(order, {line.id: line.quantity for line in order.lines})
        low = move_stock(self.uow, self.clock, units, sell if fulfilments else reserve)
        faults.point("orders.place.before_order")
        self.uow.orders.add(order)
        faults.point("orders.place.before_entries")
        key = f"order:{order.id}:paid"
        self.uow.entries.add(sale_entries(order, settlement, facts, self.identifiers, journal_key=key))
        faults.point("orders.place.before_journal")
        paid = journal(
            order, self.identifiers, key=key, kind="order_paid", movements=order_paid(order), at=order.placed_at
        )
        if paid is not None:
            self.uow.ledger.post(paid)
        return order, [_placed(order), *fulfilments, *low]

    def _check(self, request: Request) -> None:
        tenant = self.configuration.tenant
        if tenant.status is not TenantStatus.ACTIVE:
            raise Refused("tenant_not_active", f"tenant {tenant.handle} is {tenant.status.value} and takes no orders")
        for line in request.draft.lines:
            vendor = self.vendors.get(line.vendor)
            _check_vendor(line.vendor, vendor, request.store)
            _check_product(line.sku, self.products, vendor, request)

    def _volumes(self, priced: PricedOrder) -> Mapping[tuple[str, VolumeWindow], int]:
        draft, zone = priced.draft, self.configuration.tenant.time_zone
        sellers = {self.vendors[line.vendor].id: line.vendor for line in draft.lines}
        volumes = {}
        for window in windows(self.book, currency=draft.currency, at=draft.placed_at):
            since, before = interval(window, draft.placed_at, zone)
            found = self.uow.entries.volume(sellers, draft.currency, since=since, before=before)
            volumes.update({(sellers[vendor], window): volume for vendor, volume in found.items()})
        return volumes

    def _circumstance(self, request: Request, listings: Mapping[str, Listing]) -> Circumstance:
        tenant, store = self.configuration.tenant, self.configuration.store
        return Circumstance(
            tenant_id=tenant.id,
            store_id=store.id if store else None,
            tax_jurisdiction=tenant.country,
            gateway=self.configuration.value(PAYMENT_GATEWAY),
            digest=request.digest,
            vendors={line.vendor: VendorId(self.vendors[line.vendor].id) for line in request.draft.lines},
            listings=listings,
            payments=request.payments,
            quotes=tuple(quote.rate for quote in request.quotes),
        )

    def _fulfilled(self, order: Order, request: Request) -> tuple[Order, list[Event]]:
        if request.draft.fulfilled_at is None:
            return order, []
        events, holding = [], timedelta(days=self.configuration.value(HOLDING_DAYS))
        for part in order.vendor_orders:
            quantities = {line.id: line.quantity for line in lines_of(order, part)}
            parcel = Parcel(sent_at=request.draft.fulfilled_at)
            order, event = send(order, part, quantities, parcel, identifiers=self.identifiers, holding=holding)
            events.append(event)
        return order, events


def _check_vendor(handle: str, vendor: Vendor | None, store: str | None) -> None:
    if vendor is None:
        raise Refused("unknown_vendor", f"there is no vendor {handle}; register or import it first")
    if not vendor.may_sell:
        raise Refused("vendor_not_approved", f"vendor {handle} is {vendor.status.value}; only approved vendors sell")
    if store is not None and vendor.stores and store not in vendor.stores:
        raise Refused("not_sold_here", f"vendor {handle} does not sell in store {store}")


def _check_product(sku: str, products: Mapping[str, Product], vendor: Vendor | None, request: Request) -> None:
    product, _ = offer(products, sku)
    if vendor is None or product.vendor_id != vendor.id:
        raise Refused("other_vendor", f"sku {sku} is not sold by the vendor that the line names")
    if product.status is not ProductStatus.PUBLISHED and not request.historic:
        raise Refused("not_published", f"sku {sku} is {product.status.value}; publish it first")
    if request.store is not None and product.stores and request.store not in product.stores:
        raise Refused("not_sold_here", f"sku {sku} is not sold in store {request.store}")


def _listing(sku: str, product: Product) -> Listing:
    return Listing(product=None if product.sku == sku else product.sku, category=product.category, tags=product.tags)


def _placed(order: Order) -> OrderPlaced:
    return OrderPlaced(
        subject=order.id,
        occurred_at=order.placed_at,
        reference=order.reference,
        total=order.total,
        vendors=tuple(part.vendor for part in order.vendor_orders),
    )


@frozen(kw_only=True)
class OpenCheckout:
    """Reads everything that placing some orders needs: each kind of thing in one query."""

    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader
    books: RuleBooks

    def __call__(
        self, uow: UnitOfWork, scope: TenantScope, drafts: Sequence[OrderDraft], *, store: str | None = None
    ) -> Checkout:
        """Open the checkout for these orders, in a store if one is named."""
        configuration = self.configuration(uow, scope.tenant_id, store)
        lines = [line for draft in drafts for line in draft.lines]
        return Checkout(
            uow=uow,
            clock=self.clock,
            identifiers=self.identifiers,
            configuration=configuration,
            book=self.books(uow, configuration),
            vendors=uow.vendors.named({line.vendor for line in lines}),
            products=uow.products.by_sku({line.sku for line in lines}),
        )


@frozen(kw_only=True)
class PlaceOrder:
    """Place a buyer's order and book its payment; the same order again is answered with the one that stands.

    ``payments`` sum to the total and come through the gateway of the settings unless given; ``quotes`` are shipping
    quotes to charge and to keep. ``Conflict("reference_taken")`` if the reference names another order. ``Refused`` names
    the vendor who is not approved, the sku that is unknown, another vendor's or not published (``historic`` orders may
    name any product), the line whose discounts are too large, or the stock that is missing. Whether the order stands is
    looked up where placing fails, and in a larger transaction, which a failure would spoil, before.
    """

    unit_of_work: UnitOfWorkFactory
    open_checkout: OpenCheckout

    def __call__(
        self,
        scope: TenantScope,
        draft: OrderDraft,
        *,
        payments: Iterable[Payment] | None = None,
        quotes: Iterable[ShippingQuote] = (),
        store: str | None = None,
        historic: bool = False,
    ) -> Order:
        request = Request.of(draft, payments=payments, quotes=quotes, store=store, historic=historic)
        return self.once(scope, draft.reference, request.digest, lambda _uow: request)

    def once(self, scope: TenantScope, reference: str, digest: str, written: Callable[[UnitOfWork], Request]) -> Order:
        """Place the order that is written, or give the one that the same request placed under its reference before."""
        place = partial(self._place, scope, reference, digest, written)
        try:
            return place()
        except Conflict:  # another writer was faster: perhaps with this very order
            return self._standing(scope, reference, digest) or place()
        except (Invalid, NotFound, Refused):  # of an order that stands already, that says nothing
            standing = self._standing(scope, reference, digest)
            if standing is None:
                raise
            return standing

    def _standing(self, scope: TenantScope, reference: str, digest: str) -> Order | None:
        with self.unit_of_work(scope) as uow:
            return placed_as(uow, reference, digest)

    def _place(
        self, scope: TenantScope, reference: str, digest: str, written: Callable[[UnitOfWork], Request]
    ) -> Order:
        with self.unit_of_work(scope) as uow:
            standing = placed_as(uow, reference, digest) if is_part(uow) else None
            if standing is not None:
                return standing
            request = written(uow)
            checkout = self.open_checkout(uow, scope, [request.draft], store=request.store)
            order, events = checkout.place(request)
            faults.point("orders.place.before_commit")
            uow.commit(events)
        faults.point("orders.place.after_commit")
        return order
