"""What a rule's rate comes to: exact parts per line, and amounts over several lines laid on each of them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from attrs import frozen

from cityos_core.commissions.compiled import NOTHING, CompiledRule, Fixed, Tiers
from cityos_core.commissions.facts import LineFacts
from cityos_core.commissions.lines import Component
from cityos_core.commissions.rules import Basis
from cityos_core.commissions.wording import SCALE, amount_text, exact_text, percent_text
from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.rounding import divide, half_up
from cityos_core.kernel.tiers import Slice, reached, slices

Exact = int | Fraction
"""An exact amount in :data:`SCALE` parts of a minor unit."""


@frozen
class Charge:
    """What a rate comes to on one line: the exact sum of its components, and how many minor units of it are fixed."""

    exact: Exact
    fixed: int
    components: tuple[Component, ...]

    @property
    def rounded(self) -> int:
        """The charge in minor units, rounded once."""
        return divide(self.exact, SCALE) if isinstance(self.exact, int) else half_up(self.exact / SCALE)


def charge_line(rule: CompiledRule, facts: LineFacts, digits: int) -> Charge:
    """Charge one line on its own, by a rule of which nothing is shared with other lines."""
    if rule.tiers is None:
        fixed = NOTHING if rule.fixed is None else rule.fixed[facts.sale.currency]
        base = facts.bases[rule.terms]
        percentage, components = _flat(rule.micro, base, digits, has_fixed=rule.fixed is not None)
        return _with_fixed(percentage, components, [("", fixed)], facts, digits)
    cuts = _line_cuts(rule.tiers, facts, facts.bases[rule.terms])
    slices_sum, components = _banded(rule.tiers, cuts, digits)
    return _with_fixed(slices_sum, components, _band_fixed(rule.tiers, cuts), facts, digits)


def charge_part(rule: CompiledRule, lines: Sequence[LineFacts], digits: int) -> list[Charge]:
    """Charge the lines of one vendor that a rule won, laying on them by their bases what is one amount over them."""
    bases = [facts.bases[rule.terms] for facts in lines]
    if rule.tiers is not None and rule.tiers.basis is Basis.ORDER:
        return _tiers_of_part(rule.tiers, lines, bases, digits)
    charges = [charge_line(rule, facts, digits) for facts in lines]
    for amount in _order_amounts(rule, lines):
        parts = allocate(amount, bases)
        detail = f"of {amount_text(amount, digits)} per order"
        charges = [_plus(charge, part, part, detail, digits) for charge, part in zip(charges, parts, strict=True)]
    return charges


def _flat(micro: int, base: int, digits: int, *, has_fixed: bool) -> tuple[int, list[Component]]:
    if has_fixed and not micro:
        return 0, []
    exact = base * micro
    detail = f"{percent_text(micro)} of {amount_text(base, digits)}"
    return exact, [Component("percentage", detail, exact_text(exact, digits))]


def _with_fixed(
    exact: Exact, components: list[Component], parts: Sequence[tuple[str, Fixed]], facts: LineFacts, digits: int
) -> Charge:
    total = 0
    for where, fixed in parts:
        quantity = facts.line.quantity
        if fixed.unit:
            total += fixed.unit * quantity
            detail = f"{where}{amount_text(fixed.unit, digits)} per unit x {quantity}"
            components.append(Component("fixed", detail, amount_text(fixed.unit * quantity, digits)))
        if fixed.line:
            total += fixed.line
            detail = f"{where}{amount_text(fixed.line, digits)} per line"
            components.append(Component("fixed", detail, amount_text(fixed.line, digits)))
    return Charge(exact + total * SCALE, total, tuple(components))


def _line_cuts(tiers: Tiers, facts: LineFacts, base: int) -> list[Slice]:
    start = 0
    if tiers.window is not None:
        start = facts.sale.volumes.get((facts.line.vendor, tiers.window), 0) + facts.earlier
    return _cuts(tiers, start, start + base)


def _cuts(tiers: Tiers, start: int, stop: int) -> list[Slice]:
    """Cut a stretch into what each band charges; one that is empty lies in the band at its place."""
    if tiers.is_marginal and stop > start:
        return slices(tiers.bounds, start, stop)
    return [Slice(reached(tiers.bounds, stop), stop - start)]


def _banded(tiers: Tiers, cuts: Sequence[Slice], digits: int) -> tuple[Exact, list[Component]]:
    total: Exact = 0
    components = []
    for cut in cuts:
        micro = tiers.bands[cut.index].micro
        exact = cut.amount * micro
        total += exact
        detail = f"band {cut.index + 1}: {percent_text(micro)} of {exact_text(cut.amount * SCALE, digits)}"
        components.append(Component("tier", detail, exact_text(exact, digits)))
    return total, components


def _band_fixed(tiers: Tiers, cuts: Sequence[Slice]) -> list[tuple[str, Fixed]]:
    return [(f"band {cut.index + 1}: ", tiers.bands[cut.index].fixed) for cut in cuts]


def _order_amounts(rule: CompiledRule, lines: Sequence[LineFacts]) -> Iterator[int]:
    if rule.tiers is None:
        if rule.fixed is not None:
            yield rule.fixed[lines[0].sale.currency].order
        return
    entered = {cut.index for facts in lines for cut in _line_cuts(rule.tiers, facts, facts.bases[rule.terms])}
    for index in sorted(entered):
        if rule.tiers.bands[index].fixed.order:
            yield rule.tiers.bands[index].fixed.order


def _tiers_of_part(tiers: Tiers, lines: Sequence[LineFacts], bases: Sequence[int], digits: int) -> list[Charge]:
    total = sum(bases)
    cuts = _cuts(tiers, 0, total)
    exact, parts = _banded(tiers, cuts, digits)
    fixed = sum(tiers.bands[cut.index].fixed.order for cut in cuts)
    amount = Charge(exact + fixed * SCALE, fixed, tuple(parts)).rounded
    detail = f"of {amount_text(amount, digits)} over {amount_text(total, digits)} of the order; " + ", ".join(
        part.detail for part in parts
    )
    shares = zip(lines, allocate(amount, bases), allocate(fixed, bases), strict=True)
    return [
        _plus(_with_fixed(0, [], _band_fixed(tiers, cuts), facts, digits), part, min(part, fixed_part), detail, digits)
        for facts, part, fixed_part in shares
    ]


def _plus(charge: Charge, amount: int, fixed: int, detail: str, digits: int) -> Charge:
    component = Component("order", detail, amount_text(amount, digits))
    return Charge(charge.exact + amount * SCALE, charge.fixed + fixed, (*charge.components, component))
