"""Commission rules and transactions, as they are managed, explained, judged and reported."""

from datetime import timedelta

import pytest
from attrs import evolve, frozen

from cityos_core.commissions.lines import EntryStatus
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import Basis, FloorPolicy, Rule, RuleStatus, VolumePeriod
from cityos_core.commissions.service import CommissionUseCases
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.errors import Conflict, Invalid, NotFound
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.orders.draft import Party
from cityos_core.testing.builders import discount, line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import bounds, flat, rule, tiered
from usecases.market import Market

PLATFORM = PlatformScope()
TEN = rule("Ten", tax="21")


@frozen(kw_only=True)
class Desk:
    """A market and what is done with its commissions."""

    market: Market
    commissions: CommissionUseCases

    @property
    def scope(self) -> Scope:
        return self.market.scope

    def brought(self, *rules: Rule, scope: Scope | None = None, draft: bool = False) -> list[tuple[str, str, int]]:
        """Import rules."""
        done = self.commissions.import_rules(scope or self.market.scope, rules, draft=draft)
        return [(one.name, one.outcome.value, one.version) for one in done]

    def names(self, scope: Scope | None = None, **more: object) -> list[str]:
        """List the names of rules."""
        return [stored.rule.name for stored in self.commissions.rules(scope or self.market.scope, **more)]  # type: ignore[arg-type]

    def commission(self, reference: str, **more: object) -> str:
        """Place an order of 100.00 and tell its commission."""
        self.market.place(order_draft(reference, line(**more)))  # type: ignore[arg-type]
        (entry,) = self.market.entries(reference)
        return f"{entry.commission / 100:.2f}"


@pytest.fixture
def desk() -> Desk:
    """A market without rules."""
    market = Market.open()
    ports = Dependencies(unit_of_work=market.database, clock=market.clock, identifiers=market.identifiers)
    return Desk(market=market, commissions=CommissionUseCases.of(ports))


class TestWriting:
    """Importing rules and taking them through their lives."""

    def test_import(self, desk: Desk) -> None:
        """A name is the key: new rules are created, the same again changes nothing, other content is a new version."""
        acme = rule("Acme", "vendor", "acme", rate="5")
        assert desk.brought(TEN, acme) == [("Ten", "created", 1), ("Acme", "created", 1)]
        assert desk.brought(TEN, acme) == [("Ten", "unchanged", 1), ("Acme", "unchanged", 1)]
        desk.market.wait(hours=1)
        assert desk.brought(acme, evolve(TEN, rate=flat("12"))) == [("Acme", "unchanged", 1), ("Ten", "updated", 2)]
        assert desk.names() == ["Ten", "Acme"]
        history = desk.commissions.history(desk.market.scope, "Ten")
        assert [(one.version, one.rule.rate, one.superseded_at) for one in history] == [
            (1, TEN.rate, START + timedelta(hours=1)),
            (2, flat("12"), None),
        ]

    def test_rules_left_out_stay(self, desk: Desk) -> None:
        """A list says nothing about the rules it does not name."""
        desk.brought(TEN)
        desk.brought(rule("Other"))
        assert desk.names() == ["Ten", "Other"]

    def test_older_is_earlier_in_the_list(self, desk: Desk) -> None:
        """Of rules created together the earlier is older; of others the one created earlier, whatever a list says."""
        desk.brought(rule("B", rate="1"), rule("A", rate="2"))
        assert desk.commission("1") == "1.00"
        desk.market.wait(hours=1)
        desk.brought(rule("C", rate="3"), rule("A", rate="4"), rule("B", rate="5"))
        assert desk.names() == ["B", "A", "C"]
        assert desk.commission("2") == "5.00"

    def test_nothing_is_written_of_a_bad_list(self, desk: Desk) -> None:
        """All mistakes of a list are told at once, doubled names too, and nothing of it is written."""
        with pytest.raises(Invalid) as invalid:
            desk.brought(TEN, rule("Tiers", rate=tiered()), TEN, rule("Bounds", bounds=bounds("5", "4")))
        assert [(error.path, error.code) for error in invalid.value.errors] == [
            ("$[1].rate.tiers", "bands_out_of_order"),
            ("$[3].bounds", "bounds_reversed"),
            ("$[2].name", "duplicate_name"),
        ]
        assert desk.names() == []

    def test_retire_and_return(self, desk: Desk) -> None:
        """A retired rule charges nothing until it is activated or imported again; its versions stay."""
        desk.brought(TEN)
        assert desk.commissions.retire(desk.market.scope, "Ten").status is RuleStatus.RETIRED
        assert desk.names() == []
        assert desk.commission("1") == "0.00"
        desk.commissions.activate(desk.market.scope, "Ten")
        assert desk.commission("2") == "10.00"
        desk.commissions.retire(desk.market.scope, "Ten")
        assert desk.brought(TEN) == [("Ten", "updated", 5)]
        assert [one.status.value for one in desk.commissions.history(desk.market.scope, "Ten")] == [
            "active",
            "retired",
            "active",
            "retired",
            "active",
        ]
        with pytest.raises(Conflict, match="cannot activate"):
            desk.commissions.activate(desk.market.scope, "Ten")

    def test_drafts(self, desk: Desk) -> None:
        """A draft is listed and can be replayed, and charges nothing until it is activated."""
        assert desk.brought(TEN, draft=True) == [("Ten", "created", 1)]
        assert desk.names() == ["Ten"]
        assert desk.commission("1") == "0.00"
        desk.commissions.activate(desk.market.scope, "Ten")
        assert desk.commission("2") == "10.00"
        with pytest.raises(Invalid) as invalid:
            desk.brought(rule("New"), TEN, draft=True)
        assert [(error.path, error.code) for error in invalid.value.errors] == [("$[1].name", "rule_in_force")]

    @pytest.mark.parametrize("action", ["retire", "activate", "history"])
    def test_unknown_rule(self, desk: Desk, action: str) -> None:
        """A rule that is not there cannot be changed."""
        with pytest.raises(NotFound, match="no commission rule 'None'"):
            getattr(desk.commissions, action)(desk.market.scope, "None")


