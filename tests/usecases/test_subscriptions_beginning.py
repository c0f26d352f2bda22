"""Beginning subscriptions: invoiced and collected at once, or after a trial; once under a key; or a reason why not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cityos_adapters.memory.gateway import Behaviour, Decline, ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.terms import Discount, Subscriber, SubscriberKind, TaxRate
from cityos_core.tenancy.service import StoreUseCases, TenantUseCases
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_period_is_collected_at_once(kind: str, make_database: MakeDatabase) -> None:
    """One who is charged is active when the money has come: a paid invoice, the next cycle laid out, revenue counted."""
    club = Club.open(Office.open(database=make_database(kind), gateways={"card": ScriptedGateway()}))
    club.sell(fixed(), seats())
    begun = club.begin(collection=CHARGED, quantities={"seats": 3}, tax=VAT, payment_method="pm_1")
    assert (begun.status, begun.next_cycle, begun.payment_method) == (S.ACTIVE, 1, "pm_1")
    assert begun == club.get(begun)
    (invoice,) = club.invoices(begun)
    assert (invoice.status, invoice.total.text, invoice.cycle, invoice.number) == (InvoiceStatus.PAID, "72.60", 0, 1)
    paid, coming = club.cycles(begun)
    assert (paid.status.value, paid.invoice_id, paid.starts_at) == ("paid", invoice.id, club.now)
    assert (coming.status.value, coming.due_at) == ("upcoming", begun.due_at) == ("upcoming", paid.ends_at)
    assert [one.revenue.text for one in club.movements()] == ["60.00"]
    assert [one.key for one in club.attempts()] == [f"{begun.id}:0:1"]
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_on_account_it_is_active_before_it_is_paid(kind: str, make_database: MakeDatabase) -> None:
    """One who is invoiced with terms is active at once, and owes."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell()
    begun = club.begin()
    (invoice,) = club.invoices(begun)
    assert (begun.status, invoice.status, invoice.due.text) == (S.ACTIVE, InvoiceStatus.OPEN, "30.00")
    assert invoice.due_at == club.now + timedelta(days=14)
    assert club.states(begun) == ["invoiced", "upcoming"]
    assert not club.attempts()
    club.audit()


@pytest.mark.parametrize(
    ("reaction", "status", "cycle"),
    [
        (Decline(), S.INCOMPLETE, "failed"),
        (Behaviour.LOSE_ANSWER, S.INCOMPLETE, "invoiced"),
        (Behaviour.UNAVAILABLE, S.INCOMPLETE, "invoiced"),
        (Behaviour.APPROVE, S.ACTIVE, "paid"),
    ],
)
def test_without_the_money_it_is_incomplete(reaction: Any, status: S, cycle: str) -> None:
    """Declined or unknown, the first payment leaves it incomplete: nothing falls due, nothing counts as revenue."""
    gateway = ScriptedGateway()
    gateway.script(reaction)
    club = Club.open(Office.open(gateways={"card": gateway}))
    club.sell()
    begun = club.begin(collection=CHARGED)
    assert (begun.status, club.states(begun)) == (status, [cycle, "upcoming"])
    assert (begun.due_at is None, not club.movements()) == (status is S.INCOMPLETE,) * 2
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_costs_nothing_until_it_ends(kind: str, make_database: MakeDatabase) -> None:
    """On trial nothing is invoiced; the first cycle is laid out for the day the trial ends. An agreed trial goes first."""
    club = Club.open(Office.open(database=make_database(kind), gateways={"card": ScriptedGateway()}))
    club.sell(trial_days=14)
    begun = club.begin(collection=CHARGED)
    assert (begun.status, begun.trial_ends_at, club.invoices()) == (S.TRIALING, club.now + timedelta(days=14), [])
    (first,) = club.cycles(begun)
    assert (first.index, first.due_at, first.status.value) == (0, begun.trial_ends_at, "upcoming")
    longer = club.begin(collection=CHARGED, trial_days=30)
    assert longer.trial_ends_at == club.now + timedelta(days=30)
    assert club.begin(collection=CHARGED, trial_days=0).status is S.ACTIVE
    club.audit()


def test_what_is_free_needs_no_payment() -> None:
    """A period that costs nothing is invoiced and paid at once, without asking the gateway."""
    gateway = ScriptedGateway()
    club = Club.open(Office.open(gateways={"card": gateway}))
    club.sell(metered(), handle="by-use")
    begun = club.begin("by-use", collection=CHARGED)
    (invoice,) = club.invoices(begun)
    assert (begun.status, invoice.status, invoice.lines, gateway.calls) == (S.ACTIVE, InvoiceStatus.PAID, (), 0)
    assert club.states(begun) == ["paid", "upcoming"]
    club.audit()


