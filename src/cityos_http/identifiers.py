"""Identifiers as the API writes them: a prefix that says of what, and the UUID in 26 letters (the TypeID format)."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import (
    ApiKeyId,
    AssignmentId,
    AuditEntryId,
    BatchId,
    BillingRunId,
    CreditNoteId,
    DomainId,
    ExportId,
    ImpersonationId,
    InvoiceId,
    JobId,
    JournalId,
    NodeId,
    OrderId,
    OrderLineId,
    PayoutId,
    PlanId,
    ProductId,
    RefundId,
    RuleId,
    StoreId,
    SubscriptionId,
    TenantId,
    VendorId,
    VendorOrderId,
)

PREFIXES: Final[Mapping[Any, str]] = {
    TenantId: "ten",
    NodeId: "nod",
    StoreId: "sto",
    DomainId: "dom",
    VendorId: "ven",
    ProductId: "prd",
    OrderId: "ord",
    OrderLineId: "oln",
    VendorOrderId: "vor",
    RefundId: "ref",
    RuleId: "rul",
    PayoutId: "pay",
    BatchId: "bat",
    JournalId: "jrn",
    ApiKeyId: "key",
    AssignmentId: "asg",
    ImpersonationId: "imp",
    ExportId: "exp",
    AuditEntryId: "aud",
    JobId: "job",
    PlanId: "pln",
    SubscriptionId: "sub",
    InvoiceId: "inv",
    CreditNoteId: "cdn",
    BillingRunId: "brn",
}

_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_LETTERS)}
_SUFFIX: Final = f"[0-7][{_LETTERS}]{{25}}"


def pattern(kind: Any) -> str:
    """Give the form of one kind's identifiers, as a regular expression."""
    return f"^{PREFIXES[kind]}_{_SUFFIX}$"


def written(kind: Any, value: UUID) -> str:
    """Write an identifier."""
    suffix = "".join(_LETTERS[value.int >> shift & 31] for shift in range(125, -1, -5))
    return f"{PREFIXES[kind]}_{suffix}"


def read(kind: Any, text: object) -> UUID:
    """Read an identifier of one kind; ``Invalid("not_an_id")`` for anything else."""
    if not isinstance(text, str) or not re.fullmatch(pattern(kind), text, re.ASCII):
        raise Invalid("not_an_id", f"this is an id such as {written(kind, UUID(int=1))}")
    number = 0
    for letter in text.rpartition("_")[2]:
        number = number << 5 | _VALUES[letter]
    return UUID(int=number)
