"""A client that a generator made of the document, used as its author would: a marketplace from nothing to a paid vendor."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any, Final

import pytest
from attrs import field, frozen
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from adapters.issuer import ISSUER, Issuer
from cityos_adapters.keycloak import KeycloakTokens, Realm
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import PlatformScope
from cityos_core.ledger.statements import STATES, Statement
from cityos_core.testing import START, SimulatedClock, city
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_http import create_app
from cityos_http.document import document
from cityos_http.routes import ENDPOINTS
from servers.loopback import in_thread

NAME: Final = "cityos_client"
REALM: Final = Realm(issuer=ISSUER, audience="platform", clients=frozenset({"web"}))
CATEGORY: Final = "de/green-city/food/retail"
IBAN: Final = "DE89370400440532013000"
SINCE: Final = START - timedelta(days=1)
UNTIL: Final = START + timedelta(days=26)
ROOT: Final = ""
"""In place of a key: that of the platform's administrator."""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The client as a package; the generator has nothing to say about the document."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document(ENDPOINTS)), encoding="utf-8")
    config = Config.from_sources(
        ConfigFile(post_hooks=[]), MetaType.NONE, folder / "openapi.json", "utf-8", True, folder / NAME
    )
    assert list(generate(config=config)) == []
    sys.path.insert(0, str(folder))
    yield import_module(NAME)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@frozen
class Caller:
    """Someone who uses the client: at one host, with one credential, with a new idempotency key for every call."""

    client: Any = field(repr=False)
    _numbers: Iterator[int] = field(factory=lambda: count(1), init=False)

    def __call__(self, operation: str, *places: str, **arguments: Any) -> Any:
        """Call an operation, insist that it went well and give the typed answer."""
        answer = self.answer(operation, *places, **arguments)
        assert answer.status_code < HTTPStatus.BAD_REQUEST, answer.content
        return answer.parsed

    def answer(self, operation: str, *places: str, **arguments: Any) -> Any:
        """Call an operation and give whatever comes."""
        function = OPERATIONS[operation]
        if takes(function, "idempotency_key"):
            arguments.setdefault("idempotency_key", f"{operation}-{next(self._numbers)}")
        return function(*places, client=self.client, **arguments)


OPERATIONS: Final[dict[str, Callable[..., Any]]] = {}


def takes(function: Callable[..., Any], name: str) -> bool:
    """True if an operation has a parameter."""
    return name in function.__annotations__


@pytest.fixture(scope="module")
def models(generated: ModuleType) -> Iterator[ModuleType]:
    """The classes of the client; its operations are known by their ids."""
    for endpoint in ENDPOINTS:
        tag = endpoint.tag.lower().replace(" ", "_")
        OPERATIONS[endpoint.operation] = import_module(f"{NAME}.api.{tag}.{endpoint.operation}").sync_detailed
    yield import_module(f"{generated.__name__}.models")
    OPERATIONS.clear()


@pytest.fixture
def clock() -> SimulatedClock:
    """The time in the city."""
    return SimulatedClock()


@pytest.fixture
def issuer() -> Issuer:
    """Who issues the tokens of customers."""
    return Issuer()


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest,
    make_database: Callable[[str], UnitOfWorkFactory],
    clock: SimulatedClock,
    issuer: Issuer,
) -> CityOS:
    """A city over a database of each kind."""
    tokens = KeycloakTokens(REALM, clock, transport=issuer.transport)
    return city(unit_of_work=make_database(request.param), clock=clock, tokens=tokens)


@pytest.fixture
def url(app: CityOS) -> Iterator[str]:
    """Where the city answers."""
    with in_thread(create_app(app)) as address:
        yield address


@pytest.fixture
def caller(generated: ModuleType, models: ModuleType, url: str) -> Iterator[Callable[[str, str], Caller]]:
    """Make callers: at a host, with a credential."""
    clients: list[Any] = []

    def make(host: str, credential: str) -> Caller:
        heads, direct = {"Host": host}, {"trust_env": False}
        clients.append(generated.AuthenticatedClient(base_url=url, token=credential, headers=heads, httpx_args=direct))
        return Caller(clients[-1])

    yield make
    for client in clients:
        client.get_httpx_client().close()


def euro(models: Any, amount: str) -> Any:
    """Make an amount of the client."""
    return models.Money(amount=amount, currency="EUR")


def opened(root: Caller, admin_of: Callable[[str], Caller], models: Any) -> Caller:
    """Make a tenant with a store, a commission of a tenth and three days of holding, and give its administrator."""
    assert root("add_node", body=models.NodeRequest(path=CATEGORY)).path == CATEGORY
    tenant = root("create_tenant", body=models.TenantRequest(handle="north", parent=CATEGORY, name="N", currency="EUR"))
    assert (tenant.path, tenant.status) == (f"{CATEGORY}/north", models.TenantStatus.ACTIVE)
    admin = admin_of(made(admin_of(ROOT), models, name="admin", role="administrator"))
    store = admin("create_store", body=models.StoreRequest(handle="web", name="Web"))
    assert admin("get_store", store.id) == store
    admin("set_setting", "holding_days", body=models.SettingRequest(value=3))
    rule = models.Rule.from_dict({"name": "all", "scope": {"level": "platform"}, "rate": {"percentage": "10"}})
    admin("import_commission_rules", body=models.RulesRequest(rules=[rule]))
    return admin


def made(admin: Caller, models: Any, **about: str) -> str:
    """Make a key and give its text."""
    return str(admin("create_api_key", body=models.ApiKeyRequest(**about)).text)


