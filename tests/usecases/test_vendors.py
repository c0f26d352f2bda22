"""Vendors: onboarding, what is asked of them, their team, their payout account, and leaving."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from attrs import evolve

from cityos_core.kernel.errors import CityOSError, Invalid, Refused, Unavailable
from cityos_core.kernel.ids import JournalId, OrderId, OrderLineId, PayoutId, VendorOrderId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.ledger.model import Account, Journal, vendor_account
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.model import Order, OrderLine, VendorOrder, VendorOrderStatus
from cityos_core.payouts.model import Payout, PayoutStatus
from cityos_core.vendors.events import PayoutAccountChanged, VendorRegistered, VendorStepped
from cityos_core.vendors.model import Profile, RequirementStatus, TeamRole, Vendor, VendorStatus
from cityos_core.vendors.onboarding import ApproveVendor, approval_steps
from cityos_core.vendors.workflow import Step
from usecases.town import Town, code, detail

PLATFORM = PlatformScope()
ACME = Profile(name="Acme", email="Info@Acme.example", country="Germany")


def registered(town: Town, handle: str = "acme") -> TenantScope:
    """Create a tenant with one vendor that has just registered."""
    scope = town.scope()
    town.vendors.register(scope, handle, ACME)
    return scope


def reviewed(town: Town) -> TenantScope:
    """Create a tenant with one vendor of whom nothing more is asked, waiting for approval."""
    scope = registered(town)
    for key in ("identity", "bank_account", "terms"):
        town.vendors.requirement(scope, "acme", key, "submit", reference="document")
        town.vendors.requirement(scope, "acme", key, "accept")
    town.vendors.submit(scope, "acme")
    return scope


def selling(town: Town) -> TenantScope:
    """Create a tenant with one approved vendor."""
    scope = reviewed(town)
    town.vendors.approve(scope, "acme")
    return scope


def test_registering_a_vendor() -> None:
    """A new vendor is pending, has the items that are asked, its country as a code, and cannot sell."""
    town = Town.empty()
    scope = registered(town)
    vendor = town.vendors.get(scope, "acme")
    assert (vendor.status, vendor.profile.country, vendor.may_sell) == (VendorStatus.PENDING, "DE", False)
    assert [item.key for item in vendor.open_requirements] == ["identity", "bank_account", "terms"]
    assert len(town.happened(VendorRegistered)) == 1
    assert code(lambda: town.vendors.register(scope, "acme", ACME)) == "handle_taken"
    assert code(lambda: town.vendors.get(scope, "nobody")) == "vendor_not_found"


@pytest.mark.parametrize(
    "wrong", [Profile(name=" "), Profile(name="A", email="nobody"), Profile(name="A", country="Atlantis")]
)
def test_profiles_are_checked(wrong: Profile) -> None:
    """An empty name, an address that is none and an unknown country are invalid, at registering and at changing."""
    town = Town.empty()
    scope = registered(town)
    with pytest.raises(Invalid):
        town.vendors.register(scope, "other", wrong)
    with pytest.raises(Invalid):
        town.vendors.change(scope, "acme", profile=wrong)


def test_changing_a_vendor() -> None:
    """Profile, stores and schedule change one by one; ``inherited`` gives the schedule back to the settings."""
    town = Town.empty()
    scope = registered(town)
    town.stores.create(scope, "web", name="Web")
    town.vendors.change(scope, "acme", profile=evolve(ACME, website="https://acme.example"))
    town.vendors.change(scope, "acme", stores=["web"])
    vendor = town.vendors.change(scope, "acme", payout_schedule="weekly:5")
    assert (vendor.profile.website, vendor.stores, vendor.payout_schedule) == (
        "https://acme.example",
        ("web",),
        "weekly:5",
    )
    assert town.vendors.change(scope, "acme", payout_schedule="inherited").payout_schedule is None
    assert code(lambda: town.vendors.change(scope, "acme", payout_schedule="hourly")) == "invalid_schedule"
    assert code(lambda: town.vendors.change(scope, "acme", stores=["nowhere"])) == "store_not_found"


def test_vendors_are_listed_by_handle() -> None:
    """The list is in order, and can be narrowed to a status."""
    town = Town.empty()
    scope = registered(town, "zeta")
    town.vendors.register(scope, "beta", ACME)
    town.vendors.submit(scope, "beta")
    assert [vendor.handle for vendor in town.vendors.list(scope).items] == ["beta", "zeta"]
    assert [vendor.handle for vendor in town.vendors.list(scope, status=VendorStatus.PENDING).items] == ["zeta"]


def test_approval_names_what_is_missing() -> None:
    """A vendor in review is approved only when every item is accepted or waived."""
    town = Town.empty()
    scope = registered(town)
    assert code(lambda: town.vendors.approve(scope, "acme")) == "invalid_state"
    town.vendors.submit(scope, "acme")
    town.vendors.requirement(scope, "acme", "identity", "waive", reason="known to us")
    town.vendors.requirement(scope, "acme", "terms", "submit")
    with pytest.raises(Refused, match=r"bank_account \(missing\), terms \(submitted\)"):
        town.vendors.approve(scope, "acme")
    town.vendors.requirement(scope, "acme", "terms", "accept")
    town.vendors.requirement(scope, "acme", "bank_account", "waive", reason="paid by hand")
    vendor = town.vendors.approve(scope, "acme")
    assert vendor.may_sell
    assert town.vendors.get(scope, "acme").status is VendorStatus.APPROVED


def test_approval_opens_an_account_and_a_door() -> None:
    """An approved vendor has a payout account that is not verified yet, and its own address is invited as owner."""
    town = Town.empty()
    vendor = town.vendors.get(selling(town), "acme")
    assert vendor.payout_account is not None
    assert (vendor.payout_account.method, vendor.payout_account.verified) == ("manual", False)
    assert [(member.email, member.role, member.joined_at) for member in vendor.team] == [
        ("info@acme.example", TeamRole.OWNER, None)
    ]
    assert [event.action for event in town.happened(VendorStepped) if isinstance(event, VendorStepped)] == [
        "submit",
        "approve",
    ]


def test_approval_takes_nothing_from_what_is_there() -> None:
    """A payout account that was set before, and an owner who was invited before, stay."""
    town = Town.empty()
    scope = reviewed(town)
    town.vendors.set_payout_account(scope, "acme", method="bank", reference="DE1", holder="Acme GmbH")
    town.vendors.invite(scope, "acme", "kim@acme.example", TeamRole.OWNER)
    before = town.vendors.get(scope, "acme")
    vendor = town.vendors.approve(scope, "acme")
    assert (vendor.payout_account, vendor.team) == (before.payout_account, before.team)


def approving(town: Town, *steps: Step[Vendor]) -> ApproveVendor:
    """Approve with further steps after the usual ones."""

    def all_steps(at: datetime) -> Sequence[Step[Vendor]]:
        return (*approval_steps(at), *steps)

    ports = town.dependencies
    return ApproveVendor(
        unit_of_work=ports.unit_of_work, clock=ports.clock, configuration=ports.configuration, steps=all_steps
    )


def test_a_failing_step_undoes_the_earlier_ones() -> None:
    """The provider's account is closed again when access cannot be granted; the vendor is as it was, and the error says so."""
    town = Town.empty()
    scope = reviewed(town)
    before = town.vendors.get(scope, "acme")
    accounts: list[str] = []

    def open_account(vendor: Vendor) -> Vendor:
        accounts.append(vendor.handle)
        return vendor

    def fail(_: Vendor) -> Vendor:
        raise Unavailable("identity_down", "the identity provider does not answer")

    approve = approving(
        town,
        Step("open_account", open_account, lambda vendor: accounts.remove(vendor.handle)),
        Step("grant_login", fail),
    )
    with pytest.raises(Unavailable, match=r"grant_login failed: .* undone: open_account, grant_access") as raised:
        approve(scope, "acme")
    assert raised.value.code == "identity_down"
    assert accounts == []
    assert town.vendors.get(scope, "acme") == before
    assert town.vendors.approve(scope, "acme").may_sell


