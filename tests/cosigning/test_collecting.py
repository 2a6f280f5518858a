"""A running service that has its heads cosigned: what is served, what a verifier says, and what silence changes."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from anchors.core.cosignature import WitnessSecret, open_cosignatures
from anchors.core.trust import Trust, format_trust, parse_trust
from anchors.core.verify import State, verify_proof
from ledger_service.settings import SettingsError, read_settings
from tests.fixtures.audit import audit_everything
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, found_small_city
from tests.fixtures.signer import Signed
from tests.fixtures.witness import ServedWitness, serving_witness
from tests.service.test_proofs import trust_of

SILENT = WitnessSecret("witness.example/silent", b"\x33" * 32)
GROUPS = "group g 2 one two silent\nquorum g\n"


@dataclass
class Town:
    """A ledger whose policy names two witnesses that answer and one at whose address nobody listens; two are a
    quorum."""

    ledger: Ledger
    witnesses: list[ServedWitness]
    policy: Path

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy as a trust file has it: without addresses."""
        names = zip(("one", "two", "silent"), [*(one.secret for one in self.witnesses), SILENT], strict=True)
        return (*(f"witness {name} {secret.key}" for name, secret in names), *GROUPS.splitlines())

    def trust(self, **replaced: object) -> Trust:
        chain, trust = trust_of(self.ledger)
        chain.close()
        return parse_trust(format_trust(replace(trust, **({"witnesses": self.lines} | replaced))))

    def cosigned(self, note: bytes) -> list[str]:
        """Who cosigned a note."""
        keys = [*(one.secret.key for one in self.witnesses), SILENT.key]
        return sorted(found.key.name for found in open_cosignatures(note, keys))

    def accept(self) -> Signed:
        """A statement under a final head that has two cosignatures."""
        signed = self.ledger.signer(0).issued()
        self.ledger.submit(signed)
        self.ledger.wait_for_state(signed, "final")
        self.ledger.wait_for(lambda: len(self.cosigned(self.head_note())) == 2)
        return signed

    def head_note(self) -> bytes:
        """The note of the checkpoint of the newest final head."""
        size = self.ledger.get("/v1/heads/final").json()["newSize"]
        return self.ledger.get(f"/v1/checkpoints/{size}").json()["note"].encode()