def test_credit_pays_first() -> None:
    """What Ada has in credit pays for her next subscription before she is charged."""
    gateway = ScriptedGateway()
    club = Club.open(Office.open(gateways={"card": gateway}))
    club.sell(fixed("28.00"))
    first = club.begin(collection=CHARGED)
    club.do("cancel", first, "moving", at_period_end=False, gives_back=True)
    second = club.begin(collection=CHARGED)
    assert [(one.from_credit, one.status) for one in club.invoices(second)] == [(2800, InvoiceStatus.PAID)]
    assert (second.status, gateway.calls) == (S.ACTIVE, 1)
    assert club.office.holds("customer:ada:credit") == "0.00"
    third = club.begin(collection=CHARGED)
    assert (third.status, gateway.calls) == (S.ACTIVE, 2)
    club.audit()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_begins_once(kind: str, make_database: MakeDatabase) -> None:
    """Beginning again under a key gives the subscription that stands, whatever became of the plan; others use their own."""
    gateway = ScriptedGateway()
    club = Club.open(Office.open(database=make_database(kind), gateways={"card": gateway}))
    club.sell()
    begun = club.begin(collection=CHARGED, key="signup-1")
    club.plans.retire(club.scope, "basic")
    assert club.begin(collection=CHARGED, key="signup-1") == begun
    assert (gateway.calls, len(club.invoices())) == (1, 1)
    others: list[dict[str, Any]] = [{"subscriber": Subscriber(SubscriberKind.CUSTOMER, "bob")}, {"tax": VAT}]
    for other in others:
        with pytest.raises(Conflict) as error:
            club.begin(collection=CHARGED, key="signup-1", **other)
        assert error.value.code == "key_reused"


@pytest.mark.parametrize("kind", KINDS)
def test_it_may_belong_to_a_store(kind: str, make_database: MakeDatabase) -> None:
    """A subscription can be a store's, by handle or by id; an unknown one is refused."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell()
    store = StoreUseCases.of(club.office.dependencies).create(club.scope, "shop", name="Shop")
    assert club.begin(store="shop").store_id == club.begin(store=store.id).store_id == store.id
    with pytest.raises(NotFound) as error:
        club.begin(store="elsewhere")
    assert error.value.code == "store_not_found"


def _refusal(club: Club, **terms: Any) -> CityOSError:
    with pytest.raises(CityOSError) as error:
        club.begin(**terms)
    assert not club.subscriptions.list(club.scope).items
    assert not club.invoices()
    return error.value


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"plan": "no-such"}, "plan_not_found"),
        ({"quantities": {"desks": 1}}, "no_such_item"),
        ({"quantities": {"base": 1}}, "not_per_seat"),
        ({"quantities": {"seats": -1}}, "quantity"),
        ({"trial_days": 731}, "trial_too_long"),
        ({"payment_method": " "}, "payment_method"),
        ({"discounts": (Discount(code="d", amount=Money.of("1.00", "USD")),)}, "currency_mismatch"),
        ({"discounts": (Discount(code=" ", amount=Money.of("1.00", "EUR")),)}, "discount_code"),
        ({"discounts": (Discount(code="d", percentage=Percentage.of("5")),) * 2}, "discount_given"),
        (
            {"discounts": tuple(Discount(code=f"d{n}", percentage=Percentage.of("1")) for n in range(21))},
            "too_many_discounts",
        ),
    ],
)
def test_what_cannot_begin_leaves_no_trace(terms: dict[str, Any], code: str) -> None:
    """A mistake in the agreement is named, and nothing is stored or numbered."""
    club = Club.open()
    club.sell(fixed(), seats())
    assert _refusal(club, **terms).code == code
    assert club.invoices(club.begin())[0].number == 1


def test_a_charge_needs_a_gateway() -> None:
    """Without the gateway that the settings name nobody is charged, on trial or not; the refusal says what to do."""
    club = Club.open(Office.open(gateways={"sepa": ScriptedGateway(name="sepa")}))
    club.sell()
    for days in (0, 14):
        refused = _refusal(club, collection=CHARGED, trial_days=days)
        assert (refused.code, "'card'" in refused.detail, "sepa" in refused.detail) == ("no_gateway", True, True)
    club.office.settings.set(club.scope, "billing_gateway", "sepa")
    assert club.begin(collection=CHARGED).status is S.ACTIVE
    assert [one.gateway for one in club.attempts()] == ["sepa"]


def test_a_suspended_tenant_takes_no_subscriptions() -> None:
    """Who is suspended sells nothing."""
    club = Club.open()
    club.sell()
    TenantUseCases.of(club.office.dependencies).suspend("north", reason="unpaid")
    assert _refusal(club).code == "tenant_not_active"


@pytest.mark.parametrize("reference", ["", " ", "a:credit", "a:b:receivable", "ада", "a\n", "x" * 201, "-a"])
def test_nobody_is_called_like_an_account(reference: str) -> None:
    """A reference is a part of the names of accounts: no colon, nothing that reads like another one."""
    with pytest.raises(Invalid) as error:
        Subscriber(SubscriberKind.CUSTOMER, reference)
    assert error.value.code == "reference"
    with pytest.raises(Invalid) as error:
        TaxRate(percentage=Percentage.of("5"), jurisdiction=f"{reference}:")
    assert error.value.code == "jurisdiction"


def test_a_company_and_a_customer_of_one_name_are_two() -> None:
    """What one owes or has in credit is not the other's."""
    club = Club.open()
    club.sell()
    club.begin()
    club.begin(subscriber=Subscriber(SubscriberKind.COMPANY, "ada"))
    assert club.office.holds("customer:ada:receivable") == club.office.holds("company:ada:receivable") == "30.00"
    club.audit()


