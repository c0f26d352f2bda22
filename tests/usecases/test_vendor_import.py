"""Vendors from files."""

from collections.abc import Iterable, Iterator
from typing import Self

import pytest
from attrs import evolve
from typing_extensions import override

from cityos_adapters.memory.unit_of_work import MemoryUnitOfWork
from cityos_adapters.memory.vendors import MemoryVendors
from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.imports import Outcome, Row, RowResult
from cityos_core.kernel.scope import TenantScope
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.events import VendorStepped
from cityos_core.vendors.model import RequirementStatus, Vendor, VendorStatus
from usecases.town import Town

CREATED, UPDATED, UNCHANGED, REJECTED = Outcome


def row(
    number: int, handle: str, status: VendorStatus | None = VendorStatus.APPROVED, **given: str
) -> Row[VendorDraft]:
    """Build a row of a file."""
    draft = VendorDraft(handle=handle, name=given.pop("name", handle.title()), status=status, **given)
    return Row(number=number, reference=handle, draft=draft)


def brought(town: Town, scope: TenantScope, rows: Iterable[Row[VendorDraft]]) -> list[RowResult]:
    """Import rows and take every answer."""
    return list(town.vendors.import_rows(scope, rows))


def outcomes(town: Town, scope: TenantScope, *rows: Row[VendorDraft]) -> list[Outcome]:
    """Import rows and give what became of each."""
    return [result.outcome for result in brought(town, scope, rows)]


def test_importing_twice_changes_nothing() -> None:
    """New vendors are created; the same file again leaves every one unchanged and tells nobody."""
    town = Town.empty()
    scope = town.scope()
    rows = [row(2, "acme", email="a@acme.example", country="UK"), row(3, "beta", VendorStatus.PENDING)]
    assert outcomes(town, scope, *rows) == [CREATED, CREATED]
    told = len(town.database.outbox)
    before = town.vendors.list(scope)
    assert outcomes(town, scope, *rows) == [UNCHANGED, UNCHANGED]
    assert town.vendors.list(scope) == before
    assert len(town.database.outbox) == told


def test_a_vendor_imported_as_approved_can_sell_and_be_paid() -> None:
    """Its requirements are waived with the reason, its payout account is paid by hand and verified, its owner invited."""
    town = Town.empty()
    scope = town.scope()
    brought(town, scope, [row(2, "acme", email="a@acme.example", country="United Kingdom")])
    vendor = town.vendors.get(scope, "acme")
    assert vendor.may_sell
    assert vendor.profile.country == "GB"
    assert {(item.status, item.reason) for item in vendor.requirements} == {
        (RequirementStatus.WAIVED, "imported as approved")
    }
    assert vendor.payout_account is not None
    assert (vendor.payout_account.method, vendor.payout_account.verified) == ("manual", True)
    assert [member.email for member in vendor.team] == ["a@acme.example"]
    assert [event.action for event in town.happened(VendorStepped) if isinstance(event, VendorStepped)] == [
        "submit",
        "approve",
    ]


@pytest.mark.parametrize("status", VendorStatus)
def test_every_status_can_be_imported(status: VendorStatus) -> None:
    """A new vendor arrives in any state, through the steps that lead there."""
    town = Town.empty()
    scope = town.scope()
    assert outcomes(town, scope, row(2, "acme", status)) == [CREATED]
    assert town.vendors.get(scope, "acme").status is status
    assert outcomes(town, scope, row(2, "acme", status)) == [UNCHANGED]


def test_what_a_file_does_not_say_stays() -> None:
    """Empty cells take nothing away, not even a status; a new vendor without one is pending."""
    town = Town.empty()
    scope = town.scope()
    brought(town, scope, [row(2, "acme", email="a@acme.example", tax_id="DE1")])
    assert outcomes(town, scope, row(2, "acme", None), row(3, "beta", None)) == [UNCHANGED, CREATED]
    assert town.vendors.get(scope, "beta").status is VendorStatus.PENDING
    assert outcomes(town, scope, row(2, "acme", None, name="Acme Ltd")) == [UPDATED]
    profile = town.vendors.get(scope, "acme").profile
    assert (profile.name, profile.email, profile.tax_id) == ("Acme Ltd", "a@acme.example", "DE1")


