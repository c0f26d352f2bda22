"""One commission decision against the construction of its result: at most fifteen times, whatever rules cannot match.

The floor and the decision are measured in the same run.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from time import perf_counter

from benchmarks.ratios import Ratio, show
from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import CommissionLine, Component, GroupDecision, Sale, Verdict
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Basis, Conditions, Rule, VolumePeriod
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import HIERARCHY, band, bounds, flat, rule, sale, sold, tiered

LIMIT = 15.0
CROWD = 10_000


def seconds(act: Callable[[], object], *, times: int = 2000, rounds: int = 7) -> float:
    """Time one call, in the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(times):
            act()
        best = min(best, perf_counter() - start)
    return best / times


def constructed(line: CommissionLine) -> CommissionLine:
    """Build a commission line anew from what it holds."""
    return CommissionLine(
        reference=line.reference,
        currency=line.currency,
        amount=line.amount,
        fixed=line.fixed,
        tax=line.tax,
        decisions=tuple(
            [
                GroupDecision(
                    group=one.group,
                    rule=one.rule,
                    rule_id=one.rule_id,
                    version=one.version,
                    base=one.base,
                    built=one.built,
                    components=tuple([Component(part.kind, part.detail, part.amount) for part in one.components]),
                    clamp=one.clamp,
                    amount=one.amount,
                    fixed=one.fixed,
                    tax=one.tax,
                )
                for one in line.decisions
            ]
        ),
        trace=tuple([Verdict(one.rule, one.outcome, one.detail) for one in line.trace]),
    )


def cases() -> Iterable[tuple[str, list[Rule], Sale]]:
    """List rule books that must all be as quick, each with a sale of one line."""
    default, plain = rule("Default", tax="21"), sale(hierarchy=HIERARCHY)
    yield "1 rule", [default], plain
    yield "10 rules that all matter", _rich(), sale(sold("250.00", category="a/b/c", quantity=3))
    crowds: dict[str, Callable[[int], Rule]] = {
        "other vendors": lambda i: rule(f"{i}", "vendor", f"vendor-{i}"),
        "other products": lambda i: rule(f"{i}", "product", f"sku-{i}"),
        "other tenants": lambda i: rule(f"{i}", "tenant", f"de/city/food/retail/tenant-{i}"),
        "conditions on other vendors": lambda i: rule(f"{i}", conditions=Conditions(vendors=(f"vendor-{i}",))),
        "conditions on other tags": lambda i: rule(f"{i}", conditions=Conditions(tags=(f"tag-{i}", f"tag-{i + 1}"))),
        "other amounts": lambda i: rule(
            f"{i}", conditions=Conditions(line_amount=band(f"{1000 + i}.00", f"{1000 + i}.99"))
        ),
        "ended": lambda i: rule(f"{i}", valid_until=START - timedelta(minutes=i)),
    }
    for name, build in crowds.items():
        yield f"1 rule and {CROWD} of {name}", [default, *map(build, range(CROWD))], plain


def _rich() -> list[Rule]:
    monthly = tiered(("100.00", "10"), (None, "8"), basis=Basis.PERIOD, period=VolumePeriod.MONTH)
    return [
        rule("All", bounds=bounds("5", "15"), tax="21"),
        rule("Germany", "country", "de", bounds=bounds("6", "12")),
        rule("North", "tenant", "north", priority=3),
        rule("North, trade", "tenant", "north", conditions=Conditions(customer_groups=("trade",))),
        rule("Acme", "vendor", "acme", rate=flat("8.5", ("0.30", "unit"), ("1.00", "order"))),
        rule("Category", "product_category", "a/b", rate="40", tax="21"),
        rule("Fee", group="fee", rate=flat("0", ("0.50", "line"))),
        rule("Fee on acme", "vendor", "acme", group="fee", rate=flat("1", ("0.25", "line"))),
        rule("Volume", group="volume", rate=monthly),
        rule("Dollars", "vendor", "acme", group="volume", rate=flat("1", ("1.00", "line"), currency="USD")),
    ]


def run() -> Iterator[Ratio]:
    """Measure every case."""
    for name, rules, one in cases():
        book = RuleBook.of(rules)
        (line,) = decide(book, one)
        floor = seconds(partial(constructed, line))
        taken = seconds(partial(decide, book, one))
        yield Ratio(
            name=f"commission decision, {name}",
            value=taken / floor,
            most=LIMIT,
            measured=f"{taken * 1e6:.1f} of {floor * 1e6:.1f} us",
        )


if __name__ == "__main__":
    show(run())
