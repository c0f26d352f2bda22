"""What customers ask for."""

from collections.abc import Mapping

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import LIMIT
from cityos_http.schema import about
from cityos_http.schemas.products import SKU
from cityos_http.schemas.stores import STORE_HANDLE

MOST_LINES = 500


@frozen(kw_only=True)
class WantedLine:
    """Some units of what is sold under a sku; what it costs is not the buyer's to say."""

    sku: str = field(metadata=SKU)
    quantity: int = field(default=1, metadata=about("Units.", example=2, least=1))

    @quantity.validator
    def _check(self, _attribute: object, value: int) -> None:
        if not 1 <= value < LIMIT:
            raise Invalid.at("$.quantity", "quantity", "a line has a quantity of one or more")


@frozen(kw_only=True)
class PurchaseRequest:
    """An order from the catalogue, at the prices of the moment."""

    lines: tuple[WantedLine, ...] = field(metadata=about("What is bought.", least=1, most=MOST_LINES))
    store: str | None = field(default=None, metadata=STORE_HANDLE)
    shipping_rates: Mapping[str, str] = field(
        factory=dict, metadata=about("The shipping rate chosen for each vendor that ships, by the vendor's handle.")
    )
    region: str | None = field(default=None, metadata=about("Where it is shipped to.", example="DE"))
    reference: str | None = field(
        default=None, metadata=about("What the buyer calls it; one is made if there is none.", least=1, most=200)
    )

    @lines.validator
    def _check(self, _attribute: object, lines: tuple[WantedLine, ...]) -> None:
        if not 1 <= len(lines) <= MOST_LINES:
            raise Invalid.at("$.lines", "no_lines", f"an order has 1 to {MOST_LINES} lines")