def test_a_status_that_cannot_be_reached_rejects_the_row() -> None:
    """An approved vendor does not become pending again; the row says why and changes nothing else of it."""
    town = Town.empty()
    scope = town.scope()
    brought(town, scope, [row(2, "acme")])
    (result,) = brought(town, scope, [row(2, "acme", VendorStatus.PENDING, name="New name")])
    assert result.outcome is REJECTED
    assert isinstance(result.error, Conflict)
    assert "a vendor that is approved cannot become pending" in str(result.error)
    assert town.vendors.get(scope, "acme").profile.name == "Acme"


def test_a_bad_row_spoils_no_other() -> None:
    """Unreadable and refused rows are answered in their place; the others are written."""
    town = Town.empty()
    scope = town.scope()
    brought(town, scope, [row(2, "gone", VendorStatus.TERMINATED)])
    unreadable: Row[VendorDraft] = Row(number=3, reference="x", error=Invalid("malformed", "not a row"))
    results = brought(town, scope, [row(2, "acme"), unreadable, row(4, "gone"), Row(number=5), row(6, "beta")])
    assert [result.outcome for result in results] == [CREATED, REJECTED, REJECTED, REJECTED, CREATED]
    assert [result.error.code if result.error else None for result in results] == [
        None,
        "malformed",
        "invalid_state",
        "empty_row",
        None,
    ]
    assert [result.number for result in results] == [2, 3, 4, 5, 6]


def test_a_handle_twice_in_a_file() -> None:
    """The later row changes what the earlier one made."""
    town = Town.empty()
    scope = town.scope()
    pending = row(2, "acme", VendorStatus.PENDING)
    assert outcomes(town, scope, pending, row(3, "acme"), row(4, "acme"), row(5, "acme", name="Acme Ltd")) == [
        CREATED,
        UPDATED,
        UNCHANGED,
        UPDATED,
    ]
    vendor = town.vendors.get(scope, "acme")
    assert (vendor.profile.name, vendor.status, vendor.version) == ("Acme Ltd", VendorStatus.APPROVED, 1)


def test_rows_are_read_as_answers_are_taken() -> None:
    """No more rows are read than a chunk ahead, and between answers no transaction is open."""
    town = Town.empty()
    scope = town.scope()
    read = 0

    def rows() -> Iterator[Row[VendorDraft]]:
        nonlocal read
        for number in range(1000):
            read = number
            yield row(number, f"vendor-{number}")

    answers = town.vendors.import_rows(scope, rows())
    next(answers)
    assert read < 200
    assert town.vendors.get(scope, "vendor-0").may_sell
    assert sum(1 for _ in answers) == 999


class Contested(MemoryVendors):
    """Vendors of which someone else just took a handle."""

    @override
    def add(self, vendor: Vendor) -> None:
        if vendor.handle == "beta":
            raise Conflict("handle_taken", "beta is already in use")
        super().add(vendor)


class Contention(MemoryUnitOfWork):
    """A unit of work in which someone else is faster."""

    @override
    def __enter__(self) -> Self:
        super().__enter__()
        vendors = self.vendors
        assert isinstance(vendors, MemoryVendors)
        self.vendors = Contested(vendors.tenant, vendors.vendors)
        return self


def test_a_writer_who_was_first_costs_one_row() -> None:
    """If another writer takes one handle of a chunk meanwhile, the other rows are still written."""
    town = Town.empty()
    scope = town.scope()
    importing = evolve(town.vendors.import_rows, unit_of_work=lambda at: Contention(town.database, at))
    results = list(importing(scope, [row(2, "acme"), row(3, "beta"), row(4, "carl")]))
    assert [result.outcome for result in results] == [CREATED, REJECTED, CREATED]
    assert [vendor.handle for vendor in town.vendors.list(scope).items] == ["acme", "carl"]
