"""Is every configured system there and ready, and if not, what mends it."""

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from cityos_adapters.bootstrap import require_database
from cityos_adapters.settings import Bank, Settings
from cityos_adapters.sql.inspection import check
from cityos_core.kernel.errors import CityOSError


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
    yield from _database(settings)
    try:
        bank = settings.bank
    except CityOSError as error:
        yield Check("bank", ok=False, detail=error.detail, fix="set all three, or none of them")
    else:
        if bank:
            yield _bank(bank)


def _database(settings: Settings) -> Iterator[Check]:
    try:
        problems = database_problems(settings)
    except CityOSError as error:
        yield Check("database", ok=False, detail=error.detail, fix="correct CITYOS_DATABASE_URL or start the database")
        return
    for problem in problems:
        detail, _, fix = problem.partition(": ")
        yield Check("database", ok=False, detail=detail, fix=fix or "restore it from a backup, or migrate a new one")
    if not problems:
        yield Check("database", ok=True, detail="schema and guards are as they have to be")


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
