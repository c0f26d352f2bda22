"""What a rule may ask about one line of a sale, computed once for all rules."""

from attrs import frozen

from cityos_core.catalog.model import ancestry
from cityos_core.commissions.lines import Sale, SaleLine
from cityos_core.commissions.rules import BaseTerms, TaxBase
from cityos_core.kernel.rounding import divide

Bases = tuple[int, int, int, int]
"""A line's base under each of the four base terms, by :func:`terms_index`."""


def terms_index(terms: BaseTerms) -> int:
    """Number the base terms: net, gross, net with shipping, gross with shipping."""
    return (terms.tax is TaxBase.GROSS) + 2 * terms.shipping


def bases(line: SaleLine, *, prices_include_tax: bool) -> Bases:
    """Give a line's bases in minor units: what is left after vendor-funded discounts, without or with tax and shipping.

    Where prices contain tax, a net base is less by the share of the line's tax that falls on it; if the buyer pays
    nothing there is no tax in it.
    """
    goods = line.gross - line.vendor_discount
    if prices_include_tax:
        net, gross = goods - contained_tax(line), goods
    else:
        net, gross = goods, goods + line.tax
    return net, gross, net + line.shipping, gross + line.shipping + line.shipping_tax


def contained_tax(line: SaleLine) -> int:
    """Give the tax within a line's goods after vendor-funded discounts, where prices include it."""
    if not line.tax or not line.paid:
        return 0
    return divide(line.tax * (line.gross - line.vendor_discount), line.paid)


@frozen(eq=False)
class LineFacts:
    """A line among the lines of its sale.

    ``part`` holds the bases of all lines of its vendor together, ``earlier`` the net bases of those before it;
    ``categories`` are its product category and the ancestors, nearest first.
    """

    place: int
    sale: Sale
    line: SaleLine
    bases: Bases
    part: list[int]
    earlier: int
    categories: tuple[str, ...]
    skus: tuple[str, ...]


def line_facts(sale: Sale) -> list[LineFacts]:
    """Work out the facts of every line."""
    parts: dict[str, list[int]] = {}
    facts = []
    for place, line in enumerate(sale.lines):
        own = bases(line, prices_include_tax=sale.prices_include_tax)
        part = parts.setdefault(line.vendor, [0, 0, 0, 0])
        earlier = part[0]
        for terms, base in enumerate(own):
            part[terms] += base
        categories = ancestry(line.category) if line.category else ()
        skus = (line.sku,) if line.product in (None, line.sku) else (line.sku, line.product)
        facts.append(LineFacts(place, sale, line, own, part, earlier, categories, skus))
    return facts
