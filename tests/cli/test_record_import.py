"""`huzheng record import.*`: a report of another log by its proof file."""

from pathlib import Path
from typing import Any

import pytest

from anchors import Part
from anchors.core.content import Content
from anchors.core.encoding import encode_hex
from ledger_service.client.keystore import create_key_file
from ledger_service.client.store import Store
from ledger_service.originals import import_subject
from tests.cli.command import PASSPHRASE, Ran
from tests.cli.conftest import Here
from tests.cli.evidence import HOSPITAL, city
from tests.fixtures.other_log import ORIGIN, OtherLog
from tests.fixtures.signer import document

HEAD = "0x" + "51" * 32


@pytest.fixture
def fixed(tmp_path: Path) -> list[object]:
    """Key, trust files and store of a hospital here; the proof of a report there with a personal part shown."""
    made, other = city(), OtherLog()
    create_key_file(tmp_path / "key.json", "statement", PASSPHRASE, secret=made.secret("hospital"), light=True)
    (tmp_path / "trust.json").write_bytes(made.trust_file())
    (tmp_path / "other.json").write_bytes(other.trust_file())
    report = other.add(other.hospital.sign("report.issued", b"\x05" * 32, document(), Part.create("note", "合成")))
    (tmp_path / "report.tlog-proof").write_bytes(other.proof(report))
    (tmp_path / "forged.tlog-proof").write_bytes(other.proof(report).replace(b"index 0", b"index 1"))
    given = ["--key", tmp_path / "key.json", "--trust", tmp_path / "trust.json", "--store", tmp_path / "store.sqlite"]
    return [*given, "--no-send", "--first-sequence", "0"]


def parts_of(ran: Ran, tmp_path: Path) -> dict[str, Any]:
    with Store(tmp_path / "store.sqlite") as store:
        parts = store.statement(bytes.fromhex(ran.object["statement"][2:])).parts
    return {part.name: part.value for part in Content.from_wire(parts).parts}


def test_the_subject_and_the_link_follow_from_the_proof(here: Here, fixed: list[object], tmp_path: Path) -> None:
    given = ("--report-proof", tmp_path / "report.tlog-proof", "--foreign-trust", tmp_path / "other.json")
    ran = here("record", "import.issued", *given, "--report-head", HEAD, *fixed, "--json")
    assert ran.status == 0, ran.err
    assert ran.object["subject"] == encode_hex(import_subject(ORIGIN, b"\x05" * 32, HOSPITAL))
    parts = parts_of(ran, tmp_path)
    (link,) = parts["links"]
    assert (link["origin"], link["index"], link["witnessId"]) == (ORIGIN, 0, HEAD)
    assert parts["proof"]["file"].startswith("c2sp.org/tlog-proof@v1\n") and parts.keys() == {"proof", "links"}
    raw = (tmp_path / "report.tlog-proof").read_text("utf-8")
    assert parts["proof"]["file"] != raw, "the personal part is withheld"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--report-proof", "report.tlog-proof"], "add --foreign-trust"),
        (["--report-proof", "forged.tlog-proof", "--foreign-trust", "other.json"], "does not hold"),
        (["--report-proof", "trust.json", "--foreign-trust", "other.json"], "the proof of the other log"),
        (["--report-proof", "none.tlog-proof", "--foreign-trust", "other.json"], "none.tlog-proof"),
        (["--report-proof", "report.tlog-proof", "--foreign-trust", "key.json"], "trust file"),
        (["--report-head", HEAD, "--subject", HEAD], "needs the report's proof"),
        (["--report-proof", "report.tlog-proof", "--foreign-trust", "other.json", "--report-head", "0x1"], "head"),
    ],
)
def test_mistakes_are_told_before_anything_is_signed(
    here: Here, fixed: list[object], tmp_path: Path, options: list[str], said: str
) -> None:
    files = [tmp_path / word if word.endswith((".json", ".tlog-proof")) else word for word in options]
    ran = here("record", "import.issued", *files, *fixed)
    assert ran.status == 2 and said in ran.err and ran.err.count("\n") == 1, ran.err