class TestOwners:
    """Rules of the platform and of tenants."""

    def test_platform_rules_apply_to_tenants(self, desk: Desk) -> None:
        """A tenant sees and is charged by the platform's rules, but does not change them."""
        desk.brought(rule("Platform", rate="7"), scope=PLATFORM)
        assert desk.names() == ["Platform"]
        assert desk.commission("1") == "7.00"
        assert len(desk.commissions.history(desk.market.scope, "Platform")) == 1
        with pytest.raises(NotFound):
            desk.commissions.retire(desk.market.scope, "Platform")
        desk.commissions.retire(PLATFORM, "Platform")
        assert desk.commission("2") == "0.00"

    def test_names_are_the_owners(self, desk: Desk) -> None:
        """Tenant and platform may use the same name for different rules; of like rules the one created first wins."""
        desk.brought(rule("Same", rate="7"), scope=PLATFORM)
        desk.market.wait(seconds=1)
        assert desk.brought(rule("Same", rate="3")) == [("Same", "created", 1)]
        assert desk.names() == ["Same", "Same"]
        assert desk.names(PLATFORM) == ["Same"]
        assert desk.commission("1") == "7.00"
        assert desk.commissions.history(desk.market.scope, "Same")[0].tenant_id == desk.market.scope.tenant_id

    def test_age_compares_across_owners(self, desk: Desk) -> None:
        """A platform rule made after a tenant's is younger than it."""
        desk.brought(rule("Own", rate="3"))
        desk.market.wait(seconds=1)
        desk.brought(rule("Platform", rate="7"), scope=PLATFORM)
        assert desk.names() == ["Own", "Platform"]
        assert desk.commission("1") == "3.00"

    def test_bounds_setting(self, desk: Desk) -> None:
        """The setting commission_bounds holds for every rule of the tenant, from the next order on."""
        desk.brought(rule("Own", rate="3"))
        assert desk.commission("1") == "3.00"
        desk.market.settings.set(desk.market.scope, "commission_bounds", {"min_percentage": "4", "max_percentage": "6"})
        assert desk.commission("2") == "4.00"
        desk.market.settings.set(desk.market.scope, "commission_bounds", {"locked": True})
        assert desk.commission("3") == "0.00"


