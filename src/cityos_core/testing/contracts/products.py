"""The contract of products, categories and inventory."""

from attrs import evolve

from cityos_core.catalog.model import Category, Product, ProductStatus, Stock
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import ProductId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts import examples
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised
from cityos_core.vendors.model import Vendor


class ProductsContract(Contract):
    """Products of one tenant: by sku, every sku unique among products and variants, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A product comes back with its variants in order and their prices to the millionth."""
        chair = add(north, north.acme, "chair")
        assert north.see(lambda uow: uow.products.get(chair.id)) == chair
        bare = evolve(
            examples.product(ProductId(north.ids.new()), north.id, north.acme.id, "bare"),
            category=None,
            status=ProductStatus.DRAFT,
            tags=(),
            stores=(),
            variants=(evolve(chair.variants[0], sku="bare", weight_g=None),),
        )
        north.do(lambda uow: uow.products.add(bare))
        assert north.see(lambda uow: uow.products.get(bare.id)) == bare

    def test_every_sku_leads_to_the_product(self, north: Place, south: Place) -> None:
        """The product's sku and its variants' are looked up at once; unknown and foreign ones are absent."""
        chair, table = add(north, north.acme, "chair"), add(north, north.birch, "table")
        theirs = add(south, south.acme, "chair")
        asked = ["table", "chair", "chair/red", "chair blue", "chair", "lamp", "CHAIR"]
        assert north.see(lambda uow: uow.products.by_sku(asked)) == {
            "chair": chair,
            "chair/red": chair,
            "chair blue": chair,
            "table": table,
        }
        assert south.see(lambda uow: uow.products.by_sku(["chair", "table"])) == {"chair": theirs}
        assert north.see(lambda uow: uow.products.by_sku([])) == {}

    def test_skus_are_unique_within_the_tenant(self, north: Place) -> None:
        """No sku of a product, its own or a variant's, may be in use by another product."""
        chair = add(north, north.acme, "chair")
        assert raised(add, north, north.birch, "chair") == "sku_taken"
        assert raised(add, north, north.birch, "chair/red") == "sku_taken"
        stool = evolve(examples.product(ProductId(north.ids.new()), north.id, north.acme.id, "stool"), variants=())
        taking = evolve(stool, variants=(evolve(chair.variants[0], sku="chair"),))
        assert raised(north.do, lambda uow: uow.products.add(taking)) == "sku_taken"
        north.do(lambda uow: uow.products.add(stool))
        assert raised(save, north, evolve(taking, variants=chair.variants[:1])) == "sku_taken"
        assert north.see(lambda uow: uow.products.by_sku(["chair/red", "stool"])) == {
            "chair/red": chair,
            "stool": stool,
        }

    def test_saving_frees_the_skus_that_went(self, north: Place) -> None:
        """A saved product is one version up and answers to its new skus only; the others are free again."""
        chair = add(north, north.acme, "chair")
        changed = evolve(chair, title="Chair", status=ProductStatus.ARCHIVED, variants=chair.variants[1:], tags=("x",))
        save(north, changed)
        assert raised(save, north, chair) == "stale"
        assert north.see(lambda uow: uow.products.by_sku(["chair/red"])) == {}
        stored = evolve(changed, version=2)
        assert north.see(lambda uow: uow.products.by_sku(["chair", "chair blue"])) == {
            "chair": stored,
            "chair blue": stored,
        }
        add(north, north.birch, "chair/red")

    def test_one_of_many_writers_wins(self, north: Place) -> None:
        """Of writers that read the same version, exactly one saves."""
        chair = add(north, north.acme, "chair")
        assert codes(at_once(lambda number: save(north, evolve(chair, title=f"{number}")), times=4)) == ["stale"] * 3

    def test_pages_by_sku(self, north: Place, south: Place) -> None:
        """Pages follow the skus character by character, those of one vendor or status if asked."""
        skus = ["b", "B", "a b", "a-b", "ab", "é", "z", "Ž"]
        for number, sku in enumerate(skus):
            add(north, (north.acme, north.birch)[number % 2], sku)
        archived = evolve(north.see(lambda uow: uow.products.by_sku(["z"]))["z"], status=ProductStatus.ARCHIVED)
        save(north, archived)
        add(south, south.acme, "c")
        found = pages(lambda request: north.see(lambda uow: uow.products.page(request)), limit=3)
        assert [product.sku for product in found] == sorted(skus)
        theirs = pages(lambda request: north.see(lambda uow: uow.products.page(request, vendor="birch")), limit=2)
        assert [product.sku for product in theirs] == sorted(skus[1::2])
        assert found_skus(north, ProductStatus.ARCHIVED, "acme") == ["z"]
        assert found_skus(north, ProductStatus.ARCHIVED, "birch") == []
        assert found_skus(north, None, "nobody") == []

    def test_counts_by_status(self, north: Place, south: Place) -> None:
        """A vendor's products are counted by status; a neighbour's and other vendors' are not."""
        for sku, status in (("a", "draft"), ("b", "published"), ("c", "draft")):
            save(north, evolve(add(north, north.acme, sku), status=ProductStatus(status)))
        add(north, north.birch, "d")
        counts = {ProductStatus.DRAFT: 2, ProductStatus.PUBLISHED: 1}
        assert north.see(lambda uow: uow.products.count(north.acme.id)) == counts
        assert south.see(lambda uow: uow.products.count(north.acme.id)) == {}

    def test_a_neighbours_product_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's product reads as none and cannot be written."""
        theirs = add(south, south.acme, "chair")
        assert raised(north.see, lambda uow: uow.products.get(theirs.id)) == "product_not_found"
        assert raised(north.see, lambda uow: uow.products.get(ProductId(nobody()))) == "product_not_found"
        raised(save, north, evolve(theirs, title="mine"))
        raised(save, north, evolve(theirs, title="mine", tenant_id=north.id))
        assert south.see(lambda uow: uow.products.page(PageRequest())).items == (theirs,)
        add(north, north.acme, "chair")


