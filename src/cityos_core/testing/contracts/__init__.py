"""Contracts for authors of adapters: test classes that say what the core expects of storage and of its other ports.

Subclass one in a test module, give it a fixture ``unit_of_work`` that answers a factory over an empty database, fresh
for every test (or ``payout_method`` for :class:`PayoutMethodContract`, ``gateway`` for :class:`PaymentGatewayContract`,
``limiter`` for :class:`RateLimiterContract`, ``names`` and ``zone`` for :class:`NameSystemContract`), and see what fails.
Call ``pytest.register_assert_rewrite("cityos_core.testing.contracts")`` first to have failures explained.
"""

from cityos_core.testing.contracts.access import ApiKeysContract, AssignmentsContract, ImpersonationsContract
from cityos_core.testing.contracts.agenda import AgendaContract
from cityos_core.testing.contracts.answers import AnswersContract
from cityos_core.testing.contracts.audit import AuditContract
from cityos_core.testing.contracts.books import BooksContract
from cityos_core.testing.contracts.collecting import AttemptsContract, DunningContract
from cityos_core.testing.contracts.cycles import BillingRunsContract, CyclesContract
from cityos_core.testing.contracts.domains import DomainsContract
from cityos_core.testing.contracts.entries import CoverageContract, EntriesContract
from cityos_core.testing.contracts.exports import ExportsContract, FilesContract
from cityos_core.testing.contracts.gateway import PaymentGatewayContract
from cityos_core.testing.contracts.invoices import InvoicesContract
from cityos_core.testing.contracts.isolation import IsolationContract
from cityos_core.testing.contracts.jobs import JobsContract
from cityos_core.testing.contracts.ledger import LedgerContract
from cityos_core.testing.contracts.limiter import RateLimiterContract
from cityos_core.testing.contracts.many_journals import ManyJournalsContract
from cityos_core.testing.contracts.name_system import NameSystemContract
from cityos_core.testing.contracts.numbers import CreditNotesContract, NumbersContract
from cityos_core.testing.contracts.orders import OrdersContract
from cityos_core.testing.contracts.payout_method import PayoutMethodContract
from cityos_core.testing.contracts.payouts import BatchesContract, PayablesContract, PayoutsContract
from cityos_core.testing.contracts.plans import PlansContract, SubscriptionsContract
from cityos_core.testing.contracts.products import CategoriesContract, InventoryContract, ProductsContract
from cityos_core.testing.contracts.replays import ReplaysContract
from cityos_core.testing.contracts.rules import RulesContract
from cityos_core.testing.contracts.schedules import OutboxContract, SchedulesContract
from cityos_core.testing.contracts.tenancy import RevisionsContract, SettingsContract, StoresContract, TenantsContract
from cityos_core.testing.contracts.tree import TreeContract
from cityos_core.testing.contracts.unit_of_work import UnitOfWorkContract
from cityos_core.testing.contracts.usage import MovementsContract, UsageContract
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
    ManyJournalsContract,
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
    JobsContract,
    AgendaContract,
    SchedulesContract,
    OutboxContract,
    AnswersContract,
    AuditContract,
    PlansContract,
    SubscriptionsContract,
    CyclesContract,
    BillingRunsContract,
    InvoicesContract,
    NumbersContract,
    CreditNotesContract,
    AttemptsContract,
    DunningContract,
    UsageContract,
    MovementsContract,
    UnitOfWorkContract,
    IsolationContract,
)
"""Every contract of storage; an adapter holds all of them."""

__all__ = [
    "STORAGE",
    "AgendaContract",
    "AnswersContract",
    "ApiKeysContract",
    "AssignmentsContract",
    "AttemptsContract",
    "AuditContract",
    "BatchesContract",
    "BillingRunsContract",
    "BooksContract",
    "CategoriesContract",
    "CoverageContract",
    "CreditNotesContract",
    "CyclesContract",
    "DomainsContract",
    "DunningContract",
    "EntriesContract",
    "ExportsContract",
    "FilesContract",
    "ImpersonationsContract",
    "InventoryContract",
    "InvoicesContract",
    "IsolationContract",
    "JobsContract",
    "LedgerContract",
    "ManyJournalsContract",
    "MovementsContract",
    "NameSystemContract",
    "NumbersContract",
    "OrdersContract",
    "OutboxContract",
    "PayablesContract",
    "PaymentGatewayContract",
    "PayoutMethodContract",
    "PayoutsContract",
    "PlansContract",
    "ProductsContract",
    "RateLimiterContract",
    "ReplaysContract",
    "RevisionsContract",
    "RulesContract",
    "SchedulesContract",
    "SettingsContract",
    "StoresContract",
    "SubscriptionsContract",
    "TeamMembersContract",
    "TenantsContract",
    "TreeContract",
    "UnitOfWorkContract",
    "UsageContract",
    "VendorsContract",
]
