"""Is every configured system there and ready, and if not, what mends it."""

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Final, TypeVar

from attrs import frozen

from cityos_adapters.bootstrap import SystemClock, require_database
from cityos_adapters.settings import Bank, Identity, Settings
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.inspection import check
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.policy import BEHIND
from cityos_core.kernel.errors import CityOSError, Unavailable
from cityos_core.kernel.redaction import redacted
from cityos_core.tenancy.hosts import normalized

T = TypeVar("T")

PATIENCE_S: Final = 3.0
"""How long a counterpart may take to say how it is."""

LARGEST_ANSWER: Final = 1024

_READ_BY_THE_SERVER: Final[tuple[Callable[[Settings], object], ...]] = (
    lambda settings: [normalized(name) for name in settings.platform_domains],
    attrgetter("secret_key"),
    attrgetter("dns_servers"),
    attrgetter("trusted_proxies"),
    attrgetter("logging"),
)

_PAYMENTS_FIX: Final = "correct CITYOS_PAYMENT_GATEWAY, or unset it"
_REDIS_FIX: Final = "start Redis, or correct CITYOS_REDIS_URL; meanwhile requests are not limited, and jobs wait"
_TIME_FIX: Final = "run `cityos scheduler` and `cityos worker`; without Redis the worker alone, or `cityos serve`"
_WORKER_FIX: Final = "run `cityos worker`; its log says what it does"
_OIDC_FIX: Final = "start the issuer, or correct CITYOS_OIDC_ISSUER; meanwhile access tokens are refused"
_CERBOS_FIX: Final = "start Cerbos, or correct CITYOS_CERBOS_URL; meanwhile everything is refused"
_SETTING_FIX: Final = "correct it where `cityos settings show --origin` says that it comes from"


@frozen
class Check:
    """What was found at one system; ``fix`` says what to do where it is not ready."""

    system: str
    ok: bool
    detail: str
    fix: str = ""


def database_problems(settings: Settings) -> list[str]:
    """List what is wrong with the configured database, nothing if all is well; ``Unavailable`` if there is none."""
    require_database(settings)
    return check(settings.database_url)


def checks(settings: Settings) -> Iterator[Check]:
    """Look at one configured system after the other."""
    database = list(_database(settings))
    yield from database
    if all(found.ok for found in database):
        yield _jobs(settings)
    yield from _configured("bank", lambda: settings.bank, _bank, fix="set all three, or none of them")
    yield from _configured("payments", lambda: settings.payment_gateway, _payments, fix=_PAYMENTS_FIX)
    yield from _configured("redis", lambda: settings.redis_url, _redis, fix="correct CITYOS_REDIS_URL")
    yield from _configured("oidc", lambda: settings.identity, _oidc, fix="correct CITYOS_OIDC_ISSUER and the other two")
    yield from _configured("cerbos", lambda: settings.cerbos_url, _cerbos, fix="correct CITYOS_CERBOS_URL")
    yield from _settings(settings)


def _configured(system: str, read: Callable[[], T | None], look: Callable[[T], Check], *, fix: str) -> Iterator[Check]:
    """Look at a system if it is configured; if that cannot be understood, say so."""
    try:
        found = read()
        if found is not None:
            yield look(found)
    except CityOSError as error:
        yield Check(system, ok=False, detail=error.detail, fix=fix)


def _settings(settings: Settings) -> Iterator[Check]:
    """Name the settings that cannot be used as they are."""
    for read in _READ_BY_THE_SERVER:
        try:
            read(settings)
        except CityOSError as error:
            yield Check("settings", ok=False, detail=error.detail, fix=_SETTING_FIX)


def _database(settings: Settings) -> Iterator[Check]:
    try:
        problems = database_problems(settings)
    except CityOSError as error:
        yield Check("database", ok=False, detail=_whole(error), fix="correct CITYOS_DATABASE_URL or start the database")
        return
    for problem in problems:
        detail, _, fix = problem.partition(": ")
        yield Check("database", ok=False, detail=detail, fix=fix or "restore it from a backup, or migrate a new one")
    if not problems:
        yield Check("database", ok=True, detail="schema and guards are as they have to be")


