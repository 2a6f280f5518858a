"""The command from end to end: a chain, the service, and people at their terminals. Each step is a real process."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger_service.client.keystore import create_key_file
from scripts.city.service import free_port
from scripts.local_chain import CHAIN_ID
from tests.cli.command import COMMAND, PASSPHRASE, Ran, answer, clean_environment, huzheng
from tests.fixtures.chain import ScratchChain

ORIGIN = "ledger.example/command"
TOKEN = "a token of the tests"
OPERATOR, HOSPITAL, OTHER = "SAMPLE-OPERATOR", "SAMPLE-HOSPITAL-01", "SAMPLE-HOSPITAL-02"
SAMPLES = Path(__file__).parents[2] / "samples"
WITHIN_SECONDS = 60


@dataclass
class City:
    """Everything that runs, and the settings under which the command finds it."""

    folder: Path
    chain: ScratchChain
    environment: dict[str, str] = field(default_factory=dict)
    service: subprocess.Popen | None = None

    def run(self, *arguments: object, **more: str) -> Ran:
        return huzheng(*arguments, cwd=self.folder, environment=self.environment | more)

    def answer(self, *arguments: object, **more: str) -> dict[str, Any]:
        return answer(*arguments, cwd=self.folder, environment=self.environment | more)

    def record(self, *arguments: object, key: str = "hospital.json") -> dict[str, Any]:
        return self.answer("record", *arguments, "--key", f"keys/{key}")

    def start(self) -> None:
        """Start the service and wait until it accepts."""
        environment = clean_environment(**self.environment)
        with (self.folder / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                [COMMAND, "serve"], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self.until(self._ready, "the service is ready")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.service.send_signal(number)
        return self.service.wait(WITHIN_SECONDS)

    def _ready(self) -> bool:
        assert self.service.poll() is None, (self.folder / "service.log").read_text()
        try:
            return httpx.get(self.environment["HUZHENG_URL"] + "/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WITHIN_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not within {WITHIN_SECONDS} s: {what}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def city(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Contracts, institutions, keys and the log, made with the command alone; then the service."""
    made = City(tmp_path_factory.mktemp("city"), module_chain)
    keys = made.folder / "keys"
    keys.mkdir()
    for name, account in zip(("administrator", "relay"), module_chain.accounts, strict=False):
        create_key_file(keys / f"{name}.json", "account", PASSPHRASE, secret=bytes(account.key), light=True)
    port = free_port()
    made.environment = {
        "HUZHENG_RPC": module_chain.url,
        "HUZHENG_ORIGIN": ORIGIN,
        "HUZHENG_OPERATOR_TOKEN": TOKEN,
        "HUZHENG_ADMINISTRATOR": "keys/administrator.json",
        "HUZHENG_KEYS": "keys",
        "HUZHENG_PORT": str(port),
        "HUZHENG_URL": f"http://127.0.0.1:{port}",
        "HUZHENG_TRUST": "trust.json",
        "HUZHENG_CHECKPOINT_SECONDS": "0.2",
        "HUZHENG_WITNESS_SECONDS": "0.3",
        "HUZHENG_FOLLOW_SECONDS": "0.2",
    }
    deployed = made.answer("chain", "deploy", "--key", "keys/administrator.json")
    made.environment["HUZHENG_REGISTRY"] = deployed["registry"]
    made.environment["HUZHENG_WITNESS"] = deployed["witness"]
    made.environment["HUZHENG_START_BLOCK"] = str(deployed["block"])
    _admit_everybody(made)
    made.answer("chain", "trust", "--origin", ORIGIN, "-o", "trust.json")
    made.start()
    yield made
    made.stop()


