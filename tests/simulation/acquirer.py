"""A payment provider whose book outlives whoever calls it: a file that every process writes in."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, frozen

from cityos_core.kernel.errors import Conflict, OutcomeUnknown, Unavailable
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.gateway import Charge, ChargeResult, ChargeState

_BOOK: Final = """
CREATE TABLE calls (number INTEGER PRIMARY KEY, key TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE charges (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, subscription TEXT NOT NULL, invoice TEXT NOT NULL,
    subscriber TEXT NOT NULL, minor INTEGER NOT NULL, currency TEXT NOT NULL, decline TEXT
);
CREATE INDEX charges_key ON charges (key);
"""


class Mood(Enum):
    """What happens on a charge's way, there or back."""

    LOSES_THE_REQUEST = "lost"
    IS_AWAY = "away"
    IS_SLOW = "slow"
    LOSES_THE_ANSWER = "answer lost"
    BREAKS = "broken"
    IS_FINE = "fine"


WEIGHTS: Final = {
    Mood.LOSES_THE_REQUEST: 4,
    Mood.IS_AWAY: 2,
    Mood.IS_SLOW: 4,
    Mood.LOSES_THE_ANSWER: 6,
    Mood.BREAKS: 2,
    Mood.IS_FINE: 82,
}
SILENT: Final = 0.2
"""How many questions about earlier charges get no answer."""

LOST: Final = (Mood.LOSES_THE_REQUEST, Mood.IS_AWAY)
"""The charge never arrives."""

GOOD, WEAK, BROKE, STOLEN, NEVER = "good", "weak", "broke", "stolen", "never"
"""Cards: one that pays, one that pays at the second try, one that does from the beginning only, one that is stolen after
the beginning, and one that never pays."""


@frozen
class Entry:
    """A charge in the provider's book; ``decline`` says why nothing was collected."""

    key: str
    subscription: str
    invoice: str
    subscriber: str
    amount: Money
    decline: str | None


@define
class Acquirer:
    """Collects once per key, declines some cards, and is in a mood while the file beside its book holds a seed."""

    book: Path
    name: str = "card"

    @classmethod
    def founded(cls, book: Path) -> "Acquirer":
        """Begin a book."""
        with closing(sqlite3.connect(book)) as file:
            file.execute("PRAGMA journal_mode = WAL")
            file.executescript(_BOOK)
        return cls(book)

    def be_moody(self, seed: int) -> None:
        """Lose requests and answers, be slow, be away, from now on."""
        self._seed.write_text(str(seed))

    def be_calm(self) -> None:
        """Answer everything at once from now on."""
        self._seed.unlink(missing_ok=True)

    def charge(self, charge: Charge) -> ChargeResult:
        """Collect, unless it was done under this key before, or the card does not allow it."""
        with self._open() as book:
            mood = self._mood(_noted(book, charge.key, "sent"))
            if mood in LOST:
                book.execute("UPDATE calls SET what = 'lost' WHERE number = last_insert_rowid()")
                answer = None
            else:
                answer = _known(book, charge) or _kept(book, charge)
        match mood:
            case Mood.IS_AWAY:
                raise Unavailable("gateway_unavailable", "the gateway does not answer; try again later")
            case Mood.BREAKS:
                raise ConnectionResetError("the connection broke")
            case Mood.IS_SLOW:
                time.sleep(0.2)
        if answer is None or mood is Mood.LOSES_THE_ANSWER:
            raise OutcomeUnknown("gateway_timed_out", "the gateway did not answer in time; ask it first")
        return answer

    def inquire(self, charge: Charge) -> ChargeResult:
        """Tell what became of a charge."""
        with self._open() as book:
            found = _known(book, charge)
            number = _noted(book, charge.key, "seen" if found else "unseen")
        seed = self._read_seed()
        if seed is not None and Random(f"{seed}?{number}").random() < SILENT:
            raise Unavailable("gateway_unavailable", "the gateway does not answer; ask again later")
        return found or ChargeResult(state=ChargeState.UNSEEN)

    def entries(self) -> list[Entry]:
        """List all charges, in the order they came."""
        with self._open() as book:
            rows = book.execute(
                "SELECT key, subscription, invoice, subscriber, minor, currency, decline FROM charges ORDER BY number"
            ).fetchall()
        return [Entry(one[0], one[1], one[2], one[3], Money(one[4], one[5]), one[6]) for one in rows]

    def calls(self, what: str) -> list[str]:
        """List the keys of charges that were ``sent``, ``lost``, asked about and ``seen`` or ``unseen``, in order."""
        with self._open() as book:
            return [key for (key,) in book.execute("SELECT key FROM calls WHERE what = ? ORDER BY number", (what,))]

    @property
    def _seed(self) -> Path:
        return self.book.with_suffix(".mood")

    def _read_seed(self) -> str | None:
        try:
            return self._seed.read_text()
        except FileNotFoundError:
            return None

    def _mood(self, number: int) -> Mood:
        seed = self._read_seed()
        if seed is None:
            return Mood.IS_FINE
        return Random(f"{seed}!{number}").choices(list(WEIGHTS), list(WEIGHTS.values()))[0]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the book for an entry that is there as a whole or not at all; the machine itself does not fail."""
        with closing(sqlite3.connect(self.book, timeout=30, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = OFF")
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")


def _noted(book: sqlite3.Connection, key: str, what: str) -> int:
    return int(book.execute("INSERT INTO calls (key, what) VALUES (?, ?)", (key, what)).lastrowid or 0)


def _known(book: sqlite3.Connection, charge: Charge) -> ChargeResult | None:
    found = book.execute(
        "SELECT invoice, minor, currency, decline FROM charges WHERE key = ?", (charge.key,)
    ).fetchone()
    if found is None:
        return None
    if found[:3] != (str(charge.invoice_id), charge.amount.minor, charge.amount.currency):
        raise Conflict("key_reused", f"charge {charge.key} was given with other content before")
    return _result(charge, found[3])


def _kept(book: sqlite3.Connection, charge: Charge) -> ChargeResult:
    decline = _declined(charge)
    book.execute(
        "INSERT INTO charges (key, subscription, invoice, subscriber, minor, currency, decline)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            charge.key,
            str(charge.subscription_id),
            str(charge.invoice_id),
            charge.subscriber.reference,
            charge.amount.minor,
            charge.amount.currency,
            decline,
        ),
    )
    return _result(charge, decline)


def _declined(charge: Charge) -> str | None:
    """Say whether the card allows it; a key ends with the cycle and the number of the attempt."""
    _, part, number = charge.key.rsplit(":", 2)
    is_first = part == "0"
    match charge.payment_method:
        case "weak" if number == "1" and not is_first:
            return DeclineClass.SOFT.value
        case "broke" if not is_first:
            return DeclineClass.SOFT.value
        case "stolen" if not is_first:
            return DeclineClass.HARD.value
        case "never":
            return DeclineClass.SOFT.value
    return None


def _result(charge: Charge, decline: str | None) -> ChargeResult:
    if decline is not None:
        return ChargeResult(state=ChargeState.DECLINED, decline=DeclineClass(decline), reason="the card says no")
    return ChargeResult(state=ChargeState.SUCCEEDED, amount=charge.amount, reference=f"ch_{charge.key}")
