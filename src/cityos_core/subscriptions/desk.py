"""Where wishes are previewed and fulfilled: proposed, invoiced and stored in one transaction, collected after it."""

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import Identifiers, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.applying import OVER, apply, drafted
from cityos_core.subscriptions.collecting import Collect
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.ending import wind_up
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.issuing import issue
from cityos_core.subscriptions.journals import account, credit_of
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.previews import PREVIEW_LIFE, check_token, preview_token, previewed_at
from cityos_core.subscriptions.reading import situation
from cityos_core.subscriptions.settings import BILLING_GATEWAY
from cityos_core.subscriptions.wishes import PLACES, Wish, proposed
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@frozen(kw_only=True)
class Preview:
    """What a wish would come to; until it expires, its token stands for exactly that.

    ``invoice`` is as it would be issued, without its number; there is none if nothing is invoiced.
    """

    token: str
    expires_at: datetime
    invoice: Invoice | None
    subscription: Subscription


@frozen(kw_only=True)
class Desk:
    """Previews wishes, and fulfils them."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader
    gateways: Mapping[str, PaymentGateway]
    collect: Collect

    def open(self, uow: UnitOfWork, scope: TenantScope, at: datetime) -> Docket:
        """Open the docket of a unit of work."""
        configuration = self.configuration(uow, scope.tenant_id)
        return Docket(uow=uow, identifiers=self.identifiers, configuration=configuration, at=at)

    def preview(self, scope: TenantScope, subscription_id: SubscriptionId, wish: Wish) -> Preview:
        """Say what a wish would come to now; nothing of it stays."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            docket = self.open(uow, scope, now)
            found = situation(uow, subscription_id)
            proposal = proposed(docket, found, wish, at=now)
            draft = drafted(docket, found, proposal)
            invoice = None if draft is None else _as_issued(docket, draft)
        return Preview(
            token=preview_token(found.subscription, proposal, at=now, invoice=invoice),
            expires_at=now + PREVIEW_LIFE,
            invoice=invoice,
            subscription=proposal.subscription,
        )

    def fulfil(
        self, scope: TenantScope, subscription_id: SubscriptionId, wish: Wish, *, token: str | None = None
    ) -> Subscription:
        """Do what is wished, and give the subscription as it is when what is due has been tried to collect.

        With the token of a preview it is reckoned as of then, and comes to exactly what was shown, or is refused.
        """
        now = self.clock.now()
        at = now if token is None else previewed_at(token, now=now)
        with self.unit_of_work(scope) as uow:
            docket = self.open(uow, scope, now)
            found = situation(uow, subscription_id)
            proposal = proposed(docket, found, wish, at=at)
            done = apply(docket, found, proposal)
            if token is not None:
                check_token(token, found.subscription, proposal, at=at, invoice=done)
            if proposal.subscription.status in OVER:
                wind_up(docket, found)
            if docket.attempts:
                self.require_gateway(docket.configuration)
            commit(uow, docket.write(), PLACES[type(wish)])
        return self.collected(scope, docket, subscription_id)

    def collected(self, scope: TenantScope, docket: Docket, subscription_id: SubscriptionId) -> Subscription:
        """Collect what a committed docket laid out, and give the subscription as it is afterwards."""
        if docket.attempts:
            self.collect(scope, docket.attempts)
        with self.unit_of_work(scope) as uow:
            return uow.subscriptions.get(subscription_id)

    def require_gateway(self, configuration: Configuration) -> None:
        """Refuse to charge anybody where the gateway that the tenant's settings name is not configured."""
        name = configuration.value(BILLING_GATEWAY)
        if name not in self.gateways:
            known = ", ".join(sorted(self.gateways)) or "none is"
            detail = f"the gateway {name!r} is not configured here ({known}); configure it, or set billing_gateway"
            raise Refused("no_gateway", f"{detail} to one that is, or collect by invoice")


def _as_issued(docket: Docket, draft: Invoice) -> Invoice:
    where = account(draft, credit_of(draft.subscriber))
    credit = docket.uow.ledger.peek([where])[where] if draft.total.minor > 0 else 0
    issued = issue(draft, number=0, at=docket.at, place=docket.place, credit=Money(credit, draft.currency))
    return evolve(issued, number=None)
