"""Bank files: valid pain.001, exact amounts and totals, and never the same payment twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest
import sepaxml
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.bank.creditors import end_to_end_id, sepa_text
from cityos_adapters.bank.transfer_file import BankFileMethod, Debtor
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict, OutcomeUnknown, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import PayoutStatus, Transfer, TransferState
from cityos_core.testing.clock import SimulatedClock
from cityos_core.vendors.model import PayoutAccount
from usecases.treasury import Treasury, eur

SCHEMA = xmlschema.XMLSchema(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.03.xsd")
SPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"}
BATCH = UUID(int=0xB)
IBANS = ("DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300")


@pytest.fixture
def method(tmp_path: Path) -> BankFileMethod:
    """A method that writes into an empty directory."""
    return opened(tmp_path / "payouts")


def opened(directory: Path) -> BankFileMethod:
    """Build a method over a directory, as a restarted process would."""
    debtor = Debtor(name="Grüne Stadt & Söhne", iban="DE02120300000000202051", bic="BYLADEM1001")
    return BankFileMethod(directory=directory, debtor=debtor, clock=SimulatedClock())


def transfer(number: int = 1, **changes: Any) -> Transfer:
    """Build a transfer of a batch."""
    payout_id = PayoutId(UUID(int=number))
    words = {
        "key": f"{payout_id}:1",
        "payout_id": payout_id,
        "batch_id": BATCH,
        "amount": eur("19.99"),
        "account": IBANS[number % 3],
        "holder": f"Vendor {number}",
        "description": f"Payout {payout_id}",
        **changes,
    }
    return Transfer(**words)


def files(method: BankFileMethod) -> list[Path]:
    """List everything in the directory."""
    return sorted(method.directory.iterdir()) if method.directory.exists() else []


def read(path: Path) -> Element:
    """Read a file that must fit its schema."""
    SCHEMA.validate(path)
    root = xmlschema.XMLResource(path).root
    assert isinstance(root, Element)
    return root


def texts(root: Element, path: str) -> list[str]:
    """List the texts at a path."""
    return [element.text or "" for element in root.iterfind(path, SPACE)]


def states(method: BankFileMethod, *transfers: Transfer) -> list[TransferState]:
    """Send transfers, and tell what became of them."""
    return [result.state for result in method.send(transfers)]


def test_a_batch_is_one_valid_file(method: BankFileMethod) -> None:
    """The file fits the schema; amounts, accounts, count and control sum are those of the transfers."""
    transfers = [transfer(number, amount=eur(text)) for number, text in enumerate(("19.99", "0.01", "1234567.80"))]
    assert states(method, *transfers) == [TransferState.ACCEPTED] * 3
    (path,) = files(method)
    root = read(path)
    assert texts(root, ".//p:InstdAmt") == ["19.99", "0.01", "1234567.80"]
    assert {amount.get("Ccy") for amount in root.iterfind(".//p:InstdAmt", SPACE)} == {"EUR"}
    assert texts(root, ".//p:CdtrAcct//p:IBAN") == [transfer.account for transfer in transfers]
    assert texts(root, ".//p:GrpHdr/p:CtrlSum") == texts(root, ".//p:PmtInf/p:CtrlSum") == ["1234587.80"]
    assert texts(root, ".//p:GrpHdr/p:NbOfTxs") == ["3"]
    assert texts(root, ".//p:MsgId") == [path.stem] == [f"{BATCH.hex}001"]
    assert texts(root, ".//p:EndToEndId") == [end_to_end_id(transfer.key) for transfer in transfers]
    assert texts(root, ".//p:Dbtr/p:Nm") == ["Grune Stadt + Sohne"]
    assert texts(root, ".//p:ReqdExctnDt") == ["2026-01-05"]


def test_the_reference_leads_to_the_payment(method: BankFileMethod) -> None:
    """Who has the reference finds the file and the payment in it."""
    (result,) = method.send([transfer()])
    assert result.reference == f"{BATCH.hex}001.xml/{UUID(int=1).hex}-1"


@settings(max_examples=8)
@given(st.lists(st.integers(1, 99_999_999_999), min_size=1, max_size=8))
def test_every_cent_arrives(amounts: list[int]) -> None:
    """Whatever the amounts, each is in the file exactly and the control sum is their sum."""
    with TemporaryDirectory() as directory:
        method = opened(Path(directory))
        method.send([transfer(number, amount=Money(minor, "EUR")) for number, minor in enumerate(amounts, 1)])
        root = read(files(method)[0])
    assert [Decimal(text) * 100 for text in texts(root, ".//p:InstdAmt")] == amounts
    assert texts(root, ".//p:GrpHdr/p:CtrlSum") == [Money(sum(amounts), "EUR").text]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("O'Brien & Söhne <GmbH>", "O'Brien + Sohne GmbH"),
        ("Čajovňa „U Žofie“", "Cajovna ,,U Zofie"),
        ("Łódź Æther Straße", "Lodz AEther Strasse"),
        ("茶 shop", "Cha shop"),
        ('=HYPERLINK("x")', "HYPERLINK( x )"),
        ("A" * 100, "A" * 70),
        ("two\n lines\t", "two lines"),
    ],
)
def test_names_that_banks_can_read(method: BankFileMethod, name: str, written: str) -> None:
    """Letters become their nearest Latin ones, signs that no bank accepts go, and long names are cut."""
    assert states(method, transfer(holder=name)) == [TransferState.ACCEPTED]
    assert texts(read(files(method)[0]), ".//p:Cdtr/p:Nm") == [written]


@given(st.text(max_size=200), st.integers(1, 140))
def test_only_sepa_characters_are_written(text: str, longest: int) -> None:
    """Any text at all becomes one that fits the character set and the length."""
    written = sepa_text(text, longest)
    allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ "
    assert set(written) <= set(allowed)
    assert len(written) <= longest
    assert written == written.strip()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": Money.of("19.99", "USD")}, "EUR only"),
        ({"amount": Money.of("1200", "JPY")}, "EUR only"),
        ({"amount": eur("0.00")}, "between 0.01"),
        ({"amount": eur("1000000000.00")}, "between 0.01"),
        ({"account": "DE89370400440532013001"}, "not a valid IBAN"),
        ({"account": "acct_123"}, "not a valid IBAN"),
        ({"account": ""}, "not a valid IBAN"),
        ({"account": "TR330006100519786457841326"}, "outside SEPA"),
        ({"holder": "☃"}, "Latin letters"),
    ],
)
def test_what_is_declined(method: BankFileMethod, changes: dict[str, Any], words: str) -> None:
    """What cannot be a SEPA credit transfer is declined with a reason; the others of the batch go out."""
    bad, good = transfer(1, **changes), transfer(2)
    results = method.send([bad, good])
    assert [result.state for result in results] == [TransferState.DECLINED, TransferState.ACCEPTED]
    assert words in (results[0].reason or "")
    assert texts(read(files(method)[0]), ".//p:EndToEndId") == [end_to_end_id(good.key)]


def test_nothing_to_write_writes_nothing(method: BankFileMethod) -> None:
    """A batch in which everything is declined leaves no file."""
    assert states(method, transfer(account="x")) == [TransferState.DECLINED]
    assert files(method) == []


def test_the_same_key_is_in_one_file(method: BankFileMethod) -> None:
    """Sending again, alone, together or with others, writes only what is in no file yet, even after a restart."""
    first = method.send([transfer(1), transfer(2)])
    again = opened(method.directory)
    assert again.send([transfer(2), transfer(1)]) == [first[1], first[0]]
    results = again.send([transfer(1), transfer(3)])
    assert results[0] == first[0]
    keys = [key for path in files(method) for key in texts(read(path), ".//p:EndToEndId")]
    assert sorted(keys) == sorted(end_to_end_id(transfer(number).key) for number in (1, 2, 3))
    assert [path.name for path in files(method)] == [f"{BATCH.hex}001.xml", f"{BATCH.hex}002.xml"]


def test_a_second_attempt_is_another_payment(method: BankFileMethod) -> None:
    """A new key of the same payout is a new payment: the first one failed."""
    method.send([transfer(1)])
    method.send([transfer(1, key=f"{UUID(int=1)}:2")])
    assert len(files(method)) == 2


def test_asking(method: BankFileMethod) -> None:
    """The files tell what became of a transfer: it is in one, or it never was seen."""
    (sent,) = method.send([transfer(1)])
    restarted = opened(method.directory)
    assert restarted.inquire(transfer(1)) == sent
    assert restarted.inquire(transfer(2)).state is TransferState.ABSENT
    assert opened(method.directory / "elsewhere").inquire(transfer(1)).state is TransferState.ABSENT


def test_a_payout_of_no_batch(method: BankFileMethod) -> None:
    """A payout that a vendor asked for has a file of its own."""
    states(method, transfer(1, batch_id=None), transfer(2, batch_id=None))
    assert [path.stem for path in files(method)] == [f"{UUID(int=number).hex}001" for number in (1, 2)]


def test_killed_around_the_file(method: BankFileMethod) -> None:
    """A writer killed before or after the file appears leaves none or a whole one; doing it again adds nothing."""
    for place in ("bank_file.before_link", "bank_file.after_link"):
        batch = UUID(int=len(place))

        def die(name: str, place: str = place) -> None:
            if name == place:
                raise Crash

        with faults.hooked(die), pytest.raises(Crash):
            method.send([transfer(batch_id=batch)])
        expected = place == "bank_file.after_link"
        assert (method.inquire(transfer(batch_id=batch)).state is TransferState.ACCEPTED) == expected
        method.send([transfer(batch_id=batch)])
        written = list(method.directory.glob(f"{batch.hex}*.xml"))
        assert [path.name for path in written] == [f"{batch.hex}001.xml"]
        read(written[0])


def test_many_writers_at_once(method: BankFileMethod) -> None:
    """Writers of overlapping parts of one batch at the same moment write every payment once."""
    parts: list[Sequence[Transfer]] = [
        [transfer(number) for number in range(1, 7) if number % step] for step in (2, 3, 4, 5)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(method.send, parts))
    keys = [key for path in method.directory.glob("*.xml") for key in texts(read(path), ".//p:EndToEndId")]
    assert len(keys) == len(set(keys)) == 6


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """Where nothing can be written nothing happened, and it can be tried later."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable):
        opened(tmp_path / "file").send([transfer()])


