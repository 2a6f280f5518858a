"""A witness over real sockets, judged by C2SP tlog-witness: its statuses, its state, and that it never goes back."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from anchors.core.checkpoint import Checkpoint, open_checkpoint
from anchors.core.cosignature import WitnessSecret, open_cosignatures
from anchors.core.encoding import encode_base64
from anchors.core.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, tree_root
from anchors.core.note import SignerKey, VerifierKey
from anchors.core.tiles import TileNodes, TileTree
from ledger_service.client.errors import WrongInput
from ledger_service.cosigner import state
from ledger_service.cosigner.state import CosignerState
from tests.fixtures.witness import ServedWitness, cosigner, request_body, serving_witness

LOG = SignerKey("ledger.example/witnessed", b"\x07" * 32)
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
FORK = [*LEAVES[:3], *(leaf_hash(b"another %d" % number) for number in range(40))]


def note(size: int, leaves: list[bytes] = LEAVES, key: SignerKey = LOG) -> bytes:
    return Checkpoint(LOG.name, size, tree_root(leaves[:size])).sign(key)


def proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    return consistency_proof(old, new, TileNodes(new, lambda tile: TileTree(b"".join(leaves[: tile.width]))))


def body(old: int, new: int, leaves: list[bytes] = LEAVES) -> bytes:
    return request_body(old, proof(old, new, leaves), note(new, leaves))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[ServedWitness]:
    with serving_witness(tmp_path, 1, LOG.verifier) as served:
        yield served


def ask(witness: ServedWitness, request: bytes) -> httpx.Response:
    return httpx.post(f"{witness.url}/add-checkpoint", content=request, trust_env=False)


def cosigned(witness: ServedWitness, response: httpx.Response, signed: bytes) -> int:
    """The time of the one cosignature in an answer."""
    assert response.status_code == 200, response.text
    assert re.fullmatch("— [^\n]+\n", response.text)
    (found,) = open_cosignatures(signed + response.content, [witness.secret.key])
    return found.time


def test_a_log_grows_and_is_cosigned(witness: ServedWitness) -> None:
    times = [
        cosigned(witness, ask(witness, body(old, new)), note(new)) for old, new in [(0, 1), (1, 3), (3, 3), (3, 40)]
    ]
    assert times == sorted(times)


def test_an_empty_tree_is_cosigned(witness: ServedWitness) -> None:
    cosigned(witness, ask(witness, body(0, 0)), note(0))
    cosigned(witness, ask(witness, body(0, 7)), note(7))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"", 400),
        (b"old 3\n", 400),
        (b"old 03\n\n" + note(5), 400),
        (b"old -1\n\n" + note(5), 400),
        (b"older 3\n\n" + note(5), 400),
        (b"old 3\nAAAA\n\n" + note(5), 400),
        (b"old 3\nnot base64\n\n" + note(5), 400),
        (request_body(3, [LEAVES[0]] * 64, note(5)), 400),
        (b"old 3\n\nno checkpoint", 400),
        (request_body(6, [], note(5)), 400),
        (request_body(3, [], note(5).replace(b"witnessed", b"unknown")), 404),
        (request_body(3, proof(3, 5), note(5, key=SignerKey(LOG.name, b"\x08" * 32))), 403),
        (request_body(3, proof(3, 5), note(5).replace(b"\n5\n", b"\n6\n")), 403),
        (request_body(0, [], note(5)), 409),
        (request_body(2, proof(2, 5), note(5)), 409),
        (request_body(3, [], note(3, FORK[1:])), 409),
        (request_body(3, [], note(5)), 422),
        (request_body(3, proof(3, 5)[:-1], note(5)), 422),
        (request_body(3, [*proof(3, 5), LEAVES[0]], note(5)), 422),
        (request_body(3, proof(2, 5), note(5)), 422),
        (request_body(3, [LEAVES[0]], note(3)), 422),
        (request_body(3, proof(3, 5), note(5, [*FORK[1:]])), 422),
    ],
)
def test_each_refusal_has_its_status_and_changes_nothing(witness: ServedWitness, request_: bytes, status: int) -> None:
    ask(witness, body(0, 3)).raise_for_status()
    refused = ask(witness, request_)
    assert refused.status_code == status, refused.text
    assert "—" not in refused.text
    cosigned(witness, ask(witness, body(3, 5)), note(5))


def test_a_conflict_names_the_size(witness: ServedWitness) -> None:
    ask(witness, body(0, 3)).raise_for_status()
    refused = ask(witness, body(0, 5))
    assert (refused.status_code, refused.text, refused.headers["content-type"]) == (409, "3\n", "text/x.tlog.size")
    # Also the first time, of a log that was never cosigned.
    with witness.state.turn(LOG.name) as turn:
        assert turn.last().size == 3


def test_what_proves_misbehaviour_is_kept(witness: ServedWitness) -> None:
    ask(witness, body(0, 3)).raise_for_status()
    same_size = request_body(3, [], note(3, FORK[1:]))
    forked = request_body(3, proof(3, 5), note(5, FORK[1:]))
    for request in (forked, same_size, same_size, forked, b"old 3\n", body(0, 5)):
        assert ask(witness, request).status_code >= 400
    kept = [(suspect.proven, suspect.note, suspect.cosigned) for suspect in witness.state.suspects()]
    assert kept == [(True, note(3, FORK[1:]), note(3)), (False, note(5, FORK[1:]), note(3))]
    # When it comes again while the witness has its size with another root, what was only a suspicion is proven.
    ask(witness, body(3, 5)).raise_for_status()
    assert ask(witness, request_body(5, [], note(5, FORK[1:]))).status_code == 409
    kept = [(suspect.proven, suspect.note, suspect.cosigned) for suspect in witness.state.suspects()]
    assert kept == [(True, note(5, FORK[1:]), note(5)), (True, note(3, FORK[1:]), note(3))]


def test_whoever_sends_wrong_proofs_makes_no_honest_log_a_suspect(witness: ServedWitness) -> None:
    assert ask(witness, request_body(0, [LEAVES[0]], note(3))).status_code == 422
    ask(witness, body(0, 3)).raise_for_status()
    assert ask(witness, request_body(3, [LEAVES[0]], note(3))).status_code == 422
    assert witness.state.suspects() == []
    for number in range(9):
        assert ask(witness, request_body(3, [LEAVES[number]], note(5))).status_code == 422
    (suspect,) = witness.state.suspects()  # one a checkpoint
    assert (suspect.proven, suspect.note) == (False, note(5))
    ask(witness, body(3, 5)).raise_for_status()
    assert witness.state.suspects() == []


def test_lines_that_nobody_verified_are_not_kept(witness: ServedWitness) -> None:
    def with_more(signed: bytes) -> bytes:
        """The log's signature between one of another key under its name, a forged one, and no signature at all."""
        text, _, line = signed.decode().rpartition("\n\n")
        another = SignerKey(LOG.name, b"\x08" * 32).sign(f"{text}\n").split("\n")[-2]
        forged = "— court.example/w " + encode_base64(bytes(76))
        return f"{text}\n\n{another}\n{line}{forged}\n— nobody.example/w {encode_base64(b'for sale')}\n".encode()

    ask(witness, request_body(0, [], with_more(note(3)))).raise_for_status()
    assert ask(witness, request_body(3, [], with_more(note(3, FORK[1:])))).status_code == 409
    assert ask(witness, request_body(3, [], with_more(note(5)))).status_code == 422
    with witness.state.turn(LOG.name) as turn:
        assert turn.last().note == note(3)
    kept = [(suspect.proven, suspect.note, suspect.cosigned) for suspect in witness.state.suspects()]
    assert kept == [(True, note(3, FORK[1:]), note(3)), (False, note(5), note(3))]