def _jobs(settings: Settings) -> Check:
    """Say whether somebody keeps the time and does the work; a database where nobody ever did is not behind."""
    with SqlDatabase(settings.database_url) as database:
        ports = Dependencies(unit_of_work=database, clock=SystemClock(), identifiers=TimeOrderedIdentifiers())
        health = CityOS.of(ports).jobs.health()
    counts = health.counts
    detail = (
        f"{counts.waiting} waiting, {counts.active} active, {counts.failed} failed, {health.outbox} events to relay"
    )
    if not health.schedules:
        return Check("jobs", ok=True, detail=f"{detail}; nobody has kept the time here yet")
    if not health.is_healthy:
        return Check("jobs", ok=False, detail=f"{detail}; behind: {', '.join(health.behind)}", fix=_TIME_FIX)
    if counts.oldest_due_at is not None and SystemClock().now() - counts.oldest_due_at > BEHIND:
        since = counts.oldest_due_at.isoformat(timespec="seconds")
        return Check("jobs", ok=False, detail=f"{detail}; one waits since {since}", fix=_WORKER_FIX)
    return Check("jobs", ok=True, detail=detail)


def _whole(error: CityOSError) -> str:
    """Say what went wrong with what the driver said of it: whoever runs this may read it."""
    return redacted("; ".join([error.detail, *getattr(error, "__notes__", ())]))


def _bank(bank: Bank) -> Check:
    from schwifty import IBAN  # noqa: PLC0415  a second of bank registers, for those who pay by bank
    from schwifty.exceptions import SchwiftyException  # noqa: PLC0415

    try:
        IBAN(bank.iban)
    except SchwiftyException as error:
        return Check("bank", ok=False, detail=f"bank_iban is not an IBAN: {error}", fix="correct CITYOS_BANK_IBAN")
    folder = Path(bank.directory)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Check("bank", ok=False, detail=f"{folder} cannot be written", fix=f"make the folder {folder} writable")
    return Check("bank", ok=True, detail=f"bank files are written to {folder}")


def _payments(gateway: str) -> Check:
    return Check(
        "payments", ok=True, detail=f"the {gateway} gateway is on: nobody is charged, every invoice looks paid"
    )


def _redis(url: str) -> Check:
    from cityos_adapters.redis.connecting import ping  # noqa: PLC0415  a fifth of a second, for those who use it

    try:
        ping(url)
    except Unavailable as error:
        return Check("redis", ok=False, detail=error.detail, fix=_REDIS_FIX)
    return Check("redis", ok=True, detail="it answers; rate limits are counted there, and workers woken")


def _oidc(identity: Identity) -> Check:
    from cityos_adapters.exchange import Unanswered  # noqa: PLC0415  an HTTP client, for those who use it
    from cityos_adapters.keycloak import Realm  # noqa: PLC0415
    from cityos_adapters.keycloak.jwks import Publication  # noqa: PLC0415

    realm = Realm(issuer=identity.issuer, audience=identity.audience, clients=identity.clients)
    try:
        keys = Publication(issuer=realm.issuer, jwks_uri=realm.jwks_uri, algorithms=realm.algorithms)()
    except Unanswered as error:
        return Check("oidc", ok=False, detail=str(error), fix=_OIDC_FIX)
    return Check("oidc", ok=True, detail=f"{realm.issuer} publishes {len(keys)} signing keys")


def _cerbos(url: str) -> Check:
    import httpx2  # noqa: PLC0415  for those who use it

    from cityos_adapters.cerbos import CerbosPolicy  # noqa: PLC0415
    from cityos_adapters.exchange import Unanswered, exchange  # noqa: PLC0415

    CerbosPolicy(url).close()  # refuses what cannot be an address
    place = f"{url.rstrip('/')}/_cerbos/health"
    try:
        with httpx2.Client(trust_env=False) as client:
            answer = exchange(client, "GET", place, within_s=PATIENCE_S, at_most=LARGEST_ANSWER)
    except Unanswered as error:
        return Check("cerbos", ok=False, detail=str(error), fix=_CERBOS_FIX)
    if answer != {"status": "SERVING"}:
        return Check("cerbos", ok=False, detail=f"{place} does not say that it is serving", fix=_CERBOS_FIX)
    return Check("cerbos", ok=True, detail=f"{url} is serving")
