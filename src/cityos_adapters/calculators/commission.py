"""One order under a list of rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import asdict, field, frozen

from cityos_adapters.calculators.places import at, both
from cityos_adapters.serialization import Json, UnsignedMoney, dump, load
from cityos_core.commissions.decide import decide
from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.lines import CommissionLine, Sale, Verdict, VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Rule
from cityos_core.commissions.windows import windows
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.money import Money
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.pricing import Listing, price, sale
from cityos_core.orders.settlement import settle


@frozen(kw_only=True)
class PlaceContext:
    """Where the sale happened: the path or handle of the node at each level."""

    country: str | None = None
    scope: str | None = None
    category: str | None = None
    subcategory: str | None = None
    tenant: str | None = None
    store: str | None = None


@frozen(kw_only=True)
class VendorContext:
    """What is known of a vendor: its volume before the order, in whatever period a rule asks for."""

    volume: UnsignedMoney | None = None


@frozen(kw_only=True)
class Context:
    """What the order does not say itself: its place, the categories of its skus, its vendors' volumes."""

    hierarchy: PlaceContext = PlaceContext()
    categories: Mapping[str, str] = field(factory=dict)
    vendors: Mapping[str, VendorContext] = field(factory=dict)


@frozen(kw_only=True)
class CommissionInput:
    """Rules, the older first, and an order; ``context`` is read when the order's currency is known."""

    rules: tuple[Rule, ...]
    order: OrderDraft
    at: datetime | None = None
    context: Any = field(factory=dict)


def calculate_commission(data: object) -> dict[str, Json]:
    """Decide the commission of every line of an order, and what the order then means to each vendor."""
    given, context = both(lambda: load(CommissionInput, data), lambda: _context(data))
    book = RuleBook.of(given.rules, path="$.rules")
    priced = price(given.order, path="$.order")
    lines = _decided(
        book,
        sale(
            priced,
            at=given.at,
            listings={sku: Listing(category=category) for sku, category in context.categories.items()},
            hierarchy={level: node for level, node in asdict(context.hierarchy).items() if node is not None},
            volumes=_volumes(context, book, given),
        ),
    )
    vendors = settle(priced, lines).vendors
    return {
        "lines": [_line(line) for line in lines],
        "vendors": {
            vendor: {name: Money(amount, given.order.currency).text for name, amount in asdict(figures).items()}
            for vendor, figures in vendors.items()
        },
    }


def _context(data: object) -> Context:
    given, order = (data.get("context"), data.get("order")) if isinstance(data, dict) else (None, None)
    currency = order.get("currency") if isinstance(order, dict) else None
    with at("$.context"):
        return load(Context, {} if given is None else given, currency=currency if isinstance(currency, str) else "")


def _volumes(context: Context, book: RuleBook, given: CommissionInput) -> dict[tuple[str, VolumeWindow], int]:
    wanted = windows(book, currency=given.order.currency, at=given.at or given.order.placed_at)
    return {
        (vendor, window): known.volume.minor
        for vendor, known in context.vendors.items()
        for window in wanted
        if known.volume is not None
    }


def _decided(book: RuleBook, facts: Sale) -> tuple[CommissionLine, ...]:
    try:
        return decide(book, facts)
    except SaleRefused as error:
        raise Refused(error.code, f"$.order.lines[{error.line}]: {error.detail}") from error


def _line(line: CommissionLine) -> Json:
    components: list[Json] = [
        {"group": decision.group, "rule": decision.rule, **asdict(component)}
        for decision in line.decisions
        for component in decision.components
    ]
    clamps = [Verdict(decision.rule, "clamped", decision.clamp) for decision in line.decisions if decision.clamp]
    return {
        "reference": line.reference,
        "amount": Money(line.amount, line.currency).text,
        "tax": Money(line.tax, line.currency).text,
        "rules": [decision.rule for decision in line.decisions],
        "components": components,
        "trace": [dump(verdict) for verdict in (*line.trace, *clamps)],
    }
