"""Commission rules as people write them; the fields are those of the exchange format."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from attrs import Attribute, field, frozen

from cityos_core.kernel.clock import instant_or_none
from cityos_core.kernel.errors import FieldError, Invalid, require_none
from cityos_core.kernel.ids import RuleId, TenantId
from cityos_core.kernel.money import LIMIT, Money, Percentage, UnitPrice
from cityos_core.kernel.states import Machine


class ScopeLevel(StrEnum):
    """What a rule is about, widest first; the narrowest level with a match wins."""

    PLATFORM = "platform"
    COUNTRY = "country"
    SCOPE = "scope"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    TENANT = "tenant"
    STORE = "store"
    VENDOR = "vendor"
    PRODUCT_CATEGORY = "product_category"
    PRODUCT = "product"


LEVELS: Final = tuple(ScopeLevel)


@frozen
class RuleScope:
    """A level, and which one of it: a node's handle or path, a vendor's handle, a category path, a sku."""

    level: ScopeLevel
    reference: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.level is ScopeLevel.PLATFORM and self.reference is not None:
            raise Invalid.at("$.reference", "scope_reference", "the platform scope has no reference; leave it out")
        if self.level is not ScopeLevel.PLATFORM and not self.reference:
            detail = f"a {self.level.value} scope names which one in `reference`"
            raise Invalid.at("$.reference", "scope_reference", detail)


class Per(StrEnum):
    """What a fixed part is charged for."""

    UNIT = "unit"
    LINE = "line"
    ORDER = "order"


@frozen
class FixedPart:
    """A fixed amount per unit, line or order, in one currency."""

    amount: Money = field()
    per: Per = Per.LINE

    @amount.validator
    def _check(self, _attribute: object, value: Money) -> None:
        if value.minor < 0:
            raise Invalid("negative_amount", "a fixed part is zero or more")


@frozen
class UnitPriceBand:
    """Unit prices between two bounds, both inclusive, either absent."""

    currency: str
    min: UnitPrice | None = None
    max: UnitPrice | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest unit price in it, in millionths."""
        return 0 if self.min is None else self.min.micro, LIMIT if self.max is None else self.max.micro


@frozen
class AmountBand:
    """Amounts between two bounds, both inclusive, either absent."""

    currency: str
    min: Money | None = None
    max: Money | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest amount in it, in minor units."""
        return 0 if self.min is None else self.min.minor, LIMIT if self.max is None else self.max.minor


@frozen(kw_only=True)
class Conditions:
    """What a sale must be like: every given kind must hold, any of the values within a kind."""

    vendors: tuple[str, ...] = ()
    product_categories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    customer_groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    unit_price: UnitPriceBand | None = None
    line_amount: AmountBand | None = None
    order_amount: AmountBand | None = None


@frozen(kw_only=True)
class FlatRate:
    """A percentage of the base plus fixed parts, one per currency and kind."""

    percentage: Percentage = Percentage(0)
    fixed: tuple[FixedPart, ...] = ()


class TierMode(StrEnum):
    """Marginal: each slice at its own rate. Slab: everything at the rate reached."""

    MARGINAL = "marginal"
    SLAB = "slab"


class Basis(StrEnum):
    """What climbs the tiers."""

    LINE = "line"
    ORDER = "order"
    PERIOD = "period"


class VolumePeriod(StrEnum):
    """Over what a vendor's volume is counted."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ROLLING = "rolling"


@frozen(kw_only=True)
class RateBand:
    """One band of a tiered rate, up to and including a bound; the last one is open."""

    up_to: Fraction | None = None
    percentage: Percentage = Percentage(0)
    fixed: tuple[FixedPart, ...] = ()


@frozen(kw_only=True)
class TieredRate:
    """Bands of rates climbed by a line, an order or a vendor's volume, in one currency (bounds in major units)."""

    tiers: tuple[RateBand, ...]
    mode: TierMode = TierMode.MARGINAL
    basis: Basis = Basis.LINE
    currency: str
    period: VolumePeriod | None = None
    days: int | None = None