def test_suspicions_take_no_room_from_proofs(witness: ServedWitness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_SUSPECTS", 2)
    ask(witness, body(0, 3)).raise_for_status()
    for size in range(4, 9):
        assert ask(witness, request_body(3, [], note(size))).status_code == 422
    for first in range(1, 9):
        assert ask(witness, request_body(3, [], note(3, FORK[first:]))).status_code == 409
    notes = [suspect.note for suspect in witness.state.suspects()]
    assert notes == [note(3, FORK[1:]), note(3, FORK[2:]), note(4), note(5)]


def test_the_suspects_are_listed(tmp_path: Path) -> None:
    command = [
        Path(sys.executable).with_name("huzheng"),
        "cosign",
        "suspects",
        "--state",
        tmp_path / "witness-1.sqlite",
    ]

    def listed(*options: str) -> str:
        return subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout

    with serving_witness(tmp_path, 1, LOG.verifier) as served:
        ask(served, body(0, 3)).raise_for_status()
        assert ask(served, request_body(3, [], note(3, FORK[1:]))).status_code == 409
        (suspect,) = json.loads(listed("--json"))["suspects"]  # while the witness runs
        shown = [open_checkpoint(text.encode(), [LOG.verifier]) for text in suspect["notes"]]
        assert [(one.size, one.root) for one in shown] == [(3, tree_root(LEAVES[:3])), (3, tree_root(FORK[1:4]))]
        assert (suspect["log"], suspect["what"]) == (LOG.name, "two roots at one size")
        assert "two roots at one size" in listed()


def test_too_much_is_not_read(witness: ServedWitness) -> None:
    assert ask(witness, b"x" * 98_305).status_code == 413
    assert httpx.get(f"{witness.url}/add-checkpoint", trust_env=False).status_code == 405
    assert httpx.post(f"{witness.url}/other", trust_env=False).status_code == 404


def test_it_remembers_after_a_restart(tmp_path: Path) -> None:
    with serving_witness(tmp_path, 1, LOG.verifier) as served:
        ask(served, body(0, 9)).raise_for_status()
    with serving_witness(tmp_path, 1, LOG.verifier) as served:
        assert ask(served, body(0, 7)).text == "9\n"
        assert ask(served, request_body(9, [], note(9, FORK))).status_code == 409
        cosigned(served, ask(served, body(9, 12)), note(12))


def test_it_does_not_begin_anew_unasked(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="a witness that forgot"):
        CosignerState(tmp_path / "gone.sqlite")
    CosignerState(tmp_path / "made.sqlite", new=True).close()
    with pytest.raises(WrongInput, match="exists already"):
        CosignerState(tmp_path / "made.sqlite", new=True)
    (tmp_path / "other").write_bytes(b"no database at all, and longer than its header would be" * 9)
    with pytest.raises(WrongInput, match="no state of a witness"):
        CosignerState(tmp_path / "other")


def test_of_two_that_race_one_is_cosigned(witness: ServedWitness) -> None:
    """The race that the specification tells of: N and N+K from one size, asked for at once, many times."""
    ask(witness, body(0, 1)).raise_for_status()
    size, taken = 1, []
    for step in range(2, 20, 2):
        requests = [body(size, step), body(size, step + 1)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda request: ask(witness, request), requests))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        size = int(next(answer.text for answer in answers if answer.status_code == 409))
        taken.append(size)
    assert taken == sorted(taken)


