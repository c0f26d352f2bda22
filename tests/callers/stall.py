"""Tenants that have something of everything, alike but for whose it is."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, Self
from uuid import UUID

from attrs import frozen

from callers.house import SYSTEM, Heads, House
from callers.subscribers import Subscribers
from cityos_core.access.model import Grant, Reach
from cityos_core.access.placing import Where
from cityos_core.commissions.rules import Rule
from cityos_core.exports.model import ExportFormat, ExportKind
from cityos_core.kernel.ids import (
    ApiKeyId,
    AssignmentId,
    AuditEntryId,
    BatchId,
    DomainId,
    ExportId,
    ImpersonationId,
    JobId,
    JournalId,
    NodeId,
    OrderId,
    PayoutId,
    ProductId,
    RuleId,
    StoreId,
    TenantId,
    VendorId,
)
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.ledger.ports import JournalFilter
from cityos_core.orders.buying import Wanted
from cityos_core.orders.model import Order
from cityos_core.tenancy.model import Audience, Portal, Tenant
from cityos_core.testing import market
from cityos_core.testing.commissions import rule
from cityos_core.vendors.model import TeamRole
from cityos_http.endpoint import Endpoint, Needs
from cityos_http.identifiers import written

PARENT: Final = "de/green-city/food/retail"
BESIDE: Final = "de/green-city/drinks"
VENDOR, RIVAL = "acme", "birch"
CUSTOMER, OTHER_CUSTOMER = "ann", "bob"
SUPPORTED = "kim@acme.example"

SHARED: Final = {"settings/{key}": "payout_minimums", "requirements/{key}": "identity"}
"""Places in paths where words stand that all tenants share."""

Ids = Mapping[Any, UUID]


@frozen(kw_only=True)
class Stall:
    """A tenant, what it has, and who comes in."""

    tenant: Tenant
    ids: Ids
    """One of each kind; those of a vendor are ``acme``'s, those of a customer ``ann``'s."""
    rival_ids: Ids
    """Those of ``birch`` and of ``bob``."""
    names: Mapping[str, str]
    """What stands at places that are no ids, by the segment before; nobody else has the same."""
    heads: Mapping[str, Heads]
    """What is shown at the door, by who comes."""

    @property
    def host(self) -> Heads:
        """The header that names it."""
        return {"host": f"{self.tenant.handle}.localhost"}

    def comes(self, who: str) -> Heads:
        """Give the headers of someone who comes in here."""
        return {**self.host, **self.heads[who]}

    def own(self, endpoint: Endpoint) -> Heads:
        """Give the headers of someone in the tenant who may use an endpoint, if anyone in it may."""
        if endpoint.operation == "join_team":
            return self.comes("member")
        return self.comes({"store": "customer", "vendor": "vendor"}.get(endpoint.audience, "administrator"))

    def at(self, endpoint: Endpoint, place: str) -> str:
        """Give what stands at a place of a path."""
        kind = endpoint.places[place]
        if kind is str:
            spot = spot_of(endpoint, place)
            found = {**self.names, **SHARED}.get(spot)
            assert found, f"{endpoint.operation}: say in callers/stall.py what stands at {spot}"
            return found
        assert kind in self.ids, f"{endpoint.operation}: make something that has a {kind.__name__} in callers/stall.py"
        return written(kind, self.ids[kind])

    def path(self, endpoint: Endpoint, **others: str) -> str:
        """Write the path of an endpoint, with this tenant's ids wherever nothing else is given."""
        path = endpoint.path
        for place in endpoint.places:
            path = path.replace(f"{{{place}}}", others.get(place) or self.at(endpoint, place))
        return path

    def marks(self) -> frozenset[str]:
        """List what only this tenant has: whoever reads it has seen into it."""
        ids = {written(kind, value) for kind, value in self.ids.items()}
        return frozenset({*ids, *self.names.values(), self.tenant.handle}) - {f"{VENDOR}-chair"}


def spot_of(endpoint: Endpoint, place: str) -> str:
    """Name a place of a path by the segment before it."""
    before = endpoint.path.partition(f"/{{{place}}}")[0].rpartition("/")[2]
    return f"{before}/{{{place}}}"


@frozen(kw_only=True)
class Trade:
    """What a tenant has sold."""

    tenant: Tenant
    orders: tuple[Order, ...]
    subscribers: Subscribers

    @classmethod
    def opened(cls, house: House, handle: str) -> Self:
        """Open a tenant, and sell."""
        city = house.city
        wares = {
            seller: {f"{handle}-{seller}": "100.00", f"{handle}-{seller}-lamp": "9.00"} for seller in (VENDOR, RIVAL)
        }
        tenant = market(city, handle, parent=PARENT, wares={**wares, f"{handle}-goods": {f"{handle}-mug": "5.00"}})
        for rate in ("10", "11"):
            city.commissions.import_rules(tenant.scope, _rules(handle, rate))
        for store in ("web", "app"):
            city.stores.create(
                tenant.scope, f"{handle}-{store}", name=store, portals=[Portal(audience, ()) for audience in Audience]
            )
        bought = [(VENDOR, CUSTOMER), (RIVAL, OTHER_CUSTOMER), (VENDOR, CUSTOMER), (RIVAL, OTHER_CUSTOMER)]
        orders = [
            city.orders.buy(
                tenant.scope,
                [Wanted(f"{handle}-{seller}", 3)],
                customer=f"{handle}-{buyer}",
                reference=f"{handle}-order-{number}",
            )
            for number, (seller, buyer) in enumerate(bought)
        ]
        for order in orders[:2]:
            city.orders.fulfil(tenant.scope, order.reference)
            city.orders.deliver(tenant.scope, order.reference)
        for order in orders[2:]:
            for amount in ("1.00", "2.00"):
                city.orders.refund(tenant.scope, order.reference, amount=Money.of(amount, "EUR"))
            city.orders.open_dispute(tenant.scope, order.reference, f"{handle}-dispute", amount=Money.of("5.00", "EUR"))
        subscribers = Subscribers.of(house, tenant, f"{handle}-{CUSTOMER}", f"{handle}-{OTHER_CUSTOMER}")
        return cls(tenant=tenant, orders=tuple(orders), subscribers=subscribers)


