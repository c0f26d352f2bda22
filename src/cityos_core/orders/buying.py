"""Buying from the catalogue: the buyer says what and how many, everything else is looked up."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from attrs import field, frozen

from cityos_core.catalog.model import Product
from cityos_core.catalog.records import offer
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import Identifiers, VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.draft import LineDraft, OrderDraft
from cityos_core.orders.fingerprint import purchase_fingerprint
from cityos_core.orders.model import Order
from cityos_core.orders.placing import PlaceOrder, Request
from cityos_core.orders.quoting import quotes
from cityos_core.orders.settings import SHIPPING_RATES
from cityos_core.orders.shipping_rates import ShippingQuote
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.model import Vendor


@frozen
class Wanted:
    """Some units of what is sold under a sku."""

    sku: str
    quantity: int = 1


@frozen(kw_only=True)
class Purchase:
    """What a buyer chose; ``rates`` are the names of the shipping rates they were quoted, by vendor."""

    reference: str
    lines: tuple[Wanted, ...]
    customer: str | None = None
    store: str | None = None
    rates: Mapping[str, str] = field(factory=dict)
    region: str | None = None

    @property
    def digest(self) -> str:
        """The fingerprint of the choice; prices and the time are not part of it."""
        return purchase_fingerprint(
            [(line.sku, line.quantity) for line in self.lines],
            customer=self.customer,
            store=self.store,
            rates=self.rates,
            region=self.region,
        )


@frozen(kw_only=True)
class BuyOrder:
    """Place an order from the catalogue: prices and vendors are those of the published variants, now.

    It is in the currency that the goods are priced in, which must be one of the store's, or else the tenant's.
    ``rates`` names the shipping rate of each vendor that ships; what it costs is quoted again:
    ``Refused("quote_changed")`` if another rate fits by now. The same ``reference`` again gives the order that stands,
    whatever the prices are by then. ``Refused`` for what cannot be sold, as at placing.
    """

    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader
    place: PlaceOrder

    def __call__(
        self,
        scope: TenantScope,
        lines: Iterable[Wanted],
        *,
        customer: str | None = None,
        store: str | None = None,
        rates: Mapping[str, str] | None = None,
        region: str | None = None,
        reference: str | None = None,
    ) -> Order:
        purchase = Purchase(
            reference=reference or str(self.identifiers.new()),
            lines=tuple(lines),
            customer=customer,
            store=store,
            rates=dict(rates or {}),
            region=region,
        )
        return self.place.once(scope, purchase.reference, purchase.digest, partial(self._written, scope, purchase))

    def _written(self, scope: TenantScope, purchase: Purchase, uow: UnitOfWork) -> Request:
        configuration = self.configuration(uow, scope.tenant_id, purchase.store)
        products = uow.products.by_sku({line.sku for line in purchase.lines})
        vendors = uow.vendors.known({product.vendor_id for product in products.values()})
        written = _lines(purchase.lines, products, vendors)
        draft = OrderDraft(
            reference=purchase.reference,
            placed_at=self.clock.now(),
            currency=_currency(written, configuration),
            lines=written,
            customer=purchase.customer,
        )
        quoted: Sequence[ShippingQuote] = ()
        if purchase.rates:
            quoted = quotes(configuration.value(SHIPPING_RATES), draft, products, purchase.region)
        return Request.of(draft, quotes=_chosen(purchase.rates, quoted), store=purchase.store, asked=purchase.digest)


def _lines(
    wanted: Iterable[Wanted], products: Mapping[str, Product], vendors: Mapping[VendorId, Vendor]
) -> tuple[LineDraft, ...]:
    lines = []
    for number, line in enumerate(wanted, 1):
        product, variant = offer(products, line.sku)
        lines.append(
            LineDraft(
                reference=str(number),
                sku=line.sku,
                vendor=vendors[product.vendor_id].handle,
                quantity=line.quantity,
                unit_price=variant.unit_price,
            )
        )
    return tuple(lines)


def _currency(lines: Sequence[LineDraft], configuration: Configuration) -> str:
    store, tenant = configuration.store, configuration.tenant
    taken = store.currencies if store is not None and store.currencies else (tenant.currency,)
    for line in lines:
        if line.unit_price.currency not in taken:
            raise Refused(
                "not_sold_here", f"sku {line.sku} is priced at {line.unit_price}, not in {' or '.join(taken)}"
            )
    currencies = sorted({line.unit_price.currency for line in lines})
    if len(currencies) > 1:
        raise Refused(
            "mixed_currencies", f"{' and '.join(currencies)} cannot be paid at once; buy in an order for each"
        )
    return currencies[0] if currencies else tenant.currency


def _chosen(rates: Mapping[str, str], quoted: Iterable[ShippingQuote]) -> list[ShippingQuote]:
    found = {quote.vendor: quote for quote in quoted}
    for vendor, rate in rates.items():
        if vendor not in found:
            raise Refused("quote_changed", f"{vendor} has no part in this order; quote its shipping again")
        if found[vendor].rate != rate:
            raise Refused("quote_changed", f"{vendor} ships by rate {found[vendor].rate} now, not {rate}; quote again")
    return [found[vendor] for vendor in rates]
