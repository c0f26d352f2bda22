"""Creating products, changing them, and putting them on sale."""

from collections.abc import Iterable

from attrs import evolve, frozen

from cityos_core.catalog.model import Category, Product, ProductStatus, Variant, category_path
from cityos_core.catalog.records import ProductName, branch, changed, product_with, seller, sku_of
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, NotFound
from cityos_core.kernel.ids import Identifiers, ProductId
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.records import stores_named


@frozen(kw_only=True)
class CreateProduct:
    """List something a vendor offers, as a draft."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: TenantScope,
        sku: str,
        *,
        title: str,
        vendor: str,
        unit_price: UnitPrice | None = None,
        variants: Iterable[Variant] = (),
        category: str | None = None,
        tax_class: str = "standard",
        tags: Iterable[str] = (),
        stores: Iterable[str] = (),
        weight_g: int | None = None,
    ) -> Product:
        """Create a product with variants, or without choices: then ``unit_price`` is that of its one variant.

        Raises ``NotFound`` for an unknown vendor, category or store, ``Conflict("sku_taken")`` for a sku in use.
        """
        listed = tuple(variants)
        if (unit_price is None) == (not listed):
            raise Invalid("variants_or_price", "a product has either variants or a unit price of its own")
        if unit_price is not None:
            listed = (Variant(sku=sku, title=title, unit_price=unit_price, weight_g=weight_g),)
        with self.unit_of_work(scope) as uow:
            product = Product(
                id=ProductId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                vendor_id=seller(uow.vendors.named([vendor]), vendor).id,
                sku=sku,
                title=_stated(title),
                category=_category(uow, category),
                tax_class=tax_class,
                tags=tuple(sorted(set(tags))),
                stores=stores_named(uow, stores),
                variants=_different(listed),
            )
            uow.products.add(product)
            uow.commit([changed(product, "create", self.clock.now())])
        return product


@frozen
class ChangeProduct:
    """Change a product; its sku and its vendor stay."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self,
        scope: TenantScope,
        sku: ProductName,
        *,
        title: str | None = None,
        unit_price: UnitPrice | None = None,
        variants: Iterable[Variant] | None = None,
        category: str | None = None,
        tax_class: str | None = None,
        tags: Iterable[str] | None = None,
        stores: Iterable[str] | None = None,
    ) -> Product:
        """Change what is given; what is ``None`` stays. ``unit_price`` is that of the variant with this sku."""
        with self.unit_of_work(scope) as uow:
            product = product_with(uow, sku)
            listed = product.variants if variants is None else _different(tuple(variants))
            after = evolve(
                product,
                title=product.title if title is None else _stated(title),
                category=product.category if category is None else _category(uow, category),
                tax_class=tax_class or product.tax_class,
                tags=product.tags if tags is None else tuple(sorted(set(tags))),
                stores=product.stores if stores is None else stores_named(uow, stores),
                variants=listed if unit_price is None else _priced(listed, sku_of(product, sku), unit_price),
            )
            if after != product:
                uow.products.save(after)
                uow.commit([changed(after, "change", self.clock.now())])
        return after


@frozen
class StepProduct:
    """Take one step of a product's life, named by ``action``."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    action: str

    def __call__(self, scope: TenantScope, sku: ProductName) -> Product:
        """Take the step, or raise ``Conflict("invalid_state")``."""
        with self.unit_of_work(scope) as uow:
            product = product_with(uow, sku).step(self.action)
            uow.products.save(product)
            uow.commit([changed(product, self.action, self.clock.now())])
        return product


@frozen
class GetProduct:
    """Give the product with an id, or to which a sku belongs, or ``NotFound("product_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, sku: ProductName) -> Product:
        """Give a product."""
        with self.unit_of_work(scope) as uow:
            return product_with(uow, sku)


@frozen
class ListProducts:
    """List products by sku, a page at a time."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self,
        scope: TenantScope,
        request: PageRequest | None = None,
        *,
        status: ProductStatus | None = None,
        vendor: str | None = None,
    ) -> Page[Product]:
        """List products, those of one status or of one vendor (by handle) if asked."""
        with self.unit_of_work(scope) as uow:
            return uow.products.page(request or PageRequest(), status=status, vendor=vendor)


@frozen
class ListCategories:
    """List the tree of product categories, by path."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope) -> list[Category]:
        """List them."""
        with self.unit_of_work(scope) as uow:
            return uow.categories.all()


@frozen
class AddCategory:
    """Grow the tree of product categories down to a path, making those that are missing."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, path: str, *, name: str | None = None) -> Category:
        """Add a category; ``name`` is that of the last one. One that is there already is given as it is."""
        category_path(path)
        with self.unit_of_work(scope) as uow:
            branch_down = branch(scope.tenant_id, [path])
            if name is not None:
                branch_down[-1] = evolve(branch_down[-1], name=name)
            uow.categories.add(branch_down)
            added = next(category for category in uow.categories.all() if category.path == path)
            uow.commit()
        return added


def _stated(title: str) -> str:
    if not title.strip():
        raise Invalid("missing_title", "a product has a title")
    return title.strip()


def _category(uow: UnitOfWork, path: str | None) -> str | None:
    if path is not None and all(category.path != path for category in uow.categories.all()):
        raise NotFound("category_not_found", f"there is no category {path!r}; add it first")
    return path


def _different(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    if len({variant.sku for variant in variants}) != len(variants) or not variants:
        raise Invalid("duplicate_variant", "a product has at least one variant, and each has a sku of its own")
    return variants


def _priced(variants: tuple[Variant, ...], sku: str, unit_price: UnitPrice) -> tuple[Variant, ...]:
    if all(variant.sku != sku for variant in variants):
        raise Invalid("price_of_variant", f"{sku} is sold in variants; change the price of a variant by its own sku")
    return tuple(evolve(each, unit_price=unit_price) if each.sku == sku else each for each in variants)
