"""Records with something in every field, so that a round trip through storage proves every column."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from uuid import UUID

from cityos_core.catalog.model import Product, ProductStatus, Stock, Variant
from cityos_core.kernel.ids import BatchId, NodeId, PayoutId, ProductId, TenantId, VendorId
from cityos_core.kernel.money import LIMIT, Money, UnitPrice
from cityos_core.payouts.model import Attempt, Payout, PayoutBatch, PayoutStatus, Skipped, SkipReason
from cityos_core.tenancy.model import Audience, Level, Node, NodeStatus, Portal, Store, Tenant, TenantStatus
from cityos_core.vendors.model import (
    Member,
    PayoutAccount,
    Profile,
    Requirement,
    RequirementStatus,
    TeamRole,
    Vendor,
    VendorStatus,
)

LARGEST: Final = LIMIT - 1
"""The largest amount a 64-bit column holds."""

KOLKATA: Final = timezone(timedelta(hours=5, minutes=30))
AT: Final = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=KOLKATA)
"""An instant written in another zone, to the microsecond."""

LATER: Final = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
WORDS: Final = "Čajovňa „U Žofie“ 茶 🫖 O'Brien & Söhne"
"""Text with quotes and letters of many alphabets."""


def node(id: NodeId, owner: TenantId, parent: Node | None, level: Level, handle: str) -> Node:  # noqa: A002
    """Build a node under another one."""
    return Node(
        id=id,
        tenant_id=owner,
        parent_id=None if parent is None else parent.id,
        level=level,
        handle=handle,
        name=WORDS,
        path=handle if parent is None else f"{parent.path}/{handle}",
        status=NodeStatus.ARCHIVED if level is Level.CATEGORY else NodeStatus.ACTIVE,
        metadata={"müll": WORDS, "empty": ""},
    )


def tenant(place: Node) -> Tenant:
    """Build the tenant of a tenant node."""
    return Tenant(
        id=TenantId(place.id),
        handle=place.handle,
        name=WORDS,
        path=place.path,
        kind="operator",
        status=TenantStatus.SUSPENDED,
        reason=WORDS,
        tier="gold",
        currency="KWD",
        time_zone="Asia/Kolkata",
        locale="cs-CZ",
    )


def store(place: Node) -> Store:
    """Build the store of a store node."""
    return Store(
        id=place.id,
        tenant_id=place.tenant_id,
        handle=place.handle,
        name=WORDS,
        kind="outlet",
        channel="kiosk",
        countries=("de", "at"),
        currencies=("EUR", "JPY"),
        portals=(Portal(Audience.VENDOR, ("owner", "staff")), Portal(Audience.STOREFRONT)),
    )


def vendor(id: VendorId, owner: TenantId, handle: str) -> Vendor:  # noqa: A002
    """Build a vendor in the middle of things."""
    return Vendor(
        id=id,
        tenant_id=owner,
        handle=handle,
        profile=Profile(
            name=WORDS,
            legal_name="Acme GmbH",
            kind="sole_trader",
            email="office@acme.example",
            phone="+49 30 1234",
            website="https://acme.example/?a=1&b=2",
            country="DE",
            address="Straße 1\n10115 Berlin",
            tax_id="DE123456789",
        ),
        status=VendorStatus.APPROVED,
        reason="all papers seen",
        requirements=(
            Requirement(
                key="identity",
                status=RequirementStatus.ACCEPTED,
                reference="document-7",
                reason="good",
                expires_at=LATER,
            ),
            Requirement(key="terms"),
        ),
        team=(
            Member(email="anna@acme.example", role=TeamRole.OWNER, invited_at=AT, joined_at=LATER),
            Member(email="bo@acme.example", role=TeamRole.STAFF, invited_at=AT),
        ),
        stores=("outlet", "web"),
        payout_account=PayoutAccount(method="bank", reference="DE89370400440532013000", holder=WORDS, verified=True),
        payout_schedule="weekly:5",
        created_at=AT,
    )


def product(id: ProductId, owner: TenantId, vendor_id: VendorId, sku: str) -> Product:  # noqa: A002
    """Build a product with two variants."""
    return Product(
        id=id,
        tenant_id=owner,
        vendor_id=vendor_id,
        sku=sku,
        title=WORDS,
        category="furniture/chairs",
        status=ProductStatus.PUBLISHED,
        tax_class="reduced",
        tags=("new", "späť"),
        stores=("web",),
        variants=(
            Variant(sku=f"{sku}/red", title="red", unit_price=UnitPrice.of("0.529200", "EUR"), weight_g=1200),
            Variant(sku=f"{sku} blue", title=WORDS, unit_price=UnitPrice(LARGEST, "EUR")),
        ),
    )


def stock(owner: TenantId, vendor_id: VendorId, sku: str, *, on_hand: int = 10) -> Stock:
    """Build a stock row."""
    return Stock(tenant_id=owner, vendor_id=vendor_id, sku=sku, on_hand=on_hand, reserved=1, low_at=2, backorders=True)


def batch(id: BatchId, owner: TenantId) -> PayoutBatch:  # noqa: A002
    """Build a payout batch that left two vendors out."""
    return PayoutBatch(
        id=id,
        tenant_id=owner,
        created_at=AT,
        payouts=3,
        skipped=(
            Skipped(vendor="acme", amount=Money(-LARGEST, "EUR"), reason=SkipReason.OWES, detail=WORDS),
            Skipped(vendor="birch", amount=Money(1250, "KWD"), reason=SkipReason.BELOW_MINIMUM, detail=""),
        ),
        swept_at=LATER,
    )


def payout(id: PayoutId, seller: Vendor, *, batch_id: BatchId | None = None, retries: PayoutId | None = None) -> Payout:  # noqa: A002
    """Build a payout that was tried twice."""
    return Payout(
        id=id,
        tenant_id=seller.tenant_id,
        batch_id=batch_id,
        vendor_id=seller.id,
        vendor=seller.handle,
        amount=Money(LARGEST, "KWD"),
        method="bank",
        account="bank|DE89370400440532013000",
        holder=WORDS,
        status=PayoutStatus.UNKNOWN,
        reason="the bank did not answer",
        attempts=(
            Attempt(
                number=1,
                key=f"{id}:1",
                started_at=AT,
                outcome="failed",
                reference="tr_1",
                reason=WORDS,
                finished_at=LATER,
            ),
            Attempt(number=2, key=f"{id}:2", started_at=LATER),
        ),
        next_attempt_at=AT,
        approved_account="bank|DE02120300000000202051",
        retries=retries,
        created_at=AT,
        settled_at=LATER,
    )


def uuid(number: int) -> UUID:
    """Give an identifier that stands for nothing stored."""
    return UUID(int=0xF << 120 | number)
