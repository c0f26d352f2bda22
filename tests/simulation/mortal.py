"""A process that lives one round of a market's day and may be killed in it; run as a script, which forks the rounds.

Round *n* places an order, ships it and pays the vendors out, and is killed with SIGKILL as it passes its *n*-th fault
point. Then the round is lived again to its end by another process, and the books are compared with the provider's own
record. The rounds end with the first that reaches its end before its *n*-th fault point. It prints how many were killed.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

from cityos_adapters.sql.database import SqlDatabase
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Transfer, TransferResult, TransferState
from cityos_core.testing import START, SequentialIdentifiers, SimulatedClock, line, market, order_draft
from cityos_core.testing.simulation.laws import check_laws, check_orders

TENANT = "north"


class FolderProvider:
    """Keeps a file per payment, so that its record outlives whoever calls it."""

    name = "folder"
    account = "gateway:folder:available"
    at_once = 1
    asks_after = timedelta(hours=1)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, transfers: Sequence[Transfer]) -> list[TransferResult]:
        """Pay, the same key once."""
        return [self._pay(transfer) for transfer in transfers]

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Tell whether a key was paid."""
        is_paid = self._file(transfer).exists()
        return TransferResult(
            state=TransferState.PAID if is_paid else TransferState.ABSENT, reference=transfer.key if is_paid else None
        )

    def payments(self) -> dict[str, int]:
        """Count payments by payout."""
        counts: dict[str, int] = {}
        for file in self.folder.iterdir():
            payout = file.name.partition("@")[0]
            counts[payout] = counts.get(payout, 0) + 1
        return counts

    def _pay(self, transfer: Transfer) -> TransferResult:
        self._file(transfer).touch()
        return TransferResult(state=TransferState.PAID, reference=transfer.key)

    def _file(self, transfer: Transfer) -> Path:
        return self.folder / f"{transfer.payout_id}@{transfer.key.replace(':', '_')}"


def opened(database: SqlDatabase, folder: Path, seed: int) -> tuple[CityOS, SimulatedClock]:
    """A market's application as a process finds it when it starts."""
    clock, provider = SimulatedClock(START + timedelta(days=30 * seed)), FolderProvider(folder)
    methods = {provider.name: provider}
    return CityOS.of(
        Dependencies(
            unit_of_work=database, clock=clock, identifiers=SequentialIdentifiers(seed), payout_methods=methods
        )
    ), clock


def prepare(app: CityOS) -> None:
    """Open the market, its vendors paid by the folder provider."""
    tenant = market(app, TENANT)
    for vendor in ("acme", "birch"):
        app.vendors.set_payout_account(tenant.scope, vendor, method="folder", reference=vendor, holder=vendor)
        app.vendors.verify_payout_account(tenant.scope, vendor)


def live(app: CityOS, clock: SimulatedClock, number: int) -> None:
    """Live a round, going on from wherever an earlier life of it ended."""
    scope = app.tenants.get(TENANT).scope
    reference = f"order-{number}"
    lines = (line("1"), line("2", vendor="birch", sku="mug", quantity=500, unit_price="0.5292"))
    app.orders.place(scope, order_draft(reference, *lines, placed_at=START))
    with suppress(Conflict):  # an earlier life shipped it
        app.orders.fulfil(scope, reference)
    app.orders.refund(scope, reference, key=f"refund-{number}", amount=Money.of("33.33", "EUR"), reason="damaged")
    clock.advance(timedelta(days=10))
    app.payouts.run(scope)
    clock.advance(timedelta(days=1))
    app.payouts.process(scope)


def audit(app: CityOS, folder: Path, number: int) -> None:
    """Check the laws, and that all of the money of all rounds was paid out once."""
    scope = app.tenants.get(TENANT).scope
    check_laws(app, scope, FolderProvider(folder).payments())
    assert check_orders(app, scope) == number
    for balance in app.ledger.balances(scope, "vendor:"):
        assert not balance.money, balance


def in_child(work: Callable[[], None]) -> int:
    """Do something in a process of its own, and give how that ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        work()
        status = 0
    except Exception as error:  # noqa: BLE001  a child ends here, whatever happened to it
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(status)
    return status


def main(url: str, folder: Path) -> None:
    """Live rounds until one is not killed."""

    def set_up() -> None:
        with SqlDatabase(url) as database:
            prepare(opened(database, folder, 1)[0])

    def killed(number: int) -> None:
        passed = count(1)

        def strike(_point: str) -> None:
            if next(passed) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        with SqlDatabase(url) as database, faults.hooked(strike):
            live(*opened(database, folder, 2 * number), number)

    def completed(number: int) -> None:
        with SqlDatabase(url) as database:
            app, clock = opened(database, folder, 2 * number + 1)
            live(app, clock, number)
            audit(app, folder, number)

    if in_child(set_up):
        raise SystemExit("the market could not be opened")
    for number in count(1):
        ended = in_child(partial(killed, number))
        if in_child(partial(completed, number)):
            raise SystemExit(f"round {number} did not end as it should")
        if ended != -signal.SIGKILL:
            sys.stdout.write(f"{number - 1}\n")
            raise SystemExit(ended)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
