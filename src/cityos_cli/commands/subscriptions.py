"""Who has which plan."""

from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli import changing
from cityos_cli.confirmation import confirm
from cityos_cli.failures import UsageError
from cityos_cli.forecasting import Cycles, Expected, show_forecast
from cityos_cli.importing import Errors, File, FileFormat, Form, form_of, import_file
from cityos_cli.parameters import DryRun, IdempotencyKey, Limit, Yes
from cityos_cli.session import Session
from cityos_cli.subscribing import (
    Id,
    Quantities,
    discount_of,
    end,
    newest,
    plan_name,
    quantities_of,
    show_begun,
    show_rehearsed,
)
from cityos_core.exports.invoices import attempt_record
from cityos_core.exports.subscriptions import COLUMNS, CYCLE_COLUMNS, cycle_record, summary, whole
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.paging import every
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.terms import (
    Collection,
    CollectionMethod,
    Discount,
    Subscriber,
    SubscriberKind,
    TaxRate,
)
from cityos_core.subscriptions.trials import Agreement

app = typer.Typer(help="Who has which plan, from the beginning to the end.")
app.add_typer(changing.app)


@app.command()
def begin(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(help="The plan's handle, or its id.")],
    subscriber: Annotated[str, typer.Argument(help="Who subscribes and owes: a customer's reference, such as ada.")],
    *,
    company: Annotated[bool, typer.Option("--company", help="The subscriber is a company.")] = False,
    quantity: Quantities = None,
    discount: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE=VALUE", help="Such as spring=10%, or spring=5.00x3 for three periods; repeat it."),
    ] = None,
    tax: Annotated[
        str | None, typer.Option(metavar="JURISDICTION=PERCENT", help="The tax on what is charged, such as nl=21.")
    ] = None,
    tax_included: Annotated[bool, typer.Option("--tax-included", help="Prices contain the tax.")] = False,
    collection: Annotated[
        CollectionMethod, typer.Option(help="Charge a payment method, or send invoices with terms.")
    ] = CollectionMethod.CHARGE,
    terms_days: Annotated[int, typer.Option(help="Days an invoice may stay unpaid.")] = 0,
    trial_days: Annotated[int | None, typer.Option(help="Days that cost nothing; the plan's unless said.")] = None,
    payment_method: Annotated[
        str | None, typer.Option(help="The gateway's reference of what is charged; its default unless said.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="The store it belongs to, by handle.")] = None,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> None:
    """Subscribe somebody to a plan and collect the first period, unless a trial comes before it.

    Exits with 3 if the payment was declined: the subscription is incomplete until it is paid.
    """
    session = Session.of(ctx)
    sold = session.city.plans.get(session.scope, plan_name(plan))
    agreement = Agreement(
        subscriber=Subscriber(SubscriberKind.COMPANY if company else SubscriberKind.CUSTOMER, subscriber),
        quantities=quantities_of(quantity) or {},
        discounts=tuple(discount_of(text, sold.currency) for text in discount or ()),
        tax=_tax(tax, included=tax_included),
        collection=Collection(method=collection, terms_days=terms_days),
        trial_days=trial_days,
    )

    def subscribe() -> tuple[Subscription, Invoice | None]:
        begun = session.city.subscriptions.begin(
            session.scope, sold.id, agreement, store=store, payment_method=payment_method, key=idempotency_key
        )
        return begun, newest(session, begun.id)

    begun, made = session.do(subscribe, dry_run=dry_run)
    (show_rehearsed if dry_run else show_begun)(session, begun, made)


def _tax(text: str | None, *, included: bool) -> TaxRate | None:
    if text is None:
        return None
    jurisdiction, _, percentage = text.rpartition("=")
    if not jurisdiction:
        raise UsageError(f"--tax takes JURISDICTION=PERCENT, such as nl=21, not {text!r}")
    return TaxRate(percentage=Percentage.of(percentage), jurisdiction=jurisdiction, included=included)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    status: Annotated[SubscriptionStatus | None, typer.Option(help="Those of this status.")] = None,
    subscriber: Annotated[str | None, typer.Option(help="Those of one customer or company, by reference.")] = None,
    plan: Annotated[str | None, typer.Option(help="Those of one plan, by handle or id.")] = None,
    limit: Limit = None,
) -> None:
    """List subscriptions, oldest first."""
    session = Session.of(ctx)
    sold = None if plan is None else session.city.plans.get(session.scope, plan_name(plan)).id
    where = SubscriptionFilter(status=status, subscriber=subscriber, plan=sold)
    found = islice(every(lambda request: session.city.subscriptions.list(session.scope, where, request)), limit)
    session.output.rows(COLUMNS, (summary(one, session.plan_handles) for one in found))


@app.command()
def show(ctx: typer.Context, subscription: Id) -> None:
    """Show one subscription, with what was agreed."""
    session = Session.of(ctx)
    found = session.city.subscriptions.get(session.scope, SubscriptionId(subscription))
    session.output.record(whole(found, session.plan_handles))


@app.command()
def cycles(
    ctx: typer.Context,
    subscription: Id,
    *,
    last: Annotated[int | None, typer.Option(min=1, max=100_000, help="Only the last ones.")] = None,
) -> None:
    """List a subscription's cycles in their order, the one to come included."""
    session = Session.of(ctx)
    found = session.city.subscriptions.cycles(session.scope, SubscriptionId(subscription), last=last)
    session.output.rows(CYCLE_COLUMNS[1:], map(cycle_record, found))


@app.command()
def usage(ctx: typer.Context, file: File, *, errors: Errors = None, format_: Form = None) -> None:
    """Import what was used, as JSON lines or CSV of subscription,key,item,quantity,used_at; each key counts once."""
    from cityos_adapters.files import read_usage_csv, read_usage_jsonl

    session = Session.of(ctx)
    read = read_usage_csv if form_of(file, format_) is FileFormat.CSV else read_usage_jsonl
    import_file(session, file, read, session.city.subscriptions.import_usage, errors=errors)


@app.command()
def discount(
    ctx: typer.Context,
    subscription: Id,
    code: Annotated[str, typer.Argument(help="What it is known by, such as spring.")],
    *,
    percentage: Annotated[str | None, typer.Option(help="Of what is charged in advance, such as 10.")] = None,
    amount: Annotated[str | None, typer.Option(help="For each period, such as 5.00.")] = None,
    cycles: Annotated[int | None, typer.Option(min=1, help="For how many periods; for ever unless said.")] = None,
) -> None:
    """Give a discount on the periods that are billed from now on."""
    session = Session.of(ctx)
    if (percentage is None) == (amount is None):
        raise UsageError("discount by --percentage or by --amount, one of them")
    before = session.city.subscriptions.get(session.scope, SubscriptionId(subscription))
    given = Discount(
        code=code,
        percentage=None if percentage is None else Percentage.of(percentage),
        amount=None if amount is None else Money.of(amount, before.currency),
        cycles=cycles,
    )
    after = session.city.subscriptions.add_discount(session.scope, before.id, given)
    session.output.record(whole(after, session.plan_handles))


@app.command()
def method(
    ctx: typer.Context,
    subscription: Id,
    payment_method: Annotated[str | None, typer.Argument(help="The gateway's reference of it.")] = None,
    *,
    default: Annotated[bool, typer.Option("--default", help="The gateway's default for the subscriber.")] = False,
) -> None:
    """Charge another payment method from now on; what is owed is collected with the next retry, or by `pay`."""
    session = Session.of(ctx)
    if (payment_method is None) != default:
        raise UsageError("name the payment method, or say --default")
    after = session.city.subscriptions.change_method(session.scope, SubscriptionId(subscription), payment_method)
    session.output.record(whole(after, session.plan_handles))


@app.command()
def pay(
    ctx: typer.Context,
    invoice: Annotated[UUID, typer.Argument(help="The invoice's id.")],
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Collect an open invoice now; exits with 3 if the payment was declined."""
    session = Session.of(ctx)
    owed = session.city.invoices.get(session.scope, InvoiceId(invoice))
    confirm(f"Charge {owed.due} to {owed.subscriber.reference}?", yes=yes or dry_run)
    attempt = session.do(lambda: session.city.subscriptions.pay(session.scope, owed.id), dry_run=dry_run)
    session.output.record({"dry_run": dry_run, **attempt_record(attempt)})
    if not dry_run:
        end(attempt)


@app.command()
def forecast(ctx: typer.Context, subscription: Id, *, cycles: Cycles = None, usage: Expected = None) -> None:
    """List what the next periods will bill, as far as it is known today."""
    show_forecast(Session.of(ctx), SubscriptionId(subscription), cycles=cycles, usage=usage)
