"""Whatever is done to subscriptions, in whatever order: nothing is given back that was not charged, and the books agree."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cityos_adapters.memory.gateway import Behaviour, Decline, Reaction, ScriptedGateway
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoice_service import InvoiceUseCases
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp, LateUsage
from cityos_core.subscriptions.terms import Discount, TaxRate
from cityos_core.subscriptions.wishes import (
    CancelLater,
    CancelNow,
    ChangePlan,
    ChangeTrial,
    Convert,
    Pause,
    Resume,
    Undo,
    When,
    Wish,
)
from cityos_core.testing.clock import START
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import TERMS, Office
from usecases.subscribing import CHARGED, Club
from usecases.wishing import fulfil, shown

HANDLES = ("daily", "exact", "yearly", "weekly")
INCLUDED = TaxRate(percentage=Percentage.of("7"), jurisdiction="nl", included=True)
TAXES = st.sampled_from([None, VAT, INCLUDED])
DISCOUNTS = st.one_of(
    st.builds(
        Discount,
        code=st.sampled_from(["a", "b"]),
        percentage=st.sampled_from([Percentage.of("12.5"), Percentage.of("100")]),
        cycles=st.sampled_from([None, 1, 3]),
    ),
    st.builds(
        Discount,
        code=st.just("c"),
        amount=st.integers(0, 9999).map(lambda minor: Money(minor, "EUR")),
        cycles=st.sampled_from([None, 2]),
    ),
)
QUANTITIES = st.none() | st.dictionaries(st.just("seats"), st.integers(0, 30))
REACTIONS: list[Reaction] = [
    Decline(), Decline(DeclineClass.HARD), Behaviour.LOSE_ANSWER, Behaviour.LOSE_REQUEST, Behaviour.UNAVAILABLE,
]  # fmt: skip
WISHES: st.SearchStrategy[Wish] = st.one_of(
    st.builds(ChangePlan, plan=st.sampled_from(HANDLES), quantities=QUANTITIES, when=st.sampled_from(When)),
    st.builds(ChangePlan, plan=st.just("daily"), quantities=QUANTITIES, when=st.just(When.NOW)),
    st.builds(Pause),
    st.builds(Resume),
    st.builds(Resume),
    st.builds(Undo),
    st.builds(Convert),
    st.builds(CancelLater, reason=st.just("moving")),
    st.builds(ChangeTrial, st.integers(1, 60).map(lambda days: START + timedelta(days=days))),
)


class Subscribing(RuleBasedStateMachine):
    """Some subscriptions of Ada's, changed, paused, billed, declined, paid and corrected at random."""

    @initialize()
    def open(self) -> None:
        """Sell some plans that differ in everything."""
        self.gateway = ScriptedGateway()
        self.club = club = Club.open(Office.open(gateways={"card": self.gateway}, time_zone="Europe/Paris"))
        self.billing = BillingUseCases.of(club.office.dependencies)
        self.corrections = InvoiceUseCases.of(club.office.dependencies)
        self.subscriptions: list[Subscription] = []
        self.reports = 0
        club.sell(fixed("33.33"), seats("7.77"), handle="daily")
        club.sell(fixed("19.99"), metered(), handle="exact", proration=Resolution.SECOND, trial_days=5)
        club.sell(fixed("365.00"), seats("77.77"), handle="yearly", interval=Interval.YEAR)
        club.sell(
            fixed("9.99"), seats("1.11"), metered(), handle="weekly", interval=Interval.WEEK, count=2,
            catch_up=CatchUp.MERGE, late_usage=LateUsage.CURRENT,
        )  # fmt: skip
        for plan, tax in (("daily", VAT), ("exact", INCLUDED)):
            self.begin(plan, 3, tax, None, is_charged=True)

    @precondition(lambda self: len(self.subscriptions) < 4)
    @rule(
        plan=st.sampled_from(HANDLES),
        number=st.integers(0, 9),
        tax=TAXES,
        discount=st.none() | DISCOUNTS,
        is_charged=st.booleans(),
    )
    def begin(
        self, plan: str, number: int, tax: TaxRate | None, discount: Discount | None, *, is_charged: bool
    ) -> None:
        """Subscribe to a plan."""
        quantities = {} if plan == "exact" else {"seats": number}
        discounts = () if discount is None else (discount,)
        collection = CHARGED if is_charged else TERMS
        begun = self.club.begin(plan, quantities=quantities, tax=tax, discounts=discounts, collection=collection)
        self.subscriptions.append(begun)

    @rule(hours=st.integers(1, 24 * 12), bills=st.booleans())
    def wait(self, hours: int, bills: bool) -> None:
        """Let time pass, sometimes over several periods."""
        self.club.wait(hours=hours)
        if bills:
            self.bill()

    @rule()
    def bill(self) -> None:
        """Run billing; its certificate ties."""
        run = self.billing.run(self.club.scope)
        assert run.certificate.ties, run.certificate.differences

    @rule()
    def recognise(self) -> None:
        """Book what was earned."""
        self.billing.recognise(self.club.scope)

    @rule(reaction=st.sampled_from(REACTIONS))
    def decline(self, reaction: Reaction) -> None:
        """Let the next charge fail."""
        self.gateway.script(reaction)

    @rule(data=st.data(), wishes=st.lists(WISHES, min_size=1, max_size=5), hours=st.integers(0, 24 * 9))
    def wish(self, data: st.DataObject, wishes: list[Wish], hours: int) -> None:
        """Do some things after each other; what is refused changes nothing."""
        subscription = self._one(data)
        for wish in wishes:
            self._attempt(subscription, wish, None)
            self.club.audit()
            self.club.wait(hours=hours)
            self.bill()

    @rule(data=st.data(), wish=WISHES, minutes=st.integers(0, 35), bills=st.booleans())
    def preview(self, data: st.DataObject, wish: Wish, minutes: int, bills: bool) -> None:
        """Do what was previewed a while ago: it comes to what was shown, or is refused."""
        subscription, club = self._one(data), self.club
        try:
            preview = club.preview(subscription, wish)
        except (Conflict, Refused, Invalid, NotFound):
            return
        club.wait(minutes=minutes)
        if bills:
            self.bill()
        known = {one.id for one in club.invoices()}
        if self._attempt(subscription, wish, preview.token):
            issued = [one for one in club.invoices() if one.id not in known]
            assert [shown(one) for one in issued] == ([] if preview.invoice is None else [shown(preview.invoice)])

    @rule(data=st.data(), pauses=st.integers(1, 4), hours=st.integers(1, 24 * 20))
    def interrupt(self, data: st.DataObject, pauses: int, hours: int) -> None:
        """Pause and resume some times."""
        subscription = self._one(data)
        for _ in range(pauses):
            for wish in (Pause(), Resume()):
                self._attempt(subscription, wish, None)
                self.club.audit()
                self.club.wait(hours=hours)
                self.bill()

    @precondition(lambda self: len(self.subscriptions) > 3)
    @rule(gives_back=st.booleans())
    def end(self, gives_back: bool) -> None:
        """Cancel one now, and forget it."""
        if self._attempt(self.subscriptions[0], CancelNow(reason="moving", gives_back=gives_back), None):
            self.subscriptions.pop(0)

    @rule(data=st.data(), discount=DISCOUNTS)
    def discount(self, data: st.DataObject, discount: Discount) -> None:
        """Give a discount."""
        self._do(lambda: self.club.do("add_discount", self._one(data), discount))

    @rule(data=st.data(), hours=st.integers(0, 24 * 40), quantity=st.fractions(0, 30, max_denominator=7))
    def use(self, data: st.DataObject, hours: int, quantity: Any) -> None:
        """Report usage, perhaps late."""
        subscription, self.reports = self._one(data), self.reports + 1
        report = (f"r{self.reports}", "calls", quantity, self.club.now - timedelta(hours=hours))
        self._do(lambda: self.club.subscriptions.record_usage(self.club.scope, subscription.id, [report]))

    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        """Pay an open invoice."""
        waiting = [one for one in self.club.invoices() if one.status is InvoiceStatus.OPEN]
        if waiting:
            invoice = data.draw(st.sampled_from(waiting))
            self._do(lambda: self.club.subscriptions.pay(self.club.scope, invoice.id))

    @rule(data=st.data(), number=st.integers(0, 3), amount=st.integers(1, 5000))
    def correct(self, data: st.DataObject, number: int, amount: int) -> None:
        """Give some of a line back by a credit note."""
        issued = self.club.invoices()
        if issued:
            invoice = data.draw(st.sampled_from(issued))
            corrections = [Correction(line=number, amount=Money(amount, "EUR"))]
            scope = self.club.scope
            self._do(lambda: self.corrections.credit(scope, invoice.id, corrections, reason="goodwill"))

    @rule(data=st.data(), action=st.sampled_from(["void", "write_off"]))
    def withdraw(self, data: st.DataObject, action: str) -> None:
        """Void an invoice, or write it off."""
        waiting = [one for one in self.club.invoices() if one.status is not InvoiceStatus.PAID]
        if waiting:
            invoice = data.draw(st.sampled_from(waiting))
            self._do(lambda: getattr(self.corrections, action)(self.club.scope, invoice.id, reason="a mistake"))

    @invariant()
    def holds(self) -> None:
        """Lines, taxes, discounts and credits sum to the invoices, these to the books, and the cycles follow each other."""
        if hasattr(self, "club"):
            self.club.audit()

    def teardown(self) -> None:
        """Canceled and long over, everything that was charged is earned: nothing stays deferred."""
        if not hasattr(self, "club"):
            return
        self.club.wait(days=800)
        for _ in range(3):  # what was paid after all has cycles that fell due meanwhile
            self.bill()
        for subscription in self.subscriptions:
            if self.club.get(subscription).status not in OVER:
                self.club.do("cancel", subscription, "over", at_period_end=False)
        self.club.wait(days=800)
        self.bill()
        self.billing.recognise(self.club.scope)
        self.club.audit()
        assert self.club.office.holds("deferred:subscription") == "0.00"

    def _one(self, data: st.DataObject) -> Subscription:
        chosen: Subscription = data.draw(st.sampled_from(self.subscriptions))
        return chosen

    def _attempt(self, subscription: Subscription, wish: Wish, token: str | None) -> bool:
        before, invoices = self.club.get(subscription), self.club.invoices()
        try:
            fulfil(self.club, subscription, wish, token)
        except (Conflict, Refused, Invalid, NotFound):
            assert (self.club.get(subscription), self.club.invoices()) == (before, invoices)
            return False
        return True

    def _do(self, act: Any) -> None:
        with suppress(Conflict, Refused, Invalid, NotFound):
            act()


TestSubscribing = Subscribing.TestCase
TestSubscribing.settings = settings(max_examples=25, stateful_step_count=25)