class TestAsOf:
    """What applied on a date."""

    def test_versions(self, desk: Desk) -> None:
        """The version that was the latest at an instant, if it was valid and in force then."""
        desk.brought(TEN, rule("Ended", valid_until=START + timedelta(days=2)))
        desk.market.wait(days=1)
        desk.brought(evolve(TEN, rate=flat("12")))
        desk.market.wait(days=1)
        desk.commissions.retire(desk.market.scope, "Ten")

        def rates(**after: int) -> list[object]:
            found = desk.commissions.rules(desk.market.scope, as_of=START + timedelta(**after))
            return [(one.rule.name, one.rule.rate.percentage.text) for one in found]  # type: ignore[union-attr]

        assert rates(hours=1) == [("Ten", "10"), ("Ended", "10")]
        assert rates(days=1) == [("Ten", "12"), ("Ended", "10")]
        assert rates(days=2) == []

    def test_written_down_later(self, desk: Desk) -> None:
        """What was recorded only later counts with what it says about the date."""
        desk.brought(
            rule("Always"),
            rule("Old", valid_from=START - timedelta(days=400), valid_until=START),
            rule("New", valid_from=START),
        )
        assert desk.names(as_of=START - timedelta(days=30)) == ["Always", "Old"]
        assert desk.names(as_of=START) == ["Always", "New"]


class TestExplaining:
    """Why a line was charged what it was."""

    def test_in_words(self, desk: Desk) -> None:
        """The frozen decision in words, by references or by the line's id; later rules change nothing."""
        desk.brought(
            rule("Wide", bounds=bounds(None, "9")),
            rule("Acme", "vendor", "acme", rate=flat("8.5", ("0.30", "unit")), tax="21"),
        )
        order = desk.market.place(order_draft("A/1", line("1", quantity=2, tax="42.00")))
        desk.brought(rule("Loud", "product", "chair", rate="50"))
        told = desk.commissions.explain(desk.market.scope, "A/1/1")
        assert told == desk.commissions.explain(desk.market.scope, order.lines[0].id)
        assert told == desk.commissions.explain(desk.market.scope, str(order.lines[0].id))
        assert told.words == (
            "Order A/1, line 1: 2 x chair at 100.00 EUR, sold 2026-01-05T09:00:00+00:00 by acme",
            "Group default: rule 'Acme', version 1",
            "  base 200.00 EUR: gross 200.00",
            "  percentage: 8.5 % of 200.00 = 17.00",
            "  fixed: 0.30 per unit x 2 = 0.60",
            "  comes to 17.60, tax 3.70",
            "Commission 17.60 EUR, tax on it 3.70.",
            "Lost (wider): 'Wide': Acme is narrower: vendor acme",
            "Bounds of 'Wide': up to 9 % of the base",
        )

    def test_no_rule(self, desk: Desk) -> None:
        """A line without a rule says so, one that was clamped says by what."""
        desk.market.place(order_draft("A"))
        assert "No rule matched: the commission is zero." in desk.commissions.explain(desk.market.scope, "A/1").words
        desk.brought(rule(rate="20", bounds=bounds(None, "5")), rule("Acme", "vendor", "acme"))
        desk.market.place(order_draft("B"))
        assert "  lowered to 5 % by Rule" in desk.commissions.explain(desk.market.scope, "B/1").words

    @pytest.mark.parametrize("name", ["A", "A/2", "B/1", "/", "", "00000000-0000-0000-0000-000000000001"])
    def test_unknown_line(self, desk: Desk, name: str) -> None:
        """A line that was not sold is not found."""
        desk.market.place(order_draft("A"))
        with pytest.raises(NotFound, match="no sold line"):
            desk.commissions.explain(desk.market.scope, name)

    def test_promotion_paid_by_the_platform(self, desk: Desk) -> None:
        """An item of 100 promoted wholly by the platform: 10 commission, 90 for the vendor; by the vendor: nothing."""
        desk.brought(rule("Ten"))
        for reference, party, commission, net in (("P", Party.PLATFORM, "10.00", 9000), ("V", Party.VENDOR, "0.00", 0)):
            promotion = discount("100", funding={party: 1})
            assert desk.commission(reference, discounts=[promotion]) == commission
            assert desk.market.entries(reference)[0].net == net
            assert desk.market.get(reference).total.minor == 0


