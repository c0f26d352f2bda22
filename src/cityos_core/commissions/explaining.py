"""A frozen commission line in words."""

from collections.abc import Iterator

from attrs import field, frozen

from cityos_core.commissions.lines import CommissionEntry, CommissionLine, GroupDecision, Verdict
from cityos_core.commissions.wording import amount_text
from cityos_core.kernel.money import exponent


@frozen(kw_only=True)
class Explanation:
    """Why one sold line was charged its commission: the transaction with its frozen decision, and the words for it."""

    entry: CommissionEntry
    words: tuple[str, ...] = field()

    @words.default
    def _in_words(self) -> tuple[str, ...]:
        return tuple(explain(self.entry))


def explain(entry: CommissionEntry) -> Iterator[str]:
    """Say what was sold, what each group charged for it and how, and why every other rule considered lost."""
    digits = exponent(entry.currency)
    yield f"Order {entry.order_reference}, line {entry.line_reference}: {_sold(entry)} by {entry.vendor}"
    if entry.line is None:
        yield "No decision was kept for this line."
        return
    yield from _decided(entry.line, digits)
    for verdict in entry.line.trace:
        if verdict.outcome not in {"won", "no_rule"}:
            yield _lost(verdict)


def _sold(entry: CommissionEntry) -> str:
    sold = entry.sale
    what = entry.sku if sold is None else f"{sold.quantity} x {entry.sku} at {sold.unit_price}"
    return f"{what}, sold {entry.occurred_at.isoformat()}"


def _decided(line: CommissionLine, digits: int) -> Iterator[str]:
    if not line.decisions:
        yield "No rule matched: the commission is zero."
    for decision in line.decisions:
        yield from _group(decision, line.currency, digits)
    tax = f", tax on it {amount_text(line.tax, digits)}" if line.tax else ""
    yield f"Commission {amount_text(line.amount, digits)} {line.currency}{tax}."


def _group(decision: GroupDecision, currency: str, digits: int) -> Iterator[str]:
    version = f", version {decision.version}" if decision.version is not None else ""
    yield f"Group {decision.group}: rule {decision.rule!r}{version}"
    yield f"  base {amount_text(decision.base, digits)} {currency}: {decision.built}"
    for component in decision.components:
        yield f"  {component.kind}: {component.detail} = {component.amount}"
    if decision.clamp:
        yield f"  {decision.clamp}"
    tax = f", tax {amount_text(decision.tax, digits)}" if decision.tax else ""
    yield f"  comes to {amount_text(decision.amount, digits)}{tax}"


def _lost(verdict: Verdict) -> str:
    word = "Bounds of" if verdict.outcome == "bounds" else f"Lost ({verdict.outcome}):"
    return f"{word} {verdict.rule!r}: {verdict.detail}"
