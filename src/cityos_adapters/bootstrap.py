"""Puts the application together over real adapters; the one place that chooses them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen
from typing_extensions import override

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.settings import Settings
from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers, driver_url
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Unavailable
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class SystemClock(Clock):
    """The machine's clock."""

    @override
    def now(self) -> datetime:
        """Give the present instant, in UTC."""
        return datetime.now(UTC)


def bootstrap(settings: Settings, *, database: UnitOfWorkFactory | None = None) -> CityOS:
    """Assemble the application over the configured database, for as long as the process lives.

    Whoever passes the ``database`` closes it; :func:`open_city` does both. ``Unavailable`` if there is no database.
    """
    require_database(settings)
    clock = SystemClock()
    return CityOS.of(
        Dependencies(
            unit_of_work=database or SqlDatabase(settings.database_url),
            clock=clock,
            identifiers=TimeOrderedIdentifiers(),
            payout_methods=payout_methods(settings, clock),
        )
    )


@contextmanager
def open_city(settings: Settings) -> Iterator[CityOS]:
    """Open the application over the configured database, and close its connections afterwards."""
    with SqlDatabase(settings.database_url) as database:
        yield bootstrap(settings, database=database)


def require_database(settings: Settings) -> None:
    """Refuse a SQLite file that is not there: opening it would make an empty one."""
    url = driver_url(settings.database_url)
    if url.drivername.startswith("sqlite") and not Path(url.database or "").is_file():
        raise Unavailable("no_database", f"there is no database at {url.database}; run `cityos db migrate` to make it")


def migrate_database(settings: Settings) -> str:
    """Bring the configured database to the newest schema and give its revision."""
    from cityos_adapters.sql.migration import migrate  # noqa: PLC0415  Alembic is for those who migrate

    return migrate(settings.database_url)


def payout_methods(settings: Settings, clock: Clock) -> Mapping[str, PayoutMethod]:
    """Give the ways to pay vendors: by hand always, by bank file if a bank account is configured."""
    manual = ManualMethod()
    if settings.bank is None:
        return {manual.name: manual}
    from cityos_adapters.bank.transfer_file import BankFileMethod, Debtor  # noqa: PLC0415  half a second of XML schemas

    bank = settings.bank
    files = BankFileMethod(Path(bank.directory), Debtor(bank.name, bank.iban, bank.bic), clock)
    return {manual.name: manual, files.name: files}
