"""`huzheng erase` over a running service: it tells first, and does what was confirmed."""

import secrets
from pathlib import Path

import pytest

from anchors import Part
from anchors.chain.ethereum import EthereumChain
from anchors.core.trust import Finality, format_trust
from ledger_service.cli import main
from ledger_service.client.keystore import create_key_file
from tests.cli.command import PASSPHRASE, Ran
from tests.fixtures.ledger import FINALITY_BLOCKS
from tests.fixtures.signer import Signed, Signer, document, example
from tests.privacy.people import People, shown_names


class Hospital:
    """A hospital at its terminal, with a key of its own."""

    def __init__(self, people: People, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.people, self.folder, self._capsys = people, folder, capsys
        self.signer: Signer = people.ledger.new_signer(3)
        create_key_file(folder / "key.json", "statement", PASSPHRASE, secret=self.signer.secret, light=True)
        city = people.ledger.city
        chain = EthereumChain(people.ledger.chain.url, city.deployment.registry, city.deployment.witness)
        (folder / "trust.json").write_bytes(format_trust(city.trust(chain, Finality(FINALITY_BLOCKS))))
        chain.close()

    def report(self, category: str = "laboratory") -> Signed:
        """A report of its own, sent by other means."""
        parts = document(), example("examination", category=category), Part.create("note", "（合成）")
        report = self.signer.sign("report.issued", secrets.token_bytes(32), *parts)
        assert self.people.ledger.submit(report).outcomes[0] >= 0
        return report

    def erase(self, statement: str, *arguments: str) -> Ran:
        """`huzheng erase`."""
        given = ["--key", "key.json", "--trust", "trust.json", "--store", "store.sqlite"]
        files = [str(self.folder / one) if "." in one else one for one in given]
        url = ["--url", self.people.ledger.service.url]
        self._capsys.readouterr()
        status = main(["erase", statement, *files, *url, *arguments])
        captured = self._capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    def shown(self, statement: Signed) -> set[str]:
        """The parts that are there."""
        return shown_names(self.people.get("token", f"/v1/statements/{statement.name}").json()["parts"])


@pytest.fixture
def hospital(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Hospital:
    monkeypatch.setenv("HUZHENG_PASSPHRASE", PASSPHRASE)
    return Hospital(people, tmp_path, capsys)


def test_it_tells_then_erases_what_was_confirmed(hospital: Hospital) -> None:
    report = hospital.report()
    told = hospital.erase(report.name, "--part", "note", "--json")
    assert told.status == 0 and told.object["done"] is False and "note" in hospital.shown(report)
    digest = told.object["digest"]
    people_read = hospital.erase(report.name, "--part", "note")
    assert people_read.status == 0 and f"--confirm {digest}" in people_read.out and "不再包含" in people_read.out
    done = hospital.erase(report.name, "--part", "note", "--confirm", digest, "--basis", "patient asks", "--json")
    assert done.status == 0 and done.object["done"] is True, done.err
    assert hospital.shown(report) == {"document", "examination"}
    subject = f"/v1/subjects/0x{report.subject.hex()}"
    said = hospital.people.get("token", subject).json()["items"][-1]
    assert said["kind"] == "content.erased" and '"basis":"patient asks"' in "".join(said["parts"])


def test_another_digest_confirms_nothing_and_signs_nothing(hospital: Hospital) -> None:
    report = hospital.report()
    ran = hospital.erase(report.name, "--part", "note", "--confirm", "00" * 32)
    assert "read what it means" in ran.failed_in_one_line(2)
    assert "note" in hospital.shown(report)
    subject = f"/v1/subjects/0x{report.subject.hex()}"
    assert len(hospital.people.get("token", subject).json()["items"]) == 1


def test_what_is_refused_is_told_in_one_line(hospital: Hospital) -> None:
    picture = hospital.report("imaging")
    assert "30 years" in hospital.erase(picture.name, "--part", "note").failed_in_one_line(2)
    assert "structural" in hospital.erase(picture.name, "--part", "document").failed_in_one_line(2)
    foreign = hospital.people.report.name
    assert "not-permitted" in hospital.erase(foreign, "--part", "note").failed_in_one_line(2)