def test_it_lives_by_the_tenants_clock() -> None:
    """Periods are those of the tenant's time zone: an evening in UTC may be the next day already."""
    club = Club.open(Office.open(time_zone="Asia/Tokyo"))
    club.office.clock.set(datetime(2026, 1, 30, 20, 0, tzinfo=UTC))
    club.sell()
    begun = club.begin()
    assert (begun.anchor.zone, begun.anchor.local.day) == ("Asia/Tokyo", 31)
    assert begun.due_at == datetime(2026, 2, 27, 20, 0, tzinfo=UTC)


def test_it_begins_in_the_second_hour_of_a_fold() -> None:
    """Where the clock shows an hour twice, a period begins when it does, and not an hour ago."""
    club = Club.open(Office.open(time_zone="Europe/Paris"))
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    club.office.clock.set(second)
    club.sell()
    assert club.cycles(club.begin())[0].starts_at == second
    trial = club.begin(trial_days=1)
    club.wait(minutes=10)
    assert club.cycles(club.do("convert", trial))[0].starts_at == club.now


@pytest.mark.parametrize("kind", KINDS)
def test_subscriptions_are_listed(kind: str, make_database: MakeDatabase) -> None:
    """Subscriptions are listed oldest first, by state, subscriber and plan, page by page."""
    club = Club.open(Office.open(database=make_database(kind)))
    club.sell()
    team = club.sell(handle="team", trial_days=3)
    begun = [club.begin(plan) for plan in ("basic", "team", "basic")]
    first = club.subscriptions.list(club.scope, None, PageRequest(2))
    rest = club.subscriptions.list(club.scope, None, PageRequest(2, first.after))
    assert [*first.items, *rest.items] == begun

    def listed(**where: Any) -> list[Any]:
        return list(club.subscriptions.list(club.scope, SubscriptionFilter(**where)).items)

    assert listed(plan=team.id) == listed(status=S.TRIALING) == begun[1:2]
    assert (len(listed(subscriber="ada")), listed(subscriber="bob")) == (3, [])
    for act in (club.subscriptions.get, club.subscriptions.cycles):
        with pytest.raises(NotFound) as error:
            act(club.scope, SubscriptionId(team.id))
        assert error.value.code == "subscription_not_found"


def test_events_tell_what_begins() -> None:
    """Beginning tells of the subscription and of its invoice, and of the payment when it comes."""
    club = Club.open(Office.open(gateways={"card": ScriptedGateway()}))
    club.sell()
    club.begin(collection=CHARGED)
    told = [event.name for event in club.happened("subscription.", "invoice.")]
    assert told == ["invoice.open", "subscription.incomplete", "invoice.paid", "subscription.active"]
    with pytest.raises(Refused):
        club.begin(trial_days=9999)
    assert len(club.happened("subscription.", "invoice.")) == len(told)