def test_paths_are_for_whoever_runs_it(
    tmp_path: Path, method: BankFileMethod, caplog: pytest.LogCaptureFixture
) -> None:
    """Vendors and clients read that a file could not be used; where it is stands in a note and in the log."""
    (tmp_path / "file").write_text("in the way")
    (method.directory / f"{BATCH.hex}001.xml").mkdir(parents=True)
    for ask in (lambda: opened(tmp_path / "file").send([transfer()]), lambda: method.inquire(transfer())):
        caplog.clear()
        with pytest.raises(Unavailable) as failed:
            ask()
        assert str(tmp_path) not in failed.value.detail
        assert any(str(tmp_path) in note for note in failed.value.__notes__)
        assert str(tmp_path) in caplog.text


def test_a_file_that_cannot_be_read(method: BankFileMethod) -> None:
    """Where files cannot be read nobody says what became of a transfer, and nothing more is written."""
    (method.directory / f"{BATCH.hex}001.xml").mkdir(parents=True)
    for call in (lambda: method.inquire(transfer()), lambda: method.send([transfer()])):
        with pytest.raises(Unavailable):
            call()


def test_a_file_that_may_not_last(method: BankFileMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk does not confirm a file the outcome is unknown: it may be there."""

    def fail(*_: object) -> None:
        raise OSError("disk failed")

    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(OutcomeUnknown):
        method.send([transfer()])
    monkeypatch.undo()
    assert method.inquire(transfer()).state is TransferState.ACCEPTED


def test_a_run_through_the_bank(tmp_path: Path) -> None:
    """A payout run leaves one file for the bank; its payouts are in transit until confirmed."""
    directory = tmp_path / "bank"
    treasury = Treasury.open(methods={"bank": opened(directory)})
    for number, handle in enumerate(("acme", "birch")):
        account = PayoutAccount(method="bank", reference=IBANS[number], holder=handle.title(), verified=True)
        treasury.vendor(handle, "10.00", payout_account=account)
    treasury.vendor("cedar", "10.00", method="bank")
    run = treasury.payouts.run(treasury.scope)
    assert run.batch_id is not None
    (path,) = directory.iterdir()
    assert texts(read(path), ".//p:CtrlSum")[0] == "20.00"
    assert path.stem == f"{run.batch_id.hex}001"
    found = {payout.vendor: payout for payout in treasury.all()}
    assert found["cedar"].status is PayoutStatus.FAILED
    assert "IBAN" in (found["cedar"].reason or "")
    assert found["acme"].status is found["birch"].status is PayoutStatus.IN_TRANSIT
    treasury.payouts.confirm(treasury.scope, found["acme"].id, reference="statement 7")
    assert treasury.holds("bank") == eur("-10.00")
    treasury.audit()


def test_a_run_killed_around_the_file(tmp_path: Path) -> None:
    """A run that dies anywhere near the file ends with every payment in exactly one file."""

    def paying(directory: Path) -> Treasury:
        treasury = Treasury.open(methods={"bank": opened(directory)})
        for number in range(2):
            account = PayoutAccount(method="bank", reference=IBANS[number], holder="V", verified=True)
            treasury.vendor(f"v{number}", "10.00", payout_account=account)
        return treasury

    names: list[str] = []
    undisturbed = paying(tmp_path / "undisturbed")
    with faults.hooked(names.append):
        undisturbed.payouts.run(undisturbed.scope)
    places = {name for name in names if name.startswith(("payouts", "bank_file"))}
    assert {"bank_file.before_link", "bank_file.after_link", "payouts.send.after"} <= places
    for place in sorted(places):
        treasury = paying(tmp_path / place)

        def die(name: str, place: str = place) -> None:
            if name == place:
                raise Crash

        with faults.hooked(die), pytest.raises(Crash):
            treasury.payouts.run(treasury.scope)
        for _ in range(3):
            treasury.wait(minutes=20)
            treasury.payouts.run(treasury.scope)
        assert {payout.status for payout in treasury.all()} == {PayoutStatus.IN_TRANSIT}
        keys = [key for path in (tmp_path / place).glob("*.xml") for key in texts(read(path), ".//p:EndToEndId")]
        assert len(keys) == len(set(keys)) == 2
        treasury.audit()


def test_a_key_has_one_amount(method: BankFileMethod) -> None:
    """A key that is in a file with another amount is a mistake that must be seen, not another payment."""
    method.send([transfer()])
    for call in (
        lambda: method.send([transfer(amount=eur("20.00"))]),
        lambda: method.inquire(transfer(amount=eur("1.00"))),
    ):
        with pytest.raises(Conflict) as refused:
            call()
        assert refused.value.code == "key_reused"
    assert len(files(method)) == 1
