"""The contract of commission rules."""

from datetime import datetime, timedelta
from fractions import Fraction

from attrs import evolve

from cityos_core.commissions.rules import (
    AmountBand,
    BaseTerms,
    Basis,
    Bounds,
    CommissionTax,
    Conditions,
    FixedPart,
    FlatRate,
    FloorPolicy,
    Per,
    RateBand,
    Rule,
    RuleScope,
    RuleStatus,
    ScopeLevel,
    StoredRule,
    TaxBase,
    TieredRate,
    TierMode,
    UnitPriceBand,
    VolumePeriod,
)
from cityos_core.kernel.ids import PLATFORM, Identifiers, RuleId, TenantId
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing.contracts.examples import AT, LARGEST, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, raised
from cityos_core.unit_of_work import UnitOfWorkFactory

PARTS = (FixedPart(Money(LARGEST, "EUR"), Per.ORDER), FixedPart(Money(30, "JPY"), Per.UNIT), FixedPart(Money(0, "KWD")))

FULL = Rule(
    name=WORDS,
    scope=RuleScope(ScopeLevel.PRODUCT_CATEGORY, "furniture/chairs"),
    rate=TieredRate(
        tiers=(
            RateBand(up_to=Fraction(1000, 3), percentage=Percentage.of("12.345678"), fixed=PARTS),
            RateBand(up_to=Fraction(10**24, 7), percentage=Percentage.of("0.000001")),
            RateBand(percentage=Percentage.of("100")),
        ),
        mode=TierMode.SLAB,
        basis=Basis.PERIOD,
        currency="EUR",
        period=VolumePeriod.ROLLING,
        days=30,
    ),
    group="listing",
    priority=-7,
    conditions=Conditions(
        vendors=("acme", "birch"),
        product_categories=("furniture",),
        products=("chair/red", "chair blue"),
        tags=("späť",),
        customer_groups=("wholesale",),
        channels=("kiosk", "web"),
        unit_price=UnitPriceBand("EUR", UnitPrice.of("0.000001", "EUR"), UnitPrice(LARGEST, "EUR")),
        line_amount=AmountBand("EUR", Money(0, "EUR"), Money(1, "EUR")),
        order_amount=AmountBand("EUR", Money(0, "EUR"), Money(LARGEST, "EUR")),
    ),
    floor=(Money(50, "EUR"), Money(1, "JPY")),
    cap=(Money(LARGEST, "EUR"),),
    floor_policy=FloorPolicy.DEBT,
    bounds=Bounds(min_percentage=Percentage.of("1"), max_percentage=Percentage.of("99.999999"), locked=True),
    base=BaseTerms(tax=TaxBase.GROSS, shipping=True),
    tax=CommissionTax(percentage=Percentage.of("19")),
    valid_from=AT,
    valid_until=LATER,
)

FLAT = Rule(
    name="flat",
    scope=RuleScope(ScopeLevel.PLATFORM),
    rate=FlatRate(percentage=Percentage.of("10"), fixed=PARTS),
    bounds=Bounds(min_percentage=Percentage(0)),
    conditions=Conditions(unit_price=UnitPriceBand("JPY")),
)