def _admit_everybody(made: City) -> None:
    made.answer("institution", "admit", OPERATOR, "--role", "operator")
    made.answer("institution", "admit", HOSPITAL, "--role", "hospital", "--role", "laboratory")
    made.answer("institution", "admit", OTHER, "--role", "hospital")
    made.answer("chain", "open-log", ORIGIN, "--operator", OPERATOR)
    for name, purpose, code in (
        ("checkpoint", "checkpoint", OPERATOR),
        ("receipt", "receipt", OPERATOR),
        ("note", "note", OPERATOR),
        ("hospital", "statement", HOSPITAL),
    ):
        made.answer("keys", "new", "--purpose", purpose, "--out", f"keys/{name}.json", "--light")
        made.answer("institution", "add-key", code, "--origin", ORIGIN, "--key-file", f"keys/{name}.json")
    # The other hospital keeps its key and gives its consent alone.
    key = made.answer("keys", "new", "--out", "keys/other.json", "--light")
    options = ("--chain-id", CHAIN_ID, "--registry", made.environment["HUZHENG_REGISTRY"], "--origin", ORIGIN)
    consent = made.answer("keys", "consent", "keys/other.json", "--institution", OTHER, *options)["consent"]
    made.answer("institution", "add-key", OTHER, "--origin", ORIGIN, "--address", key["address"], "--consent", consent)
    made.answer("keys", "new", "--purpose", "subject", "--out", "keys/subject.json", "--light")


@pytest.fixture(scope="module")
def report(city: City) -> dict[str, Any]:
    """One report of the first hospital in the log."""
    return city.record(
        "report.issued", "--report-number", "R-1", "--secret", "keys/subject.json", "--facts",
        "--document", SAMPLES / "hl7v2" / "blood-count.hl7",
    )  # fmt: skip


@pytest.fixture(scope="module")
def subject(city: City, report: dict[str, Any]) -> str:
    """That report's subject, as the service says."""
    return httpx.get(f"{city.environment['HUZHENG_URL']}/v1/statements/{report['statement']}").json()["subject"]


def test_institutions_are_shown(city: City) -> None:
    listed = city.answer("institution", "list")["institutions"]
    assert [item["code"] for item in listed] == [HOSPITAL, OTHER, OPERATOR]
    assert all(item["standing"] == "admitted" for item in listed)
    shown = city.run("institution", "show", OPERATOR)
    assert shown.status == 0 and shown.out.count("0x") == 3
    city.run("institution", "show", "NOBODY").failed_in_one_line(2)


def test_the_chain_fits_the_trust_file(city: City) -> None:
    status = city.answer("chain", "status")
    assert status["sameChain"] is True and status["sameCode"] == {"registry": True, "witness": True}
    assert city.run("chain", "status").status == 0


def test_a_trust_file_that_believes_blocks(city: City) -> None:
    validator = "0x" + "ab" * 20
    city.answer(
        *("chain", "trust", "--origin", ORIGIN, "-o", "sealed.json"),
        *("--consensus", "qbft", "--validator", validator, "--fix-block", "0", "--fix-block", "1"),
    )
    chain = json.loads((city.folder / "sealed.json").read_text())["chain"]
    assert (chain["consensus"], chain["validators"]) == ("qbft", [validator])
    assert chain["blocks"] == [{"number": n, "hash": city.chain.block_hash(n)} for n in (0, 1)]
    nobody = city.run("chain", "trust", "--origin", ORIGIN, "-o", "x.json", "--consensus", "ibft2")
    assert nobody.status == 2 and "name the validators with --validator" in nobody.err
    early = city.run("chain", "trust", "--origin", ORIGIN, "-o", "x.json", "--fix-block", str(city.chain.height + 99))
    assert early.status != 0 and "not final" in early.err


def test_a_report_is_accepted_proved_and_witnessed(city: City, report: dict[str, Any], subject: str) -> None:
    assert report["state"] == "accepted" and report["index"] == 0 and report["sequence"] == 0
    city.until(lambda: _state(city, report["statement"]) == "final", "the report is final")
    proved = city.answer("prove", report["statement"], "-o", "report.tlog-proof")
    assert proved["holds"] is True
    offline = city.answer("verify", "report.tlog-proof")
    assert offline["files"][0]["statement"]["institution"] == HOSPITAL
    assert {part["name"] for part in offline["files"][0]["parts"]} == {"document", "facts"}
    online = city.answer("verify", "report.tlog-proof", "--rpc", city.chain.url, "--require-witnessed")
    assert {claim["claim"]: claim["state"] for claim in online["files"][0]["claims"]}["witnessed"] == "VERIFIED"
    assert online["files"][0]["signedAfter"] == {"block": None, "time": None, "head": None}
    assert online["files"][0]["signedBefore"]["block"] > int(city.environment["HUZHENG_START_BLOCK"])


