"""A rule made ready for decisions: conditions as checks, rates as integers, the words of its refusals prepared."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

from attrs import field, frozen

from cityos_core.commissions.facts import LineFacts, terms_index
from cityos_core.commissions.lines import Verdict, VolumeWindow
from cityos_core.commissions.rules import (
    AmountBand,
    Basis,
    Bounds,
    FixedPart,
    FlatRate,
    FloorPolicy,
    Per,
    Rule,
    StoredRule,
    TieredRate,
    TierMode,
    UnitPriceBand,
)
from cityos_core.commissions.wording import band_text, choice_text, validity_text
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.money import exponent

Check = Callable[[LineFacts], bool]


@frozen
class Fixed:
    """Fixed amounts in minor units of one currency."""

    unit: int = 0
    line: int = 0
    order: int = 0


NOTHING: Final = Fixed()


@frozen
class Band:
    """One band of a tiered rate: its percentage in millionths, and what is fixed in it."""

    micro: int
    fixed: Fixed


@frozen(kw_only=True, eq=False)
class Tiers:
    """A tiered rate in one currency; bounds are exact minor units."""

    currency: str
    bounds: tuple[int | Fraction | None, ...]
    bands: tuple[Band, ...]
    is_marginal: bool
    basis: Basis
    window: VolumeWindow | None
    missing: str | None
    """Why the rate cannot be charged even in its own currency."""


@frozen(kw_only=True, eq=False)
class CompiledRule:
    """A rule as decisions use it. ``age`` is its place among all rules, oldest first."""

    rule: Rule
    name: str
    id: UUID | None
    version: int | None
    age: int
    group: int
    is_tenants: bool
    """True unless the platform owns it; such rules are also held to the tenant's ``commission_bounds``."""
    since: datetime | None
    until: datetime | None
    invalid: Verdict
    checks: tuple[tuple[Check, Verdict], ...]
    terms: int
    micro: int = 0
    fixed: Mapping[str, Fixed] | None = None
    """By currency, or nothing if the rate has no fixed parts."""
    tiers: Tiers | None = None
    is_shared: bool
    """True if something of it is one amount over the vendor's lines: ``per: order`` or ``basis: order``."""
    floors: Mapping[str, int] = field(factory=dict)
    caps: Mapping[str, int] = field(factory=dict)
    policy: FloorPolicy
    bounds: Bounds | None = None
    tax: int = 0

    @property
    def precedence(self) -> tuple[int, int]:
        """What sorts rules of one scope: higher priority first, then older."""
        return -self.rule.priority, self.age

    def mismatch(self, facts: LineFacts) -> Verdict | None:
        """Say why the rule does not match a line in its scope: by validity or by conditions."""
        if (self.since is not None and facts.sale.at < self.since) or (
            self.until is not None and facts.sale.at >= self.until
        ):
            return self.invalid
        for check, verdict in self.checks:
            if not check(facts):
                return verdict
        return None

    def unpayable(self, currency: str) -> str | None:
        """Say why the rate cannot be charged in a currency."""
        if self.tiers is not None:
            if currency != self.tiers.currency:
                return f"its tiers are in {self.tiers.currency}, the sale is in {currency}"
            return self.tiers.missing
        if self.fixed is not None and currency not in self.fixed:
            return f"a fixed part has no amount in {currency}"
        return None


def compile_rule(source: Rule | StoredRule, *, age: int, group: int) -> CompiledRule:
    """Make one sound rule ready."""
    stored = source if isinstance(source, StoredRule) else None
    rule = source.rule if isinstance(source, StoredRule) else source
    terms = terms_index(rule.base)
    tiers = _tiers(rule.rate) if isinstance(rule.rate, TieredRate) else None
    fixed = _by_currency(rule.rate.fixed) if isinstance(rule.rate, FlatRate) else None
    return CompiledRule(
        rule=rule,
        name=rule.name,
        id=stored.id if stored else None,
        version=stored.version if stored else None,
        age=age,
        group=group,
        is_tenants=stored is None or stored.tenant_id != PLATFORM,
        since=rule.valid_from,
        until=rule.valid_until,
        invalid=Verdict(rule.name, "validity", validity_text(rule)),
        checks=tuple(_checks(rule, terms)),
        terms=terms,
        micro=rule.rate.percentage.micro if isinstance(rule.rate, FlatRate) else 0,
        fixed=fixed,
        tiers=tiers,
        is_shared=_is_shared(tiers, fixed),
        floors={amount.currency: amount.minor for amount in rule.floor},
        caps={amount.currency: amount.minor for amount in rule.cap},
        policy=rule.floor_policy,
        bounds=rule.bounds if rule.bounds != Bounds() else None,
        tax=rule.tax.percentage.micro if rule.tax else 0,
    )


