"""The commission decision: one frozen line for every line of a sale. Pure: the same book and sale give the same answer."""

from collections.abc import Iterator, Mapping, Sequence

from cityos_core.commissions.charging import Charge, charge_line, charge_part
from cityos_core.commissions.choosing import Choice, choose
from cityos_core.commissions.compiled import CompiledRule
from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.facts import LineFacts, contained_tax, line_facts
from cityos_core.commissions.lines import CommissionLine, GroupDecision, Sale, Verdict
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import FloorPolicy
from cityos_core.commissions.wording import amount_text, percent_text
from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.money import PERCENT_SCALE, exponent
from cityos_core.kernel.rounding import divide

Shares = Mapping[tuple[int, int], Charge]
"""What rules charge that share amounts between lines, by the place of the line and the age of the rule."""


def decide(book: RuleBook, sale: Sale) -> tuple[CommissionLine, ...]:
    """Decide the commission of every line of a sale, in their order.

    ``SaleRefused`` if a rule whose floor policy is ``refuse`` comes to more than its base, or if the amount is beyond a
    rule's closed last band.
    """
    digits = exponent(sale.currency)
    lines = line_facts(sale)
    places = book.places(sale.hierarchy)
    chosen = [choose(book, facts, places) for facts in lines]
    shares = _shares(lines, [choices for choices, _ in chosen], digits)
    return tuple(
        _line(book, facts, choices, trace, shares, digits)
        for facts, (choices, trace) in zip(lines, chosen, strict=True)
    )


def _shares(lines: Sequence[LineFacts], chosen: Sequence[Sequence[Choice]], digits: int) -> Shares:
    won: dict[tuple[str, int], tuple[CompiledRule, list[LineFacts]]] = {}
    for facts, choices in zip(lines, chosen, strict=True):
        for choice in choices:
            if choice.rule.is_shared:
                won.setdefault((facts.line.vendor, choice.rule.age), (choice.rule, []))[1].append(facts)
    shares = {}
    for rule, mine in won.values():
        with_place = zip(mine, _charged_part(rule, mine, digits), strict=True)
        shares.update({(facts.place, rule.age): charge for facts, charge in with_place})
    return shares


def _charged_part(rule: CompiledRule, lines: Sequence[LineFacts], digits: int) -> list[Charge]:
    try:
        return charge_part(rule, lines, digits)
    except Refused as error:
        raise _beyond(rule, lines[0], error) from error


def _charged(rule: CompiledRule, facts: LineFacts, shares: Shares, digits: int) -> Charge:
    if rule.is_shared:
        return shares[facts.place, rule.age]
    try:
        return charge_line(rule, facts, digits)
    except Refused as error:
        raise _beyond(rule, facts, error) from error


def _beyond(rule: CompiledRule, facts: LineFacts, error: Refused) -> SaleRefused:
    detail = f"line {facts.line.reference}: the amount is beyond the last band of rule {rule.name!r}; leave it open"
    return SaleRefused(error.code, detail, line=facts.place)


def _line(
    book: RuleBook,
    facts: LineFacts,
    choices: Sequence[Choice],
    trace: Sequence[Verdict],
    shares: Shares,
    digits: int,
) -> CommissionLine:
    charges = [_charged(choice.rule, facts, shares, digits) for choice in choices]
    settled: list[tuple[int, str]] = []
    total = 0
    for choice, charge in zip(choices, charges, strict=True):
        amount, clamp = _clamped(choice, charge, facts, total, digits)
        total += amount
        settled.append((amount, clamp))
    weights = [amount * choice.rule.tax for (amount, _), choice in zip(settled, choices, strict=True)]
    tax = divide(sum(weights), PERCENT_SCALE)
    taxes = allocate(tax, weights) if tax else [0] * len(choices)
    decisions = tuple(
        _decision(book, choice.rule, facts, charge, amount, clamp, part, digits)
        for choice, charge, (amount, clamp), part in zip(choices, charges, settled, taxes, strict=True)
    )
    return CommissionLine(
        reference=facts.line.reference,
        currency=facts.sale.currency,
        amount=total,
        fixed=sum([decision.fixed for decision in decisions]),
        tax=tax,
        decisions=decisions,
        trace=tuple(trace),
    )


def _decision(
    book: RuleBook,
    rule: CompiledRule,
    facts: LineFacts,
    charge: Charge,
    amount: int,
    clamp: str,
    tax: int,
    digits: int,
) -> GroupDecision:
    return GroupDecision(
        group=book.groups[rule.group],
        rule=rule.name,
        rule_id=rule.id,
        version=rule.version,
        base=facts.bases[rule.terms],
        built=_built(rule, facts, digits),
        components=charge.components,
        clamp=clamp,
        amount=amount,
        fixed=min(charge.fixed, amount),
        tax=tax,
    )


def _clamped(choice: Choice, charge: Charge, facts: LineFacts, before: int, digits: int) -> tuple[int, str]:
    """Hold a charge to floor and cap, to the bounds of wider rules, and to what its base leaves after other groups."""
    rule, currency = choice.rule, facts.sale.currency
    base = facts.bases[rule.terms]
    amount, notes = charge.rounded, []
    for least, most, by in _limits(choice, currency, base, digits):
        if least is not None and amount < least:
            amount = least
            notes.append(f"raised to {by}")
        if most is not None and amount > most:
            amount = most
            notes.append(f"lowered to {by}")
    if amount and before + amount > base:
        if rule.policy is FloorPolicy.REFUSE:
            detail = f"line {facts.line.reference}: rule {rule.name!r} asks for more than the base"
            raise SaleRefused(
                "commission_above_base", f"{detail} {amount_text(base, digits)} {currency}", line=facts.place
            )
        if rule.policy is FloorPolicy.CAP:
            amount = max(base - before, 0)
            notes.append("capped at the base")
        else:
            notes.append("above the base: the vendor owes the rest")
    return amount, "; ".join(notes)


def _limits(choice: Choice, currency: str, base: int, digits: int) -> Iterator[tuple[int | None, int | None, str]]:
    floor, cap = choice.rule.floors.get(currency), choice.rule.caps.get(currency)
    if floor is not None:
        yield floor, None, f"the floor {amount_text(floor, digits)}"
    if cap is not None:
        yield None, cap, f"the cap {amount_text(cap, digits)}"
    for limit in choice.limits:
        if limit.least is not None:
            yield _share(base, limit.least), None, f"{percent_text(limit.least)} by {limit.by}"
        if limit.most is not None:
            yield None, _share(base, limit.most), f"{percent_text(limit.most)} by {limit.by}"


def _share(base: int, micro: int) -> int:
    return divide(base * micro, PERCENT_SCALE)


def _built(rule: CompiledRule, facts: LineFacts, digits: int) -> str:
    """Say how the base was built."""
    line, is_gross = facts.line, rule.terms & 1
    words = [f"gross {amount_text(line.gross, digits)}"]
    if line.vendor_discount:
        words.append(f"less vendor-funded discounts {amount_text(line.vendor_discount, digits)}")
    if facts.sale.prices_include_tax and not is_gross and (tax := contained_tax(line)):
        words.append(f"less contained tax {amount_text(tax, digits)}")
    if not facts.sale.prices_include_tax and is_gross and line.tax:
        words.append(f"plus tax {amount_text(line.tax, digits)}")
    if rule.terms & 2:
        shipping = line.shipping + (line.shipping_tax if is_gross else 0)
        words.append(f"plus shipping {amount_text(shipping, digits)}")
    return ", ".join(words)
