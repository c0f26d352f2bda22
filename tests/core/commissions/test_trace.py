"""The frozen record: rule and version, and why every rule considered won or lost."""

from cityos_core.commissions.decide import decide
from cityos_core.commissions.index import FEW
from cityos_core.commissions.lines import CommissionLine, Component, GroupDecision, Verdict
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Conditions, RuleStatus, StoredRule
from cityos_core.kernel.ids import RuleId, TenantId
from cityos_core.testing import START, SequentialIdentifiers
from cityos_core.testing.commissions import band, bounds, decided, rule, sale, sold

IDS = SequentialIdentifiers()
TENANT = TenantId(IDS.new())


def test_everything_is_accounted_for() -> None:
    """Each rule of the scopes that the line is in appears with its outcome, the winner of each group first."""
    line = decided(
        sale(),
        rule("Wide", bounds=bounds("5", "15")),
        rule("Winner", "vendor", "acme", priority=1, rate="20"),
        rule("Same priority", "vendor", "acme", priority=1),
        rule("Lower", "vendor", "acme"),
        rule("Ended", "vendor", "acme", valid_until=START),
        rule("Web", "vendor", "acme", conditions=Conditions(channels=("web",))),
        rule("Large", "vendor", "acme", conditions=Conditions(line_amount=band("500.00"))),
        rule("Elsewhere", "vendor", "borealis"),
    )
    assert line.trace == (
        Verdict("Winner", "won", "vendor acme"),
        Verdict("Wide", "wider", "Winner is narrower: vendor acme"),
        Verdict("Same priority", "younger", "Winner is older"),
        Verdict("Lower", "priority", "Winner has priority 1, this 0"),
        Verdict("Wide", "bounds", "from 5 % to 15 % of the base"),
        Verdict("Ended", "validity", "valid until 2026-01-05T09:00:00+00:00"),
        Verdict("Web", "conditions", "only for channels web"),
        Verdict("Large", "conditions", "only for line amount from 500.00 EUR"),
    )


def test_stored_rules_leave_their_version() -> None:
    """The record names the version that decided; drafts and retired rules take no part."""
    known = StoredRule(
        id=RuleId(IDS.new()), tenant_id=TENANT, rule=rule("Known"), sequence=1, version=3, recorded_at=START
    )
    idle = [
        StoredRule(
            id=RuleId(IDS.new()),
            tenant_id=TENANT,
            rule=rule(status.value, "vendor", "acme"),
            sequence=2,
            status=status,
            recorded_at=START,
        )
        for status in (RuleStatus.DRAFT, RuleStatus.RETIRED)
    ]
    (line,) = decide(RuleBook.of([known, *idle]), sale(sold("10.00", tax="2.10")))
    assert line == CommissionLine(
        reference="1",
        currency="EUR",
        amount=100,
        decisions=(
            GroupDecision(
                group="default",
                rule="Known",
                rule_id=known.id,
                version=3,
                base=1000,
                built="gross 10.00",
                components=(Component("percentage", "10 % of 10.00", "1.00"),),
                amount=100,
            ),
        ),
        trace=(Verdict("Known", "won", "platform"),),
    )


def test_many_rules_of_one_scope() -> None:
    """Where a scope has many rules, those whose conditions name other things are not even considered."""
    others = ("other",)
    crowd = [
        rule(f"{place} {number}", conditions=conditions)
        for number in range(FEW)
        for place, conditions in enumerate(
            (
                Conditions(vendors=others),
                Conditions(products=others),
                Conditions(product_categories=others),
                Conditions(tags=others),
                Conditions(customer_groups=others),
                Conditions(channels=others),
            )
        )
    ]
    bands = [
        rule(f"band {number}", conditions=Conditions(line_amount=band(f"{number}.00", f"{number}.50")))
        for number in range(FEW)
    ]
    ended = [rule(f"ended {number}", valid_until=START) for number in range(FEW)]
    acme = rule("Acme", conditions=Conditions(vendors=("acme",)), priority=1)
    line = decided(sale(), *crowd, *bands, *ended, rule("All"), acme)
    assert [(verdict.rule, verdict.outcome) for verdict in line.trace] == [("Acme", "won"), ("All", "priority")]


def test_few_rules_of_one_scope() -> None:
    """Where a scope has few rules every one of them is accounted for."""
    crowd = [rule(f"Vendor {number}", conditions=Conditions(vendors=(f"other-{number}",))) for number in range(FEW)]
    assert len(decided(sale(), *crowd).trace) == FEW + 1
