"""`huzheng dispute` and `huzheng hold` over a running service: from opening to closing."""

import secrets
from pathlib import Path

import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.core.trust import Finality, format_trust
from ledger_service.cli import main
from ledger_service.client.keystore import create_key_file
from tests.cli.command import PASSPHRASE, Ran
from tests.fixtures.ledger import FINALITY_BLOCKS
from tests.fixtures.signer import Signed, Signer
from tests.privacy.people import People, a_report, admit, place_hold
from tests.privacy.test_erasure import erase, logged
from tests.privacy.test_holds import is_held


class Court:
    """A court at its terminal, with a key of its own."""

    def __init__(self, people: People, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.people, self.folder, self._capsys = people, folder, capsys
        self.signer: Signer = admit(people.ledger, f"SYN-COURT-{secrets.token_hex(4)}", "court")
        create_key_file(folder / "key.json", "statement", PASSPHRASE, secret=self.signer.secret, light=True)
        city = people.ledger.city
        chain = EthereumChain(people.ledger.chain.url, city.deployment.registry, city.deployment.witness)
        (folder / "trust.json").write_bytes(format_trust(city.trust(chain, Finality(FINALITY_BLOCKS))))
        chain.close()

    def run(self, *arguments: str) -> Ran:
        """`huzheng …`, with its key, trust file and, where something is signed, its store."""
        given = ["--key", str(self.folder / "key.json"), "--trust", str(self.folder / "trust.json")]
        if arguments[1] != "list":
            given += ["--store", str(self.folder / "store.sqlite")]
        self._capsys.readouterr()
        status = main([*arguments, *given, "--url", self.people.ledger.service.url])
        captured = self._capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    def said(self, *arguments: str) -> dict:
        """The JSON object of a run that must succeed."""
        ran = self.run(*arguments, "--json")
        assert ran.status == 0, (ran.out, ran.err)
        return ran.object

    def listed(self, what: str, *arguments: str) -> dict[str, bool]:
        """By statement id, whether what is listed stands."""
        return {item["statement"]["statement"]: item["stands"] for item in self.said(what, "list", *arguments)["items"]}


@pytest.fixture
def court(people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Court:
    monkeypatch.setenv("HUZHENG_PASSPHRASE", PASSPHRASE)
    return Court(people, tmp_path, capsys)


@pytest.fixture
def report(people: People) -> Signed:
    """A report of the issuer."""
    report = a_report(people.signers["issuer"])
    logged(people, report)
    return report


def test_from_opening_to_closing(court: Court, report: Signed) -> None:
    dispute = court.said("dispute", "open", report.name, "--basis", "SYN case 1")
    assert dispute["accepted"] is True and len(dispute["subject"]) == 66
    hold = court.said("hold", "place", report.name, "--basis", "SYN order 1", "--dispute", dispute["statement"])
    is_held(court.people, report)
    subject = "0x" + report.subject.hex()
    assert court.listed("dispute", subject) == {dispute["statement"]: True}
    assert court.listed("hold", "--institution", court.signer.institution) == {hold["statement"]: True}
    said = court.people.get("token", f"/v1/statements/{hold['statement']}").json()
    assert dispute["statement"] in "".join(said["parts"]) and "SYN order 1" in "".join(said["parts"])
    assert court.said("hold", "release", hold["statement"], "--basis", "SYN order 2")["accepted"] is True
    is_held(court.people, report)
    assert court.said("dispute", "close", dispute["statement"], "--reason", "settled")["accepted"] is True
    assert court.listed("dispute", subject) == {dispute["statement"]: False}
    assert court.listed("hold", subject) == {hold["statement"]: False}
    assert erase(court.people, report, "note").status_code == 200


def test_people_read_it(court: Court, report: Signed) -> None:
    placed = court.run("hold", "place", report.name, "--basis", "SYN order")
    assert placed.status == 0 and placed.err == "" and "证据保全" in placed.out and "accepted" in placed.out
    listed = court.run("hold", "list", "0x" + report.subject.hex())
    assert listed.status == 0 and court.signer.institution in listed.out and "yes" in listed.out
    assert "There is none" in court.run("dispute", "list", "0x" + report.subject.hex()).out


def test_what_cannot_be_is_told_in_one_line(court: Court, report: Signed) -> None:
    foreign = place_hold(court.people.signers["court"], report)
    logged(court.people, foreign)
    assert "name the hold.placed" in court.run("hold", "release", report.name, "--basis", "x").failed_in_one_line(2)
    assert "no statement of this id" in court.run(
        "hold", "release", "0x" + "ab" * 32, "--basis", "x"
    ).failed_in_one_line(2)
    assert "statement" in court.run("dispute", "open", "0x12", "--basis", "x").failed_in_one_line(2)
    refused = court.run("hold", "release", foreign.name, "--basis", "SYN")
    assert refused.status == 1 and "not accepted" in refused.err
    is_held(court.people, report)