def _rules(handle: str, rate: str) -> list[Rule]:
    groups = {"standard": "standard", "first-twin": "twin", "second-twin": "twin", "third-twin": "twin"}
    place = f"{PARENT}/{handle}"
    return [rule(f"{handle}-{name}", "tenant", place, rate=rate, group=group) for name, group in groups.items()]


def furnished(house: House, *handles: str) -> list[Stall]:
    """Open tenants, and let them have something of everything."""
    house.city.tree.add(BESIDE)
    house.city.commissions.import_rules(PlatformScope(), [rule("anywhere", group="anywhere")])
    trades = [Trade.opened(house, handle) for handle in handles]
    house.clock.advance(timedelta(days=60))
    return [_furnished(house, trade) for trade in trades]


def _furnished(house: House, trade: Trade) -> Stall:
    city, tenant, scope, handle = house.city, trade.tenant, trade.tenant.scope, trade.tenant.handle
    city.orders.release_due(scope)
    city.payouts.request(scope, VENDOR, Money.of("10.00", "EUR"))
    for vendor in (VENDOR, RIVAL):
        city.payouts.run(scope, vendors=[vendor])
    payouts = {payout.vendor: payout.id for payout in city.payouts.list(scope).items}
    for number in range(2):
        city.domains.add(scope, f"shop-{number}.{handle}.example")
        city.exports.request(scope, ExportKind.ORDERS, ExportFormat.CSV, by="user:7")
    city.exports.run_all()
    grants = [Grant(role="operator", reach=Reach.TENANT, path=tenant.path)]
    for user in (f"{handle}-kim@acme.example", f"{handle}-lee@acme.example"):
        city.access.assign(scope, SYSTEM, user, "operator")
        city.access.start_impersonation(scope, SYSTEM, user, grants, reason="a ticket")
        city.vendors.invite(scope, VENDOR, user, TeamRole.STAFF)
    heads = _heads(house, tenant)
    first = PageRequest(limit=1)
    own, rivals = trade.subscribers.billed(house)
    one = {
        **own,
        VendorId: city.vendors.get(scope, VENDOR).id,
        ProductId: _only(city.products.list(scope, first, vendor=VENDOR).items).id,
        OrderId: trade.orders[2].id,
        PayoutId: payouts[VENDOR],
    }
    other = {
        **rivals,
        VendorId: city.vendors.get(scope, RIVAL).id,
        ProductId: _only(city.products.list(scope, first, vendor=RIVAL).items).id,
        OrderId: trade.orders[3].id,
        PayoutId: payouts[RIVAL],
    }
    tenants_own: dict[Any, UUID] = {
        TenantId: tenant.id,
        StoreId: city.stores.get(scope, f"{handle}-web").id,
        NodeId: city.stores.get(scope, f"{handle}-web").id,
        DomainId: _only(city.domains.list(scope, first).items).id,
        ExportId: _only(city.exports.list(scope, first).items).id,
        ApiKeyId: _only(city.access.keys(scope, first).items).id,
        AssignmentId: _only(city.access.assignments(scope, first).items).id,
        ImpersonationId: _only(city.access.impersonations(scope, first).items).id,
        BatchId: _only(city.payouts.batches(scope, first).items).id,
        RuleId: next(found.id for found in city.commissions.rules(scope) if found.tenant_id == tenant.id),
        JournalId: _only(city.ledger.journals(scope, JournalFilter(), first).items).id,
        JobId: _only(city.jobs.list(scope, None, first).items).id,
        AuditEntryId: _only(city.audit.list(scope, None, first).items).id,
    }
    return Stall(
        tenant=tenant,
        ids={**tenants_own, **one},
        rival_ids=other,
        names={
            "team/{email}": f"{handle}-kim@acme.example",
            "stores/{handle}": f"{handle}-web",
            "stock/{sku}": f"{handle}-{VENDOR}",
            "disputes/{dispute}": f"{handle}-dispute",
            "a rule": f"{handle}-standard",
            "a line": f"{handle}-order-2/1",
        },
        heads=heads,
    )


def _only(items: Iterable[Any]) -> Any:
    (found,) = items
    return found


def _heads(house: House, tenant: Tenant) -> dict[str, Heads]:
    scope, handle = tenant.scope, tenant.handle
    owner = f"{handle}-owner@{VENDOR}.example"
    house.city.vendors.invite(scope, VENDOR, owner, TeamRole.OWNER)
    house.city.vendors.join(scope, VENDOR, owner)
    return {
        "spare": house.key(scope),
        "administrator": house.key(scope),
        "publishable": house.publishable_key(scope),
        "vendor": house.key(scope, "vendor_owner", Where(vendor=VENDOR)),
        "member": house.token(f"{handle}-owner", owner, handle),
        "customer": house.token(f"{handle}-{CUSTOMER}", None, handle),
        "nobody": house.key(scope, "administrator", Where(), "tree:archive"),
        "visitor": {},
    }


def needs_tenant(endpoint: Endpoint) -> bool:
    """True if an endpoint works in a tenant."""
    return endpoint.needs is Needs.TENANT
