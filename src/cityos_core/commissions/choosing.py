"""Which rule wins each group for one line, between which bounds, and why the others lost."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from cityos_core.commissions.compiled import CompiledRule
from cityos_core.commissions.facts import LineFacts
from cityos_core.commissions.index import Scope
from cityos_core.commissions.lines import Verdict
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Bounds, ScopeLevel
from cityos_core.commissions.wording import percent_text, range_text

SETTING = "commission_bounds"
"""What explanations call the bounds that the tenant's settings impose."""

Found = tuple[int, CompiledRule]
"""A matching rule and its rank: the wider its scope, the lower."""


@frozen
class Limit:
    """Bounds on a commission, in millionths of a percent of its base, and the rule that imposes them."""

    least: int | None
    most: int | None
    by: str


@frozen
class Choice:
    """The winner of a group, and the bounds it is held to, nearest first."""

    rule: CompiledRule
    limits: tuple[Limit, ...] = ()


def choose(book: RuleBook, facts: LineFacts, places: Sequence[Sequence[Scope]]) -> tuple[list[Choice], list[Verdict]]:
    """Choose the winner of every group and account for every rule considered.

    Groups are in the order of their oldest rules that match the line.
    """
    matched: dict[int, list[Found]] = {}
    unlike: list[Verdict] = []
    for rank, scopes in enumerate((*places, *book.of_line(facts))):
        for rule in _considered(scopes, facts):
            mismatch = rule.mismatch(facts)
            if mismatch is None:
                matched.setdefault(rule.group, []).append((rank, rule))
            else:
                unlike.append(mismatch)
    choices: list[Choice] = []
    trace: list[Verdict] = []
    for found in _by_age(matched):
        choice = _winner(found, facts.sale.currency, book.bounds, trace)
        if choice is not None:
            choices.append(choice)
    if not choices:
        trace.append(Verdict("", "no_rule", "no rule matches; the commission is zero"))
    return choices, trace + unlike


def _by_age(matched: Mapping[int, Sequence[Found]]) -> Sequence[Sequence[Found]]:
    if len(matched) < 2:
        return list(matched.values())
    return sorted(matched.values(), key=lambda found: min(rule.age for _, rule in found))


def _considered(scopes: Sequence[Scope], facts: LineFacts) -> Sequence[CompiledRule]:
    if len(scopes) == 1:
        return scopes[0].considered(facts)
    rules = [rule for scope in scopes for rule in scope.considered(facts)]
    return sorted(rules, key=lambda rule: rule.precedence)


def _winner(found: Sequence[Found], currency: str, outer: Bounds, trace: list[Verdict]) -> Choice | None:
    standing = _unlocked(found, outer, trace)
    best: Found | None = None
    losers: list[tuple[Found, str | None]] = []
    for rank, rule in standing:
        unpayable = rule.unpayable(currency)
        if unpayable is None and (best is None or rank > best[0]):
            if best is not None:
                losers.append((best, None))
            best = (rank, rule)
        else:
            losers.append(((rank, rule), unpayable))
    if best is None:
        trace += [Verdict(rule.name, "currency", why or "") for (_, rule), why in losers]
        return None
    rank, rule = best
    trace.append(Verdict(rule.name, "won", _scope_text(rule)))
    if losers:
        trace += [_lost(loser, best, why) for loser, why in losers]
    limits = tuple(_limits(standing, rank, trace)) if len(standing) > 1 else ()
    if rule.is_tenants and (outer.min_percentage or outer.max_percentage):
        limits = (*limits, _limit([(outer, SETTING)]))
        trace.append(Verdict(SETTING, "bounds", _limit_text(limits[-1])))
    return Choice(rule, limits)


def _unlocked(found: Sequence[Found], outer: Bounds, trace: list[Verdict]) -> Sequence[Found]:
    """Leave out the rules that a wider lock of their group, or the settings, do not let count."""
    if outer.locked:
        trace += [Verdict(rule.name, "locked", f"{SETTING} is locked") for _, rule in found if rule.is_tenants]
        found = [(rank, rule) for rank, rule in found if not rule.is_tenants]
    for lock, holder in found:
        if holder.bounds is not None and holder.bounds.locked:
            trace += [
                Verdict(rule.name, "locked", f"{holder.name} locks what is narrower")
                for rank, rule in found
                if rank > lock
            ]
            return [(rank, rule) for rank, rule in found if rank <= lock]
    return found


def _lost(loser: Found, winner: Found, unpayable: str | None) -> Verdict:
    (rank, rule), (best, won) = loser, winner
    if unpayable is not None:
        return Verdict(rule.name, "currency", unpayable)
    if rank < best:
        return Verdict(rule.name, "wider", f"{won.name} is narrower: {_scope_text(won)}")
    if rule.rule.priority < won.rule.priority:
        return Verdict(rule.name, "priority", f"{won.name} has priority {won.rule.priority}, this {rule.rule.priority}")
    return Verdict(rule.name, "younger", f"{won.name} is older")


def _scope_text(rule: CompiledRule) -> str:
    scope = rule.rule.scope
    return "platform" if scope.level is ScopeLevel.PLATFORM else f"{scope.level.value} {scope.reference}"


def _limits(standing: Sequence[Found], winner: int, trace: list[Verdict]) -> Iterator[Limit]:
    """Give the bounds of wider scopes, nearest first; of several in one scope the stricter ends count."""
    binding: dict[int, list[tuple[Bounds, str]]] = {}
    for rank, rule in standing:
        if rule.bounds is not None and rank < winner and (rule.bounds.min_percentage or rule.bounds.max_percentage):
            binding.setdefault(rank, []).append((rule.bounds, rule.name))
    for rank in sorted(binding, reverse=True):
        for bounds, name in binding[rank]:
            trace.append(Verdict(name, "bounds", _limit_text(_limit([(bounds, name)]))))
        yield _limit(binding[rank])


def _limit(binding: Sequence[tuple[Bounds, str]]) -> Limit:
    least = [bounds.min_percentage.micro for bounds, _ in binding if bounds.min_percentage is not None]
    most = [bounds.max_percentage.micro for bounds, _ in binding if bounds.max_percentage is not None]
    names = " and ".join(name for _, name in binding)
    return Limit(max(least) if least else None, min(most) if most else None, names)


def _limit_text(limit: Limit) -> str:
    least = None if limit.least is None else percent_text(limit.least)
    most = None if limit.most is None else percent_text(limit.most)
    return range_text(least, most, "of the base")
