"""The catalogue: products, categories and stock."""

from collections.abc import Iterable

import pytest
from attrs import evolve

from cityos_core.catalog.draft import ProductDraft
from cityos_core.catalog.events import ProductChanged, StockLow
from cityos_core.catalog.model import Product, ProductStatus, Variant
from cityos_core.kernel.errors import Invalid, NotFound, Refused
from cityos_core.kernel.imports import Outcome, Row, RowResult
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.scope import TenantScope
from cityos_core.vendors.model import Profile
from usecases.town import Town, code, detail

CREATED, UPDATED, UNCHANGED, REJECTED = Outcome
PRICE = UnitPrice.of("19.99", "EUR")


def opened(town: Town) -> TenantScope:
    """Create a tenant with two vendors and a category."""
    scope = town.scope()
    for handle in ("acme", "beta"):
        town.vendors.register(scope, handle, Profile(name=handle.title()))
    town.products.add_category(scope, "food/wine")
    return scope


def chair(town: Town, scope: TenantScope, sku: str = "chair") -> Product:
    """List one product without choices."""
    return town.products.create(scope, sku, title="Chair", vendor="acme", unit_price=PRICE)


def test_creating_a_product() -> None:
    """A product without choices has one variant under its own sku, and starts as a draft."""
    town = Town.empty()
    scope = opened(town)
    product = town.products.create(
        scope,
        "11",
        title="Riesling",
        vendor="acme",
        unit_price=PRICE,
        category="food/wine",
        tags=["b", "a"],
        weight_g=900,
    )
    assert product.status is ProductStatus.DRAFT
    assert product.tags == ("a", "b")
    assert product.variants == (Variant(sku="11", title="Riesling", unit_price=PRICE, weight_g=900),)
    assert town.products.get(scope, "11") == product


def test_a_product_with_variants() -> None:
    """Each variant has its own sku, by which the product is found."""
    town = Town.empty()
    scope = opened(town)
    sizes = [Variant(sku=f"shirt-{size}", title=size, unit_price=PRICE) for size in ("s", "m")]
    product = town.products.create(scope, "shirt", title="Shirt", vendor="acme", variants=sizes)
    assert town.products.get(scope, "shirt-m") == town.products.get(scope, "shirt") == product
    dearer = UnitPrice.of("25", "EUR")
    assert town.products.change(scope, "shirt-m", unit_price=dearer).variants[1].unit_price == dearer
    assert code(lambda: town.products.change(scope, "shirt", unit_price=dearer)) == "price_of_variant"
    assert code(lambda: town.products.set_stock(scope, "shirt", 1)) == "variant_not_found"
    assert town.products.set_stock(scope, "shirt-s", 1).on_hand == 1


def test_what_is_given_is_checked() -> None:
    """Unknown vendors, categories and stores, used skus, no title, and neither or both of price and variants."""
    town = Town.empty()
    scope = opened(town)
    chair(town, scope)
    create = town.products.create
    assert code(lambda: create(scope, "x", title="X", vendor="nobody", unit_price=PRICE)) == "unknown_vendor"
    assert code(lambda: create(scope, "x", title="X", vendor="acme")) == "variants_or_price"
    assert code(lambda: create(scope, "x", title=" ", vendor="acme", unit_price=PRICE)) == "missing_title"
    assert code(lambda: create(scope, " x", title="X", vendor="acme", unit_price=PRICE)) == "invalid_sku"
    assert code(lambda: create(scope, "chair", title="X", vendor="acme", unit_price=PRICE)) == "sku_taken"
    same = [Variant(sku="a", title="a", unit_price=PRICE)] * 2
    assert code(lambda: create(scope, "x", title="X", vendor="acme", variants=same)) == "duplicate_variant"
    with pytest.raises(NotFound, match="add it first"):
        create(scope, "x", title="X", vendor="acme", unit_price=PRICE, category="food/beer")
    with pytest.raises(NotFound, match="store"):
        create(scope, "x", title="X", vendor="acme", unit_price=PRICE, stores=["nowhere"])
    with pytest.raises(Invalid):
        create(scope, "x", title="X", vendor="acme", variants=same, unit_price=PRICE)
    assert [product.sku for product in town.products.list(scope).items] == ["chair"]


