"""The sender's store: numbers without gaps, the same bytes after a crash, mending."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from anchors.core.content import Content
from anchors.core.encoding import ZERO_WORD
from anchors.core.errors import Error
from anchors.core.statement import Entry
from ledger_service.client.compose import Material, compose
from ledger_service.client.errors import WrongInput
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, REFUSED, UNSENT, Observed
from tests.client.conftest import DOCUMENT, DOMAIN, INSTITUTION, ORIGIN, Office, report, secret_of

ROOT = Path(__file__).parents[2]


def fields(stored):
    return Entry.from_bytes(stored.entry).statement


def test_numbers_count_from_zero_and_every_entry_is_signed(office: Office) -> None:
    signed = office.sign(0, 1, 2)
    assert [stored.sequence for stored in signed] == [0, 1, 2]
    for stored in signed:
        entry = Entry.from_bytes(stored.entry)
        assert entry.signer(DOMAIN) == stored.key
        assert entry.statement.id(DOMAIN) == stored.statement
        assert entry.statement.sequence == stored.sequence
        assert entry.statement.content == stored.content.hash
        assert entry.statement.institution == INSTITUTION
    assert office.store.stream(signed[0].key).next_sequence == 3


def test_keys_count_apart(office: Office) -> None:
    assert [stored.sequence for stored in office.sign(0, 1)] == [0, 1]
    assert [stored.sequence for stored in office.sign(2, 3, name="emergency")] == [0, 1]


def test_the_store_is_private(office: Office) -> None:
    assert stat.S_IMODE(office.path.stat().st_mode) == 0o600


def test_all_or_none(office: Office) -> None:
    key = office.open()

    def drafts():
        yield report(0), None
        raise WrongInput("the second line is wrong")

    with pytest.raises(WrongInput):
        office.store.sign_all(key, secret_of("ward"), drafts())
    assert office.store.statements(key) == [] and office.store.stream(key).next_sequence == 0


def test_a_source_is_signed_once(office: Office) -> None:
    (first,) = office.sign(0, source="file:1")
    (again,) = office.sign(0, source="file:1")
    assert again == first
    assert office.store.stream(first.key).next_sequence == 1


def test_observed_never_goes_back(office: Office) -> None:
    newer, older = Observed(b"\x02" * 32, 20), Observed(b"\x01" * 32, 10)
    (none,) = office.sign(0)
    (first,) = office.sign(1, observed=newer)
    (second,) = office.sign(2, observed=older)
    (third,) = office.sign(3)
    assert fields(none).observed == ZERO_WORD
    assert [fields(stored).observed for stored in (first, second, third)] == [newer.witness_id] * 3


def test_a_stream_is_of_one_log(office: Office) -> None:
    key = office.open()
    with pytest.raises(WrongInput, match="use that trust file"):
        office.store.open_stream(key, chain_id=1, registry=b"\x11" * 20, origin=ORIGIN, institution=INSTITUTION)
    with pytest.raises(WrongInput, match="use that trust file"):
        office.store.open_stream(key, chain_id=31337, registry=b"\x11" * 20, origin=ORIGIN, institution="ANOTHER")


def test_withheld_parts_stay_here(office: Office) -> None:
    key = office.open()
    draft = compose(
        "report.issued", b"\x05" * 32, Material(DOCUMENT, more={"note": "personal"}), withhold=frozenset({"note"})
    )
    stored = office.store.sign(key, secret_of("ward"), draft)
    wire = stored.to_wire()
    assert "personal" not in str(wire)
    assert Content.from_wire(wire["parts"]).hash == fields(stored).content
    assert stored.content.value("note") == "personal"


def test_a_refused_number_is_mended_and_those_behind_are_sent_as_they_are(office: Office) -> None:
    signed = office.sign(0, 1, 2, 3)
    key, bad = signed[0].key, fields(signed[1]).subject
    office.ledger.rules = lambda statement: "subject-taken" if statement.subject == bad else None
    outcome = office.sender().send([key])
    assert [stored.sequence for stored in outcome.refused] == [1]
    assert [stored.sequence for stored in outcome.waiting] == [2, 3]
    assert office.store.unsent([key]) == [], "what stands behind a refused number is not offered"
    mended = office.store.mend(key, secret_of("ward"), 1, report(11))
    assert mended.sequence == 1 and mended.statement != signed[1].statement
    assert office.sender().send([key]).complete
    logged = [Entry.from_bytes(entry).statement for entry in office.ledger.entries]
    assert [statement.sequence for statement in logged] == [0, 1, 2, 3]
    assert office.ledger.entries[2:] == [signed[2].entry, signed[3].entry]
    assert office.store.counts(key) == {ACCEPTED: 4, REFUSED: 1, UNSENT: 0}
    assert office.store.blocked(key) == []


def test_mending_names_the_head_that_the_refused_one_named(office: Office) -> None:
    (refused,) = office.sign(0, observed=Observed(b"\x01" * 32, 10))
    office.sign(1, observed=Observed(b"\x02" * 32, 20))
    office.ledger.rules = lambda statement: "invalid-part" if statement.sequence == 0 else None
    office.sender().send([refused.key])
    mended = office.store.mend(refused.key, secret_of("ward"), 0, report(5))
    assert fields(mended).observed == b"\x01" * 32


def test_only_a_refused_number_is_mended(office: Office) -> None:
    (stored,) = office.sign(0)
    for sequence in (0, 1):
        with pytest.raises(WrongInput, match="is not refused"):
            office.store.mend(stored.key, secret_of("ward"), sequence, report(1))
    office.sender().send([stored.key])
    with pytest.raises(WrongInput, match="is not refused"):
        office.store.send_again(stored.key, 0)


def test_a_refused_statement_may_be_sent_again_unchanged(office: Office) -> None:
    (stored,) = office.sign(0)
    office.ledger.rules = lambda statement: "role-missing"
    assert not office.sender().send([stored.key]).complete
    office.ledger.rules = lambda statement: None
    assert office.store.send_again(stored.key, 0).state == UNSENT
    assert office.sender().send([stored.key]).complete
    assert office.ledger.entries == [stored.entry]


CHILD = """
import os, signal, sys
from pathlib import Path
from anchors.core.signature import address_from_secret
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store
from tests.client.conftest import INSTITUTION, ORIGIN, report, secret_of

