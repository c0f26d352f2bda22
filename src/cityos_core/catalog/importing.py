"""Products from files: new ones are made, known ones brought to what the file says, nothing is done twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import evolve, field, frozen

from cityos_core.catalog.draft import ProductDraft
from cityos_core.catalog.model import PRODUCT_LIFE, Product, Variant
from cityos_core.catalog.records import branch, changed, seller
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, ProductId
from cityos_core.kernel.imports import Outcome, Row, RowResult, import_in_chunks
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Vendor


@frozen(kw_only=True)
class ImportProducts:
    """Bring products to what a file says, row by row, making missing categories; a second time nothing changes.

    An unknown vendor rejects the row, and so does another vendor than the product has.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(self, scope: TenantScope, rows: Iterable[Row[ProductDraft]]) -> Iterator[RowResult]:
        """Import rows as the answers are taken, in bounded memory; the work stops where the taking stops."""
        return import_in_chunks(rows, partial(self._write, scope))

    def _write(self, scope: TenantScope, rows: Sequence[Row[ProductDraft]]) -> Sequence[RowResult]:
        drafts = [row.draft for row in rows if row.draft is not None]
        with self.unit_of_work(scope) as uow:
            chunk = _Chunk(
                scope=scope,
                at=self.clock.now(),
                new_id=lambda: ProductId(self.identifiers.new()),
                vendors=uow.vendors.named({draft.vendor for draft in drafts}),
                known=uow.products.by_sku({draft.sku for draft in drafts}),
            )
            results = [chunk.judge(row) for row in rows]
            uow.categories.add(branch(scope.tenant_id, chunk.categories))
            for sku, product in chunk.after.items():
                if sku in chunk.known:
                    uow.products.save(product)
                else:
                    uow.products.add(product)
            uow.commit(chunk.events)
        return results


@frozen(kw_only=True)
class _Chunk:
    """Rows that are written together: what is known, what it becomes, and what happened."""

    scope: TenantScope
    at: datetime
    new_id: Callable[[], ProductId]
    vendors: dict[str, Vendor]
    known: Mapping[str, Product]
    after: dict[str, Product] = field(factory=dict)
    categories: set[str] = field(factory=set)
    events: list[Event] = field(factory=list)

    def judge(self, row: Row[ProductDraft]) -> RowResult:
        try:
            draft = row.readable()
            vendor = seller(self.vendors, draft.vendor)
            before = self.after.get(draft.sku) or self.known.get(draft.sku)
            events: list[Event] = []
            after = _brought(before or self._new(draft, vendor), draft, vendor)
            for action in PRODUCT_LIFE.route(after.status, draft.status or after.status):
                after = after.step(action)
                events.append(changed(after, action, self.at))
        except (Invalid, NotFound, Conflict, Refused, Forbidden) as error:
            return row.answer(Outcome.REJECTED, error)
        if after == before:
            return row.answer(Outcome.UNCHANGED)
        self.after[draft.sku] = after
        if after.category is not None:
            self.categories.add(after.category)
        self.events.extend([changed(after, "change" if before else "create", self.at), *events])
        return row.answer(Outcome.UPDATED if before else Outcome.CREATED)

    def _new(self, draft: ProductDraft, vendor: Vendor) -> Product:
        return Product(
            id=self.new_id(),
            tenant_id=self.scope.tenant_id,
            vendor_id=vendor.id,
            sku=draft.sku,
            title=draft.title,
            variants=(Variant(sku=draft.sku, title=draft.title, unit_price=draft.unit_price),),
        )


def _brought(product: Product, draft: ProductDraft, vendor: Vendor) -> Product:
    """Bring a product to what a row says, all but its status."""
    if product.sku != draft.sku:
        raise Conflict("sku_taken", f"sku {draft.sku} is a variant of {product.sku}; import that product instead")
    if product.vendor_id != vendor.id:
        raise Refused("other_vendor", f"sku {draft.sku} is another vendor's; a product does not change hands")
    own = next((variant for variant in product.variants if variant.sku == draft.sku), None)
    if own is None:
        raise Refused(
            "has_variants", f"{draft.sku} is sold in variants, each with its own price; change those one by one"
        )
    title = draft.title if own.title == product.title else own.title
    priced = evolve(own, title=title, unit_price=draft.unit_price)
    return evolve(
        product,
        title=draft.title,
        category=draft.category or product.category,
        variants=tuple(priced if variant is own else variant for variant in product.variants),
    )