def _is_shared(tiers: Tiers | None, fixed: Mapping[str, Fixed] | None) -> bool:
    if tiers is not None:
        return tiers.basis is Basis.ORDER or any(band.fixed.order for band in tiers.bands)
    return fixed is not None and any(amounts.order for amounts in fixed.values())


def _by_currency(parts: Iterable[FixedPart]) -> Mapping[str, Fixed] | None:
    """Gather fixed parts by currency; a currency that lacks one of the kinds that are charged is left out."""
    amounts: dict[str, dict[Per, int]] = {}
    for part in parts:
        amounts.setdefault(part.amount.currency, {})[part.per] = part.amount.minor
    if not amounts:
        return None
    kinds = {kind for found in amounts.values() for kind in found}
    return {
        currency: Fixed(found.get(Per.UNIT, 0), found.get(Per.LINE, 0), found.get(Per.ORDER, 0))
        for currency, found in amounts.items()
        if kinds <= found.keys()
    }


def _tiers(rate: TieredRate) -> Tiers:
    scale, bands, missing = 10 ** exponent(rate.currency), [], None
    for place, band in enumerate(rate.tiers):
        fixed = _by_currency(band.fixed)
        if fixed is not None and rate.currency not in fixed:
            missing = f"a fixed part of its band {place + 1} has no amount in {rate.currency}"
        bands.append(Band(band.percentage.micro, NOTHING if fixed is None else fixed.get(rate.currency, NOTHING)))
    return Tiers(
        currency=rate.currency,
        bounds=tuple(None if band.up_to is None else _whole(band.up_to * scale) for band in rate.tiers),
        bands=tuple(bands),
        is_marginal=rate.mode is TierMode.MARGINAL,
        basis=rate.basis,
        window=None if rate.period is None else VolumeWindow(period=rate.period, days=rate.days),
        missing=missing,
    )


def _whole(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _checks(rule: Rule, terms: int) -> Iterable[tuple[Check, Verdict]]:
    conditions = rule.conditions
    for kind, values, check in (
        ("vendors", conditions.vendors, _vendor),
        ("products", conditions.products, _product),
        ("product_categories", conditions.product_categories, _category),
        ("tags", conditions.tags, _tag),
        ("customer_groups", conditions.customer_groups, _customer_group),
        ("channels", conditions.channels, _channel),
    ):
        if values:
            verdict = Verdict(rule.name, "conditions", f"only for {kind} {choice_text(values)}")
            yield check(frozenset(values)), verdict
    if conditions.unit_price:
        yield _unit_price(conditions.unit_price), _outside(rule, "unit price", conditions.unit_price)
    if conditions.line_amount:
        yield _line_amount(conditions.line_amount, terms), _outside(rule, "line amount", conditions.line_amount)
    if conditions.order_amount:
        yield _order_amount(conditions.order_amount, terms), _outside(rule, "order amount", conditions.order_amount)


def _outside(rule: Rule, what: str, band: AmountBand | UnitPriceBand) -> Verdict:
    return Verdict(rule.name, "conditions", f"only for {what} {band_text(band)}")


def _vendor(values: frozenset[str]) -> Check:
    return lambda facts: facts.line.vendor in values


def _product(values: frozenset[str]) -> Check:
    return lambda facts: not values.isdisjoint(facts.skus)


def _category(values: frozenset[str]) -> Check:
    return lambda facts: not values.isdisjoint(facts.categories)


def _tag(values: frozenset[str]) -> Check:
    return lambda facts: not values.isdisjoint(facts.line.tags)


def _customer_group(values: frozenset[str]) -> Check:
    return lambda facts: facts.sale.customer_group in values


def _channel(values: frozenset[str]) -> Check:
    return lambda facts: facts.sale.channel in values


def _unit_price(band: UnitPriceBand) -> Check:
    (low, high), currency = band.ends, band.currency
    return lambda facts: facts.sale.currency == currency and low <= facts.line.unit_price.micro <= high


def _line_amount(band: AmountBand, terms: int) -> Check:
    (low, high), currency = band.ends, band.currency
    return lambda facts: facts.sale.currency == currency and low <= facts.bases[terms] <= high


def _order_amount(band: AmountBand, terms: int) -> Check:
    (low, high), currency = band.ends, band.currency
    return lambda facts: facts.sale.currency == currency and low <= facts.part[terms] <= high