class TestJudging:
    """Lint and replay."""

    def test_lint(self, desk: Desk) -> None:
        """The lint speaks of rules, of the platform's too, and of sold lines that met no rule."""
        desk.market.place(order_draft("A", line("1"), line("2", vendor="birch", sku="birch-chair")))
        desk.market.wait(days=1)
        desk.market.place(order_draft("B", placed_at=desk.market.clock.now()))
        desk.brought(rule("Lock", bounds=bounds(locked=True)), scope=PLATFORM)
        desk.brought(rule("Acme", "vendor", "acme"))
        findings = desk.commissions.lint(desk.market.scope)
        assert [(one.kind.value, one.rule) for one in findings] == [
            ("unreachable", "Acme"),
            ("no_rule", ""),
            ("no_rule", ""),
        ]
        assert findings[1].detail == "2 sold lines of vendor acme in home/seats met no rule, first A/1"
        recent = desk.commissions.lint(desk.market.scope, since=desk.market.clock.now())
        assert [one.detail for one in recent[1:]] == [
            "1 sold lines of vendor acme in home/seats met no rule, first B/1"
        ]
        assert desk.commissions.lint(PLATFORM) == []

    def test_replay(self, desk: Desk) -> None:
        """Other rules over past orders tell the change, and nothing is written; the platform's rules stay."""
        desk.brought(rule("Ten"))
        desk.brought(rule("Fee", group="fee", rate="1"), scope=PLATFORM)
        desk.market.place(order_draft("A", line("1"), line("2", vendor="birch", sku="birch-chair")))
        report = desk.commissions.replay(desk.market.scope, [rule("Acme", "vendor", "acme", rate="15")])
        assert [(one.name, one.before.text, one.after.text) for one in report.vendors] == [
            ("acme", "11.00", "16.00"),
            ("birch", "11.00", "1.00"),
        ]
        assert desk.names() == ["Ten", "Fee"]
        assert [entry.commission for entry in desk.market.entries("A")] == [1100, 1100]

    def test_same_rules_change_nothing(self, desk: Desk) -> None:
        """The rules that charged the past change nothing in it: volumes, shipping and tax are as they were."""
        rules = (
            rule("Volume", rate=tiered(("150.00", "10"), (None, "20"), basis=Basis.PERIOD, period=VolumePeriod.MONTH)),
            rule("Birch", "vendor", "birch", rate=flat("5", ("1.00", "order")), tax="21"),
            rule(
                "Rolling",
                group="rolling",
                rate=tiered(("90.00", "1"), (None, "2"), basis=Basis.PERIOD, period=VolumePeriod.ROLLING, days=3),
            ),
        )
        desk.brought(*rules)
        for number in range(40):
            chair = line("2", vendor="birch", sku="birch-chair", quantity=number % 3 + 1)
            lines = (line("1", unit_price=f"{7 + number}.10", tax="1.00"), chair)
            desk.market.place(
                order_draft(str(number), *lines, placed_at=desk.market.clock.now(), prices_include_tax=True)
            )
            desk.market.wait(hours=31)
        for since in (None, START + timedelta(days=20)):
            report = desk.commissions.replay(desk.market.scope, rules, since=since)
            assert report.orders == (40 if since is None else 24)
            assert all(one.change.minor == 0 for one in (*report.vendors, *report.categories, *report.totals))
        only = desk.commissions.replay(desk.market.scope, rules, vendor="birch")
        assert [(one.name, one.change.minor) for one in only.vendors] == [("birch", 0)]

    def test_replay_of_drafts(self, desk: Desk) -> None:
        """Without rules the tenant's drafts are taken together with what is in force."""
        desk.brought(rule("Ten"))
        desk.market.place(order_draft("A"))
        desk.brought(rule("Acme", "vendor", "acme", rate="15"), draft=True)
        (total,) = desk.commissions.replay(desk.market.scope).totals
        assert total.change.text == "5.00"

    def test_replay_of_bad_rules(self, desk: Desk) -> None:
        """Mistakes in the rules are told by their place in the list."""
        desk.brought(rule("Platform"), scope=PLATFORM)
        with pytest.raises(Invalid) as invalid:
            desk.commissions.replay(desk.market.scope, [rule(), rule("Sick", rate=tiered())])
        assert [error.path for error in invalid.value.errors] == ["$[1].rate.tiers"]


