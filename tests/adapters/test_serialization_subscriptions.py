"""Plans, invoices and what becomes of them in JSON: what is stored as a document comes back as it was."""

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.serialization import dump, load, parse, render
from cityos_adapters.serialization.audit import body_of
from cityos_core.audit.model import Change, Record, Verb
from cityos_core.audit.trail import identity, kind_of
from cityos_core.kernel.caller import caller
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.certificate import Certificate
from cityos_core.subscriptions.invoices import Covers, Line, LineKind, NoteLine
from cityos_core.subscriptions.model import Cancellation, Scheduled
from cityos_core.subscriptions.plans import DunningPolicy, PlanItem
from cityos_core.subscriptions.terms import Discount, TaxRate
from cityos_core.testing.contracts import charged, subscribed
from cityos_core.testing.contracts.examples import AT
from cityos_core.testing.contracts.world import settle

PLACE = settle(MemoryDatabase(), "north", seed=2)
PLAN = subscribed.plan(PLACE)
SUBSCRIPTION = subscribed.subscription(PLACE, PLAN)
INVOICE = charged.invoice(PLACE, SUBSCRIPTION)

DOCUMENTS: list[tuple[Any, object]] = [
    (tuple[PlanItem, ...], PLAN.items),
    (DunningPolicy, PLAN.dunning),
    (tuple[Discount, ...], SUBSCRIPTION.discounts),
    (TaxRate, SUBSCRIPTION.tax),
    (Cancellation, SUBSCRIPTION.cancellation),
    (Scheduled, SUBSCRIPTION.scheduled),
    (tuple[Line, ...], INVOICE.lines),
    (tuple[NoteLine, ...], charged.credit_note(PLACE, INVOICE).lines),
    (Certificate, subscribed.billing_run(PLACE).certificate),
]

RECORDS: list[Any] = [
    PLAN,
    SUBSCRIPTION,
    subscribed.cycle(SUBSCRIPTION),
    INVOICE,
    charged.credit_note(PLACE, INVOICE),
    charged.attempt(INVOICE),
    charged.case(INVOICE),
    subscribed.usage(SUBSCRIPTION),
    subscribed.movement(SUBSCRIPTION),
    subscribed.billing_run(PLACE),
]


def line(**changes: object) -> dict[str, object]:
    """Write a line of an invoice."""
    return {
        "kind": "debit",
        "item": "base",
        "description": "",
        "cycle": 1,
        "quantity": "1/3",
        "covers": None,
        "gross": 5,
        "net": 5,
        **changes,
    }


@pytest.mark.parametrize(("cls", "value"), DOCUMENTS)
def test_documents_come_back(cls: type[object], value: object) -> None:
    """What a row keeps as a document is read back as its equal."""
    assert load(cls, parse(render(dump(value)))) == value


@given(
    covers=st.one_of(
        st.none(),
        st.tuples(st.dates(), st.dates()),
        st.tuples(*[st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))] * 2).map(  # noqa: DTZ001
            lambda pair: (pair[0].replace(tzinfo=UTC), pair[1].replace(tzinfo=UTC))
        ),
    ),
    quantity=st.fractions(min_value=0, max_denominator=10**12),
)
def test_lines_cover_days_or_instants(covers: tuple[Any, Any] | None, quantity: Fraction) -> None:
    """Days come back as days, and instants as instants, those at midnight too; quantities to the last fraction."""
    span: Covers | None = None if covers is None else Span(min(covers), max(covers))
    made = Line(kind=LineKind.DEBIT, item="a", description="", cycle=0, quantity=quantity, covers=span, gross=0, net=0)
    found = load(Line, parse(render(dump(made))))
    assert found == made
    if span is not None and found.covers is not None:
        assert type(found.covers.start) is type(span.start)


@pytest.mark.parametrize(
    ("covers", "mistakes"),
    [
        ({"start": "2026-02-01", "end": "2026-01-01"}, [("$.covers", "reversed_span")]),
        ({"start": "2026-01-01", "end": "2026-02-01T00:00:00Z"}, [("$.covers.end", "not_a_time")]),
        ({"start": "2026-01-01T00:00:00Z", "end": "2026-02-01"}, [("$.covers.end", "not_a_time")]),
        ({"start": "yesterday", "end": "2026-02-01T00:00:00Z"}, [("$.covers.start", "not_a_time")]),
        ({"start": "2026-01-01"}, [("$.covers.end", "missing")]),
        ({}, [("$.covers.start", "missing"), ("$.covers.end", "missing")]),
        ({"start": "2026-01-01", "end": "2026-02-01", "to": 1}, [("$.covers.to", "unknown_key")]),
        (["2026-01-01", "2026-02-01"], [("$.covers", "wrong_type")]),
    ],
)
def test_odd_spans_are_refused(covers: object, mistakes: list[tuple[str, str]]) -> None:
    """A span is of days or of instants, not of both, and every mistake in it is named by its place."""
    with pytest.raises(Invalid) as caught:
        load(Line, line(covers=covers))
    assert [(mistake.path, mistake.code) for mistake in caught.value.errors] == mistakes
    assert load(Line, line(covers={"start": "2026-01-01", "end": "2026-01-01"})).covers == Span(*[date(2026, 1, 1)] * 2)


@pytest.mark.parametrize("record", RECORDS, ids=kind_of)
def test_the_audit_can_write_every_record(record: Any) -> None:
    """What is known of a record is written in its form, and not in whatever words it has for itself."""
    change = Change(kind=kind_of(record), target=identity(record), verb=Verb.ADDED, after=record)
    written: Any = parse(
        body_of(Record(id=SUBSCRIPTION.id, tenant_id=PLACE.id, occurred_at=AT, caller=caller(), changes=(change,)))
    )
    (noted,) = written["changes"]
    left_out = {"tenant_id", "version"}
    assert noted["after"] == {name: value for name, value in as_object(record).items() if name not in left_out}
    assert noted["target"]


def as_object(record: object) -> dict[str, Any]:
    """Give the members of a record in JSON."""
    data: Any = parse(render(dump(record)))
    return dict(data)