class CategoriesContract(Contract):
    """The category tree of one tenant."""

    def test_adding_keeps_what_is_there(self, north: Place, south: Place) -> None:
        """New categories join, known ones stay as they are, and the list is by path."""
        add_categories(north, ("furniture", "Furniture"), ("furniture/chairs", examples.WORDS))
        add_categories(south, ("furniture", "Muebles"))
        add_categories(north, ("furniture/chairs", "other"), ("books", "Books"), ("furniture-2", "More"))
        assert [(category.path, category.name) for category in north.see(lambda uow: uow.categories.all())] == [
            ("books", "Books"),
            ("furniture", "Furniture"),
            ("furniture-2", "More"),
            ("furniture/chairs", examples.WORDS),
        ]
        assert south.see(lambda uow: uow.categories.all()) == [
            Category(tenant_id=south.id, path="furniture", name="Muebles")
        ]

    def test_repeated_in_one_call(self, north: Place) -> None:
        """A path named twice is stored once, as it was first."""
        add_categories(north, ("books", "Books"), ("books", "Again"))
        assert [category.name for category in north.see(lambda uow: uow.categories.all())] == ["Books"]


class InventoryContract(Contract):
    """Stock rows of one tenant, held while they are changed."""

    def test_round_trip(self, north: Place, south: Place) -> None:
        """Rows come back with every field by sku; uncounted and foreign skus are absent."""
        rows = [examples.stock(north.id, north.acme.id, sku) for sku in ("lamp", "chair")]
        theirs = examples.stock(south.id, south.acme.id, "chair", on_hand=3)
        set_stock(north, *rows)
        set_stock(south, theirs)
        found = north.see(lambda uow: uow.inventory.lock(["lamp", "chair", "table", "chair"]))
        assert found == {"chair": rows[1], "lamp": rows[0]}
        assert south.see(lambda uow: uow.inventory.lock(["chair", "lamp"])) == {"chair": theirs}
        assert north.see(lambda uow: uow.inventory.lock([])) == {}

    def test_saving_replaces(self, north: Place) -> None:
        """A changed row takes the place of the old one."""
        row = examples.stock(north.id, north.acme.id, "chair")
        set_stock(north, row)
        changed = evolve(row, on_hand=-4, reserved=0, low_at=0, backorders=False)
        set_stock(north, changed)
        assert north.see(lambda uow: uow.inventory.lock(["chair"])) == {"chair": changed}

    def test_low(self, north: Place, south: Place) -> None:
        """Rows whose free units are at or below their threshold are listed by sku."""
        for sku, on_hand, reserved, low_at in (("d", 5, 2, 3), ("c", 5, 1, 3), ("b", 0, 0, 0), ("a", 1, 3, 0)):
            row = examples.stock(north.id, north.acme.id, sku, on_hand=on_hand)
            set_stock(north, evolve(row, reserved=reserved, low_at=low_at))
        set_stock(south, examples.stock(south.id, south.acme.id, "e", on_hand=0))
        assert [row.sku for row in north.see(lambda uow: uow.inventory.low())] == ["a", "b", "d"]

    def test_parallel_buyers_share_what_there_is(self, north: Place) -> None:
        """Of many who reserve the same stock at once, exactly as many succeed as there are units."""
        row = evolve(examples.stock(north.id, north.acme.id, "chair", on_hand=3), reserved=0, backorders=False)
        set_stock(north, row)

        def buy(_: int) -> None:
            with north.open() as uow:
                held = uow.inventory.lock(["chair"])["chair"]
                uow.inventory.save([held.reserve(1)])
                uow.commit()

        assert codes(at_once(buy, times=6)) == ["out_of_stock"] * 3
        left = north.see(lambda uow: uow.inventory.lock(["chair"])["chair"])
        assert (left.reserved, left.free) == (3, 0)
        assert raised(left.reserve, 1) == Refused("out_of_stock", "").code

    def test_a_neighbours_stock_is_out_of_reach(self, north: Place, south: Place) -> None:
        """A tenant cannot write stock in another's name."""
        theirs = examples.stock(south.id, south.acme.id, "chair")
        set_stock(south, theirs)
        raised(set_stock, north, evolve(theirs, on_hand=0))
        assert south.see(lambda uow: uow.inventory.lock(["chair"])) == {"chair": theirs}


def add(place: Place, seller: Vendor, sku: str) -> Product:
    """Add a product."""
    product = examples.product(ProductId(place.ids.new()), place.id, seller.id, sku)
    place.do(lambda uow: uow.products.add(product))
    return product


def save(place: Place, product: Product) -> None:
    """Save a product."""
    place.do(lambda uow: uow.products.save(product))


def found_skus(place: Place, status: ProductStatus | None, vendor: str) -> list[str]:
    """List the skus of one vendor's products in one status."""
    page = place.see(lambda uow: uow.products.page(PageRequest(), status=status, vendor=vendor))
    return [product.sku for product in page.items]


def add_categories(place: Place, *named: tuple[str, str]) -> None:
    """Add categories by path and name."""
    place.do(lambda uow: uow.categories.add(Category(tenant_id=place.id, path=path, name=name) for path, name in named))


def set_stock(place: Place, *rows: Stock) -> None:
    """Store stock rows."""
    place.do(lambda uow: uow.inventory.save(rows))