class TestTransactions:
    """Reports, lists and exports."""

    def test_report(self, desk: Desk) -> None:
        """Sums per vendor and in all per currency; an order of two vendors counts once in all."""
        desk.brought(TEN)
        desk.market.place(order_draft("A", line("1", tax="21.00"), line("2", vendor="birch", sku="birch-chair")))
        desk.market.place(order_draft("B", line("1", discounts=[discount("10", funding={Party.PLATFORM: 1})])))
        report = desk.commissions.report(desk.market.scope)
        assert [(one.vendor, one.orders, one.gross.text, one.commission.text) for one in report.vendors] == [
            ("acme", 2, "200.00", "20.00"),
            ("birch", 1, "100.00", "10.00"),
        ]
        (total,) = report.totals
        assert (total.currency, total.orders) == ("EUR", 2)
        figures = (total.gross, total.discounts, total.funding, total.shipping, total.tax, total.commission)
        assert [money.text for money in figures] == ["300.00", "10.00", "10.00", "0.00", "21.00", "30.00"]
        assert (total.commission_tax.text, total.net.text) == ("6.30", "284.70")
        late = desk.commissions.report(desk.market.scope, EntryFilter(since=START + timedelta(days=1)))
        assert (late.vendors, late.totals) == ((), ())

    def test_filters_and_pages(self, desk: Desk) -> None:
        """Transactions are listed by vendor, order, status and date, page by page."""
        for reference in ("A", "B"):
            desk.market.place(order_draft(reference, line("1"), line("2", vendor="birch", sku="birch-chair")))
        scope, entries = desk.market.scope, desk.commissions.entries
        page = entries(scope, EntryFilter(vendor="birch"), PageRequest(limit=1))
        rest = entries(scope, EntryFilter(vendor="birch"), PageRequest(limit=1, after=page.after))
        assert [(entry.order_reference, entry.vendor) for entry in (*page.items, *rest.items)] == [
            ("A", "birch"),
            ("B", "birch"),
        ]
        assert len(entries(scope, EntryFilter(order="A", status=EntryStatus.PENDING)).items) == 2
        assert len(entries(scope, EntryFilter(status=EntryStatus.PAID)).items) == 0
        assert len(entries(scope).items) == 4

    def test_export(self, desk: Desk) -> None:
        """The export streams every transaction as a row, over any number of pages."""
        desk.brought(TEN, rule("Fee", group="fee", rate=flat("0", ("0.50", "line"))))
        lines = [line(str(number)) for number in range(150)]
        desk.market.place(order_draft("A", *lines))
        desk.market.orders.refund(desk.market.scope, "A")
        rows = list(desk.commissions.export(desk.market.scope))
        assert len(rows) == 300
        assert (rows[0].order, rows[0].line, rows[0].kind, rows[0].rules) == ("A", "0", "sale", "Ten; Fee")
        assert rows[0].commission.text == "10.50"
        assert sum(row.net.minor for row in rows) == 0

    def test_refused_orders_leave_nothing(self, desk: Desk) -> None:
        """An order that a floor policy refuses leaves no transaction."""
        strict = rule("Strict", rate=flat("0", ("200.00", "line")), floor_policy=FloorPolicy.REFUSE)
        desk.brought(strict)
        with pytest.raises(Exception, match="asks for more than the base"):
            desk.market.place(order_draft("A"))
        assert list(desk.commissions.export(desk.market.scope)) == []
