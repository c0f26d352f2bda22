"""Commission rules that are sound."""

from collections.abc import Sequence

from hypothesis import strategies as st

from cityos_core.commissions import rules as commission
from cityos_core.testing.strategies.values import bounds, handles, instants, money, percentages, unit_prices


@st.composite
def rules(draw: st.DrawFn, *, scopes: Sequence[commission.RuleScope] | None = None) -> commission.Rule:
    """Draw a sound commission rule, in one of two currencies; ``scopes`` limits what it may be about."""
    currency = draw(st.sampled_from(["EUR", "JPY"]))
    floor = draw(st.none() | money(currency, least=0, most=1000))
    cap = draw(st.none() | money(currency, least=1000, most=10**6))
    low, high = sorted((draw(percentages()), draw(percentages())))
    validity = sorted(draw(st.lists(instants(), min_size=2, max_size=2, unique=True)))
    return commission.Rule(
        name=draw(handles()),
        scope=draw(st.sampled_from(scopes) if scopes else rule_scopes()),
        rate=draw(st.one_of(_flat_rates(currency), _tiered_rates(currency))),
        group=draw(st.sampled_from(["default", "marketing"])),
        priority=draw(st.integers(-3, 3)),
        conditions=draw(_conditions(currency)),
        floor=() if floor is None else (floor,),
        cap=() if cap is None else (cap,),
        floor_policy=draw(st.sampled_from(commission.FloorPolicy)),
        bounds=draw(
            st.builds(
                commission.Bounds,
                min_percentage=st.none() | st.just(low),
                max_percentage=st.none() | st.just(high),
                locked=st.booleans(),
            )
        ),
        base=draw(st.builds(commission.BaseTerms, tax=st.sampled_from(commission.TaxBase), shipping=st.booleans())),
        tax=draw(st.none() | percentages().map(lambda rate: commission.CommissionTax(percentage=rate))),
        valid_from=draw(st.none() | st.just(validity[0])),
        valid_until=draw(st.none() | st.just(validity[1])),
    )


def rule_scopes() -> st.SearchStrategy[commission.RuleScope]:
    """Draw what a rule is about."""
    narrower = [level for level in commission.LEVELS if level is not commission.ScopeLevel.PLATFORM]
    return st.one_of(
        st.just(commission.RuleScope(commission.ScopeLevel.PLATFORM)),
        st.builds(commission.RuleScope, st.sampled_from(narrower), handles()),
    )


def _fixed(currency: str) -> st.SearchStrategy[tuple[commission.FixedPart, ...]]:
    parts = st.builds(commission.FixedPart, money(currency, least=0, most=500), st.sampled_from(commission.Per))
    return st.lists(parts, max_size=2, unique_by=lambda part: part.per).map(tuple)


def _flat_rates(currency: str) -> st.SearchStrategy[commission.FlatRate]:
    return st.builds(commission.FlatRate, percentage=percentages(), fixed=_fixed(currency))


@st.composite
def _tiered_rates(draw: st.DrawFn, currency: str) -> commission.TieredRate:
    basis = draw(st.sampled_from(commission.Basis))
    period = draw(st.sampled_from(commission.VolumePeriod)) if basis is commission.Basis.PERIOD else None
    return commission.TieredRate(
        tiers=tuple(
            commission.RateBand(up_to=bound, percentage=draw(percentages()), fixed=draw(_fixed(currency)))
            for bound in draw(bounds())
        ),
        mode=draw(st.sampled_from(commission.TierMode)),
        basis=basis,
        currency=currency,
        period=period,
        days=draw(st.integers(1, 400)) if period is commission.VolumePeriod.ROLLING else None,
    )


@st.composite
def _conditions(draw: st.DrawFn, currency: str) -> commission.Conditions:
    words = st.lists(handles(), max_size=2, unique=True).map(tuple)
    amounts = st.builds(
        commission.AmountBand,
        st.just(currency),
        st.none() | money(currency, least=0),
        st.none() | money(currency, least=0),
    )
    prices = st.builds(
        commission.UnitPriceBand,
        st.just(currency),
        st.none() | unit_prices(currency),
        st.none() | unit_prices(currency),
    )
    if draw(st.booleans()):
        return commission.Conditions()
    return commission.Conditions(
        vendors=draw(words),
        product_categories=draw(words),
        products=draw(words),
        tags=draw(words),
        customer_groups=draw(words),
        channels=draw(words),
        unit_price=draw(st.none() | prices),
        line_amount=draw(st.none() | amounts),
        order_amount=draw(st.none() | amounts),
    )