def test_a_failed_write_is_no_cosignature(tmp_path: Path) -> None:
    kept = CosignerState(tmp_path / "state.sqlite", new=True)
    secret = WitnessSecret("witness.example/1", b"\x01" * 32)
    asked = cosigner(kept, secret, [LOG.verifier])
    assert asked.add_checkpoint(body(0, 3)).status == 200
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("CREATE TRIGGER full BEFORE UPDATE ON cosigned BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(sqlite3.Error):
        asked.add_checkpoint(body(3, 5))
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("DROP TRIGGER full")
    assert asked.add_checkpoint(body(5, 7)).body == "3\n"
    kept.close()


# What torchwood's own tests send to its witness (internal/witness/witness_test.go): one log, and two of its futures.
ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
PUBLIC_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
OF_ONE = f"""{ORIGIN}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— {ORIGIN} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
"""
TO_THREE = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{ORIGIN}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— {ORIGIN} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
"""
TO_FIVE = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=
KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{ORIGIN}
5
QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=

— {ORIGIN} UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=
"""


@pytest.mark.parametrize(("first", "second", "size"), [(TO_THREE, TO_FIVE, 3), (TO_FIVE, TO_THREE, 5)])
def test_the_requests_of_another_witness_s_tests(tmp_path: Path, first: str, second: str, size: int) -> None:
    with serving_witness(tmp_path, 1, VerifierKey(ORIGIN, PUBLIC_KEY)) as served:
        assert ask(served, f"old 0\n\n{OF_ONE}".encode()).status_code == 200
        too_many = "old 0\n" + "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + f"\n{OF_ONE}"
        assert ask(served, too_many.encode()).status_code == 400
        assert ask(served, first.encode()).status_code == 200
        refused = ask(served, second.encode())
        assert (refused.status_code, refused.text) == (409, f"{size}\n")


def test_the_empty_tree_by_the_table_of_another_witness(tmp_path: Path) -> None:
    """TestZeroSize there: an empty tree has the empty root and no proof."""
    empty = Checkpoint(LOG.name, 0, EMPTY_ROOT).to_text()
    wrong = empty.replace(encode_base64(EMPTY_ROOT), encode_base64(LEAVES[0]))
    with serving_witness(tmp_path, 1, LOG.verifier) as served:
        assert ask(served, request_body(0, [LEAVES[0]], LOG.sign(empty).encode())).status_code == 422
        assert ask(served, request_body(0, [LEAVES[0]], note(1))).status_code == 422
        # An empty tree with another root is refused there by 422; here a checkpoint that says so is none.
        assert ask(served, request_body(0, [], LOG.sign(wrong).encode())).status_code == 400
        assert ask(served, request_body(0, [], LOG.sign(empty).encode())).status_code == 200


def test_the_command_refuses_what_it_cannot_serve(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("quorum none\n")
    command = [Path(sys.executable).with_name("huzheng"), "cosign", "serve", "--name", "w", "--key", "none.json"]
    refused = subprocess.run(
        [*command, "--logs", tmp_path / "logs", "--state", tmp_path / "state"], capture_output=True, text=True
    )
    assert refused.returncode == 2 and "names no log" in refused.stderr
