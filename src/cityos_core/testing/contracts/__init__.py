"""Contracts for authors of adapters: test classes that say what the core expects of storage and of its other ports.

Subclass one in a test module, give it a fixture ``unit_of_work`` that answers a factory over an empty database, fresh
for every test (or ``payout_method`` for :class:`PayoutMethodContract`, ``limiter`` for :class:`RateLimiterContract`,
``names`` and ``zone`` for :class:`NameSystemContract`), and see what fails. Call
``pytest.register_assert_rewrite("cityos_core.testing.contracts")`` first to have failures explained.
"""

from cityos_core.testing.contracts.access import ApiKeysContract, AssignmentsContract, ImpersonationsContract
from cityos_core.testing.contracts.answers import AnswersContract
from cityos_core.testing.contracts.audit import AuditContract
from cityos_core.testing.contracts.books import BooksContract
from cityos_core.testing.contracts.domains import DomainsContract
from cityos_core.testing.contracts.entries import CoverageContract, EntriesContract
from cityos_core.testing.contracts.exports import ExportsContract, FilesContract
from cityos_core.testing.contracts.isolation import IsolationContract
from cityos_core.testing.contracts.ledger import LedgerContract
from cityos_core.testing.contracts.limiter import RateLimiterContract
from cityos_core.testing.contracts.name_system import NameSystemContract
from cityos_core.testing.contracts.orders import OrdersContract
from cityos_core.testing.contracts.payout_method import PayoutMethodContract
from cityos_core.testing.contracts.payouts import BatchesContract, PayablesContract, PayoutsContract
from cityos_core.testing.contracts.products import CategoriesContract, InventoryContract, ProductsContract
from cityos_core.testing.contracts.replays import ReplaysContract
from cityos_core.testing.contracts.rules import RulesContract
from cityos_core.testing.contracts.tenancy import RevisionsContract, SettingsContract, StoresContract, TenantsContract
from cityos_core.testing.contracts.tree import TreeContract
from cityos_core.testing.contracts.unit_of_work import UnitOfWorkContract
from cityos_core.testing.contracts.vendors import TeamMembersContract, VendorsContract

STORAGE = (
    TreeContract,
    TenantsContract,
    StoresContract,
    DomainsContract,
    SettingsContract,
    RevisionsContract,
    VendorsContract,
    TeamMembersContract,
    ProductsContract,
    CategoriesContract,
    InventoryContract,
    OrdersContract,
    RulesContract,
    EntriesContract,
    CoverageContract,
    LedgerContract,
    ReplaysContract,
    BooksContract,
    PayoutsContract,
    BatchesContract,
    PayablesContract,
    ApiKeysContract,
    AssignmentsContract,
    ImpersonationsContract,
    ExportsContract,
    FilesContract,
    AnswersContract,
    AuditContract,
    UnitOfWorkContract,
    IsolationContract,
)
"""Every contract of storage; an adapter holds all of them."""

__all__ = [
    "STORAGE",
    "AnswersContract",
    "ApiKeysContract",
    "AssignmentsContract",
    "AuditContract",
    "BatchesContract",
    "BooksContract",
    "CategoriesContract",
    "CoverageContract",
    "DomainsContract",
    "EntriesContract",
    "ExportsContract",
    "FilesContract",
    "ImpersonationsContract",
    "InventoryContract",
    "IsolationContract",
    "LedgerContract",
    "NameSystemContract",
    "OrdersContract",
    "PayablesContract",
    "PayoutMethodContract",
    "PayoutsContract",
    "ProductsContract",
    "RateLimiterContract",
    "ReplaysContract",
    "RevisionsContract",
    "RulesContract",
    "SettingsContract",
    "StoresContract",
    "TeamMembersContract",
    "TenantsContract",
    "TreeContract",
    "UnitOfWorkContract",
    "VendorsContract",
]