@pytest.fixture(scope="module")
def town(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, city = tmp_path_factory.mktemp("cosigned"), found_small_city(module_chain)
    with contextlib.ExitStack() as stack:
        key = city.note_key.verifier
        witnesses = [stack.enter_context(serving_witness(folder, number, key)) for number in (1, 2)]
        lines = [one.line(name) for one, name in zip(witnesses, ("one", "two"), strict=True)]
        policy = folder / "policy"
        policy.write_text("".join([*lines, f"witness silent {SILENT.key} http://127.0.0.1:9/\n", GROUPS]))
        ledger = Ledger(module_chain, city, folder, f"sqlite:///{folder / 'ledger.db'}", cosign_policy=str(policy))
        try:
            ledger.start()
            yield Town(ledger, witnesses, policy)
        finally:
            ledger.close()


def test_a_proof_carries_the_quorum_and_the_verdict_names_it(town: Town) -> None:
    signed = town.accept()
    proof = town.ledger.get(f"/v1/statements/{signed.name}/proof", token=True).content
    verdict = verify_proof(proof, town.trust())
    claim = verdict.claim("cosigned")
    assert verdict.holds and claim.state is State.VERIFIED
    assert "witness.example/1 at 20" in claim.why and "witness.example/2 at 20" in claim.why
    # Without a policy nothing is said of cosignatures, and the proof holds as ever.
    without = verify_proof(proof, town.trust(witnesses=()))
    assert without.holds and [one.name for one in without.claims] == ["content", "signed", "logged", "witnessed"]


def test_too_few_cosignatures_are_no_proof_and_no_fault(town: Town) -> None:
    proof = town.ledger.get(f"/v1/statements/{town.accept().name}/proof", token=True).content
    all_three = (*town.lines[:3], "group g all one two silent", "quorum g")
    verdict = verify_proof(proof, town.trust(witnesses=all_three))
    assert verdict.holds and verdict.claim("cosigned").state is State.NOT_PROVABLE
    strangers = (f"witness a {SILENT.key}", "quorum a")
    assert verify_proof(proof, town.trust(witnesses=strangers)).claim("cosigned").state is State.NOT_PROVABLE


def test_a_cosignature_that_does_not_verify_fails_the_proof(town: Town) -> None:
    proof = town.ledger.get(f"/v1/statements/{town.accept().name}/proof", token=True).content
    head, line = proof.rstrip(b"\n").rsplit(b" ", 1)
    wrong = line[:40] + (b"A" if line[40:41] != b"A" else b"B") + line[41:]
    verdict = verify_proof(head + b" " + wrong + b"\n", town.trust())
    assert verdict.claim("cosigned").state is State.FAILED and not verdict.holds


def test_a_silent_witness_is_told_of_and_hinders_nothing(town: Town) -> None:
    town.accept()

    def note() -> str:
        return next((one for one in town.ledger.get("/readyz").json()["notes"] if "witness.example/silent" in one), "")

    assert "ConnectionRefused" in town.ledger.wait_for(note)
    assert town.ledger.get("/readyz").status_code == 200
    assert 'huzheng_cosigner_failing{witness="witness.example/silent"} 1.0' in town.ledger.get("/metrics").text


def test_an_audit_verifies_what_the_trust_file_names(town: Town, tmp_path: Path) -> None:
    town.accept()
    chain, plain = trust_of(town.ledger)
    try:
        named = audit_everything(chain, town.ledger.city, town.trust(), town.ledger.database)
        assert named.findings.counts["cosignatures"] >= 2 and not named.findings.left
        unnamed = audit_everything(chain, town.ledger.city, plain, town.ledger.database)
        (left,) = unnamed.findings.left
        assert (left.first.table, left.first.found) == ("cosignatures", "by another")
    finally:
        chain.close()


def test_withheld_until_enough_have_cosigned(town: Town) -> None:
    """With a policy that needs the silent witness, nothing new is published, and all else goes on."""
    before = town.accept()
    size = int(town.ledger.get("/log/checkpoint").text.splitlines()[1])
    published = town.policy.read_text()
    town.policy.write_text(published.replace("group g 2", "group g all"))
    town.ledger.restart(cosign_rule="withhold")
    assert town.ledger.get("/log/checkpoint").status_code == 404
    signed = town.ledger.signer(0).issued()
    town.ledger.submit(signed)
    town.ledger.wait_for_state(signed, "final")
    assert town.ledger.get("/log/checkpoint").status_code == 404
    town.policy.write_text(published)
    town.ledger.restart(cosign_rule="withhold")
    town.ledger.wait_for(lambda: town.ledger.get("/log/checkpoint").status_code == 200)
    newest = town.ledger.wait_for(lambda: (note := town.ledger.get("/log/checkpoint")).status_code == 200 and note)
    assert len(town.cosigned(newest.content)) == 2 and int(newest.text.splitlines()[1]) >= size
    assert town.ledger.state(before) == "final"


@pytest.mark.parametrize(
    ("policy", "rule", "why"),
    [
        ("quorum none\n", "withhold", "a HUZHENG_COSIGN_POLICY with a quorum"),
        (None, "withhold", "a HUZHENG_COSIGN_POLICY with a quorum"),
        ("quorum x\n", "go-on", "line 1: 'x' is not defined"),
        (f"witness a {SILENT.key}\nquorum a\n", "go-on", "expected http"),
        (f"witness a {SILENT.key} ftp://a\nquorum a\n", "go-on", "expected http"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, policy: str | None, rule: str, why: str) -> None:
    given = {"origin": "ledger.example/x", "rpc": "http://x", "registry": "0x" + "1" * 40, "witness": "0x" + "2" * 40}
    if policy is not None:
        (tmp_path / "policy").write_text(policy)
        given["cosign_policy"] = tmp_path / "policy"
    with pytest.raises(SettingsError, match=why):
        read_settings(cosign_rule=rule, **given)
