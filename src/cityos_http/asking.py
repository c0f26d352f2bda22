"""One request as a route sees it: who asks, in which tenant, and the city that answers."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final, Generic, TypeVar

from attrs import define, evolve, field, frozen

from cityos_adapters.serialization import render
from cityos_core.access.conditions import EVERYTHING, Condition, holds
from cityos_core.access.granting import require_may_grant
from cityos_core.access.mapping import require_may_map
from cityos_core.access.model import Admission, Grant, Principal, Reach, Resource
from cityos_core.access.roles import team_role
from cityos_core.access.settings import ROLE_MAPPING
from cityos_core.app import CityOS
from cityos_core.kernel.errors import Forbidden, Invalid, NotFound
from cityos_core.kernel.paging import LARGEST_PAGE, Page, PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope
from cityos_core.tenancy.model import Json, Tenant
from cityos_core.vendors.model import TeamRole
from cityos_http.cursors import Cursors
from cityos_http.dto import written
from cityos_http.endpoint import Endpoint, Needs

T = TypeVar("T")
V = TypeVar("V")

NOWHERE: Final = "there is nothing here; look at the host, the path and the ids in it"

MOST_READS: Final = 20
"""How many pages are read to fill one of what a principal may see."""


@frozen(kw_only=True)
class Paged:
    """A part of a list: how many at most, and where it goes on."""

    limit: int = field(default=25, metadata={"doc": "How many items at most.", "least": 1, "most": LARGEST_PAGE})
    cursor: str | None = field(default=None, metadata={"doc": "The `next_cursor` of the page before."})

    @limit.validator
    def _check(self, _attribute: object, value: int) -> None:
        if not 1 <= value <= LARGEST_PAGE:
            raise Invalid.at("$.limit", "page_size", f"a page holds 1 to {LARGEST_PAGE} items")


@frozen(kw_only=True)
class Listed(Generic[V]):
    """A page of a list; ``next_cursor`` continues it."""

    data: tuple[V, ...]
    next_cursor: str | None = None
    has_more: bool = False


@define(kw_only=True)
class Asked:
    """A request that was let in."""

    city: CityOS
    endpoint: Endpoint
    admission: Admission
    request_id: str
    address: str | None
    host: str
    vendor_header: str | None = None
    places: Mapping[str, object] = field(factory=dict)
    """What the path names."""
    key: str | None = None
    """What tells the request from all others of the tenant, if the client says it: sent again, it means the same."""
    is_rehearsal: bool = False
    """True if nothing of it will stay."""
    condition: Condition = EVERYTHING
    """Which resources of a list the principal may see."""
    headers: list[tuple[str, str]] = field(factory=list)
    """What the answer's head says beside its body."""
    _cursors: Cursors

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.admission.principal

    @property
    def tenant(self) -> Tenant:
        """The tenant that the request is for."""
        if self.admission.tenant is None:
            raise NotFound("not_found", NOWHERE)
        return self.admission.tenant

    @property
    def scope(self) -> TenantScope:
        """The scope of the tenant that the request is for."""
        return self.tenant.scope

    @property
    def any_scope(self) -> Scope:
        """Where the endpoint works: in the tenant, or on what the platform owns."""
        return PlatformScope() if self.endpoint.needs is Needs.PLATFORM else self.scope

    @property
    def vendor(self) -> str:
        """The handle of the vendor that the principal acts for; a header names it where it acts for several."""
        own = sorted(self._subjects("vendor:"))
        if self.vendor_header is not None:
            return self.vendor_header
        if len(own) == 1:
            return own[0]
        if own:
            raise Invalid("invalid_header", f"you act for several vendors: name one in X-Vendor: {', '.join(own)}")
        raise Forbidden("forbidden", "this is for members of a vendor's team; name the vendor in X-Vendor")

    @property
    def customer(self) -> str:
        """The id of the customer that the principal is."""
        own = sorted(self._subjects("customer:"))
        if not own:
            raise Forbidden("forbidden", "this is for customers who have signed in")
        return own[0]

    @property
    def resource(self) -> Resource:
        """What the endpoint's action is about, as far as the request alone says."""
        tenant = None if self.endpoint.needs is Needs.PLATFORM else self.admission.tenant
        return Resource(
            kind=self.endpoint.resource,
            tenant_id=tenant.id if tenant else None,
            path=tenant.path if tenant else "",
            vendor=self.vendor if self.endpoint.audience == "vendor" else None,
            customer=self.customer if self.endpoint.audience == "store" and self._is_customers else None,
        )

    @property
    def _is_customers(self) -> bool:
        return any(self._subjects("customer:"))

    def require(self, action: str) -> None:
        """Insist that the principal may also do something else in the tenant."""
        about = evolve(self.resource, kind=action.partition(":")[0])
        self.city.access.decide(self.principal, action, about)

    def require_may_invite(self, vendor: str, role: TeamRole) -> None:
        """Insist that the principal holds whatever a member of a vendor's team with a role would."""
        grant = Grant(role=team_role(role), reach=Reach.OWN, path=self.tenant.path, subject=f"vendor:{vendor}")
        require_may_grant(self.principal, grant)

    def require_may_set(self, key: str, value: Json, *, node: str | None = None) -> None:
        """Insist that the principal gives nobody more than it holds by a setting that hands out roles."""
        if key != ROLE_MAPPING.key:
            return
        is_tenants = self.endpoint.needs is Needs.TENANT
        place = self.tenant.path if is_tenants else node or ""
        tenant = place if is_tenants else f"{place}/any"
        with suppress(Invalid):  # what cannot be read is refused by what would store it
            require_may_map(self.principal, value, stored_at=place, tenant=tenant)

    def page(self, query: Paged) -> PageRequest:
        """Say which page of the list is asked for."""
        if query.cursor is None:
            return PageRequest(query.limit)
        return PageRequest(query.limit, self._cursors.read(query.cursor, place=self._place(query)))

    def listed(self, query: Paged, page: Page[T], view: Callable[[T], V]) -> Listed[V]:
        """Answer a page."""
        after = None if page.after is None else self._cursors.write(page.after, place=self._place(query))
        return Listed(data=tuple(map(view, page.items)), next_cursor=after, has_more=page.has_more)

    def part(self, query: Paged, items: Iterable[T], key: Callable[[T], str], view: Callable[[T], V]) -> Listed[V]:
        """Answer a page of a short list that is there as a whole, in the order of a key that is unique in it."""
        request = self.page(query)
        rest = [item for item in sorted(items, key=key) if request.after is None or key(item) > request.after]
        shown = rest[: request.limit]
        after = key(shown[-1]) if len(rest) > len(shown) else None
        return self.listed(query, Page(tuple(shown), after), view)

    def seen(self, items: Iterable[T], attributes: Callable[[T], Resource]) -> tuple[T, ...]:
        """Leave out what the policy does not show."""
        if self.condition == EVERYTHING:
            return tuple(items)
        return tuple(item for item in items if holds(self.condition, attributes_of(attributes(item))))

    def sift(
        self, query: Paged, read: Callable[[PageRequest], Page[T]], attributes: Callable[[T], Resource]
    ) -> Page[T]:
        """Read a page of what the policy shows; it is short of the limit where very much is left out."""
        return self.some(query, read, lambda items: self.seen(items, attributes))

    def some(
        self, query: Paged, read: Callable[[PageRequest], Page[T]], keep: Callable[[Iterable[T]], Iterable[T]]
    ) -> Page[T]:
        """Read a page of what is kept; it is short of the limit where very much is left out."""
        request, found = self.page(query), list[T]()
        for _ in range(MOST_READS):
            page = read(PageRequest(request.limit - len(found), request.after))
            found += keep(page.items)
            request = PageRequest(request.limit, page.after)
            if page.after is None or len(found) == request.limit:
                break
        return Page(tuple(found), request.after)

    def _place(self, query: Paged) -> str:
        owner = self.any_scope.tenant_id
        filters = {name: value for name, value in _plain(query).items() if name not in {"limit", "cursor"}}
        subject = self.vendor if self.endpoint.audience == "vendor" else self._subject()
        return f"{owner}\n{self.endpoint.operation}\n{subject}\n{render(written({**filters, **self.places}))}"

    def _subject(self) -> str:
        return self.customer if self.endpoint.audience == "store" and self._is_customers else ""

    def _subjects(self, kind: str) -> Iterable[str]:
        for grant in self.principal.grants:
            if grant.reach is Reach.OWN and grant.subject is not None and grant.subject.startswith(kind):
                yield grant.subject.removeprefix(kind)


def attributes_of(resource: Resource) -> dict[str, str | int | bool | None]:
    """Name a resource's attributes as conditions do."""
    return {
        **resource.attributes,
        "tenant_path": resource.path,
        "store": resource.store,
        "vendor": resource.vendor,
        "customer": resource.customer,
    }


def _plain(query: object) -> dict[str, object]:
    names = [attribute.name for attribute in type(query).__attrs_attrs__]  # type: ignore[attr-defined]
    return {name: getattr(query, name) for name in names}
