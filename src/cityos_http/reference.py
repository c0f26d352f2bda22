"""What the reference says of the API as a whole and of its parts."""

from collections.abc import Mapping
from typing import Final

ABOUT: Final = """\
The core of a city-scale, multi-tenant B2B marketplace.

- **Who asks**: `Authorization: Bearer` with an access token or a secret API key. `cityos keys create` makes the first.
- **Which tenant**: the host says it (`north.` and the platform's domain, or a domain of the tenant's own); else it is the
  one that the key or the token belongs to.
- **Once**: a `POST` that makes something or moves money needs an `Idempotency-Key`; `?dry_run=true` keeps nothing of it.
- **Lists** give `data`, `has_more` and `next_cursor`; send that as `cursor` for the next page.
- **Changes** need `If-Match` with the `ETag` of what was read, so that none is lost.
- **Refusals** are `application/problem+json`; `code` is for programs, `detail` says what to do next.
"""
"""The introduction, in Markdown."""

TAGS: Final[Mapping[str, str]] = {
    "Access": "API keys, roles of users, and acting as a user.",
    "Audit": "What was done, by whom, to what, in a chain that shows whether it was changed.",
    "Billing": "Runs that bill what falls due, the cycles that they bill, and recurring revenue.",
    "Commission": "The rules by which the market keeps its share, and why a line was charged what it was.",
    "Domains": "A tenant's own domains, proven by a record in the DNS.",
    "Exports": "Lists as files, made in the background.",
    "Health": "For those who run it.",
    "Invoices": "What subscribers were charged: how it was collected, corrected, given up.",
    "Jobs": "Work that is done later: asked for, watched, and tried again.",
    "Ledger": "Accounts, journals, statements, and the proof that they balance.",
    "Machines": "For a scheduler, a proxy and meters.",
    "Orders": "What buyers bought: placed, sent, refunded, disputed.",
    "Payouts": "Money on its way to vendors.",
    "Platform": "The tree, and the tenants that hang under it.",
    "Settings": "What is set where in the tree, and why it holds.",
    "Storefront": "For visitors and customers: offers, and one's own orders and subscriptions.",
    "Stores": "The stores of a tenant, and who they are open to.",
    "Subscriptions": "Plans, who has which of them, and every change of it.",
    "Vendor portal": "For members of a vendor's team: what is the vendor's own. Whoever is in several names one in `X-Vendor`.",
    "Vendors": "Who sells: from application to approval, with the account that payouts go to.",
}
"""What each group of endpoints is for."""