def test_a_document_is_found_by_its_bytes(city: City, report: dict[str, Any]) -> None:
    document = SAMPLES / "hl7v2" / "blood-count.hl7"
    found = city.answer("find", document)
    assert [item["statement"] for item in found["statements"]] == [report["statement"]]
    assert city.answer("find", found["digest"]) == found
    assert city.run("find", "0" * 64, "--json").status == 1


def test_whoever_holds_a_document_checks_it_without_an_account(city: City, report: dict[str, Any]) -> None:
    city.until(lambda: _state(city, report["statement"]) == "final", "the report is final")
    document, without = SAMPLES / "hl7v2" / "blood-count.hl7", {"HUZHENG_OPERATOR_TOKEN": ""}
    checked = city.answer("check", document, "-o", "checked.tlog-proof", **without)
    (item,) = checked["statements"]
    assert checked["current"] is True and item["holds"] is True
    assert (item["statement"], item["institution"]) == (report["statement"], HOSPITAL)
    parts = city.answer("verify", "checked.tlog-proof", **without)["files"][0]["parts"]
    assert [part["name"] for part in parts if "value" in part] == ["document"]
    assert "the current version" in city.run("check", document, **without).out
    (city.folder / "changed.hl7").write_bytes(document.read_bytes() + b" ")
    changed = city.run("check", "changed.hl7", "--json", **without)
    assert (changed.status, changed.object["current"], changed.object["statements"]) == (1, False, [])
    elsewhere = json.loads((city.folder / "trust.json").read_text())
    elsewhere["logs"][0]["keys"] = []
    (city.folder / "elsewhere.json").write_text(json.dumps(elsewhere))
    believed = city.run("check", document, "--trust", "elsewhere.json", "--json", **without)
    assert (believed.status, believed.object["current"]) == (1, False)


def test_without_the_token_the_parts_are_withheld(city: City, report: dict[str, Any]) -> None:
    city.until(lambda: _state(city, report["statement"]) == "final", "the report is final")
    without = {"HUZHENG_OPERATOR_TOKEN": ""}
    city.answer("prove", report["statement"], "-o", "withheld.tlog-proof", **without)
    parts = city.answer("verify", "withheld.tlog-proof")["files"][0]["parts"]
    assert len(parts) == 2 and all("withheld" in part for part in parts)
    assert "token" in city.run("timeline", "0x" + "1" * 64, **without).failed_in_one_line(2)


