"""`huzheng verify`: what holds, what does not, and that nothing in a file can make it stumble."""

import base64
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from anchors.core.content import Content, Part
from anchors.core.tlog_proof import Extra, TlogProof
from ledger_service.cli import main
from ledger_service.cli.options import read_trust
from ledger_service.cli.verify import Judge
from tests.cli.command import answer, huzheng
from tests.cli.conftest import Here
from tests.cli.evidence import HOSPITAL, ORIGIN, City, city


@pytest.fixture(scope="module")
def honest() -> City:
    return city()


@pytest.fixture
def files(tmp_path: Path, honest: City) -> tuple[Path, Path]:
    """A proof that holds, and the trust file by which it does."""
    proof, trust = tmp_path / "example.tlog-proof", tmp_path / "trust.json"
    proof.write_bytes(honest.proof(2))
    trust.write_bytes(honest.trust_file())
    return proof, trust


def test_a_proof_holds_and_says_what_was_said(files: tuple[Path, Path], honest: City) -> None:
    proof, trust = files
    result = answer("verify", proof, "--trust", trust)
    assert result["holds"] is True
    (judged,) = result["files"]
    states = {claim["claim"]: claim["state"] for claim in judged["claims"]}
    assert states == {"content": "VERIFIED", "signed": "VERIFIED", "logged": "VERIFIED", "witnessed": "NOT_CHECKED"}
    assert all(claim["why"] for claim in judged["claims"])
    statement = honest.entries[2].statement
    assert judged["statement"]["kind"] == "report.issued"
    assert judged["statement"]["institution"] == HOSPITAL
    assert judged["statement"]["statement"] == "0x" + statement.id(honest.domain).hex()
    assert judged["statement"]["issuedAt"] == statement.issued_at
    assert [part.get("name") for part in judged["parts"]] == ["document", "note"]


def test_people_read_it_in_plain_words_without_colour_codes(files: tuple[Path, Path]) -> None:
    proof, trust = files
    ran = huzheng("verify", proof, "--trust", trust, environment={"TZ": "Asia/Shanghai"})
    assert ran.status == 0 and ran.err == ""
    assert "\x1b" not in ran.out
    for words in (
        "THE PROOF HOLDS (the chain was not asked)",
        f"{HOSPITAL} issued a report 签发报告",
        "2025-10-09T08:53:22Z (as the signer claims)",
        ORIGIN,
        "正常",
    ):
        assert words in ran.out, words
    assert "clinically right" in ran.out


def test_offline_both_times_are_left_to_the_chain(files: tuple[Path, Path]) -> None:
    (judged,) = answer("verify", files[0], "--trust", files[1])["files"]
    assert judged["chainAsked"] is False
    assert judged["signedAfter"] == {"block": None, "time": None, "head": None}
    assert judged["signedBefore"] == {"block": None, "time": None}
    ran = huzheng("verify", files[0], "--trust", files[1])
    assert "nothing: the statement names no head it had seen" in ran.out
    assert "signed before  not checked, give --rpc" in ran.out


def test_at_80_columns_every_hash_is_whole(files: tuple[Path, Path], honest: City) -> None:
    ran = huzheng("verify", files[0], "--trust", files[1], environment={"COLUMNS": "80"})
    statement = honest.entries[2].statement
    for whole in (statement.subject, statement.id(honest.domain)):
        assert f"0x{whole.hex()}" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines()[1:]), "the first line is the path"


def test_withheld_parts_verify_too(tmp_path: Path, files: tuple[Path, Path], honest: City) -> None:
    withheld = tmp_path / "withheld.tlog-proof"
    withheld.write_bytes(honest.proof(0, parts_shown=False))
    (judged,) = answer("verify", withheld, "--trust", files[1])["files"]
    assert all("withheld" in part for part in judged["parts"]) and len(judged["parts"]) == 2