class RulesContract(Contract):
    """Versions of rules: shared from the platform downwards, oldest rule first, never rewritten."""

    def test_round_trip(self, north: Place) -> None:
        """Every part of a rule comes back: nested conditions, tiers with exact bounds, fixed parts, bounds, validity."""
        made = [
            stored(north.ids, north.id, FULL, 1, status=RuleStatus.DRAFT),
            stored(north.ids, north.id, FLAT, 2, status=RuleStatus.RETIRED),
            stored(north.ids, north.id, Rule(name="least", scope=FLAT.scope, rate=FlatRate()), 3),
        ]
        add(north, *made)
        assert current(north) == made

    def test_oldest_first(self, north: Place) -> None:
        """Rules are listed by sequence, whatever the order of adding and their versions."""
        made = [stored(north.ids, north.id, evolve(FLAT, name=f"{sequence}"), sequence) for sequence in (1, 2, 3)]
        add(north, made[2], made[0])
        add(north, made[1])
        newer = later(made[0])
        add(north, newer)
        assert current(north) == [newer, made[1], made[2]]

    def test_the_latest_version_is_current(self, north: Place) -> None:
        """A rule's latest version stands for it; the earlier ones stay on file as of their time."""
        first = stored(north.ids, north.id, FLAT, 1)
        second = later(first, at=AT + timedelta(days=1))
        add(north, first)
        add(north, second)
        supersede(north, first, at=second.recorded_at)
        assert current(north) == [second]
        past = evolve(first, superseded_at=second.recorded_at)
        assert recorded(north, AT - timedelta(microseconds=1)) == []
        assert recorded(north, AT) == [past]
        assert recorded(north, second.recorded_at - timedelta(microseconds=1)) == [past]
        assert recorded(north, second.recorded_at) == [second]
        assert recorded(north, LATER) == [second]

    def test_versions(self, north: Place, south: Place) -> None:
        """Every version of one rule is listed, first to latest; a neighbour's rule has none."""
        first = stored(north.ids, north.id, FLAT, 1)
        second = later(first)
        add(north, second, stored(north.ids, north.id, FULL, 2))
        add(north, first)
        supersede(north, first)
        assert versions(north, first) == [evolve(first, superseded_at=LATER), second]
        assert versions(south, first) == []
        assert versions(north, stored(north.ids, north.id, FLAT, 3)) == []

    def test_a_version_exists_once(self, north: Place) -> None:
        """Adding a version that is there is stale, and nothing of the same call stays."""
        first = stored(north.ids, north.id, FLAT, 1)
        add(north, first)
        other = stored(north.ids, north.id, FULL, 2)
        assert raised(add, north, other, evolve(first, rule=FULL)) == "stale"
        assert current(north) == [first]

    def test_a_name_is_one_rule(self, north: Place, south: Place) -> None:
        """A second rule by the name of another is stale; a neighbour's may be called the same."""
        first = stored(north.ids, north.id, FLAT, 1)
        add(north, first)
        assert raised(add, north, stored(north.ids, north.id, FLAT, 2)) == "stale"
        add(south, stored(south.ids, south.id, FLAT, 1))
        assert current(north) == [first]

    def test_one_of_many_editors_wins(self, north: Place) -> None:
        """Of editors who write the next version at once, exactly one does."""
        first = stored(north.ids, north.id, FLAT, 1)
        add(north, first)
        second = later(first)

        def edit(number: int) -> None:
            add(north, evolve(second, rule=evolve(FLAT, name=f"{number}")))

        assert codes(at_once(edit, times=4)) == ["stale"] * 3
        assert [rule.version for rule in current(north)] == [2]

    def test_who_sees_what(self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place) -> None:
        """A tenant reads the platform's rules and its own; the platform reads its own only."""
        house = stored(north.ids, PLATFORM, FLAT, 2)
        with unit_of_work(PlatformScope()) as uow:
            uow.rules.add([house])
            uow.commit()
        ours, theirs = stored(north.ids, north.id, FULL, 1), stored(south.ids, south.id, FULL, 3)
        add(north, ours)
        add(south, theirs)
        assert current(north) == [ours, house]
        assert current(south) == [house, theirs]
        assert recorded(north, LATER) == [ours, house]
        assert versions(north, house) == [house]
        with unit_of_work(PlatformScope()) as uow:
            assert uow.rules.versions(ours.id) == []
            assert uow.rules.current() == [house]
            assert uow.rules.recorded(LATER) == [house]

    def test_a_tenant_writes_its_own_only(self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place) -> None:
        """Neither the platform's nor a neighbour's rules can be added or superseded by a tenant."""
        house, theirs = stored(north.ids, PLATFORM, FLAT, 1), stored(south.ids, south.id, FLAT, 2)
        with unit_of_work(PlatformScope()) as uow:
            uow.rules.add([house])
            uow.commit()
        add(south, theirs)
        raised(add, north, later(house))
        raised(add, north, later(theirs))
        for rule in (house, theirs):
            raised(supersede, north, rule)
        assert current(south) == [house, theirs]

    def test_writing_changes_the_revision(self, north: Place, south: Place) -> None:
        """Adding and superseding change the tenant's word of revision, and not the neighbour's."""
        words, before = [revision(north)], revision(south)
        rule = stored(north.ids, north.id, FLAT, 1)
        add(north, rule)
        words.append(revision(north))
        supersede(north, rule)
        words.append(revision(north))
        assert len(set(words)) == 3
        assert revision(south) == before


def stored(
    ids: Identifiers, owner: TenantId, rule: Rule, sequence: int, *, status: RuleStatus = RuleStatus.ACTIVE
) -> StoredRule:
    """Build the first version of a rule."""
    return StoredRule(
        id=RuleId(ids.new()), tenant_id=owner, rule=rule, sequence=sequence, status=status, recorded_at=AT
    )


def later(rule: StoredRule, *, at: datetime = LATER) -> StoredRule:
    """Give the next version of a rule."""
    return evolve(rule, version=rule.version + 1, recorded_at=at)


def add(place: Place, *rules: StoredRule) -> None:
    """Add rules."""
    place.do(lambda uow: uow.rules.add(rules))


def supersede(place: Place, rule: StoredRule, *, at: datetime = LATER) -> None:
    """Supersede a version."""
    place.do(lambda uow: uow.rules.supersede([evolve(rule, superseded_at=at)]))


def current(place: Place) -> list[StoredRule]:
    """List the current rules."""
    return place.see(lambda uow: uow.rules.current())


def recorded(place: Place, at: datetime) -> list[StoredRule]:
    """List the rules as of an instant."""
    return place.see(lambda uow: uow.rules.recorded(at))


def versions(place: Place, rule: StoredRule) -> list[StoredRule]:
    """List the versions of a rule."""
    return place.see(lambda uow: uow.rules.versions(rule.id))


def revision(place: Place) -> str:
    """Read the word of revision."""
    return place.see(lambda uow: uow.revisions.current())