def test_a_vendor_that_left_offers_nothing() -> None:
    """Nothing is listed for a terminated vendor."""
    town = Town.empty()
    scope = opened(town)
    town.vendors.terminate(scope, "acme")
    with pytest.raises(Refused):
        chair(town, scope)


def test_the_life_of_a_product() -> None:
    """Published, withdrawn, archived and published again; each step is told, and impossible ones are conflicts."""
    town = Town.empty()
    scope = opened(town)
    chair(town, scope)
    assert code(lambda: town.products.withdraw(scope, "chair")) == "invalid_state"
    assert town.products.publish(scope, "chair").status is ProductStatus.PUBLISHED
    assert town.products.withdraw(scope, "chair").status is ProductStatus.DRAFT
    assert town.products.archive(scope, "chair").status is ProductStatus.ARCHIVED
    assert town.products.publish(scope, "chair").status is ProductStatus.PUBLISHED
    actions = [event.action for event in town.happened(ProductChanged) if isinstance(event, ProductChanged)]
    assert actions == ["create", "publish", "withdraw", "archive", "publish"]
    assert code(lambda: town.products.publish(scope, "table")) == "product_not_found"


def test_changing_a_product() -> None:
    """What is given changes; what is not stays; a change to the same tells nobody."""
    town = Town.empty()
    scope = opened(town)
    chair(town, scope)
    product = town.products.change(scope, "chair", title="Armchair", category="food/wine", tax_class="reduced")
    assert (product.title, product.category, product.tax_class) == ("Armchair", "food/wine", "reduced")
    told = len(town.database.outbox)
    town.products.change(scope, "chair", title="Armchair")
    assert len(town.database.outbox) == told
    assert code(lambda: town.products.change(scope, "chair", category="nowhere")) == "category_not_found"


def test_lists_are_by_sku() -> None:
    """Products are listed in order, of one vendor or one status if asked."""
    town = Town.empty()
    scope = opened(town)
    for sku in ("c", "a"):
        chair(town, scope, sku)
    town.products.create(scope, "b", title="B", vendor="beta", unit_price=PRICE)
    town.products.publish(scope, "c")
    assert [product.sku for product in town.products.list(scope).items] == ["a", "b", "c"]
    assert [product.sku for product in town.products.list(scope, vendor="acme").items] == ["a", "c"]
    assert [product.sku for product in town.products.list(scope, status=ProductStatus.PUBLISHED).items] == ["c"]


def test_categories_form_a_tree() -> None:
    """Adding a path makes what is missing above; what is there stays as it is."""
    town = Town.empty()
    scope = opened(town)
    named = town.products.add_category(scope, "food/fresh-fish", name="Fish")
    assert named.name == "Fish"
    assert town.products.add_category(scope, "food/fresh-fish", name="Other") == named
    assert [(category.path, category.name) for category in town.products.categories(scope)] == [
        ("food", "Food"),
        ("food/fresh-fish", "Fish"),
        ("food/wine", "Wine"),
    ]
    assert code(lambda: town.products.add_category(scope, "Food")) == "invalid_handle"


def test_stock_is_counted_from_the_first_word_on() -> None:
    """Threshold and back-orders come from the settings unless given, and stay when only the count changes."""
    town = Town.empty()
    scope = opened(town)
    chair(town, scope)
    town.settings.set(scope, "low_stock_at", 3)
    stock = town.products.set_stock(scope, "chair", 10)
    assert (stock.free, stock.low_at, stock.backorders) == (10, 3, False)
    assert town.happened(StockLow) == []
    town.products.set_stock(scope, "chair", 10, low_at=5, backorders=True)
    stock = town.products.set_stock(scope, "chair", 4)
    assert (stock.low_at, stock.backorders) == (5, True)
    assert town.products.low_stock(scope) == [stock]
    assert len(town.happened(StockLow)) == 1
    assert code(lambda: town.products.set_stock(scope, "chair", -1)) == "negative_stock"