def test_a_life_cycle_from_a_file(city: City, report: dict[str, Any], subject: str) -> None:
    access = {"at": int(time.time()), "basis": "outpatient-visit"}
    policy = {"policy": "sample-policy", "version": "2026-01"}
    version = {"report": report["statement"]}
    lines = [
        {"kind": "access.granted", "subject": subject, "access": access, "links": version, "name": "seen"},
        {"kind": "recognition.accepted", "subject": subject, "policy": policy, "links": version | {"access": "@seen"}},
        {
            "kind": "repeat.ordered",
            "subject": subject,
            "policy": policy,
            "reason": "condition-changed",
            "links": {"access": "@seen", "repeats": report["statement"]},
            "parts": {"note": "病情变化"},
            "withhold": ["note"],
            "name": "order",
        },
    ]
    (city.folder / "many.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    first = city.record("--from", "many.jsonl", "--store", "other.sqlite", key="other.json")
    assert (first["stored"], first["accepted"]) == (3, 3)
    again = city.record("--from", "many.jsonl", "--store", "other.sqlite", key="other.json")
    assert [one["statement"] for one in again["statements"]] == [one["statement"] for one in first["statements"]]
    by_subject = city.answer("timeline", subject)["statements"]
    assert [item["kind"] for item in by_subject] == ["report.issued", *(line["kind"] for line in lines)]
    assert "病情变化" not in json.dumps(by_subject, ensure_ascii=False)
    by_number = city.answer("timeline", "--report-number", "R-1", "--secret", "keys/subject.json")
    assert by_number["statements"] == by_subject
    people = city.run("timeline", subject)
    assert people.status == 0 and "recognised a result 互认" in people.out


def test_a_hospital_reads_signed_in_by_its_key(city: City, report: dict[str, Any], subject: str) -> None:
    city.until(lambda: _state(city, report["statement"]) == "final", "the report is final")
    document, without = SAMPLES / "hl7v2" / "blood-count.hl7", {"HUZHENG_OPERATOR_TOKEN": ""}
    mine = ("--key", "keys/hospital.json")
    assert city.answer("timeline", subject, *mine, **without)["statements"][0]["statement"] == report["statement"]
    assert city.answer("responsibility", subject, *mine, **without)["facts"][0]["code"] == "issued"
    assert city.answer("find", document, *mine, **without)["statements"][0]["statement"] == report["statement"]
    city.answer("prove", report["statement"], *mine, "-o", "mine.tlog-proof", **without)
    parts = city.answer("verify", "mine.tlog-proof")["files"][0]["parts"]
    assert {part["name"] for part in parts if "value" in part} == {"document", "facts"}
    no_trust = city.run("timeline", subject, *mine, **without, HUZHENG_TRUST="")
    assert "--key needs --trust" in no_trust.failed_in_one_line(2)
    of_another = city.run("timeline", subject, "--key", "keys/subject.json", **without)
    assert "of purpose subject" in of_another.failed_in_one_line(2)


def test_the_chain_says_after_when_and_before_when(city: City, report: dict[str, Any], subject: str) -> None:
    """A statement that named a head: after the parent of that head's block, before the block that witnessed it."""
    city.until(lambda: _state(city, report["statement"]) == "final", "the report is final")
    options = ("--access-basis", "outpatient-visit", "--link", f"report={report['statement']}")
    opened = city.record(
        "access.granted", "--subject", subject, *options, "--store", "other.sqlite", key="other.json"
    )  # fmt: skip
    city.until(lambda: _state(city, opened["statement"]) == "final", "the access is final")
    city.answer("prove", opened["statement"], "-o", "access.tlog-proof")
    (judged,) = city.answer("verify", "access.tlog-proof", "--rpc", city.chain.url, "--require-witnessed")["files"]
    said = httpx.get(f"{city.environment['HUZHENG_URL']}/v1/statements/{opened['statement']}").json()
    heads = httpx.get(f"{city.environment['HUZHENG_URL']}/v1/heads").json()["items"]
    seen = next(head for head in heads if head["witnessId"] == said["observed"])
    assert judged["signedAfter"]["head"] == said["observed"]
    assert judged["signedAfter"]["block"] == seen["blockNumber"] - 1
    assert judged["signedBefore"]["block"] == said["head"]["blockNumber"]
    assert judged["signedAfter"]["time"] <= judged["signedBefore"]["time"]
    people = city.run("verify", "access.tlog-proof", "--rpc", city.chain.url).out
    assert "THE PROOF HOLDS (and the chain witnessed it)" in people
    for shown in ("signedAfter", "signedBefore"):
        assert f"{judged[shown]['time']}, block {judged[shown]['block']}" in people


def test_a_refused_number_is_mended(city: City, report: dict[str, Any]) -> None:
    document = ("--document", SAMPLES / "pdf" / "blood-count.pdf", "--secret", "keys/subject.json")
    refused = city.run(
        "record", "report.issued", "--report-number", "R-1", *document, "--key", "keys/hospital.json", "--json"
    )
    assert refused.status == 1
    assert (refused.object["state"], refused.object["problem"]) == ("refused", "subject-taken")
    number = refused.object["sequence"]
    behind = city.run(
        "record", "report.issued", "--report-number", "R-3", *document, "--key", "keys/hospital.json", "--json"
    )
    assert behind.status == 1 and behind.object["state"] == "unsent"
    status = city.run("stream", "status", "--json")
    assert status.status == 1
    assert [one["sequence"] for one in status.object["refused"]] == [number]
    assert f"--mend {number}" in city.run("stream", "status").out
    mended = city.record("report.issued", "--report-number", "R-2", *document, "--mend", number)
    assert mended["state"] == "accepted" and mended["sequence"] == number
    assert city.run("stream", "status").status == 0
    assert city.answer("stream", "send")["waiting"] == 0


def test_what_is_signed_while_the_service_is_down_is_sent_later(city: City, report: dict[str, Any]) -> None:
    assert city.stop(signal.SIGKILL) == -signal.SIGKILL
    options = ("--report-number", "R-4", "--secret", "keys/subject.json", "--document", SAMPLES / "README.md")
    ran = city.run("record", "report.issued", *options, "--key", "keys/hospital.json", "--json")
    assert ran.status == 1 and ran.object["state"] == "unsent"
    assert "is the service running there?" in ran.failed_in_one_line(1)
    city.start()
    sent = city.answer("stream", "send")
    assert (sent["accepted"], sent["waiting"]) == (1, 0)
    statement = httpx.get(f"{city.environment['HUZHENG_URL']}/v1/statements/{ran.object['statement']}").json()
    assert statement["statement"] == ran.object["statement"]


def test_a_store_that_was_lost_goes_on_where_the_service_is(city: City, report: dict[str, Any]) -> None:
    os.rename(city.folder / "sender.sqlite", city.folder / "lost.sqlite")
    options = ("--report-number", "R-5", "--secret", "keys/subject.json", "--document", SAMPLES / "README.md")
    recorded = city.record("report.issued", *options)
    assert recorded["state"] == "accepted" and recorded["sequence"] > 0


def test_a_frozen_key_is_revoked(city: City, report: dict[str, Any]) -> None:
    made = city.answer("keys", "new", "--out", "keys/stolen.json", "--light")
    city.answer("institution", "add-key", HOSPITAL, "--origin", ORIGIN, "--key-file", "keys/stolen.json")
    address = made["address"]
    city.until(lambda: city.run("institution", "show", HOSPITAL, "--json").out.count(address), "the key is followed")
    frozen = city.answer("institution", "freeze-key", address)
    assert frozen == {"key": address, "endSequence": 0}
    city.answer("institution", "revoke-key", address, "--end-sequence", 0)
    line = city.run("institution", "revoke-key", address).failed_in_one_line(2)
    assert address in line or "revoke" in line.lower()
    options = ("--report-number", "R-9", "--secret", "keys/subject.json", "--document", SAMPLES / "README.md")
    ran = city.run(
        "record", "report.issued", *options, "--key", "keys/stolen.json", "--institution", HOSPITAL, "--store",
        "stolen.sqlite", "--json",
    )  # fmt: skip
    assert (ran.status, ran.object["problem"]) == (1, "key-revoked")


def test_acts_can_be_written_down_instead_of_sent(city: City) -> None:
    act = city.answer("institution", "suspend", HOSPITAL, "--call-data")
    assert act["to"] == city.environment["HUZHENG_REGISTRY"] and act["data"].startswith("0x")
    assert all(item["standing"] == "admitted" for item in city.answer("institution", "list")["institutions"])


def test_an_act_that_the_contract_refuses(city: City) -> None:
    city.run("institution", "resume", HOSPITAL).failed_in_one_line(2)
    city.run("institution", "suspend", "NOBODY").failed_in_one_line(2)


def test_suspension_and_return(city: City, report: dict[str, Any]) -> None:
    city.answer("institution", "suspend", OTHER, "--reason", "sample")
    shown = lambda: city.answer("institution", "show", OTHER)["standing"]  # noqa: E731
    city.until(lambda: shown() == "suspended", "the suspension is followed")
    city.answer("institution", "resume", OTHER)
    city.until(lambda: shown() == "admitted", "the return is followed")


def _state(city: City, statement: str) -> str:
    return httpx.get(f"{city.environment['HUZHENG_URL']}/v1/statements/{statement}").json()["state"]