path, url, moment = sys.argv[1:]
kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
store, secret = Store(Path(path)), secret_of("ward")
key = address_from_secret(secret)
store.open_stream(key, chain_id=31337, registry=b"\\x11" * 20, origin=ORIGIN, institution=INSTITUTION)
for number in range(3):
    store.sign(key, secret, report(number))
if moment == "before sending":
    kill()
store.record_answer = kill  # the answer has come and is not kept yet
Sender(store, Api(url), ReceiptKeys(None)).send([key])
"""


@pytest.mark.parametrize("moment", ["before sending", "after the answer"])
def test_kill_9_then_the_same_bytes_are_sent(office: Office, tmp_path: Path, moment: str) -> None:
    path = tmp_path / "killed.sqlite"
    died = subprocess.run([sys.executable, "-c", CHILD, path, office.url, moment], cwd=ROOT, timeout=60)
    assert died.returncode == -signal.SIGKILL
    before = list(office.ledger.entries)
    assert len(before) == (0 if moment == "before sending" else 3)
    office.store = Store(path)
    (stream,) = office.store.streams()
    stored = office.store.statements(stream.key)
    assert [(one.sequence, one.state) for one in stored] == [(0, UNSENT), (1, UNSENT), (2, UNSENT)]
    outcome = office.sender().send([stream.key])
    assert outcome.complete and list(outcome.accepted.values()) == [0, 1, 2]
    assert office.ledger.entries == [one.entry for one in stored], "nothing twice, nothing else"
    bodies = office.ledger.bodies
    assert len(set(bodies)) == 1 and len(bodies) == (1 if not before else 2)
    assert office.sign(9)[0].sequence == 3
    office.store.close()


def test_kill_9_while_signing_keeps_a_stream_without_gaps(tmp_path: Path) -> None:
    program = (
        CHILD.split("for number")[0] + "number = 0\nwhile True:\n    s = store.sign(key, secret, report(number))\n"
    )
    program += "    number += 1\n    os.write(1, s.statement)\n"
    path = tmp_path / "killed.sqlite"
    child = subprocess.Popen(
        [sys.executable, "-c", program, path, "unused", "unused"], cwd=ROOT, stdout=subprocess.PIPE
    )
    told = child.stdout.read(32 * 40)
    os.kill(child.pid, signal.SIGKILL)
    told += child.stdout.read()
    child.stdout.close()
    child.wait(30)
    with Store(path) as store:
        (stream,) = store.streams()
        stored = store.statements(stream.key)
        assert [one.sequence for one in stored] == list(range(stream.next_sequence))
        for number in range(len(told) // 32):
            assert stored[number].statement == told[32 * number : 32 * number + 32], "told as stored, and gone"


def test_what_is_no_store_is_wrong_input(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a database" * 200)
    for path in (text, tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(Error):
            Store(path)


def test_the_file_is_written_through(office: Office) -> None:
    office.sign(0)
    other = sqlite3.connect(office.path)
    assert other.execute("SELECT count(*) FROM statement").fetchone() == (1,)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
