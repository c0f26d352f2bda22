"""The books, for administrators."""

from cityos_core.ledger.model import Balance
from cityos_core.ledger.ports import JournalFilter
from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.ledger import AccountQuery, AccountView, JournalQuery, JournalView, LedgerVerificationView
from cityos_http.schemas.money import StatementView, VendorStatementQuery

routes = Routes("/admin/ledger", tag="Ledger")


def _place(balance: Balance) -> str:
    return f"{balance.account.path} {balance.account.currency}"


@routes.get("/accounts", action="ledger:list")
def list_accounts(asked: Asked, query: AccountQuery) -> Listed[AccountView]:
    """List what every account holds, by path."""
    found = asked.city.ledger.balances(asked.scope, query.prefix, as_of=query.as_of)
    return asked.part(query, found, _place, AccountView.of)


@routes.get("/journals", action="ledger:list")
def list_journals(asked: Asked, query: JournalQuery) -> Listed[JournalView]:
    """List journals in order of recording."""
    where = JournalFilter(kind=query.kind, account=query.account, since=query.since, until=query.until)
    return asked.listed(query, asked.city.ledger.journals(asked.scope, where, asked.page(query)), JournalView.of)


@routes.get("/verify", action="ledger:verify")
def verify_ledger(asked: Asked) -> LedgerVerificationView:
    """Recompute every balance from its postings and say where the books differ."""
    return LedgerVerificationView.of(asked.city.ledger.verify(asked.scope))


@routes.get("/statements", action="statements:read")
def get_vendor_statement(asked: Asked, query: VendorStatementQuery) -> StatementView:
    """Read what happened to a vendor's money in a period."""
    return StatementView.of(asked.city.ledger.statement(asked.scope, query.vendor, query.since, query.until))