def test_whoever_changes_the_vendor_during_approval_was_first() -> None:
    """A change between reading and recording makes the approval a conflict, and its steps are undone."""
    town = Town.empty()
    scope = reviewed(town)
    undone: list[str] = []

    def meanwhile(vendor: Vendor) -> Vendor:
        town.vendors.reject(scope, "acme", reason="fraud")
        return vendor

    approve = approving(town, Step("slow", meanwhile, lambda vendor: undone.append(vendor.handle)))
    assert code(lambda: approve(scope, "acme")) == "stale"
    assert undone == ["acme"]
    assert town.vendors.get(scope, "acme").status is VendorStatus.REJECTED


def test_rejection_suspension_and_return() -> None:
    """Each has its reason, which goes with the state; a rejected vendor may submit again."""
    town = Town.empty()
    scope = reviewed(town)
    assert code(lambda: town.vendors.reject(scope, "acme")) == "missing_reason"
    assert town.vendors.reject(scope, "acme", reason="blurred scan").reason == "blurred scan"
    assert town.vendors.submit(scope, "acme").reason is None
    town.vendors.approve(scope, "acme")
    assert code(lambda: town.vendors.suspend(scope, "acme")) == "missing_reason"
    assert not town.vendors.suspend(scope, "acme", reason="complaints").may_sell
    assert town.vendors.reinstate(scope, "acme").may_sell


