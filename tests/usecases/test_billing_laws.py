"""Whatever subscribers, gateways, clocks and workers do: what is billed, charged and booked is one and the same."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cityos_adapters.memory.gateway import Behaviour, Decline, Reaction
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict, NotFound, Refused
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.money import Percentage
from cityos_core.kernel.tiers import Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.attempts import UNSETTLED, DeclineClass, PaymentAttempt
from cityos_core.subscriptions.invoices import InvoiceStatus, LineKind
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, DunningEnd, DunningPolicy
from cityos_core.subscriptions.terms import Discount
from core.subscriptions.samples import VAT, fixed, metered
from usecases.billing import TERMS
from usecases.cashier import Cashier
from usecases.subscribing import CHARGED

REACTIONS: list[Reaction] = [
    Behaviour.APPROVE,
    Behaviour.LOSE_ANSWER,
    Behaviour.LOSE_REQUEST,
    Behaviour.UNAVAILABLE,
    Behaviour.BREAK,
    Decline(),
    Decline(),
    Decline(DeclineClass.HARD, "stolen"),
]
LIMITED = metered(Tier(up_to=Fraction(20), unit=Fraction(1)))
CUTS = [Discount(code="ten", percentage=Percentage.of("10"), cycles=2)]


class Billing(RuleBasedStateMachine):
    """A tenant over some months, with nothing spared it."""

    @initialize(
        policies=st.permutations(list(CatchUp)),
        ends=st.lists(st.sampled_from(DunningEnd), min_size=3, max_size=3),
        place=st.sampled_from(["UTC", "Europe/Paris", "Pacific/Apia", "America/St_Johns"]),
    )
    def open(self, policies: list[CatchUp], ends: list[DunningEnd], place: str) -> None:
        """Sell three plans under different rules."""
        self.cashier = Cashier.open(time_zone=place)
        self.everybody: list[Subscription] = []
        self.used = 0
        words: list[dict[str, Any]] = [
            {"interval": Interval.MONTH},
            {"interval": Interval.WEEK, "trial_days": 3},
            {"interval": Interval.DAY, "count": 5},
        ]
        for number, terms in enumerate(words):
            self.cashier.sell(
                fixed(f"{number + 3}.33"),
                *([LIMITED] if number != 1 else []),
                handle=f"plan-{number}",
                catch_up=policies[number],
                dunning=DunningPolicy(days=(1, 3, 7)[: 3 - number], end=ends[number]),
                **terms,
            )

    @precondition(lambda self: len(self.everybody) < 5)
    @rule(plan=st.integers(0, 2), is_charged=st.booleans(), is_taxed=st.booleans(), cut=st.booleans())
    def join(self, plan: int, is_charged: bool, is_taxed: bool, cut: bool) -> None:
        """Somebody subscribes."""
        terms: dict[str, Any] = {"tax": VAT if is_taxed else None, "discounts": tuple(CUTS if cut else ())}
        collection = CHARGED if is_charged else TERMS
        name = f"c{len(self.everybody)}"
        self.everybody.append(self.cashier.join(name, plan=f"plan-{plan}", collection=collection, **terms))

    @rule(hours=st.sampled_from([1, 5, 24, 30, 24 * 7, 24 * 20, 24 * 70]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.cashier.wait(hours=hours)

    @rule(reactions=st.lists(st.sampled_from(REACTIONS), max_size=4), is_silent=st.booleans())
    def react(self, reactions: list[Reaction], is_silent: bool) -> None:
        """The gateway is in some mood."""
        self.cashier.gateway.script(*reactions)
        self.cashier.gateway.is_silent = is_silent

    @rule(position=st.none() | st.integers(0, 25))
    def run(self, position: int | None) -> None:
        """Billing runs, or dies in the middle of it."""
        self._perhaps(position, self.cashier.run)

    @rule(position=st.none() | st.integers(0, 15))
    def retry(self, position: int | None) -> None:
        """The retries run, or die in the middle of it."""
        self._perhaps(position, self.cashier.retry)

    @rule()
    def rehearse(self) -> None:
        """A dry run tells what the next run does."""
        before = self.cashier.invoices()
        shown = self.cashier.billing.run(self.cashier.scope, dry_run=True).certificate
        assert self.cashier.invoices() == before
        found = self.cashier.run()
        assert (found.due, found.billed, found.invoiced) == (shown.due, shown.billed, shown.invoiced)

    @precondition(lambda self: self.everybody)
    @rule(data=st.data(), action=st.sampled_from(["cancel", "later", "pause", "resume", "undo", "change", "method"]))
    def wish(self, data: st.DataObject, action: str) -> None:
        """Somebody wants something; it is done, or refused with a reason."""
        who = data.draw(st.sampled_from(self.everybody))
        club, plan = self.cashier.club, f"plan-{data.draw(st.integers(0, 2))}"
        when = data.draw(st.sampled_from(["now", "period_end"]))
        acts: dict[str, Callable[[], object]] = {
            "cancel": lambda: club.do("cancel", who, reason="no", at_period_end=False, gives_back=when == "now"),
            "later": lambda: club.do("cancel", who, reason="no", at_period_end=True),
            "pause": lambda: club.do("pause", who),
            "resume": lambda: club.do("resume", who),
            "undo": lambda: club.do("undo", who),
            "change": lambda: club.do("change", who, plan=plan, when=when),
            "method": lambda: club.do("change_method", who, "pm_2"),
        }
        with suppress(Conflict, Refused):
            acts[action]()

    @precondition(lambda self: self.everybody)
    @rule(data=st.data(), quantity=st.integers(1, 15), ago=st.integers(0, 900))
    def use(self, data: st.DataObject, quantity: int, ago: int) -> None:
        """Somebody uses something, and it is reported sooner or later."""
        self.used += 1
        who = data.draw(st.sampled_from(self.everybody))
        used_at = max(self.cashier.now - self.cashier.club.now.resolution * ago * 3_600_000_000, who.created_at)
        with suppress(Conflict, Refused, NotFound):
            self.cashier.club.do("record_usage", who, [(f"k{self.used}", "calls", quantity, used_at)])

    @rule(data=st.data(), action=st.sampled_from(["pay", "mark_paid", "void"]))
    def settle(self, data: st.DataObject, action: str) -> None:
        """Somebody pays, or a person decides about an invoice."""
        owed = [one for one in self.cashier.invoices() if one.due]
        if not owed:
            return
        invoice_id = data.draw(st.sampled_from(owed)).id
        scope, invoicing = self.cashier.scope, self.cashier.invoicing
        acts: dict[str, Callable[[], object]] = {
            "pay": lambda: self.cashier.club.subscriptions.pay(scope, invoice_id),
            "mark_paid": lambda: invoicing.mark_paid(scope, invoice_id, reference="B"),
            "void": lambda: invoicing.void(scope, invoice_id, reason="no"),
        }
        with suppress(Conflict, Refused):
            acts[action]()

    @rule(is_skipped=st.booleans())
    def look(self, is_skipped: bool) -> None:
        """A person looks at what could not be billed, and it is billed."""
        for row in self.cashier.failed():
            use = self.cashier.billing.skip_cycle if is_skipped else self.cashier.billing.retry_cycle
            use(self.cashier.scope, row.subscription_id, row.index)
        self.cashier.run()

    def _perhaps(self, position: int | None, act: Callable[[], object]) -> None:
        """Do something, or die at a fault point on the way."""
        left = iter(range(position)) if position is not None else None

        def strike(_name: str) -> None:
            if left is not None and next(left, None) is None:
                raise Crash

        with faults.hooked(strike), suppress(Crash):
            act()

    @invariant()
    def holds(self) -> None:
        """Books and invoices agree, numbers have no gaps, no period is charged twice, nothing is collected twice."""
        if not self.everybody:
            return
        self.cashier.audit()
        charged: Counter[tuple[Any, ...]] = Counter()
        for invoice in self.cashier.invoices():
            for line in invoice.lines if invoice.status is not InvoiceStatus.VOID else ():
                if line.kind is LineKind.RECURRING:
                    charged[invoice.subscription_id, line.cycle, line.item] += 1
        assert set(charged.values()) <= {1}

    def teardown(self) -> None:
        """When everything has calmed down every outcome is known."""
        if not getattr(self, "everybody", None):
            return
        self.cashier.gateway.is_silent = False
        for _ in range(60):
            if not self.cashier.run().due and not self._open():
                break
            self.cashier.wait(hours=6)
        assert not self._open()
        self.holds()

    def _open(self) -> list[PaymentAttempt]:
        return [one for one in self.cashier.attempts() if one.status in UNSETTLED]


Billing.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestBilling = Billing.TestCase
