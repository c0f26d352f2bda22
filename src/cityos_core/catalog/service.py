"""The use cases of the catalogue."""

from typing import Self

from attrs import frozen

from cityos_core.catalog.importing import ImportProducts
from cityos_core.catalog.inventory import ListLowStock, SetStock
from cityos_core.catalog.products import (
    AddCategory,
    ChangeProduct,
    CreateProduct,
    GetProduct,
    ListCategories,
    ListProducts,
    StepProduct,
)
from cityos_core.dependencies import Dependencies


@frozen(kw_only=True)
class ProductUseCases:
    """What vendors offer, and how much of it there is."""

    create: CreateProduct
    change: ChangeProduct
    publish: StepProduct
    withdraw: StepProduct
    archive: StepProduct
    get: GetProduct
    list: ListProducts
    categories: ListCategories
    add_category: AddCategory
    set_stock: SetStock
    low_stock: ListLowStock
    import_rows: ImportProducts

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock, identifiers = dependencies.unit_of_work, dependencies.clock, dependencies.identifiers
        return cls(
            create=CreateProduct(unit_of_work=uow, clock=clock, identifiers=identifiers),
            change=ChangeProduct(uow, clock),
            publish=StepProduct(uow, clock, "publish"),
            withdraw=StepProduct(uow, clock, "withdraw"),
            archive=StepProduct(uow, clock, "archive"),
            get=GetProduct(uow),
            list=ListProducts(uow),
            categories=ListCategories(uow),
            add_category=AddCategory(uow),
            set_stock=SetStock(unit_of_work=uow, clock=clock, configuration=dependencies.configuration),
            low_stock=ListLowStock(uow),
            import_rows=ImportProducts(unit_of_work=uow, clock=clock, identifiers=identifiers),
        )
