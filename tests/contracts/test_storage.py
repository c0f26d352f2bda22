"""The contracts of storage, held by every adapter."""

from cityos_core.testing import contracts


class TestTree(contracts.TreeContract):
    """The tree."""


class TestTenants(contracts.TenantsContract):
    """The register of tenants."""


class TestStores(contracts.StoresContract):
    """Stores."""


class TestDomains(contracts.DomainsContract):
    """Domains."""


class TestSettings(contracts.SettingsContract):
    """Setting values."""


class TestRevisions(contracts.RevisionsContract):
    """Revisions."""


class TestVendors(contracts.VendorsContract):
    """Vendors."""


class TestTeamMembers(contracts.TeamMembersContract):
    """Who is on whose team."""


class TestProducts(contracts.ProductsContract):
    """Products."""


class TestCategories(contracts.CategoriesContract):
    """Product categories."""


class TestInventory(contracts.InventoryContract):
    """Stock."""


class TestOrders(contracts.OrdersContract):
    """Orders."""


class TestRules(contracts.RulesContract):
    """Commission rules."""


class TestEntries(contracts.EntriesContract):
    """Commission transactions."""


class TestCoverage(contracts.CoverageContract):
    """What payouts cover."""


class TestLedger(contracts.LedgerContract):
    """Posting."""


class TestManyJournals(contracts.ManyJournalsContract):
    """Posting many at once."""


class TestReplays(contracts.ReplaysContract):
    """Keys and reversals."""


class TestBooks(contracts.BooksContract):
    """Reading the books."""


class TestPayouts(contracts.PayoutsContract):
    """Payouts."""


class TestBatches(contracts.BatchesContract):
    """Payout batches."""


class TestPayables(contracts.PayablesContract):
    """Who could be paid."""


class TestApiKeys(contracts.ApiKeysContract):
    """API keys."""


class TestAssignments(contracts.AssignmentsContract):
    """Who was given which role."""


class TestImpersonations(contracts.ImpersonationsContract):
    """Who acts as whom."""


class TestExports(contracts.ExportsContract):
    """Exports."""


class TestFiles(contracts.FilesContract):
    """What exports hold."""


class TestJobs(contracts.JobsContract):
    """Jobs."""


class TestAgenda(contracts.AgendaContract):
    """What is due in all scopes."""


class TestSchedules(contracts.SchedulesContract):
    """When operations fall due."""


class TestOutbox(contracts.OutboxContract):
    """Events that wait to be relayed."""


class TestAnswers(contracts.AnswersContract):
    """Answers to repeated requests."""


class TestAudit(contracts.AuditContract):
    """The audit."""


class TestPlans(contracts.PlansContract):
    """Plans."""


class TestSubscriptions(contracts.SubscriptionsContract):
    """Subscriptions."""


class TestCycles(contracts.CyclesContract):
    """Billing cycles."""


class TestBillingRuns(contracts.BillingRunsContract):
    """Billing runs."""


class TestInvoices(contracts.InvoicesContract):
    """Invoices."""


class TestNumbers(contracts.NumbersContract):
    """Numbers without gaps."""


class TestCreditNotes(contracts.CreditNotesContract):
    """Credit notes."""


class TestAttempts(contracts.AttemptsContract):
    """Payment attempts."""


class TestDunning(contracts.DunningContract):
    """Dunning cases."""


class TestUsage(contracts.UsageContract):
    """Reported usage."""


class TestMovements(contracts.MovementsContract):
    """Movements of recurring revenue."""


class TestUnitOfWork(contracts.UnitOfWorkContract):
    """Transactions."""


class TestIsolation(contracts.IsolationContract):
    """Tenants side by side."""


def test_every_contract_is_held() -> None:
    """Each contract of storage has a test class here."""
    held = {base for kind in globals().values() if isinstance(kind, type) for base in kind.__bases__}
    assert held >= set(contracts.STORAGE)