def onboarded(admin: Caller, models: Any) -> None:
    """Register the vendor acme, ask everything of it that is asked, and approve it and its account."""
    profile = models.Profile(name="Acme", email="kim@acme.example", country="DE")
    vendor = admin("create_vendor", body=models.VendorRequest(handle="acme", profile=profile))
    admin("submit_vendor", vendor.id)
    early = admin.answer("approve_vendor", vendor.id)
    assert (early.status_code, early.parsed.code) == (HTTPStatus.CONFLICT, "requirements_open")
    for asked in vendor.requirements:
        admin("submit_vendor_requirement", vendor.id, asked.key, body=models.SubmissionRequest(reference="doc"))
        admin("accept_vendor_requirement", vendor.id, asked.key, body=models.AcceptanceRequest())
    assert admin("approve_vendor", vendor.id).status == models.VendorStatus.APPROVED
    account = models.PayoutAccountRequest(method="manual", reference=IBAN, holder="Acme")
    assert admin("set_payout_account", vendor.id, body=account).ends_with == IBAN[-4:]
    assert admin("verify_payout_account", vendor.id, body=models.AccountProofRequest(reference=IBAN)).verified


def offered(acme: Caller, models: Any) -> None:
    """Put ten chairs on offer."""
    price = models.UnitPrice(amount="19.99", currency="EUR")
    product = acme("create_product", body=models.ProductRequest(sku="chair", title="Chair", unit_price=price))
    acme("set_stock", product.id, "chair", body=models.StockRequest(on_hand=10))
    assert acme("publish_product", product.id).status == models.ProductStatus.PUBLISHED


def bought(ann: Caller, models: Any) -> Any:
    """Look, rehearse, order three chairs twice by mistake, and give the one order that this makes."""
    assert [offer.sku for offer in ann("list_offers").data] == ["chair"]
    purchase = models.PurchaseRequest(lines=[models.WantedLine(sku="chair", quantity=3)], store="web")
    assert ann("place_order", body=purchase, dry_run=True).total == euro(models, "59.97")
    assert ann("list_own_orders").data == []
    order = ann("place_order", body=purchase, idempotency_key="basket-1")
    again = ann.answer("place_order", body=purchase, idempotency_key="basket-1")
    assert (again.parsed, again.headers["idempotent-replayed"]) == (order, "true")
    assert [own.id for own in ann("list_own_orders").data] == [order.id]
    assert ann.answer("get_order", order.id).status_code == HTTPStatus.FORBIDDEN
    return order


def paid_out(admin: Caller, models: Any) -> None:
    """Release what is due, pay it, and confirm that it arrived: two chairs less a tenth."""
    planned = admin("run_payouts", body=models.RunRequest(), dry_run=True)
    assert [(payout.vendor, payout.amount) for payout in planned.payouts] == [("acme", euro(models, "35.98"))]
    run = admin("run_payouts", body=models.RunRequest())
    assert (run.payouts, run.released.vendor_orders) == (planned.payouts, 1)
    (payout,) = admin("list_payouts", vendor="acme").data
    assert (payout.amount, payout.status) == (euro(models, "35.98"), models.PayoutStatus.IN_TRANSIT)
    paid = admin("confirm_payout", payout.id, body=models.ConfirmationRequest(reference="statement 17"))
    assert paid.status == models.PayoutStatus.PAID


def test_from_nothing_to_a_paid_vendor(
    app: CityOS, clock: SimulatedClock, issuer: Issuer, caller: Callable[[str, str], Caller], models: Any
) -> None:
    """Everything from an empty tree to a confirmed payout, through the generated client; every cent is the facade's."""
    draft = KeyDraft(name="root", role="administrator")
    _, root_key = app.access.create_key(PlatformScope(), part_of_the_system("tests"), draft)
    root = caller("localhost", root_key)
    admin = opened(root, lambda key: caller("north.localhost", key or root_key), models)
    onboarded(admin, models)
    acme = caller("north.localhost", made(admin, models, name="acme", role="vendor_owner", vendor="acme"))
    offered(acme, models)
    order = bought(caller("north.localhost", issuer.token(sub="ann", name="Ann")), models)
    part = acme("fulfill_order_part", order.id, body=models.FulfilmentRequest(carrier="bike")).part
    assert part.status == models.VendorOrderStatus.FULFILLED
    one = models.LineRefundRequest(line=order.lines[0].reference, quantity=1)
    refund = admin("refund_order", order.id, body=models.RefundRequest(lines=[one], reason="damaged"))
    assert refund.amount == euro(models, "19.99")
    clock.advance(timedelta(days=4))
    paid_out(admin, models)

    scope = app.tenants.get("north").scope
    assert app.orders.get(scope, order.reference).refunded == Money.of("19.99", "EUR")
    statement = acme("get_statement", since=SINCE, until=UNTIL).to_dict()
    assert cents(statement) == cents_of(app.ledger.statement(scope, "acme", SINCE, UNTIL))
    assert [section["closing"]["total"]["amount"] for section in statement["sections"]] == ["0.00"]
    assert admin("verify_ledger").is_right
    for client in (admin, root):
        operation = "verify_audit_log" if client is admin else "verify_platform_audit_log"
        found = client(operation)
        assert (found.is_whole, found.entries > 0) == (True, True)


def cents(statement: dict[str, Any]) -> list[list[str]]:
    """Give the amounts of a statement as the client has it, a row for each movement."""
    return [
        [row[state]["amount"] for state in (*STATES, "total")]
        for section in statement["sections"]
        for row in (section["opening"], *(moved["change"] for moved in section["movements"]), section["closing"])
    ]


def cents_of(statement: Statement) -> list[list[str]]:
    """Give the amounts of a statement as the facade has it."""
    return [
        [Money(getattr(row, state), section.currency).text for state in (*STATES, "total")]
        for section in statement.sections
        for row in (section.opening, *(moved.change for moved in section.movements), section.closing)
    ]
