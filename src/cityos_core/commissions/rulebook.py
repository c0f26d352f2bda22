"""All rules of a tenant, checked and arranged so that a decision looks only at those that may matter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from attrs import frozen

from cityos_core.commissions.compiled import CompiledRule, compile_rule
from cityos_core.commissions.facts import LineFacts
from cityos_core.commissions.index import Scope
from cityos_core.commissions.rules import LEVELS, Bounds, Hierarchy, Rule, RuleStatus, ScopeLevel, StoredRule
from cityos_core.commissions.validation import require_sound

_PLACES = LEVELS[: LEVELS.index(ScopeLevel.STORE) + 1]


@frozen(kw_only=True, eq=False)
class RuleBook:
    """Compiled rules by scope; ``groups`` are their names, ``bounds`` the tenant's setting."""

    rules: tuple[CompiledRule, ...]
    groups: tuple[str, ...]
    scopes: Mapping[ScopeLevel, Mapping[str, Scope]]
    by_volume: tuple[CompiledRule, ...] = ()
    """The rules whose tiers climb with a vendor's volume in a period."""
    bounds: Bounds = Bounds()

    @classmethod
    def of(cls, rules: Iterable[Rule | StoredRule], *, bounds: Bounds | None = None, path: str = "$") -> Self:
        """Check and compile rules given oldest first; stored ones that are not active are left out.

        ``bounds`` hold for every rule that the platform does not own, outside all others. ``Invalid("invalid_rules")``
        names every mistake by its path below ``path``.
        """
        active = [rule for rule in rules if isinstance(rule, Rule) or rule.status is RuleStatus.ACTIVE]
        require_sound([rule if isinstance(rule, Rule) else rule.rule for rule in active], path=path)
        groups: dict[str, int] = {}
        compiled, scopes = [], dict[ScopeLevel, dict[str, list[CompiledRule]]]()
        for age, source in enumerate(active):
            rule = source if isinstance(source, Rule) else source.rule
            made = compile_rule(source, age=age, group=groups.setdefault(rule.group, len(groups)))
            compiled.append(made)
            scopes.setdefault(rule.scope.level, {}).setdefault(rule.scope.reference or "", []).append(made)
        return cls(
            rules=tuple(compiled),
            groups=tuple(groups),
            scopes={level: {key: Scope.of(found) for key, found in at.items()} for level, at in scopes.items()},
            by_volume=tuple(rule for rule in compiled if rule.tiers is not None and rule.tiers.window is not None),
            bounds=bounds or Bounds(),
        )

    def places(self, hierarchy: Hierarchy) -> list[Sequence[Scope]]:
        """List the scopes of the place of a sale, widest first: platform, country and so on down to the store."""
        found: list[Sequence[Scope]] = []
        for level in _PLACES:
            scopes = self.scopes.get(level)
            if scopes is None:
                continue
            names = ("",) if level is ScopeLevel.PLATFORM else endings(hierarchy.get(level.value, ""))
            here = [scopes[name] for name in names if name in scopes]
            if here:
                found.append(here)
        return found

    def of_line(self, facts: LineFacts) -> list[Sequence[Scope]]:
        """List the scopes of what is sold, widest first: vendor, product categories from the top, product."""
        found: list[Sequence[Scope]] = []
        vendors = self.scopes.get(ScopeLevel.VENDOR)
        if vendors and facts.line.vendor in vendors:
            found.append((vendors[facts.line.vendor],))
        categories = self.scopes.get(ScopeLevel.PRODUCT_CATEGORY)
        if categories:
            found += [(categories[path],) for path in reversed(facts.categories) if path in categories]
        products = self.scopes.get(ScopeLevel.PRODUCT)
        if products:
            here = [products[sku] for sku in facts.skus if sku in products]
            if here:
                found.append(here)
        return found


def endings(path: str) -> tuple[str, ...]:
    """List the references that name a node: its path, and every ending of it down to the handle."""
    if not path:
        return ()
    parts = path.split("/")
    return tuple("/".join(parts[start:]) for start in range(len(parts)))
