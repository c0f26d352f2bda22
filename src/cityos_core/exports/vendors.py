"""Vendors as records."""

from typing import Final

from cityos_core.kernel.rendering import Record
from cityos_core.vendors.model import Vendor

COLUMNS: Final = (
    "handle",
    "name",
    "email",
    "country",
    "tax_id",
    "status",
    "reason",
    "legal_name",
    "kind",
    "phone",
    "website",
    "address",
    "open_requirements",
    "payout_account",
    "payout_schedule",
    "stores",
    "created_at",
)


def summary(vendor: Vendor) -> Record:
    """Give a vendor in one row."""
    profile = vendor.profile
    return {
        "handle": vendor.handle,
        "name": profile.name,
        "status": vendor.status,
        "reason": vendor.reason,
        "country": profile.country,
        "email": profile.email,
        "open_requirements": [item.key for item in vendor.open_requirements],
        "payout_account": _account(vendor),
    }


def whole(vendor: Vendor) -> Record:
    """Give everything about a vendor; of the payout account only whether there is one and whether it was verified."""
    profile = vendor.profile
    return {
        **summary(vendor),
        "id": vendor.id,
        "legal_name": profile.legal_name,
        "kind": profile.kind,
        "phone": profile.phone,
        "website": profile.website,
        "address": profile.address,
        "tax_id": profile.tax_id,
        "requirements": {item.key: item.status for item in vendor.requirements},
        "team": {member.email: member.role for member in vendor.team},
        "stores": vendor.stores,
        "payout_schedule": vendor.payout_schedule,
        "created_at": vendor.created_at,
    }


def _account(vendor: Vendor) -> str | None:
    known = vendor.payout_account
    if known is None:
        return None
    return f"{known.method} {'verified' if known.verified else 'not verified'}"
