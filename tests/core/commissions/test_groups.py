"""Groups add up; what is above the base follows the floor policy; tax is computed on the sum."""

import pytest

from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.rules import BaseTerms, FloorPolicy, TaxBase
from cityos_core.testing.commissions import decided, flat, rule, sale, sold


def test_groups_stack() -> None:
    """One rule wins each group, and the groups add up in the order of their oldest rules that match."""
    line = decided(
        sale(),
        rule("Elsewhere", "vendor", "borealis", group="marketing"),
        rule("Fee", group="fee", rate=flat("0", ("0.50", "line"))),
        rule("All"),
        rule("Acme", "vendor", "acme", rate="5"),
        rule("Other fee", group="fee", rate="99"),
        rule("Marketing", group="marketing", rate="2.5"),
    )
    assert [(decision.group, decision.rule, decision.amount) for decision in line.decisions] == [
        ("fee", "Fee", 50),
        ("default", "Acme", 500),
        ("marketing", "Marketing", 250),
    ]
    assert (line.amount, line.fixed) == (800, 50)


def test_each_group_is_rounded() -> None:
    """Every rule's sum is rounded by itself; the line is the sum of the rounded."""
    line = decided(sale(sold("0.05")), rule(rate="10"), rule("Fee", group="fee", rate="10"))
    assert line.amount == 2


def test_tax_on_the_sum() -> None:
    """Tax is computed on the sum over the groups and rounded once; the groups' parts of it sum to it."""
    line = decided(sale(sold("1.00")), rule(rate="7", tax="21"), rule("Fee", group="fee", rate="7", tax="21"))
    assert (line.amount, line.tax) == (14, 3)
    assert [decision.tax for decision in line.decisions] == [2, 1]


def test_each_rule_has_its_tax() -> None:
    """Every group is taxed at its winner's rate, none if it states none."""
    line = decided(
        sale(),
        rule(rate="10", tax="21"),
        rule("Fee", group="fee", rate="10", tax="5.5"),
        rule("Free", group="free", rate="10"),
    )
    assert line.tax == 210 + 55
    assert [decision.tax for decision in line.decisions] == [210, 55, 0]


def test_cap_over_groups() -> None:
    """With the policy cap, a group that takes the sum above the base gives way, in the order of the groups."""
    line = decided(
        sale(),
        rule("A", group="a", rate="70"),
        rule("B", group="b", rate="40"),
        rule("C", group="c", rate="10"),
    )
    assert [decision.amount for decision in line.decisions] == [7000, 3000, 0]
    assert [decision.clamp for decision in line.decisions] == ["", "capped at the base", "capped at the base"]
    assert line.amount == 10000


def test_debt() -> None:
    """With the policy debt, a commission may be above the base."""
    owed = rule("Fee", group="fee", rate=flat("0", ("120.00", "line")), floor_policy=FloorPolicy.DEBT)
    line = decided(sale(), rule(), owed, rule("Last", group="last", rate="10"))
    assert [decision.amount for decision in line.decisions] == [1000, 12000, 0]
    assert line.amount == 13000


def test_refuse() -> None:
    """With the policy refuse, the sale is refused and the line named; up to the base it is not."""
    strict = rule("Strict", rate=flat("0", ("10.00", "unit")), floor_policy=FloorPolicy.REFUSE)
    assert decided(sale(sold("10.00", quantity=3)), strict).amount == 3000
    with pytest.raises(SaleRefused) as refused:
        decided(sale(sold("9.99", reference="7")), strict)
    assert (refused.value.code, refused.value.line) == ("commission_above_base", 0)
    assert "line 7" in refused.value.detail
    assert "'Strict'" in refused.value.detail


def test_refuse_asks_only_for_itself() -> None:
    """A rule that asks for nothing refuses nothing."""
    owed = rule("Fee", rate=flat("0", ("120.00", "line")), floor_policy=FloorPolicy.DEBT)
    idle = rule("Idle", group="idle", rate="0", floor_policy=FloorPolicy.REFUSE)
    assert decided(sale(), owed, idle).amount == 12000


def test_each_group_has_its_base() -> None:
    """The sum up to a group is held to that group's own base."""
    line = decided(
        sale(sold(tax="21.00")),
        rule("Gross", group="gross", rate="100", base=BaseTerms(tax=TaxBase.GROSS)),
        rule("Net", group="net", rate="1"),
    )
    assert [decision.amount for decision in line.decisions] == [12100, 0]


def test_nothing_on_nothing() -> None:
    """On a base of zero every part is zero, unless the policy makes it debt."""
    free = sold(vendor_discount="100.00")
    assert decided(sale(free), rule(rate=flat("10", ("1.00", "line")), tax="21")).amount == 0
    assert decided(sale(free), rule(rate=flat("10", ("1.00", "line")), floor_policy=FloorPolicy.DEBT)).amount == 100
