"""The work of the city: every operation that is carried out as a job, and what does it."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Final
from uuid import UUID

from cityos_core.dependencies import Dependencies
from cityos_core.exports.model import MOST_ATTEMPTS
from cityos_core.exports.service import ExportUseCases
from cityos_core.exports.writing import WRITE
from cityos_core.idempotency.service import RequestUseCases
from cityos_core.jobs.model import STAGES, Job
from cityos_core.jobs.policy import Audience, Operation, Rhythm
from cityos_core.jobs.relaying import ARGUMENTS, DELIVER, Deliver
from cityos_core.jobs.sweeping import Prune
from cityos_core.jobs.work import Do, Progress, Work
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.scope import Scope, TenantScope
from cityos_core.orders.service import OrderUseCases
from cityos_core.payouts.service import PayoutUseCases
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.dunning import RUNS
from cityos_core.tenancy.service import DomainUseCases

MINUTELY: Final = Rhythm(every=timedelta(minutes=1))
HOURLY: Final = Rhythm(every=timedelta(hours=1))

LONG: Final = timedelta(minutes=30)
"""The lease of work that may take long and shows no progress; what a second worker does meanwhile is harmless."""

DELIVERED: Final = 10
"""How often a listener is told of an event that it does not take: for about a minute."""


def works(dependencies: Dependencies) -> tuple[Work, ...]:
    """Give everything that can be done as a job. A context that gains such work adds it to its own list below."""
    return (
        *_payouts(dependencies),
        *_orders(dependencies),
        *_billing(dependencies),
        *_exports(dependencies),
        *_upkeep(dependencies),
    )


def _payouts(dependencies: Dependencies) -> list[Work]:
    payouts = PayoutUseCases.of(dependencies)

    def run(scope: TenantScope, progress: Progress) -> str:
        done = payouts.run(scope, each=lambda _: progress(STAGES[2]))
        return f"{done.count} payouts, {sum(done.left_out.values())} left out"

    def process(scope: TenantScope, _progress: Progress) -> str:
        return f"{sum(payouts.process(scope).steps.values())} steps"

    return [
        Work(
            Operation(name="payouts.run", queue="payouts", lease=LONG, rhythm=Rhythm(at=(time(6),))),
            _in_tenant(run),
        ),
        Work(
            Operation(name="payouts.process", queue="payouts", lease=LONG, rhythm=Rhythm(every=timedelta(minutes=5))),
            _in_tenant(process),
        ),
    ]


def _orders(dependencies: Dependencies) -> list[Work]:
    orders = OrderUseCases.of(dependencies)

    def release(scope: TenantScope, _progress: Progress) -> str:
        done = orders.release_due(scope)
        return f"{done.vendor_orders} vendor orders, {done.reserves} reserves"

    return [Work(Operation(name="orders.release", queue="orders", lease=LONG, rhythm=HOURLY), _in_tenant(release))]


def _billing(dependencies: Dependencies) -> list[Work]:
    billing = BillingUseCases.of(dependencies)

    def run(scope: TenantScope, progress: Progress) -> str:
        done = billing.run(scope, each=lambda _: progress(STAGES[2]), keeps_empty=False).certificate
        failed = sum(done.failed.values())
        return (
            f"{done.billed} cycles billed, {failed} failed; the certificate {'ties' if done.ties else 'does not tie'}"
        )

    def retry(scope: TenantScope, _progress: Progress) -> str:
        done = billing.retry(scope)
        return f"{done.retried} payments tried again, {done.ended} given up"

    def recognise(scope: TenantScope, _progress: Progress) -> str:
        return f"{billing.recognise(scope).invoices} invoices"

    rhythms = {
        "billing.run": (run, HOURLY),
        "billing.retry": (retry, Rhythm(at=RUNS)),
        "billing.recognise": (recognise, Rhythm(at=(time(0, 30),))),
    }
    return [
        Work(Operation(name=name, queue="billing", lease=LONG, rhythm=rhythm), _in_tenant(do))
        for name, (do, rhythm) in rhythms.items()
    ]


def _exports(dependencies: Dependencies) -> list[Work]:
    exports = ExportUseCases.of(dependencies)

    def write(scope: Scope, job: Job, progress: Progress) -> str:
        export_id = ExportId(_identifier(job, "export"))
        is_first = job.attempts == 1
        done = exports.write(scope, export_id, anew=is_first, written=lambda: progress(STAGES[2]))
        return f"{done.rows} rows"

    operation = Operation(
        name=WRITE,
        queue="exports",
        audience=Audience.EVERYONE,
        attempts=MOST_ATTEMPTS + 1,  # the last one finds that it was started too often, and says so in the export
        arguments={"export": "the export's id"},
    )
    return [Work(operation, write)]


def _upkeep(dependencies: Dependencies) -> list[Work]:
    domains = DomainUseCases.of(dependencies)
    requests = RequestUseCases.of(dependencies.unit_of_work, dependencies.clock)
    prune = Prune(dependencies.unit_of_work)

    def verify(_scope: Scope, _job: Job, _progress: Progress) -> str:
        found = domains.verify_due()
        return f"{found.active} active, {found.waiting} waiting, {found.failed} failed"

    def forget(scope: Scope, _job: Job, _progress: Progress) -> None:
        requests.forget(scope)

    return [
        Work(
            Operation(name="domains.verify", queue="upkeep", audience=Audience.PLATFORM, rhythm=MINUTELY),
            verify,
        ),
        Work(
            Operation(name="requests.forget", queue="upkeep", audience=Audience.EVERYONE, rhythm=HOURLY),
            forget,
        ),
        Work(
            Operation(name="jobs.prune", queue="upkeep", audience=Audience.PLATFORM, rhythm=HOURLY),
            lambda *_: f"{prune()} removed",
        ),
        Work(
            Operation(
                name=DELIVER,
                queue="events",
                audience=Audience.EVERYONE,
                attempts=DELIVERED,
                arguments=ARGUMENTS,
                is_internal=True,
            ),
            Deliver(dependencies.listeners),
        ),
    ]


def _in_tenant(do: Callable[[TenantScope, Progress], str]) -> Do:
    """Let something be done in the tenant that a job belongs to."""
    return lambda _, job, progress: do(TenantScope(job.tenant_id), progress)


def _identifier(job: Job, name: str) -> UUID:
    try:
        return UUID(job.arguments[name])
    except (KeyError, ValueError):
        raise Invalid("missing_argument", f"{job.operation} is told an id as {name!r}") from None