def test_items_have_lives() -> None:
    """Rejecting and waiving need a reason, an unknown item is not found, an item is not accepted into the past."""
    town = Town.empty()
    scope = registered(town)

    def step(key: str, action: str, *, reason: str | None = None, expires_at: datetime | None = None) -> str:
        return code(lambda: town.vendors.requirement(scope, "acme", key, action, reason=reason, expires_at=expires_at))

    assert step("licence", "submit") == "requirement_not_found"
    assert step("identity", "accept") == "invalid_state"
    assert step("identity", "submit") == "ok"
    assert step("identity", "reject") == "missing_reason"
    assert step("identity", "reject", reason="blurred") == "ok"
    assert town.vendors.get(scope, "acme").requirements[0].reason == "blurred"
    assert step("identity", "submit") == "ok"
    assert step("identity", "accept", expires_at=town.clock.now()) == "already_expired"
    assert step("identity", "accept", expires_at=town.clock.now() + timedelta(days=1)) == "ok"
    assert step("terms", "waive") == "missing_reason"


def test_accepted_items_expire() -> None:
    """An item whose time is over is asked for again before approval."""
    town = Town.empty()
    scope = registered(town)
    until = town.clock.now() + timedelta(days=30)
    for key in ("identity", "bank_account", "terms"):
        town.vendors.requirement(scope, "acme", key, "submit")
        town.vendors.requirement(scope, "acme", key, "accept", expires_at=until if key == "identity" else None)
    town.vendors.submit(scope, "acme")
    town.clock.advance(timedelta(days=31))
    assert "identity (expired)" in detail(lambda: town.vendors.approve(scope, "acme"))


def test_what_is_asked_is_inherited_and_may_change() -> None:
    """The registry that holds now decides: new items are missing, items no longer asked do not stand in the way."""
    town = Town.empty()
    scope = registered(town)
    town.vendors.submit(scope, "acme")
    town.settings.set(PLATFORM, "vendor_requirements", ["licence"], node="de")
    assert "still needs licence (missing);" in detail(lambda: town.vendors.approve(scope, "acme"))
    town.vendors.requirement(scope, "acme", "licence", "waive", reason="none needed here")
    vendor = town.vendors.approve(scope, "acme")
    assert [(item.key, item.status) for item in vendor.requirements] == [("licence", RequirementStatus.WAIVED)]


def test_the_team_always_has_an_owner() -> None:
    """The last owner cannot leave or be demoted, and an invited owner who has not joined does not replace one who has."""
    town = Town.empty()
    scope = selling(town)

    def owner(email: str) -> None:
        town.vendors.invite(scope, "acme", email, TeamRole.OWNER)

    def leave(email: str) -> str:
        return code(lambda: town.vendors.remove_member(scope, "acme", email))

    assert leave("info@acme.example") == "last_owner"
    town.vendors.join(scope, "acme", "INFO@acme.example")
    owner("kim@acme.example")
    assert leave("info@acme.example") == "last_owner"
    demote = town.vendors.change_role
    assert code(lambda: demote(scope, "acme", "info@acme.example", TeamRole.STAFF)) == "last_owner"
    town.vendors.join(scope, "acme", "kim@acme.example")
    demote(scope, "acme", "info@acme.example", TeamRole.STAFF)
    assert leave("info@acme.example") == "ok"
    assert leave("kim@acme.example") == "last_owner"
    assert code(lambda: owner("kim@acme.example")) == "already_member"
    assert code(lambda: town.vendors.join(scope, "acme", "kim@acme.example")) == "already_joined"
    assert code(lambda: town.vendors.join(scope, "acme", "eve@acme.example")) == "member_not_found"
    assert code(lambda: owner("nobody")) == "invalid_email"
    assert code(lambda: owner(f"{'a' * 245}@x.example")) == "invalid_email"


def test_a_new_payout_account_is_not_verified() -> None:
    """An account is verified as it was seen; another account needs it again, the same one does not."""
    town = Town.empty()
    scope = selling(town)

    def put(reference: str) -> Vendor:
        return town.vendors.set_payout_account(scope, "acme", method="bank", reference=reference, holder="Acme GmbH")

    put("DE1")
    assert code(lambda: town.vendors.verify_payout_account(scope, "acme", reference="DE0")) == "account_changed"
    vendor = town.vendors.verify_payout_account(scope, "acme", reference="DE1")
    assert vendor.payout_account is not None
    assert vendor.payout_account.verified
    assert put("DE1") == town.vendors.get(scope, "acme")
    assert len(town.happened(PayoutAccountChanged)) == 2
    changed = put("DE2").payout_account
    assert changed is not None
    assert not changed.verified
    assert code(lambda: town.vendors.set_payout_account(scope, "acme", method="bank", reference="", holder="x")) == (
        "incomplete_account"
    )