@frozen(kw_only=True)
class Bounds:
    """What a rule imposes on narrower rules of its group: a range of percentages of the base, or a lock."""

    min_percentage: Percentage | None = None
    max_percentage: Percentage | None = None
    locked: bool = False


class TaxBase(StrEnum):
    """Whether the base of a commission contains tax."""

    NET = "net"
    GROSS = "gross"


@frozen(kw_only=True)
class BaseTerms:
    """What the commission is a percentage of."""

    tax: TaxBase = TaxBase.NET
    shipping: bool = False


@frozen(kw_only=True)
class CommissionTax:
    """VAT on the commission."""

    percentage: Percentage


class FloorPolicy(StrEnum):
    """What happens when a commission is above its base."""

    CAP = "cap"
    DEBT = "debt"
    REFUSE = "refuse"


def _limits(_instance: object, attribute: "Attribute[Any]", amounts: tuple[Money, ...]) -> None:
    require_none(_limit_mistakes(attribute.name, amounts))


def _limit_mistakes(name: str, amounts: tuple[Money, ...]) -> Iterator[FieldError]:
    seen = set()
    for place, amount in enumerate(amounts):
        if amount.minor < 0:
            yield FieldError(f"$.{name}[{place}].amount", "negative_amount", f"a {name} is zero or more")
        if amount.currency in seen:
            detail = f"there is already a {name} in {amount.currency}"
            yield FieldError(f"$.{name}[{place}].currency", "duplicate_currency", detail)
        seen.add(amount.currency)


@frozen(kw_only=True)
class Rule:
    """A commission rule. Amounts in other currencies are never converted: the rule then does not match."""

    name: str = field()
    scope: RuleScope
    rate: FlatRate | TieredRate
    group: str = field(default="default")
    priority: int = 0
    conditions: Conditions = Conditions()
    floor: tuple[Money, ...] = field(default=(), validator=_limits)
    cap: tuple[Money, ...] = field(default=(), validator=_limits)
    floor_policy: FloorPolicy = FloorPolicy.CAP
    bounds: Bounds = Bounds()
    base: BaseTerms = BaseTerms()
    tax: CommissionTax | None = None
    valid_from: datetime | None = field(default=None, converter=instant_or_none)
    valid_until: datetime | None = field(default=None, converter=instant_or_none)

    @name.validator
    def _check_name(self, _attribute: object, value: str) -> None:
        if not value.strip():
            raise Invalid.at("$.name", "missing_name", "a rule has a name")

    @group.validator
    def _check_group(self, _attribute: object, value: str) -> None:
        if not value.strip():
            raise Invalid.at("$.group", "missing_group", "a group has a name; leave it out for `default`")

    def __attrs_post_init__(self) -> None:
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise Invalid.at("$.valid_until", "empty_validity", "`valid_until` is after `valid_from`")

    def holds_at(self, at: datetime) -> bool:
        """True if an instant is within [valid_from, valid_until)."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


class RuleStatus(StrEnum):
    """Whether a stored rule takes part in decisions."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


RULE_LIFE: Final = Machine(
    "commission rule",
    {
        (RuleStatus.DRAFT, "activate"): RuleStatus.ACTIVE,
        (RuleStatus.DRAFT, "retire"): RuleStatus.RETIRED,
        (RuleStatus.ACTIVE, "retire"): RuleStatus.RETIRED,
        (RuleStatus.RETIRED, "activate"): RuleStatus.ACTIVE,
    },
)


@frozen(kw_only=True)
class StoredRule:
    """One version of a rule. ``sequence`` tells which rule is older; versions of one rule share id and sequence."""

    id: RuleId
    tenant_id: TenantId
    rule: Rule
    sequence: int
    version: int = 1
    status: RuleStatus = RuleStatus.ACTIVE
    recorded_at: datetime
    superseded_at: datetime | None = None


Hierarchy = Mapping[str, str]
"""Where a sale happened: level name to the node's path (or handle), for example ``{"country": "de", "tenant": "north"}``."""
