"""The examples of the contracts prove every column, because they have something in every field."""

from collections.abc import Iterator, Mapping

import pytest
from attrs import NOTHING, fields, has

from cityos_adapters.memory import MemoryDatabase
from cityos_core.kernel.ids import BatchId, NodeId, PayoutId, ProductId, TenantId, VendorId
from cityos_core.tenancy.model import Level
from cityos_core.testing import SequentialIdentifiers
from cityos_core.testing.contracts import (
    answers,
    charged,
    credentials,
    domains,
    examples,
    exports,
    jobs,
    rules,
    sales,
    subscribed,
)
from cityos_core.testing.contracts.world import settle

IDS = SequentialIdentifiers()
OWNER = TenantId(IDS.new())
COUNTRY = examples.node(NodeId(IDS.new()), OWNER, None, Level.COUNTRY, "xa")
NODE = examples.node(NodeId(IDS.new()), OWNER, COUNTRY, Level.CATEGORY, "food")
VENDOR = examples.vendor(VendorId(IDS.new()), OWNER, "acme")
ORDER = sales.order(IDS, "A-1", VENDOR, store=NODE.id)
SALE = sales.sale_entry(IDS, ORDER)
PLACE = settle(MemoryDatabase(), "north", seed=2)
PLAN = subscribed.plan(PLACE)
SUBSCRIPTION = subscribed.subscription(PLACE, PLAN)
INVOICE = charged.invoice(PLACE, SUBSCRIPTION)

EXAMPLES = {
    "node": NODE,
    "tenant": examples.tenant(NODE),
    "store": examples.store(NODE),
    "vendor": VENDOR,
    "product": examples.product(ProductId(IDS.new()), OWNER, VENDOR.id, "chair"),
    "stock": examples.stock(OWNER, VENDOR.id, "chair"),
    "order": sales.afterlife(IDS, ORDER),
    "entry": SALE,
    "rule": rules.stored(IDS, OWNER, rules.FULL, 1),
    "flat rate": rules.FLAT.rate,
    "batch": examples.batch(BatchId(IDS.new()), OWNER),
    "payout": examples.payout(PayoutId(IDS.new()), VENDOR, batch_id=BatchId(IDS.new()), retries=PayoutId(IDS.new())),
    "domain": domains.domain(PLACE),
    "key": credentials.api_key(PLACE),
    "assignment": credentials.assignment(PLACE),
    "impersonation": credentials.impersonation(PLACE),
    "export": exports.exported(PLACE),
    "job": jobs.worked(PLACE),
    "answer": answers.answered(PLACE),
    "plan": PLAN,
    "subscription": SUBSCRIPTION,
    "cycle": subscribed.cycle(SUBSCRIPTION),
    "invoice": INVOICE,
    "credit note": charged.credit_note(PLACE, INVOICE),
    "attempt": charged.attempt(INVOICE),
    "case": charged.case(INVOICE),
    "usage": subscribed.usage(SUBSCRIPTION),
    "movement": subscribed.movement(SUBSCRIPTION),
    "billing run": subscribed.billing_run(PLACE),
}

LATER = {
    "version",
    "tenant.parent_tenant_id",
    "entry.status",
    "entry.payout_id",
    "rule.status",
    "rule.superseded_at",
    "impersonation.status",
    "answer.leased_until",
}
"""What contracts fill in themselves."""


def left_out(value: object, path: str) -> Iterator[str]:
    """List the fields that hold their default in every example of them."""
    kind = type(value)
    if isinstance(value, tuple):
        found = [set(left_out(item, path)) for item in value if has(type(item))]
        yield from set.intersection(*found) if found else ()
    elif isinstance(value, Mapping):
        yield from left_out(tuple(value.values()), path)
    elif has(kind):
        for attribute in fields(kind):
            inner = getattr(value, attribute.name)
            if attribute.default is not NOTHING and inner == _default(attribute.default):
                yield f"{path}.{attribute.name}"
            else:
                yield from left_out(inner, f"{path}.{attribute.name}")


def _default(default: object) -> object:
    factory = getattr(default, "factory", None)
    return factory() if callable(factory) and not getattr(default, "takes_self", False) else default


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_field_of_an_example_holds_something(name: str) -> None:
    """A field that a model gains is filled in here too, or no contract would prove that it is stored."""
    missing = {path for path in left_out(EXAMPLES[name], name) if path.rpartition(".")[2] not in LATER}
    assert missing - LATER == set()
