"""Payouts as SEPA credit transfers: pain.001 files in a directory, for somebody to hand to the bank."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, TypeVar
from uuid import UUID

from attrs import frozen
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError

from cityos_adapters.bank.creditors import end_to_end_id, refusal, sepa_text
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import CityOSError, Conflict, OutcomeUnknown, Unavailable
from cityos_core.kernel.redaction import redacted
from cityos_core.payouts.model import Transfer, TransferResult, TransferState

E = TypeVar("E", bound=CityOSError)

SCHEMA: Final = "pain.001.001.03"
_PAYMENT: Final = re.compile(
    rb'<EndToEndId>(?P<key>[^<]+)</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">(?P<amount>[^<]+)</InstdAmt>'
)

_REMEDY: Final = "have somebody run cityos doctor where payouts are sent, and read its log"
_log = logging.getLogger(__name__)


@frozen
class Debtor:
    """Whose account the money leaves."""

    name: str
    iban: str
    bic: str | None = None


@frozen
class BankFileMethod:
    """Writes the payouts of a batch into one file, once; a person uploads it and confirms the payouts.

    The files are the record: a transfer that is in one is never written again, so copy them to the bank and leave them
    where they are. A file appears whole, under the next free number of its batch; two writers cannot take the same.
    EUR only. Raises ``Unavailable`` if the directory cannot be written or read.
    """

    directory: Path
    debtor: Debtor
    clock: Clock
    name: str = "bank"
    account: str = "bank"
    at_once: int = 1000
    asks_after: None = None

    def send(self, transfers: Sequence[Transfer]) -> Sequence[TransferResult]:
        """Put transfers of one batch into a file, except those that are in one already."""
        refusals = {transfer.key: refusal(transfer) for transfer in transfers}
        written: dict[str, str | None] = {}
        for group in sorted({_group(transfer) for transfer in transfers}):
            fit = [item for item in transfers if _group(item) == group and refusals[item.key] is None]
            written |= self._write(group, fit)
        return [_result(transfer, written.get(transfer.key), refusals[transfer.key]) for transfer in transfers]

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Look for a transfer in the files of its batch."""
        return _result(transfer, _file_of(transfer, self._found(_group(transfer))), None)

    def _write(self, group: UUID, transfers: Sequence[Transfer]) -> dict[str, str | None]:
        """Write what is in no file yet, and tell the file of every transfer."""
        while True:
            found = self._found(group)
            written = {transfer.key: _file_of(transfer, found) for transfer in transfers}
            new = [transfer for transfer in transfers if written[transfer.key] is None]
            if not new:
                return written
            self._create(f"{group.hex}{len(self._files(group)) + 1:03d}", new)

    def _create(self, message_id: str, transfers: Sequence[Transfer]) -> None:
        """Put a whole file in its place, or leave everything alone if another writer took the place first."""
        place = self.directory / f"{message_id}.xml"
        document = self._document(message_id, transfers)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self.directory, prefix=".", suffix=".tmp", delete=False) as draft:
                draft.write(document)
                draft.flush()
                os.fsync(draft.fileno())
            faults.point("bank_file.before_link")
            with suppress(FileExistsError):
                os.link(draft.name, place)
        except OSError as error:
            failure = Unavailable("bank_file_not_written", f"the bank file cannot be written; {_REMEDY}")
            raise _told(failure, error) from error
        faults.point("bank_file.after_link")
        _settle(self.directory, Path(draft.name))

    def _document(self, message_id: str, transfers: Sequence[Transfer]) -> bytes:
        config = {"name": sepa_text(self.debtor.name, 70), "IBAN": self.debtor.iban, "batch": True, "currency": "EUR"}
        if self.debtor.bic:
            config["BIC"] = self.debtor.bic
        message = SepaTransfer(config, schema=SCHEMA, clean=False)
        for transfer in transfers:
            message.add_payment(
                {
                    "name": sepa_text(transfer.holder, 70),
                    "IBAN": transfer.account.replace(" ", "").upper(),
                    "amount": transfer.amount.minor,
                    "execution_date": self.clock.now().date(),
                    "description": sepa_text(transfer.description, 140),
                    "endtoend_id": end_to_end_id(transfer.key),
                }
            )
        try:
            document: bytes = message.export(validate=True)
        except ValidationError as error:
            failure = Unavailable("bank_file_invalid", "the bank file does not fit its schema; the log says where")
            raise _told(failure, error.__cause__ or error) from error
        return document.replace(message.msg_id.encode(), message_id.encode(), 1)

    def _found(self, group: UUID) -> dict[str, tuple[str, str]]:
        """Tell for every payment of a batch in which file it is, and its amount."""
        found = {}
        try:
            for path in self._files(group):
                for payment in _PAYMENT.finditer(path.read_bytes()):
                    found[payment["key"].decode()] = path.name, payment["amount"].decode()
        except OSError as error:
            failure = Unavailable("bank_file_not_read", f"the bank files cannot be read; {_REMEDY}")
            raise _told(failure, error) from error
        return found

    def _files(self, group: UUID) -> list[Path]:
        return sorted(self.directory.glob(f"{group.hex}[0-9][0-9][0-9].xml"))


def _settle(directory: Path, draft: Path) -> None:
    """Make sure that the file survives a power cut, and clear its draft away."""
    try:
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.unlink()
    except OSError as error:
        failure = OutcomeUnknown("bank_file_unsettled", f"the bank file may not be on disk for good; {_REMEDY}")
        raise _told(failure, error) from error


def _told(failure: E, cause: BaseException) -> E:
    """Tell whoever runs this what vendors and clients do not see: paths, and what the payments say."""
    text = redacted(" ".join(str(cause).split()))
    _log.warning("%s: %s", failure.code, text)  # whoever sends payouts keeps the detail only
    failure.add_note(text)
    return failure


def _file_of(transfer: Transfer, found: Mapping[str, tuple[str, str]]) -> str | None:
    name, amount = found.get(end_to_end_id(transfer.key), (None, transfer.amount.text))
    if amount != transfer.amount.text:
        raise Conflict("key_reused", f"{name} pays {amount} EUR under {transfer.key}, not {transfer.amount}")
    return name


def _group(transfer: Transfer) -> UUID:
    return transfer.batch_id or transfer.payout_id


def _result(transfer: Transfer, file: str | None, refused: str | None) -> TransferResult:
    if refused is not None:
        return TransferResult(state=TransferState.DECLINED, reason=refused)
    if file is None:
        return TransferResult(state=TransferState.ABSENT)
    return TransferResult(state=TransferState.ACCEPTED, reference=f"{file}/{end_to_end_id(transfer.key)}")