def test_stock_never_falls_below_what_is_promised() -> None:
    """Fewer units than are set aside for orders are refused, unless back-orders are allowed."""
    town = Town.empty()
    scope = opened(town)
    chair(town, scope)
    stock = town.products.set_stock(scope, "chair", 5)
    with town.database(scope) as uow:
        uow.inventory.save([stock.reserve(4)])
        uow.commit()
    assert "4 units of chair are set aside" in detail(lambda: town.products.set_stock(scope, "chair", 3))
    assert town.products.set_stock(scope, "chair", 3, backorders=True).free == -1


def row(number: int, sku: str, price: str = "5.00", **given: str) -> Row[ProductDraft]:
    """Build a row of a file."""
    draft = ProductDraft(
        sku=sku,
        title=given.get("title", sku.title()),
        vendor=given.get("vendor", "acme"),
        category=given.get("category"),
        unit_price=UnitPrice.of(price, "EUR"),
        currency="EUR",
        status=ProductStatus(given["status"]) if "status" in given else None,
    )
    return Row(number=number, reference=sku, draft=draft)


def brought(town: Town, scope: TenantScope, rows: Iterable[Row[ProductDraft]]) -> list[RowResult]:
    """Import rows and take every answer."""
    return list(town.products.import_rows(scope, rows))


def test_importing_twice_changes_nothing() -> None:
    """New products and missing categories are made; the same file again changes nothing and tells nobody."""
    town = Town.empty()
    scope = opened(town)
    rows = [row(2, "a", category="drinks/soft", status="published"), row(3, "b", status="archived"), row(4, "c")]
    assert [result.outcome for result in brought(town, scope, rows)] == [CREATED] * 3
    assert [product.status.value for product in town.products.list(scope).items] == ["published", "archived", "draft"]
    assert "drinks" in [category.path for category in town.products.categories(scope)]
    told = len(town.database.outbox)
    assert [result.outcome for result in brought(town, scope, rows)] == [UNCHANGED] * 3
    assert len(town.database.outbox) == told


def test_importing_changes_what_differs() -> None:
    """Title, price, category and status follow the file, whatever the state before; what is absent stays."""
    town = Town.empty()
    scope = opened(town)
    brought(town, scope, [row(2, "a", category="food/wine", status="archived")])
    (result,) = brought(town, scope, [row(2, "a", "6.50", title="New", status="draft")])
    product = town.products.get(scope, "a")
    assert result.outcome is UPDATED
    assert (product.title, product.category, product.status) == ("New", "food/wine", ProductStatus.DRAFT)
    assert product.variants == (Variant(sku="a", title="New", unit_price=UnitPrice.of("6.50", "EUR")),)


def test_rows_that_cannot_be_taken() -> None:
    """Unknown and departed vendors, another vendor's product and a variant's sku are rejected, and spoil nothing else."""
    town = Town.empty()
    scope = opened(town)
    town.vendors.register(scope, "gone", Profile(name="Gone"))
    town.vendors.terminate(scope, "gone")
    brought(town, scope, [row(2, "a")])
    variants = [Variant(sku="shirt-s", title="S", unit_price=PRICE)]
    town.products.create(scope, "shirt", title="Shirt", vendor="acme", variants=variants)
    unreadable: Row[ProductDraft] = Row(number=9, reference="z", error=Invalid("malformed", "not a row"))
    rejected = [
        row(2, "x", vendor="nobody", category="never/made"),
        row(3, "x", vendor="gone"),
        row(4, "a", vendor="beta"),
        row(5, "shirt-s"),
        row(6, "shirt"),
        unreadable,
    ]
    results = brought(town, scope, [*rejected, row(10, "b"), row(11, "b", "7.00")])
    assert [result.error.code if result.error else result.outcome.value for result in results] == [
        "unknown_vendor",
        "vendor_terminated",
        "other_vendor",
        "sku_taken",
        "has_variants",
        "malformed",
        "created",
        "updated",
    ]
    assert all(not category.path.startswith("never") for category in town.products.categories(scope))


def test_a_draft_is_in_one_currency() -> None:
    """A price in another currency than the row's is a mistake."""
    draft = row(2, "a").readable()
    with pytest.raises(Invalid):
        evolve(draft, currency="USD")
