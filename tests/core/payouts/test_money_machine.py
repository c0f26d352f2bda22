"""Everything that can happen to vendors' money, in any order, with deaths in between: the invariants hold throughout."""

from collections import Counter
from contextlib import suppress
from datetime import datetime
from typing import Any

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError, Conflict, Refused
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import JournalId
from cityos_core.kernel.money import Money
from cityos_core.ledger.by_hand import AdjustmentKind
from cityos_core.ledger.model import Account, Posted, Posting
from cityos_core.payouts.model import Payout, PayoutStatus, TransferState
from cityos_core.vendors.model import PayoutAccount
from usecases.treasury import Treasury

VENDORS = ("acme", "birch")
CURRENCIES = ("EUR", "HUF")
amounts = st.integers(1, 50_000)
vendors = st.sampled_from(VENDORS)
currencies = st.sampled_from(CURRENCIES)
picks = st.integers(0, 10**6)


class VendorMoney(RuleBasedStateMachine):
    """Two vendors, two currencies, a scripted provider and a manual method."""

    @initialize()
    def open(self) -> None:
        """Begin with nothing."""
        self.treasury = Treasury.open()
        self.treasury.vendor("acme")
        self.treasury.vendor("birch", method="manual")
        self.entitled: Counter[tuple[str, str]] = Counter()
        self.snapshots: list[tuple[datetime, dict[Account, int]]] = []

    def attempt(self, call: Any) -> None:
        """Do something that rules may refuse; a refusal leaves every balance untouched."""
        before = self.balances()
        try:
            call()
        except CityOSError:
            assert self.balances() == before

    def balances(self, as_of: datetime | None = None) -> dict[Account, int]:
        """Give every balance that is not zero."""
        found = self.treasury.ledger.balances(self.treasury.scope, as_of=as_of)
        return {item.account: item.money.minor for item in found if item.money}

    def payout(self, pick: int, *statuses: PayoutStatus) -> Payout | None:
        """Pick a payout in one of these states."""
        found = [payout for payout in self.treasury.all() if payout.status in statuses]
        return found[pick % len(found)] if found else None

    @rule(vendor=vendors, currency=currencies, amount=amounts)
    def sell(self, vendor: str, currency: str, amount: int) -> None:
        """A sale is released."""
        self.treasury.earn(vendor, Money(amount, currency))
        self.entitled[vendor, currency] += amount

    @rule(vendor=vendors, currency=currencies, amount=amounts)
    def refund(self, vendor: str, currency: str, amount: int) -> None:
        """A refund finds nothing left and becomes debt."""
        self.treasury.earn(vendor, Money(amount, currency), "debt")
        self.entitled[vendor, currency] -= amount

    @rule(vendor=vendors, currency=currencies, amount=amounts)
    def charge(self, vendor: str, currency: str, amount: int) -> None:
        """Somebody charges a fee by hand."""

        def fee() -> None:
            self.treasury.ledger.adjust(
                self.treasury.scope,
                kind=AdjustmentKind.FEE,
                amount=Money(amount, currency),
                debit=f"vendor:{self.treasury.vendors[vendor].id}:available",
                credit="revenue:fees",
                actor="anna",
                reason="late",
            )
            self.entitled[vendor, currency] -= amount

        self.attempt(fee)

    @rule(behaviours=st.lists(st.sampled_from(list(Behaviour)), max_size=3))
    def run(self, behaviours: list[Behaviour]) -> None:
        """A payout run, with a provider in some mood."""
        self.treasury.provider.script(*behaviours)
        self.treasury.payouts.run(self.treasury.scope)

    @rule(behaviours=st.lists(st.sampled_from(list(Behaviour)), max_size=2), position=st.integers(0, 30))
    def die(self, behaviours: list[Behaviour], position: int) -> None:
        """A run that dies somewhere."""
        self.treasury.provider.script(*behaviours)
        count = 0

        def strike(_name: str) -> None:
            nonlocal count
            count += 1
            if count > position:
                raise Crash

        with faults.hooked(strike), suppress(Crash):
            self.treasury.payouts.run(self.treasury.scope)

    @rule()
    def rehearse(self) -> None:
        """A dry run changes nothing."""
        before = self.balances(), self.treasury.all(), self.treasury.provider.sent
        self.treasury.payouts.run(self.treasury.scope, dry_run=True)
        assert (self.balances(), self.treasury.all(), self.treasury.provider.sent) == before

    @rule(vendor=vendors, currency=currencies, amount=amounts)
    def ask(self, vendor: str, currency: str, amount: int) -> None:
        """A vendor asks for a payout."""
        request = self.treasury.payouts.request
        self.attempt(lambda: request(self.treasury.scope, vendor, Money(amount, currency)))

    @rule()
    def process(self) -> None:
        """A worker acts on what is due."""
        self.treasury.payouts.process(self.treasury.scope)

    @rule(minutes=st.sampled_from([1, 16, 60, 1200]))
    def wait(self, minutes: int) -> None:
        """Time passes; what was true stays on record."""
        self.snapshots.append((self.treasury.clock.now(), self.balances()))
        self.treasury.wait(minutes=minutes)

    @rule(pick=picks, state=st.sampled_from([TransferState.PAID, TransferState.FAILED, TransferState.DECLINED]))
    def settle(self, pick: int, state: TransferState) -> None:
        """The provider decides about a transfer it accepted."""
        keys = [key for key, sent in self.treasury.provider.sent.items() if sent.result.state is TransferState.ACCEPTED]
        if keys:
            self.treasury.provider.break_down(keys[pick % len(keys)], state)

    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        """Somebody confirms a manual payout."""
        payout = self.payout(pick, PayoutStatus.IN_TRANSIT)
        if payout is not None and payout.method == "manual":
            self.treasury.payouts.confirm(self.treasury.scope, payout.id, reference="B-1")

    @rule(pick=picks)
    def bring_back(self, pick: int) -> None:
        """The bank returns a payout."""
        payout = self.payout(pick, PayoutStatus.PAID)
        if payout is not None:
            if payout.method == "memory":
                self.treasury.provider.bring_back(payout.attempts[-1].key)
            self.treasury.payouts.returned(self.treasury.scope, payout.id, reason="closed")

    @rule(pick=picks, action=st.sampled_from(["hold", "release", "cancel", "retry", "approve_account", "fail"]))
    def decide(self, pick: int, action: str) -> None:
        """Somebody decides about any payout, whether or not that is allowed."""
        payout = self.payout(pick, *(set(PayoutStatus) - {PayoutStatus.UNKNOWN}))
        if payout is None or (action == "fail" and payout.method == "memory"):
            return
        words = {"reason": "because"} if action in ("hold", "cancel", "fail") else {}
        self.attempt(lambda: getattr(self.treasury.payouts, action)(self.treasury.scope, payout.id, **words))

    @rule(vendor=vendors, account=st.sampled_from(["acct_1", "acct_2"]), verified=st.booleans())
    def move(self, vendor: str, account: str, verified: bool) -> None:
        """A vendor changes its payout account."""
        method = "memory" if vendor == "acme" else "manual"
        new = PayoutAccount(method=method, reference=account, holder=vendor, verified=verified)
        self.treasury.change(vendor, payout_account=new)

    @precondition(lambda self: bool(self.balances()))
    @rule(pick=picks)
    def repeat_a_journal(self, pick: int) -> None:
        """The same journal again is a replay; other content under its key, and a second reversal, are refused."""
        journals = list(self.treasury.ledger.export(self.treasury.scope))
        journal = journals[pick % len(journals)]
        first, *others = journal.postings
        doubled = tuple(Posting(posting.account, posting.amount * 2) for posting in (first, *others))
        with self.treasury.database(self.treasury.scope) as uow:
            assert uow.ledger.post(evolve(journal, id=JournalId(self.treasury.identifiers.new()))) is Posted.REPLAYED
            for tampered in (evolve(journal, postings=doubled), evolve(journal, kind="other")):
                assert _refused(lambda tampered=tampered: uow.ledger.post(tampered)) == "journal_key_reused"

    @invariant()
    def books_are_right(self) -> None:
        """Journals and the ledger sum to zero, stored balances are folds, floors hold, in_payout is what is on its way."""
        if hasattr(self, "treasury"):
            self.treasury.audit()

    @invariant()
    def nobody_gains_or_loses(self) -> None:
        """What a vendor earned, less refunds, fees and what was paid to it, is what its accounts hold."""
        if not hasattr(self, "treasury"):
            return
        paid: Counter[tuple[str, str]] = Counter()
        for payout in self.treasury.all():
            if payout.status is PayoutStatus.PAID:
                paid[payout.vendor, payout.amount.currency] += payout.amount.minor
        for vendor in VENDORS:
            for currency in CURRENCIES:
                states = ("pending", "available", "reserve", "in_payout")
                held = sum(self.treasury.balance(vendor, state, currency).minor for state in states)
                owed = held - self.treasury.balance(vendor, "debt", currency).minor
                assert owed == self.entitled[vendor, currency] - paid[vendor, currency]

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        """The provider paid each payout at most once, and only what the books say is paid or not yet known."""
        if not hasattr(self, "treasury"):
            return
        known = {payout.id: payout for payout in self.treasury.all()}
        payments = Counter(payment.payout_id for payment in self.treasury.provider.payments())
        assert all(count == 1 for count in payments.values())
        may_be_paid = {PayoutStatus.PAID, PayoutStatus.PROCESSING, PayoutStatus.UNKNOWN, PayoutStatus.IN_TRANSIT}
        for payment in self.treasury.provider.payments():
            assert known[payment.payout_id].status in may_be_paid
            assert known[payment.payout_id].amount == payment.amount
        for payout in known.values():
            if payout.status is PayoutStatus.PAID and payout.method == "memory":
                assert payments[payout.id] == 1

    def teardown(self) -> None:
        """Balances as of any moment are still what they were then."""
        for moment, balances in getattr(self, "snapshots", []):
            assert self.balances(moment) == balances


def _refused(call: Any) -> str:
    try:
        call()
    except (Conflict, Refused) as refused:
        return refused.code
    return "ok"


VendorMoney.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestVendorMoney = VendorMoney.TestCase