def test_offline_means_no_socket(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("verify opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HUZHENG_RPC", "http://127.0.0.1:1")
    assert main(["verify", str(files[0]), "--trust", str(files[1])]) == 0


def test_offline_loads_neither_chain_nor_web(files: tuple[Path, Path]) -> None:
    program = (
        "import sys; from ledger_service.cli import main\n"
        f"status = main(['verify', {str(files[0])!r}, '--trust', {str(files[1])!r}, '--json'])\n"
        "heavy = {'web3', 'httpx', 'fastapi', 'sqlalchemy', 'eth_account', 'eth_keyfile'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_flipped_bit_is_noticed(honest: City) -> None:
    """One flip in each byte of the file, the bit turning over; what still holds must be a signature line's key id of
    nobody: there is none here, so nothing may hold."""
    judge, proof = Judge(honest.trust()), honest.proof(2)
    for position in range(len(proof)):
        for bit in (0, 5, position % 8):
            flipped = bytearray(proof)
            flipped[position] ^= 1 << bit
            judged = judge.judge_bytes(bytes(flipped), "flipped")
            assert judged.status in (1, 2), f"bit {bit} of byte {position} went unnoticed"
            assert judged.error is None or "\n" not in judged.error


def test_every_cut_is_noticed(honest: City) -> None:
    judge, proof = Judge(honest.trust()), honest.proof(2)
    for length in range(len(proof)):
        assert judge.judge_bytes(proof[:length], "cut").status in (1, 2), length
    assert judge.judge_bytes(proof + b"x", "longer").status in (1, 2)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.7, 0.97])
def test_flipped_bits_as_a_process(files: tuple[Path, Path], tmp_path: Path, fraction: float) -> None:
    data = bytearray(files[0].read_bytes())
    data[int(fraction * (len(data) - 1))] ^= 4
    flipped = tmp_path / "flipped.tlog-proof"
    flipped.write_bytes(data)
    ran = huzheng("verify", flipped, "--trust", files[1], "--json")
    assert ran.status in (1, 2)
    assert ran.object["holds"] is False
    assert "Traceback" not in ran.err


def test_another_chains_trust_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(city(seed=1, statements=0, chain_id=1).trust_file())
    ran = huzheng("verify", files[0], "--trust", other, "--json")
    assert ran.status == 1
    claims = {claim["claim"]: claim for claim in ran.object["files"][0]["claims"]}
    assert claims["signed"]["state"] == "FAILED"


