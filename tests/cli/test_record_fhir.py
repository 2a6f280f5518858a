"""`huzheng record --fhir`: a report is read, signed and stored; what is wrong with it is named, nothing is signed."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from anchors.core.statement import Entry
from ledger_service.client.keystore import create_key_file
from ledger_service.client.store import Store
from tests.cli.command import PASSPHRASE
from tests.cli.conftest import Here
from tests.cli.evidence import city
from tests.fhir.bundles import NUMBER, bundle

SECRET = bytes([3]) * 32
BEFORE = "0x" + "07" * 32


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    """A key in the trust file, a subject secret, a new store; the service is not asked."""
    made = city()
    create_key_file(tmp_path / "key.json", "statement", PASSPHRASE, secret=made.secret("hospital"), light=True)
    create_key_file(tmp_path / "subject.json", "subject", PASSPHRASE, secret=SECRET, light=True)
    (tmp_path / "trust.json").write_bytes(made.trust_file())
    named: list[object] = ["--key", tmp_path / "key.json", "--secret", tmp_path / "subject.json"]
    named += ["--trust", tmp_path / "trust.json", "--store", tmp_path / "store.sqlite"]
    return [*named, "--no-send", "--first-sequence", "0", "--json"]


def stored(tmp_path: Path, answer: dict[str, object]) -> Entry:
    with Store(tmp_path / "store.sqlite") as store:
        return Entry.from_bytes(store.statement(bytes.fromhex(str(answer["statement"])[2:])).entry)


def test_a_report_is_signed_and_stored(here: Here, tmp_path: Path, options: list[object]) -> None:
    (tmp_path / "report.json").write_bytes(bundle(category=None))
    ran = here("record", "--fhir", tmp_path / "report.json", "--category", "laboratory", *options)
    assert ran.status == 0, ran.err
    statement = stored(tmp_path, ran.object).statement
    assert (statement.kind, statement.sequence) == ("report.issued", 0)
    assert statement.subject == hmac.digest(SECRET, NUMBER.encode(), hashlib.sha256)


def test_an_amendment_names_what_it_replaces(here: Here, tmp_path: Path, options: list[object]) -> None:
    (tmp_path / "report.json").write_bytes(bundle(status="corrected"))
    line = here("record", "--fhir", tmp_path / "report.json", *options)
    assert line.status == 2 and "DiagnosticReport.status: 'corrected' replaces a version" in line.err
    given = ["--fhir", tmp_path / "report.json", "--link", f"replaces={BEFORE}", "--withhold", "result"]
    ran = here("record", *given, *options)
    assert ran.status == 0, ran.err
    # The refused one took no number.
    assert stored(tmp_path, ran.object).statement.sequence == 0
    first = here("record", "report.issued", "--fhir", tmp_path / "report.json", *options)
    assert stored(tmp_path, first.object).statement.kind == "report.issued"


def test_what_was_read_is_not_replaced(here: Here, tmp_path: Path, options: list[object]) -> None:
    (tmp_path / "report.json").write_bytes(bundle())
    (tmp_path / "other.json").write_text('{"sha256": "00"}')
    ran = here("record", "--fhir", tmp_path / "report.json", "--part", f"closure={tmp_path / 'other.json'}", *options)
    assert ran.status == 2 and "part 'closure' is read out of the FHIR report" in ran.err


def test_many_reports_in_a_file(here: Here, tmp_path: Path, options: list[object]) -> None:
    (tmp_path / "first.json").write_bytes(bundle())
    (tmp_path / "second.json").write_bytes(bundle(status="cancelled"))
    lines = [
        {"fhir": "first.json", "name": "first"},
        {"fhir": "second.json", "links": {"replaces": "@first"}, "reason": "sample-mixed-up"},
    ]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ran = here("record", "--from", tmp_path / "lines.jsonl", *options)
    assert ran.status == 0, ran.err
    kinds = [stored(tmp_path, item).statement.kind for item in ran.object["statements"]]
    assert kinds == ["report.issued", "report.withdrawn"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--fhir", "report.json", "--access-basis", "x"], "has no access or policy"),
        (["--fhir", "report.json", "--document", "report.json"], "says its document and facts itself"),
        (["--fhir", "report.json", "--link", f"report={BEFORE}"], "links to nothing but the version"),
        (["report.issued", "--category", "imaging"], "belong to a FHIR report"),
        (["--fhir", "nothing.json"], "give the path of the FHIR document"),
    ],
)
def test_wrong_calls(
    here: Here, tmp_path: Path, options: list[object], monkeypatch: pytest.MonkeyPatch, arguments: list[str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_bytes(bundle())
    assert why in here("record", *arguments, *options[:-1]).failed_in_one_line(2)