def test_there_is_nothing_to_verify_without_an_account() -> None:
    """Verifying says that an account is to be set first."""
    town = Town.empty()
    scope = registered(town)
    assert code(lambda: town.vendors.verify_payout_account(scope, "acme")) == "no_payout_account"


def owe(town: Town, scope: TenantScope, amount: int, key: str) -> None:
    """Post money to the vendor's available account."""
    vendor = town.vendors.get(scope, "acme")
    available = vendor_account(scope.tenant_id, vendor.id, "available", "EUR")
    with town.database(scope) as uow:
        uow.ledger.post(
            Journal.of(
                id=JournalId(town.dependencies.identifiers.new()),
                tenant=scope.tenant_id,
                key=key,
                kind="adjustment",
                movements=[(available, -amount), (Account(scope.tenant_id, "bank", "EUR"), amount)],
                occurred_at=town.clock.now(),
            )
        )
        uow.commit()


def test_a_vendor_leaves_when_nothing_is_owed() -> None:
    """Money in any of its accounts keeps a vendor; once settled it is terminated, for good."""
    town = Town.empty()
    scope = selling(town)
    owe(town, scope, 500, "one")
    with pytest.raises(Refused, match=r"5\.00 EUR in available"):
        town.vendors.terminate(scope, "acme")
    owe(town, scope, -500, "two")
    assert town.vendors.terminate(scope, "acme", reason="closed").status is VendorStatus.TERMINATED
    assert code(lambda: town.vendors.change(scope, "acme", profile=ACME)) == "invalid_state"
    assert code(lambda: town.vendors.reinstate(scope, "acme")) == "invalid_state"
    assert code(lambda: town.vendors.invite(scope, "acme", "a@b", TeamRole.OWNER)) == "invalid_state"


def ordered(town: Town, scope: TenantScope, status: VendorOrderStatus, number: int) -> None:
    """Store an order of one line from the vendor, with its part in some state."""
    vendor = town.vendors.get(scope, "acme")
    line = OrderLine(
        id=OrderLineId(UUID(int=number)),
        reference="1",
        sku="chair",
        vendor_id=vendor.id,
        vendor=vendor.handle,
        quantity=1,
        unit_price=UnitPrice.of("1", "EUR"),
        gross=100,
        paid=100,
        legs=(100, 0, 0, 0, 0, 0, 0, 0),
    )
    part = VendorOrder(id=VendorOrderId(UUID(int=number)), vendor_id=vendor.id, vendor="acme", status=status)
    order = Order(
        id=OrderId(UUID(int=number)),
        tenant_id=scope.tenant_id,
        reference=f"order-{number}",
        digest="",
        placed_at=town.clock.now(),
        currency="EUR",
        prices_include_tax=False,
        shipping_recipient=ShippingRecipient.VENDOR,
        tax_remitter=TaxRemitter.VENDOR,
        tax_jurisdiction="de",
        lines=(line,),
        vendor_orders=(part,),
    )
    with town.database(scope) as uow:
        uow.orders.add(order)
        uow.commit()


def test_a_vendor_does_not_leave_buyers_waiting() -> None:
    """Undelivered orders and payouts under way keep a vendor; the refusal names the first few and counts the rest."""
    town = Town.empty()
    scope = selling(town)
    ordered(town, scope, VendorOrderStatus.DELIVERED, 1)
    ordered(town, scope, VendorOrderStatus.CANCELLED, 2)
    for number in range(3, 110):
        ordered(town, scope, VendorOrderStatus.FULFILLED, number)
    payout = Payout(
        id=PayoutId(UUID(int=1)),
        tenant_id=scope.tenant_id,
        batch_id=None,
        vendor_id=town.vendors.get(scope, "acme").id,
        vendor="acme",
        amount=Money.of("1.00", "EUR"),
        method="manual",
        account="manual|acme",
        holder="Acme",
        status=PayoutStatus.IN_TRANSIT,
        next_attempt_at=None,
        created_at=town.clock.now(),
    )
    with town.database(scope) as uow:
        uow.payouts.add([payout])
        uow.commit()
    refusal = detail(lambda: town.vendors.terminate(scope, "acme"))
    assert f"payout {payout.id} is in_transit, order order-3 is fulfilled" in refusal
    assert refusal.endswith("and 103 more")


def test_each_tenant_has_its_own_vendors() -> None:
    """Two tenants may each have an acme; neither sees or changes the other's."""
    town = Town.empty()
    north = registered(town)
    south = town.scope("south")
    with pytest.raises(CityOSError, match="no vendor"):
        town.vendors.submit(south, "acme")
    town.vendors.register(south, "acme", Profile(name="Other"))
    town.vendors.submit(south, "acme")
    assert town.vendors.get(north, "acme").status is VendorStatus.PENDING