def test_a_trust_file_that_does_not_name_the_log(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(city(seed=3, statements=0, origin="elsewhere.example/1").trust_file())
    ran = huzheng("verify", files[0], "--trust", other, "--json")
    assert {claim["claim"]: claim["state"] for claim in ran.object["files"][0]["claims"]}["logged"] == "FAILED"
    line = ran.failed_in_one_line(1)
    assert ORIGIN in line and "elsewhere.example/1" in line and "give the trust file" in line


def test_a_forgery_that_fits_in_itself_fails(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Own key, own signature, own log, own checkpoint; only the names are stolen."""
    forged = tmp_path / "forged.tlog-proof"
    forger = city(seed=666)
    forged.write_bytes(forger.proof(2))
    own = tmp_path / "own.json"
    own.write_bytes(forger.trust_file())
    assert huzheng("verify", forged, "--trust", own).status == 0, "the forgery must fit in itself"
    ran = huzheng("verify", forged, "--trust", files[1], "--json")
    assert ran.status == 1
    states = {claim["claim"]: claim["state"] for claim in ran.object["files"][0]["claims"]}
    assert states["signed"] == "FAILED" and states["logged"] == "FAILED"


def test_a_forged_extra_under_the_true_checkpoint_fails(honest: City) -> None:
    """The forger signs with its own key as the hospital and puts that into the file of the true proof."""
    forger = City(seed=666)
    entry = forger.say("forged")
    true = TlogProof.parse(honest.proof(0))
    extra = Extra(Extra.decode(true.extra).key, entry.to_bytes(), forger.contents[0]).encode()
    judged = Judge(honest.trust()).judge_bytes(replace(true, extra=extra).format(), "forged")
    states = {claim.name: claim.state.value for claim in judged.verdict.claims}
    assert judged.status == 1
    assert states == {"content": "VERIFIED", "signed": "FAILED", "logged": "FAILED", "witnessed": "NOT_CHECKED"}


def test_exchanged_parts_fail(honest: City) -> None:
    true = TlogProof.parse(honest.proof(1))
    extra = Extra.decode(true.extra)
    parts = (extra.content.parts[0], Part.create("note", "something else"))
    data = replace(true, extra=replace(extra, content=Content(parts)).encode()).format()
    judged = Judge(honest.trust()).judge_bytes(data, "exchanged")
    assert judged.status == 1
    assert {claim.name: claim.state.value for claim in judged.verdict.claims}["content"] == "FAILED"


def test_a_statement_cannot_steer_the_terminal(files: tuple[Path, Path], tmp_path: Path) -> None:
    hostile = City(seed=1)
    hostile.say("\x1b[2J\x1b]0;owned\x07 \u202egnitcelfer\u2066 [bold red]VERIFIED[/]")
    proof = tmp_path / "hostile.tlog-proof"
    proof.write_bytes(hostile.proof(0))
    ran = huzheng("verify", proof, "--trust", files[1])
    assert ran.status == 0
    assert not set("\x1b\x07\u202e\u2066") & set(ran.out)
    assert "[bold red]VERIFIED[/]" in ran.out


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 500,
        "钥匙".encode(),
        b"c2sp.org/tlog-proof@v1\n",
        b"{}",
        b"[]" * 10,
        b"\n\n\n",
        b"x" * 3_000_000,
    ],
    ids=["empty", "binary", "text", "header", "object", "list", "newlines", "huge"],
)
def test_garbage_is_wrong_input(files: tuple[Path, Path], tmp_path: Path, content: bytes, here: Here) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(content)
    here("verify", garbage, "--trust", files[1]).failed_in_one_line(2)
    here("verify", files[0], "--trust", garbage).failed_in_one_line(2)


def test_files_that_are_none(files: tuple[Path, Path], tmp_path: Path, here: Here) -> None:
    assert "No such file" in here("verify", tmp_path / "none", "--trust", files[1]).failed_in_one_line(2)
    assert "is a folder" in here("verify", tmp_path, "--trust", files[1]).failed_in_one_line(2)
    assert "No such file" in here("verify", files[0], "--trust", tmp_path / "none").failed_in_one_line(2)
    assert "is a folder" in here("verify", files[0], "--trust", tmp_path).failed_in_one_line(2)
    assert "--trust" in here("verify", files[0]).failed_in_one_line(2)


def _drop_a_change(trust: dict) -> None:
    del trust["registry"]["changes"][-1]


def _change_a_name(trust: dict) -> None:
    trust["registry"]["changes"][1]["institution"] = "SOMEBODY-ELSE"


def _add_a_member(trust: dict) -> None:
    trust["extra"] = 1


def _nest_a_list(trust: dict) -> None:
    trust["chain"] = [[[]]]


def _spoil_a_key(trust: dict) -> None:
    trust["logs"][0]["keys"] = [City(seed=9).note_key.verifier.__str__()]


def _write_a_float(trust: dict) -> None:
    trust["chain"]["id"] = 1.5


@pytest.mark.parametrize(
    "spoil", [_drop_a_change, _change_a_name, _add_a_member, _nest_a_list, _spoil_a_key, _write_a_float]
)
def test_a_spoilt_trust_file_is_wrong_input(files: tuple[Path, Path], honest: City, here: Here, spoil) -> None:
    proof, trust = files
    wire = json.loads(honest.trust_file())
    spoil(wire)
    trust.write_text(json.dumps(wire))
    assert "get the trust file again" in here("verify", proof, "--trust", trust).failed_in_one_line(2)


def test_of_several_files_the_worst_counts(files: tuple[Path, Path], tmp_path: Path, honest: City) -> None:
    second, bad = tmp_path / "second.tlog-proof", tmp_path / "bad.tlog-proof"
    second.write_bytes(honest.proof(4))
    assert huzheng("verify", files[0], second, "--trust", files[1]).status == 0
    bad.write_bytes(city(seed=666).proof(0))
    ran = huzheng("verify", files[0], second, bad, "--trust", files[1], "--json")
    assert ran.status == 1
    assert [judged["holds"] for judged in ran.object["files"]] == [True, True, False]
    assert huzheng("verify", bad, tmp_path / "none", "--trust", files[1]).status == 2


def test_a_node_that_does_not_answer_leaves_witnessed_unchecked(files: tuple[Path, Path]) -> None:
    dead = "http://127.0.0.1:9"
    result = answer("verify", files[0], "--trust", files[1], "--rpc", dead)
    claims = {claim["claim"]: claim for claim in result["files"][0]["claims"]}
    assert claims["witnessed"]["state"] == "NOT_CHECKED"
    required = huzheng("verify", files[0], "--trust", files[1], "--rpc", dead, "--require-witnessed", "--json")
    assert required.status == 1 and required.object["holds"] is False
    assert "--require-witnessed" in required.err
    people = huzheng("verify", files[0], "--trust", files[1], "--rpc", dead)
    assert "THE PROOF HOLDS (the chain gave no answer)" in people.out and "not shown; see the claims" in people.out


def test_the_trust_file_round_trips(files: tuple[Path, Path], honest: City) -> None:
    assert read_trust(files[1]).registry.head == honest.trust().registry.head


def test_extra_is_what_the_specification_says(honest: City) -> None:
    line = honest.proof(0).split(b"\n")[1]
    extra = json.loads(base64.b64decode(line.removeprefix(b"extra ")))
    assert extra.keys() == {"entry", "key", "parts"}
