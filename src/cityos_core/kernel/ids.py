"""Identifiers: UUIDs from a port, a type per thing so that they cannot be confused."""

from typing import Final, NewType, Protocol
from uuid import UUID

TenantId = NewType("TenantId", UUID)
NodeId = NewType("NodeId", UUID)
StoreId = NewType("StoreId", UUID)
VendorId = NewType("VendorId", UUID)
ProductId = NewType("ProductId", UUID)
OrderId = NewType("OrderId", UUID)
OrderLineId = NewType("OrderLineId", UUID)
VendorOrderId = NewType("VendorOrderId", UUID)
RuleId = NewType("RuleId", UUID)
PayoutId = NewType("PayoutId", UUID)
BatchId = NewType("BatchId", UUID)
JournalId = NewType("JournalId", UUID)
ExportId = NewType("ExportId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
DomainId = NewType("DomainId", UUID)
AssignmentId = NewType("AssignmentId", UUID)
ImpersonationId = NewType("ImpersonationId", UUID)
RefundId = NewType("RefundId", UUID)
AuditEntryId = NewType("AuditEntryId", UUID)
PlanId = NewType("PlanId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
InvoiceId = NewType("InvoiceId", UUID)
CreditNoteId = NewType("CreditNoteId", UUID)
JobId = NewType("JobId", UUID)
BillingRunId = NewType("BillingRunId", UUID)

PLATFORM: Final = TenantId(UUID(int=0))
"""The owner of what belongs to no tenant: the upper tree, its settings, platform-wide rules."""


class Identifiers(Protocol):
    """Gives identifiers that were never given before, in rising order within a process."""

    def new(self) -> UUID:
        """Give the next identifier."""
        ...
