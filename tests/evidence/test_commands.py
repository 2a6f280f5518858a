"""`huzheng evidence` over a running service, and `huzheng verify` with the file alone."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from anchors.core.trust import format_trust
from ledger_service.cli import main
from ledger_service.client.keystore import create_key_file
from tests.cli.command import PASSPHRASE, answer, huzheng
from tests.evidence.conftest import ORIGINAL, Exported

NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.system"):
        raise SystemExit(f"verify used {event}")
sys.addaudithook(refuse)
import time
time.time, time.time_ns = (lambda: 4e9), (lambda: 4 * 10**18)
from ledger_service.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_hospital_exports_and_says_so(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a key of its own that has never signed."""
    ledger = exported.people.ledger
    signer = ledger.new_signer(1)
    create_key_file(tmp_path / "key.json", "statement", PASSPHRASE, secret=signer.secret, light=True)
    chain_trust = exported.fetch_trust()
    (tmp_path / "trust.json").write_bytes(format_trust(chain_trust))
    (tmp_path / "original.pdf").write_bytes(ORIGINAL)
    monkeypatch.setenv("HUZHENG_PASSPHRASE", PASSPHRASE)
    status = main(
        [
            "evidence",
            "0x" + exported.report.subject.hex(),
            *("--out", str(tmp_path / "case.zip"), "--key", str(tmp_path / "key.json")),
            *("--trust", str(tmp_path / "trust.json"), "--store", str(tmp_path / "store.sqlite")),
            *("--document", str(tmp_path / "original.pdf"), "--personal", "note"),
            *("--url", ledger.service.url, "--json"),
        ]
    )
    said = json.loads(capsys.readouterr().out)
    assert status == 0 and said["holds"] and said["counts"]["FAILED"] == 0
    package = (tmp_path / "case.zip").read_bytes()
    assert said["package"]["sha256"] == sha256(package).hexdigest() and said["package"]["bytes"] == len(package)
    assert [document["statement"] for document in said["documents"]] == [exported.report.name]
    exported_statement = exported.people.get("token", f"/v1/statements/{said['exported']}").json()
    assert exported_statement["kind"] == "evidence.exported"
    parts = {part["name"]: part["value"] for part in map(json.loads, exported_statement["parts"])}
    assert parts["export"]["sha256"] == said["package"]["sha256"]
    assert "note" in parts["export"]["disclosed"] and "document" in parts["export"]["withheld"]
    assert parts["links"] == [{"rel": "about", "statement": exported.report.name}]
    assert answer("verify", tmp_path / "case.zip", "--trust", tmp_path / "trust.json")["holds"]


def test_offline_means_no_network_and_no_clock(files: Path) -> None:
    """In a process in which opening a socket or starting a program ends it, and where it is the year 2096."""
    command = [
        sys.executable,
        "-c",
        NO_NETWORK,
        "verify",
        str(files / "case.zip"),
        "--trust",
        str(files / "trust.json"),
    ]
    ran = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=120, env=os.environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout) == answer("verify", files / "case.zip", "--trust", files / "trust.json")


def test_the_json_is_what_the_specification_says(files: Path) -> None:
    said = answer("verify", files / "case.zip", "--trust", files / "trust.json")
    assert said.keys() == {
        *("holds", "package", "steps", "counts", "statements", "documents", "facts", "custody"),
        *("restsOn", "neverProved", "error"),
    }
    assert said["package"].keys() == {"bytes", "exportedAt", "exporter", "origin", "sha256", "size", "subject", "tool"}
    assert all(step.keys() == {"number", "claim", "state", "zh", "en", "items"} for step in said["steps"])
    assert all(step["zh"] and step["en"] for step in said["steps"])
    assert said["counts"] == {
        state: sum(step["state"] == state for step in said["steps"])
        for state in ("VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE")
    }
    withheld = [part for statement in said["statements"] for part in statement["parts"] if "withheld" in part]
    assert withheld and all(len(part["withheld"]) == 64 for part in withheld)
    assert said["facts"] and all(fact["zh"] and fact["en"] for fact in said["facts"])
    assert said["error"] is None


def test_people_read_it_in_two_languages(files: Path) -> None:
    ran = huzheng("verify", files / "case.zip", "--trust", files / "trust.json")
    assert ran.status == 0 and ran.err == "" and "\x1b" not in ran.out
    for words in ("THE PACKAGE HOLDS 证据包通过核验", "签发报告", "NOT_PROVABLE", "不证明", "never proves"):
        assert words in ran.out, words


def test_a_changed_package_is_told_in_one_line(files: Path, tmp_path: Path, exported: Exported) -> None:
    changed = bytearray(exported.package)
    changed[len(changed) // 2] ^= 1
    (tmp_path / "case.zip").write_bytes(changed)
    ran = huzheng("verify", tmp_path / "case.zip", "--trust", files / "trust.json", "--json")
    assert "step 1 (archive)" in ran.failed_in_one_line(1)
    assert ran.object["holds"] is False and ran.object["steps"][0]["state"] == "FAILED"
    assert ran.object["package"] is None and ran.object["statements"] == []
