"""Reading one vendor, by handle or by id, and storing what became of it."""

from collections.abc import Callable, Iterable
from uuid import UUID

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor
from cityos_core.vendors.policy import changeable

VendorName = str | VendorId
"""What tells a tenant's vendor from its others: its handle or its id."""


def vendor_named(uow: UnitOfWork, name: VendorName) -> Vendor:
    """Give the vendor with a handle or an id, or ``NotFound("vendor_not_found")``."""
    if isinstance(name, UUID):
        return uow.vendors.get(name)
    try:
        return uow.vendors.named([name])[name]
    except KeyError:
        raise NotFound(
            "vendor_not_found", f"there is no vendor {name!r}; list the vendors to see who there is"
        ) from None


def edit(
    unit_of_work: UnitOfWorkFactory,
    scope: TenantScope,
    handle: VendorName,
    change: Callable[[Vendor], Vendor],
    event: Callable[[Vendor], Event],
) -> Vendor:
    """Change a vendor in one transaction; a change that leaves it as it was is not stored and tells nobody."""
    with unit_of_work(scope) as uow:
        before = changeable(vendor_named(uow, handle))
        after = change(before)
        if after != before:
            uow.vendors.save(after)
            uow.commit([event(after)])
    return after


def stores_named(uow: UnitOfWork, handles: Iterable[str]) -> tuple[str, ...]:
    """Check that the tenant has these stores."""
    return tuple(uow.stores.named(handle).handle for handle in sorted(set(handles)))
