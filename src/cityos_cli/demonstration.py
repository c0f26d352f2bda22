"""What a demonstration prints: who earned what, why, how it was paid out, who subscribes, and that the books are right."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from cityos_cli.output import Format, Output
from cityos_cli.subscribed import GATEWAY, Section, paid_by_subscribers, subscribed
from cityos_core.app import CityOS
from cityos_core.commissions.explaining import Explanation
from cityos_core.commissions.ports import EntryFilter
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import LARGEST_PAGE, every
from cityos_core.kernel.rendering import Record
from cityos_core.payouts.model import Payout, PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.subscriptions.journals import REVENUE, WRITE_OFF
from cityos_core.testing.simulation.building import Quarter
from cityos_core.testing.simulation.demonstration import Demonstration
from cityos_core.testing.simulation.offers import vat

TROUBLED: Final = (PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.UNKNOWN)

Rows = Callable[[CityOS, Quarter], Iterator[Record]]
"""What is to be said about one tenant."""

SHOWN_BATCHES: Final = 3
SHOWN_TROUBLES: Final = 2
"""How many are shown of each tenant, and of those of each kind of trouble."""

_PARTIES: Final = ("tenant", "party", "currency", "amount")
_VENDORS: Final = ("tenant", "vendor", "currency", "orders", "gross", "commission", "net")
_BATCHES: Final = ("tenant", "batch", "made_at", "payouts", "paid", "failed", "returned", "currency", "amount")
_TROUBLES: Final = ("tenant", "payout", "vendor", "amount", "currency", "status", "attempts", "reason")
_CHECKS: Final = ("tenant", "accounts", "differences", "ledger")


def show(output: Output, app: CityOS, city: Demonstration) -> str:
    """Print the story of a city, one document in JSON or one table after another; give the line that it explained."""
    explained = _most_to_tell(app, city.quarters[0])
    sections: list[Section] = [
        ("What each party earned", _PARTIES, _all(app, city, _parties)),
        ("What each vendor earned", _VENDORS, _all(app, city, _vendors)),
        ("Why one commission was what it was", ("why",), [{"why": line} for line in explained.words]),
        ("The last payout batches", _BATCHES, _all(app, city, _batches)),
        ("Payouts that did not arrive", _TROUBLES, _all(app, city, _troubles)),
        *subscribed(app, city),
        ("The ledger, recomputed from every posting", _CHECKS, _all(app, city, _checks)),
    ]
    if output.format in (Format.JSON, Format.JSONL):
        document = {title.lower().replace(",", "").replace(" ", "_"): rows for title, _, rows in sections}
        output.record({"happened": city.happened, **document})
    else:
        for title, columns, rows in sections:
            output.heading(title)
            output.rows(columns, rows)
    return f"{explained.entry.order_reference}/{explained.entry.line_reference}"


def _all(app: CityOS, city: Demonstration, of_quarter: Rows) -> list[Record]:
    return [{"tenant": quarter.plan.handle, **row} for quarter in city.quarters for row in of_quarter(app, quarter)]


def _parties(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    """Say what buyers paid and where it went; the parts sum to the whole. What subscribers paid is not among it."""
    scope = quarter.tenant.scope
    held = {one.account.path: one.money for one in app.ledger.balances(scope)}
    for path in (REVENUE, WRITE_OFF, f"tax:{vat(quarter, included=False).jurisdiction}"):
        held.pop(path, None)
    for totals in app.commissions.report(scope).totals:
        yield _party("buyers paid", held[GATEWAY] - paid_by_subscribers(app, quarter))
        yield _party("vendors, net", totals.net)
        for path in sorted(held):
            if path.startswith(("revenue:", "tax:", "expense:")):
                yield _party(path.replace(":", ", "), held[path])
            if path.startswith("funding:"):
                yield _party(f"{path.replace(':', ' by the ')} of discounts", -held[path])


def _party(party: str, amount: Money) -> Record:
    return {"party": party, "currency": amount.currency, "amount": amount}


def _vendors(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    for totals in app.commissions.report(quarter.tenant.scope).vendors:
        yield {
            "vendor": totals.vendor,
            "currency": totals.currency,
            "orders": totals.orders,
            "gross": totals.gross,
            "commission": totals.commission,
            "net": totals.net,
        }


def _most_to_tell(app: CityOS, quarter: Quarter) -> Explanation:
    """Explain the line of which most is to be told: the one with the longest explanation among the first orders."""
    scope = quarter.tenant.scope
    entries = islice(every(lambda request: app.commissions.entries(scope, EntryFilter(), request)), LARGEST_PAGE)
    lines = {entry.line_id for entry in entries}
    return max((app.commissions.explain(scope, line) for line in sorted(lines)), key=lambda told: len(told.words))


def _batches(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    scope = quarter.tenant.scope
    made = [batch for batch in every(lambda request: app.payouts.batches(scope, request)) if batch.payouts]
    for batch in made[-SHOWN_BATCHES:]:
        payouts = list(_payouts(app, quarter, PayoutFilter(batch=batch.id)))
        states = Counter(payout.status for payout in payouts)
        yield {
            "batch": str(batch.id)[-6:],
            "made_at": batch.created_at,
            "payouts": batch.payouts,
            "paid": states[PayoutStatus.PAID],
            "failed": states[PayoutStatus.FAILED],
            "returned": states[PayoutStatus.RETURNED],
            "currency": quarter.plan.currency,
            "amount": Money(sum(payout.amount.minor for payout in payouts), quarter.plan.currency),
        }


def _troubles(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    for status in TROUBLED:
        for payout in islice(_payouts(app, quarter, PayoutFilter(status=status)), SHOWN_TROUBLES):
            yield {
                "payout": str(payout.id)[-6:],
                "vendor": payout.vendor,
                "amount": payout.amount,
                "currency": payout.amount.currency,
                "status": payout.status,
                "attempts": len(payout.attempts),
                "reason": payout.reason,
            }


def _payouts(app: CityOS, quarter: Quarter, where: PayoutFilter) -> Iterator[Payout]:
    return every(lambda request: app.payouts.list(quarter.tenant.scope, where, request))


def _checks(app: CityOS, quarter: Quarter) -> Iterator[Record]:
    found = app.ledger.verify(quarter.tenant.scope)
    yield {
        "accounts": found.accounts,
        "differences": len(found.differences),
        "ledger": "balances" if found.ok else "DOES NOT BALANCE",
    }
