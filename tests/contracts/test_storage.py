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


class TestAnswers(contracts.AnswersContract):
    """Answers to repeated requests."""


class TestAudit(contracts.AuditContract):
    """The audit."""


class TestUnitOfWork(contracts.UnitOfWorkContract):
    """Transactions."""


class TestIsolation(contracts.IsolationContract):
    """Tenants side by side."""


def test_every_contract_is_held() -> None:
    """Each contract of storage has a test class here."""
    held = {base for kind in globals().values() if isinstance(kind, type) for base in kind.__bases__}
    assert held >= set(contracts.STORAGE)
