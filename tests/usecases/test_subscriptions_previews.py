"""Previews: what is shown is what is invoiced, or a refusal; a token is good once, for a while, for one thing."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.kernel.errors import CityOSError, Conflict, Refused
from cityos_core.kernel.money import Percentage
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.desk import Preview
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.terms import Discount
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
from cityos_core.unit_of_work import UnitOfWorkFactory
from core.subscriptions.samples import VAT, fixed, metered, seats
from usecases.billing import Office
from usecases.subscribing import CHARGED, KINDS, Club
from usecases.wishing import fulfil, shown

MakeDatabase = Callable[[str], UnitOfWorkFactory]
S = SubscriptionStatus


def opened(kind: str = "memory", make_database: MakeDatabase | None = None) -> Club:
    """Sell plans by the month, one of them by the seat and by use, and one by the year."""
    database = make_database(kind) if make_database else None
    club = Club.open(Office.open(database=database, gateways={"card": ScriptedGateway()}))
    club.sell(fixed("31.00"), seats("3.10"), metered())
    club.sell(fixed("62.00"), handle="plus")
    club.sell(fixed("310.00"), handle="yearly", interval=Interval.YEAR)
    return club


def running(club: Club) -> Subscription:
    """Begin a subscription, use something, and let ten days pass."""
    begun = club.begin(collection=CHARGED, quantities={"seats": 3}, tax=VAT)
    club.wait(days=10)
    club.subscriptions.record_usage(club.scope, begun.id, [("r1", "calls", "4.5", club.now)])
    return begun


def paused(club: Club) -> Subscription:
    """Begin a subscription, pause it, and let the period pass."""
    begun = club.do("pause", running(club))
    club.wait(days=40)
    return begun


def trying(club: Club) -> Subscription:
    """Begin a trial."""
    return club.begin(collection=CHARGED, trial_days=30, discounts=(HALF,))


def leaving(club: Club) -> Subscription:
    """Begin a subscription that ends with its period."""
    return club.do("cancel", running(club), "moving", at_period_end=True)


HALF = Discount(code="half", percentage=Percentage.of("50"), cycles=1)
WISHES: dict[str, tuple[Callable[[Club], Subscription], Wish]] = {
    "an upgrade": (running, ChangePlan(plan="plus")),
    "a quantity": (running, ChangePlan(quantities={"seats": 7})),
    "a downgrade": (running, ChangePlan(quantities={"seats": 0})),
    "another interval": (running, ChangePlan(plan="yearly")),
    "a change later": (running, ChangePlan(plan="plus", when=When.PERIOD_END)),
    "a pause": (running, Pause()),
    "a resumption": (paused, Resume()),
    "an end now": (running, CancelNow(reason="moving")),
    "an end that gives back": (running, CancelNow(reason="moving", gives_back=True)),
    "an end later": (running, CancelLater(reason="moving")),
    "an end of a pause": (paused, CancelNow(reason="moving", gives_back=True)),
    "an undoing": (leaving, Undo()),
    "a conversion": (trying, Convert()),
    "a longer trial": (trying, ChangeTrial(datetime.fromisoformat("2026-03-01T00:00:00Z"))),
    "a change on trial": (trying, ChangePlan(plan="yearly")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("begin", "wish"), WISHES.values(), ids=WISHES)
def test_what_is_shown_is_what_is_invoiced(
    kind: str, begin: Callable[[Club], Subscription], wish: Wish, make_database: MakeDatabase
) -> None:
    """A preview stores nothing; committed half an hour later it yields the lines, taxes, credit and total it showed."""
    club = opened(kind, make_database)
    subscription = begin(club)
    before, invoices = club.get(subscription), club.invoices()
    preview = club.preview(subscription, wish)
    assert (club.get(subscription), club.invoices()) == (before, invoices)
    assert preview.invoice is None or preview.invoice.number is None
    club.wait(minutes=30)
    assert preview.expires_at == club.now
    done = fulfil(club, subscription, wish, preview.token)
    assert done == evolve(preview.subscription, version=done.version)
    issued = [one for one in club.invoices() if one not in invoices and one.id not in {old.id for old in invoices}]
    assert [shown(one) for one in issued] == ([] if preview.invoice is None else [shown(preview.invoice)])
    club.audit()


def test_it_is_reckoned_as_of_then() -> None:
    """Shown before midnight and committed after it, a change is charged from the day it was shown on."""
    club = opened()
    begun = club.begin()
    club.wait(days=10, hours=14, minutes=50)
    preview = club.preview(begun, Pause())
    club.wait(minutes=20)
    assert preview.invoice is not None
    assert club.preview(begun, Pause()).invoice != preview.invoice
    paused_at = preview.subscription.paused_at
    assert club.do("pause", begun, token=preview.token).paused_at == paused_at
    assert club.invoices()[-1].lines == preview.invoice.lines
    assert club.invoices()[-1].issued_at == club.now
    club.audit()


def refusal(club: Club, subscription: Subscription, wish: Wish, preview: Preview) -> str:
    """Commit what is not to be committed, and check that nothing came of it."""
    before, invoices = club.get(subscription), club.invoices()
    with pytest.raises(CityOSError) as error:
        fulfil(club, subscription, wish, preview.token)
    assert (club.get(subscription), club.invoices()) == (before, invoices)
    club.audit()
    return error.value.code


def test_a_token_is_good_once() -> None:
    """What was committed cannot be committed again."""
    club = opened()
    begun = running(club)
    wish = ChangePlan(quantities={"seats": 9})
    preview = club.preview(begun, wish)
    fulfil(club, begun, wish, preview.token)
    assert refusal(club, begun, wish, preview) == "preview_outdated"


def test_a_token_expires() -> None:
    """After half an hour a preview is too old; one from the future was given by another clock."""
    club = opened()
    begun = running(club)
    preview = club.preview(begun, Pause())
    club.wait(minutes=30, microseconds=1)
    assert refusal(club, begun, Pause(), preview) == "preview_expired"
    club.office.clock.advance(timedelta(days=-1))
    assert refusal(club, begun, Pause(), preview) == "preview_expired"


CHANGED: dict[str, Callable[[Club, Subscription], object]] = {
    "another wish was fulfilled": lambda club, begun: club.do("change", begun, quantities={"seats": 5}),
    "it was paused and resumed": lambda club, begun: club.do("resume", club.do("pause", begun)),
    "something was used": lambda club, begun: club.subscriptions.record_usage(
        club.scope, begun.id, [("r2", "calls", 1, club.now - timedelta(seconds=1))]
    ),
    "a discount was given": lambda club, begun: club.do("add_discount", begun, HALF),
    "another payment method was given": lambda club, begun: club.do("change_method", begun, "pm_2"),
    "another entity invoices": lambda club, _: club.office.settings.set(club.scope, "legal_entity", "north-bv"),
}


@pytest.mark.parametrize("happen", CHANGED.values(), ids=CHANGED)
def test_what_it_rests_on_must_not_change(happen: Callable[[Club, Subscription], object]) -> None:
    """Whatever would make the invoice another one makes the preview outdated."""
    club = opened()
    begun = running(club)
    wish = ChangePlan(plan="yearly")
    preview = club.preview(begun, wish)
    happen(club, begun)
    assert refusal(club, begun, wish, preview) == "preview_outdated"
    fulfil(club, begun, wish, club.preview(begun, wish).token)


def test_credit_that_is_gone_must_not_have_been_shown() -> None:
    """If what was to be paid from credit was spent on something else, the preview is outdated, and nobody is charged."""
    club = opened()
    first, second = club.begin("plus", collection=CHARGED), club.begin("plus", collection=CHARGED)
    club.wait(days=1)
    club.do("cancel", first, "moving", at_period_end=False, gives_back=True)
    wish = ChangePlan(plan="yearly")
    preview = club.preview(second, wish)
    assert preview.invoice is not None
    assert (preview.invoice.from_credit, preview.invoice.due.text) == (6000, "190.00")
    club.begin("plus", collection=CHARGED)
    assert refusal(club, second, wish, preview) == "preview_outdated"


def test_a_token_is_for_one_wish_of_one_subscription() -> None:
    """The token of one thing does not commit another."""
    club = opened()
    begun, other = running(club), club.begin()
    preview = club.preview(begun, ChangePlan(quantities={"seats": 9}))
    assert refusal(club, begun, ChangePlan(quantities={"seats": 10}), preview) == "preview_outdated"
    assert refusal(club, begun, Pause(), preview) == "preview_outdated"
    assert refusal(club, other, ChangePlan(quantities={"seats": 9}), preview) == "preview_outdated"
    assert refusal(club, begun, ChangePlan(plan="no-such"), preview) == "plan_not_found"
    tampered = evolve(preview, token=preview.token[:-1] + ("0" if preview.token[-1] != "0" else "1"))
    assert refusal(club, begun, ChangePlan(quantities={"seats": 9}), tampered) == "preview_outdated"
    for nonsense in ("", "-", "zz-" + "0" * 64, "-5-" + "0" * 64, "f" * 40 + "-" + "0" * 64):
        wrong = evolve(preview, token=nonsense)
        assert refusal(club, begun, Pause(), wrong) in ("preview_token", "preview_expired")


def test_a_cycle_that_fell_due_goes_first() -> None:
    """Previewed before the period ended and committed after it, a change waits for the bill, and is then outdated."""
    club = opened()
    begun = club.begin("plus")
    club.wait(days=31, minutes=-10)
    preview = club.preview(begun, ChangePlan(plan="yearly"))
    club.wait(minutes=20)
    assert refusal(club, begun, ChangePlan(plan="yearly"), preview) == "cycle_due"
    club.office.bill(begun.id)
    assert refusal(club, begun, ChangePlan(plan="yearly"), preview) == "preview_outdated"


def test_a_preview_is_refused_like_the_thing_itself() -> None:
    """What cannot be done cannot be previewed, for the same reason."""
    club = opened()
    begun = running(club)
    for wish, kind, code in (
        (Resume(), Conflict, "invalid_state"),
        (Undo(), Refused, "nothing_to_undo"),
        (ChangePlan(quantities={"calls": 1}), CityOSError, "not_per_seat"),
    ):
        with pytest.raises(kind) as error:
            club.preview(begun, wish)
        assert error.value.code == code
    club.plans.retire(club.scope, "plus")
    with pytest.raises(Refused) as retired:
        club.preview(begun, ChangePlan(plan="plus"))
    assert retired.value.code == "plan_retired"


def test_what_is_shown_of_a_trial() -> None:
    """The conversion of a discounted trial shows the first period as it would be charged, and the subscription active."""
    club = opened()
    preview = club.preview(trying(club), Convert())
    assert preview.invoice is not None
    assert [(line.gross, line.discount, line.net) for line in preview.invoice.lines] == [
        (3100, 1550, 1550), (310, 155, 155),
    ]  # fmt: skip
    assert (preview.invoice.due.text, preview.subscription.status) == ("17.05", S.ACTIVE)
