"""A monitor over a real service and chain, and over services that lie: each lie has its alert, and none is believed."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import ChainUnavailable, RegistryEvent
from anchors.core.checkpoint import Checkpoint, open_checkpoint
from anchors.core.cosignature import WitnessSecret
from anchors.core.encoding import encode_base64, encode_hex
from anchors.core.merkle import leaf_hash, tree_root
from anchors.core.note import SignerKey, split_note
from anchors.core.promise import Receipt, accepted_hash
from anchors.core.signature import address_from_secret
from anchors.core.tiles import decode_bundle
from anchors.core.trust import format_trust
from ledger_service.client.errors import WrongInput
from ledger_service.monitor.receipts import MAX_ANSWER_BYTES
from ledger_service.monitor.state import MOST_SIGNED, Seen, StateFile, checkpoint_of
from ledger_service.monitor.watch import Monitor, Watched
from ledger_service.published.http import HttpLog
from tests.fixtures.ledger import Ledger
from tests.fixtures.signer import Signer
from tests.monitor.proxy import Proxy, own_log, proxy, service
from tests.service.test_proofs import trust_of

ENTRIES = 300


@pytest.fixture(scope="module")
def ledger(sqlite_ledger: Ledger) -> Ledger:
    """A ledger of more than one full tile, all of it witnessed."""
    hospital = sqlite_ledger.signer(0)
    statements = [hospital.issued() for _ in range(ENTRIES)]
    sqlite_ledger.submit(*statements)
    sqlite_ledger.wait_for_state(statements[-1], "final")
    return sqlite_ledger


@pytest.fixture(scope="module")
def chain(ledger: Ledger) -> Iterator[EthereumChain]:
    chain, _ = trust_of(ledger)
    yield chain
    chain.close()


@pytest.fixture
def served(ledger: Ledger) -> Iterator[Proxy]:
    with proxy(service(ledger.service.url)) as served:
        yield served


@dataclass
class Watcher:
    """Makes monitors on one state file."""

    ledger: Ledger
    chain: Any
    state: Path
    options: dict[str, Any] = field(default_factory=dict)
    witnesses: tuple[str, ...] = ()
    seconds: float = field(default_factory=time.time)
    given: list[dict[str, Any]] = field(default_factory=list)

    def monitor(self, url: str) -> Monitor:
        trust = replace(trust_of(self.ledger)[1], witnesses=self.witnesses)
        watched = Watched(first_block=self.ledger.city.deployment.block_number, **self.options)
        named = trust.log(self.ledger.city.origin)
        kept = StateFile(self.state, named.origin)
        return Monitor(HttpLog(url), trust, named, self.chain, kept, watched, self.clock, self.given.append)

    def clock(self) -> int:
        return int(self.seconds)

    def look(self, url: str) -> list[tuple[str, str]]:
        """What a new monitor on the state says: kinds and words."""
        self.given.clear()
        assert self.monitor(url).look() == self.given
        return [(alert["alert"], alert["what"]) for alert in self.given]

    def notes(self, url: str) -> list[bytes]:
        """The notes in the one alert of a look."""
        self.look(url)
        (alert,) = self.given
        return [note.encode() for note in alert["notes"]]

    def kinds(self, url: str) -> list[str]:
        return [kind for kind, _ in self.look(url)]

    def verified(self) -> int:
        return StateFile(self.state, self.ledger.city.origin).seen.verified.size


@pytest.fixture
def watcher(ledger: Ledger, chain: EthereumChain, tmp_path: Path) -> Watcher:
    return Watcher(ledger, chain, tmp_path / "state.json")


def grow(ledger: Ledger, count: int = 1) -> int:
    """More statements, witnessed and final; the log's size then."""
    signer = ledger.signer(1)
    statements = [signer.issued() for _ in range(count)]
    ledger.submit(*statements)
    ledger.wait_for_state(statements[-1], "final")
    return int(ledger.get("/log/checkpoint").text.splitlines()[1])


def entries_of(ledger: Ledger) -> list[bytes]:
    read = service(ledger.service.url)
    size = int((read("checkpoint") or b"").split(b"\n")[1])
    full, rest = divmod(size, 256)
    paths = [f"tile/entries/{number:03}" for number in range(full)] + (
        [f"tile/entries/{full:03}.p/{rest}"] if rest else []
    )
    return [entry for path in paths for entry in decode_bundle(read(path) or b"")]


def flip(part: str, position: int = 40) -> Callable[[str, bytes], bytes]:
    """A lie: one bit of what is served under paths that begin so."""

    def lie(path: str, true: bytes) -> bytes:
        if not path.startswith(part):
            return true
        return true[:position] + bytes([true[position] ^ 1]) + true[position + 1 :]

    return lie


# An honest log


def test_an_honest_log_is_followed_and_what_was_verified_is_not_read_again(
    ledger: Ledger, watcher: Watcher, served: Proxy
) -> None:
    assert watcher.look(served.url) == []
    assert watcher.verified() >= ENTRIES
    size = grow(ledger)
    served.asked.clear()
    assert watcher.look(served.url) == []
    assert watcher.verified() == size
    assert not [path for path in served.asked if path.startswith(("tile/entries/000", "tile/0/000"))]
    # Heads that came later than the checkpoint that was verified are held against it too.
    assert StateFile(watcher.state, ledger.city.origin).seen.head == size


def test_a_state_of_another_log_or_none_is_refused(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    watcher.look(served.url)
    with pytest.raises(WrongInput, match="give each log a file of its own"):
        StateFile(watcher.state, "ledger.example/other")
    watcher.state.write_text(watcher.state.read_text().replace('"size": 3', '"size": 4', 1))
    with pytest.raises(WrongInput, match="no state of a monitor"):
        StateFile(watcher.state, ledger.city.origin)


# Lies


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("tile/0/000", "entry"),
        ("tile/entries/000", "entry"),
        ("tile/entries/001", "entry"),
        ("tile/1/000", "tile"),
        ("checkpoint", "checkpoint"),
    ],
)
def test_a_rewritten_tile(watcher: Watcher, served: Proxy, part: str, kind: str) -> None:
    served.lie = flip(part, 3 if part == "tile/1/000" else 40)
    assert watcher.kinds(served.url)[0] == kind
    assert watcher.verified() == 0
    served.lie = lambda path, true: true
    assert watcher.look(served.url) == []
    assert watcher.verified() >= ENTRIES


def test_a_bundle_of_another_length(watcher: Watcher, served: Proxy) -> None:
    served.lie = lambda path, true: true[:-291] if path == "tile/entries/000" else true
    assert ("entry", "tile/entries/000 holds 255 entries, expected 256") in watcher.look(served.url)
    served.lie = lambda path, true: true[:-32] if path == "tile/0/000" else true
    assert watcher.kinds(served.url)[0] == "tile"


def test_an_entry_and_its_hash_rewritten_together(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    other = bytearray(entries_of(ledger)[7])
    other[100] ^= 1

    def lie(path: str, true: bytes) -> bytes:
        if path == "tile/entries/000":
            return true[: 7 * 291 + 2] + bytes(other) + true[8 * 291 :]
        return true[: 7 * 32] + leaf_hash(bytes(other)) + true[8 * 32 :] if path == "tile/0/000" else true

    served.lie = lie
    found = watcher.look(served.url)
    assert "tree" in [kind for kind, _ in found] and watcher.verified() == 0


def test_an_older_checkpoint(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    assert watcher.look(served.url) == []
    before = ledger.get("/log/checkpoint").content
    size = grow(ledger)
    assert watcher.look(served.url) == []
    served.lie = lambda path, true: before if path == "checkpoint" else true
    found = watcher.look(served.url)
    assert [kind for kind, _ in found] == ["rollback", "rollback"]  # against what was seen, and against the contract
    assert f"and had {size}" in found[0][1] and f"has witnessed {size}" in found[1][1]
    # Who never looked before has the contract.
    watcher.state.unlink()
    assert watcher.kinds(served.url) == ["rollback"]


def test_two_roots_of_one_size(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    assert watcher.look(served.url) == []
    forked = Checkpoint(ledger.city.origin, watcher.verified(), secrets.token_bytes(32)).sign(ledger.city.note_key)
    served.lie = lambda path, true: forked if path == "checkpoint" else true
    assert watcher.kinds(served.url) == ["split-view"]


def test_a_fork_that_hashes_is_told_by_the_contract(ledger: Ledger, watcher: Watcher) -> None:
    """A whole other log under the log's own key, shown to somebody who never looked before."""
    entries = entries_of(ledger)
    with proxy(own_log([*entries[:9], *entries[10:], entries[9]], ledger.city.note_key)) as forked:
        found = watcher.look(forked.url)
    assert [kind for kind, _ in found] == ["split-view"] and "the contract has" in found[0][1]


def test_a_fork_of_what_was_verified(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    assert watcher.look(served.url) == []
    entries = entries_of(ledger)
    other = [*entries[:20], *entries[21:], entries[20], *(entries[1:3])]
    with proxy(own_log(other, ledger.city.note_key)) as forked:
        assert watcher.kinds(forked.url)[0] in ("tree", "tile", "entry")
    # The log signed it, though it does not hash: what it signed before is less now.
    (alert,) = watcher.monitor(served.url).look()
    assert (alert["alert"], alert["seen"]) == ("rollback", len(other))
    shown = [open_checkpoint(note.encode(), [ledger.city.note_key.verifier]).size for note in alert["notes"]]
    assert shown == [len(other), len(entries)]
    # Once the log is larger, it still does not extend what it signed.
    grow(ledger, 3)
    for _ in range(2):
        (found,) = watcher.look(served.url)
        assert found[0] == "split-view" and f"at {len(other)} entries" in found[1]
        (alert,) = watcher.given
        shown = [open_checkpoint(note.encode(), [ledger.city.note_key.verifier]).size for note in alert["notes"]]
        assert shown == [len(other), watcher.verified()]


def test_what_was_seen_and_could_not_be_read_is_remembered(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    before = ledger.get("/log/checkpoint").content
    size = grow(ledger)
    served.lie = lambda path, true: true if path == "checkpoint" else None
    assert set(watcher.kinds(served.url)) == {"unreachable"} and watcher.verified() == 0
    served.lie = lambda path, true: before if path == "checkpoint" else None
    found = watcher.look(served.url)
    assert ("rollback", f"the log shows {size - 1} entries, and had {size}") in found
    forked = Checkpoint(ledger.city.origin, size, secrets.token_bytes(32)).sign(ledger.city.note_key)
    served.lie = lambda path, true: forked if path == "checkpoint" else None
    assert "split-view" in watcher.kinds(served.url)
    # What it showed meanwhile is extended, and is then needed no more.
    served.lie = lambda path, true: true
    grow(ledger)
    served.lie = lambda path, true: true if path == "checkpoint" else None
    watcher.look(served.url)
    assert len(StateFile(watcher.state, ledger.city.origin).seen.signed) == 2
    served.lie = lambda path, true: true
    assert watcher.look(served.url) == []
    assert len(StateFile(watcher.state, ledger.city.origin).seen.signed) == 1


def test_what_was_signed_while_nothing_could_be_read_is_held_against_the_log(
    ledger: Ledger, watcher: Watcher, served: Proxy
) -> None:
    forked = Checkpoint(ledger.city.origin, 9, bytes(32)).sign(ledger.city.note_key)
    served.lie = lambda path, true: forked if path == "checkpoint" else None
    watcher.look(served.url)
    served.lie = lambda path, true: true
    for _ in range(2):
        (found,) = watcher.look(served.url)
        assert found[0] == "split-view" and "at 9 entries" in found[1]
    verified = ledger.get("/log/checkpoint").content
    assert watcher.notes(served.url) == [forked, verified]
    # What the log shows later says nothing of the fork before it is verified.
    grow(ledger)
    served.lie = lambda path, true: None if path.startswith("tile/entries/") else true
    for _ in range(2):
        watcher.look(served.url)
        (alert,) = [alert for alert in watcher.given if alert["alert"] == "split-view"]
        assert [note.encode() for note in alert["notes"]] == [forked, verified]


def test_of_very_many_checkpoints_the_first_and_the_last_are_kept() -> None:
    key, seen = SignerKey("ledger.example/many", b"\x07" * 32), Seen("ledger.example/many")
    for size in range(1, 3 * MOST_SIGNED):
        seen.keep(Checkpoint(key.name, size, bytes(32)).sign(key).decode())
    sizes = [checkpoint_of(note).size for note in seen.signed]
    assert sizes == [*range(1, MOST_SIGNED), 3 * MOST_SIGNED - 1]


def test_lines_that_nobody_verified_are_not_kept(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    key, witness = ledger.city.note_key, WitnessSecret("court.example/w", b"\x31" * 32)
    watcher.witnesses = (f"witness court {witness.key}", "quorum court")

    def with_more(signed: bytes) -> bytes:
        text = split_note(signed)[0]
        another = SignerKey(key.name, b"\x08" * 32).sign(text).split("\n")[-2]
        return signed + f"{another}\n— nobody.example/w {encode_base64(bytes(76))}\n".encode()

    def cosigned(signed: bytes) -> bytes:
        return signed + witness.cosign(split_note(signed)[0], 1_800_000_000).encode()

    true = ledger.get("/log/checkpoint").content
    size = Checkpoint.from_text(split_note(true)[0]).size
    copy, forked = (Checkpoint(key.name, size, bytes([n]) * 32).sign(key) for n in (1, 2))
    served.lie = lambda path, true: cosigned(with_more(true)) if path == "checkpoint" else true
    assert watcher.look(served.url) == []
    assert [note.encode() for note in StateFile(watcher.state, key.name).seen.signed] == [cosigned(true)]
    with proxy(lambda path: with_more(copy)) as others:
        watcher.options = {"others": (f"{others.url}/copy",)}
        assert watcher.notes(served.url) == [copy, cosigned(true)]
    watcher.options = {}
    served.lie = lambda path, true: with_more(forked) if path == "checkpoint" else true
    assert watcher.notes(served.url) == [cosigned(true), forked]


def test_an_entry_that_nobody_was_admitted_to_sign(ledger: Ledger, watcher: Watcher) -> None:
    stranger = Signer(ledger.city.domain, ledger.city.institutions[0].code, secrets.token_bytes(32))
    entries = [*entries_of(ledger), stranger.issued().entry.to_bytes()]
    with proxy(own_log(entries, ledger.city.note_key)) as other:
        (alert,) = watcher.monitor(other.url).look()
    assert (alert["alert"], alert["index"]) == ("attribution", len(entries) - 1)


# A node that fails, a chain that is replaced, a node that lies


class Node:
    """The chain's node; while it is `down` it answers nothing, `before_heads` it dies in the middle of a look, and with
    `hiding` it leaves the first change of the registry out."""

    def __init__(self, chain: EthereumChain):
        self._chain = chain
        self.down = self.before_heads = self.hiding = False

    def __getattr__(self, name: str) -> Any:
        if self.down or (self.before_heads and name == "witness_events"):
            raise ChainUnavailable("the node is down")
        return self._changes if self.hiding and name == "registry_events" else getattr(self._chain, name)

    def _changes(self, first_block: int, last_block: int) -> list[RegistryEvent]:
        return self._chain.registry_events(first_block, last_block)[1:]


def test_a_node_that_fails_in_the_middle_of_a_look(watcher: Watcher, chain: EthereumChain, served: Proxy) -> None:
    node = watcher.chain = Node(chain)
    monitor = watcher.monitor(served.url)
    node.before_heads = True
    assert [alert["alert"] for alert in monitor.look()] == ["chain-unreachable"]
    node.before_heads = False
    assert monitor.look() == []
    assert watcher.verified() >= ENTRIES
    assert monitor.look() == []


def test_a_registry_that_does_not_fold_is_told_of_at_every_look(
    watcher: Watcher, chain: EthereumChain, served: Proxy
) -> None:
    node = watcher.chain = Node(chain)
    monitor = watcher.monitor(served.url)
    node.hiding = True
    for _ in range(2):
        (alert,) = monitor.look()
        assert alert["alert"] == "chain" and "registry change 2" in alert["what"]
    node.hiding = False
    assert monitor.look() == []


def test_a_head_that_a_reorganisation_moved_is_no_fault(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    signed = ledger.signer(1).issued()
    ledger.submit(signed)
    ledger.wait_for_state(signed, "witnessed")
    monitor = watcher.monitor(served.url)
    assert monitor.look() == []
    newest = max(event.place.block_number for event in watcher.chain.witness_events(0, ledger.chain.height))
    ledger.chain.reorg(ledger.chain.height - newest + 1)
    ledger.wait_for_state(signed, "final")
    again = watcher.chain.witness_events(0, ledger.chain.height)[-1].place.block_number
    assert again > newest, "it was mined anew, in a later block"
    assert monitor.look() == []
    assert watcher.monitor(served.url).look() == []


# Other copies of the checkpoint


def test_other_copies(ledger: Ledger, watcher: Watcher, served: Proxy) -> None:
    entries = entries_of(ledger)
    root, origin, key = tree_root([leaf_hash(entry) for entry in entries[:9]]), ledger.city.origin, ledger.city.note_key
    notes = {
        "honest": Checkpoint(origin, 9, root).sign(key),
        "forked": Checkpoint(origin, 9, bytes(32)).sign(key),
        "ahead": Checkpoint(origin, 2**20, bytes(32)).sign(key),
        "stranger": b"no note",
        "elsewhere": Checkpoint("ledger.example/elsewhere", 9, bytes(32)).sign(key),
    }
    with proxy(lambda path: notes.get(path)) as copies:
        for name, expected in (
            ("honest", []), ("forked", ["split-view"]), ("ahead", ["rollback"]), ("stranger", ["other"]),
            ("elsewhere", ["other"]), ("missing", ["unreachable"]),
        ):  # fmt: skip
            watcher.options = {"others": (f"{copies.url}/{name}",)}
            assert watcher.kinds(served.url) == expected, name
            if name in ("forked", "ahead"):
                assert watcher.notes(served.url) == [notes[name], ledger.get("/log/checkpoint").content]


def test_a_log_that_shows_less_than_what_others_hold_is_told_with_what_it_shows(
    ledger: Ledger, watcher: Watcher, served: Proxy
) -> None:
    """Also where it showed the monitor more before."""
    origin, key = ledger.city.origin, ledger.city.note_key
    most, copy, shown = (Checkpoint(origin, 2**20 - less, bytes(32)).sign(key) for less in range(3))
    served.lie = lambda path, true: most if path == "checkpoint" else true
    watcher.look(served.url)
    served.lie = lambda path, true: shown if path == "checkpoint" else true
    with proxy(lambda path: copy) as copies:
        watcher.options = {"others": (copies.url,)}
        watcher.look(served.url)
    told = [[note.encode() for note in alert["notes"]] for alert in watcher.given if "notes" in alert]
    assert told == [[most, shown], [copy, shown]]


# Receipts


def answer_of(ledger: Ledger, accepted: list[tuple[bytes, int]], witness_by: int, secret: bytes | None = None) -> str:
    receipt = Receipt(accepted_hash(accepted), witness_by - 600, witness_by)
    secret = secret or ledger.city.operator.receipt
    given = {
        "log": encode_hex(ledger.city.domain.log),
        "accepted": encode_hex(receipt.accepted),
        "acceptedAt": receipt.accepted_at,
        "witnessBy": receipt.witness_by,
        "key": encode_hex(address_from_secret(secret)),
        "signature": encode_hex(receipt.sign(ledger.city.domain, secret)),
    }
    return json.dumps({"receipt": given, "results": [{"statement": encode_hex(i), "index": n} for i, n in accepted]})


def test_receipts(ledger: Ledger, watcher: Watcher, served: Proxy, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    folder.mkdir()
    watcher.options = {"receipts": folder}
    statement = ledger.signer(2).issued()
    kept = ledger.submit(statement)
    ledger.wait_for_state(statement, "final")
    index = kept.outcomes[0]
    (folder / "kept.json").write_text(kept.response.text)
    assert watcher.look(served.url) == []
    future, past = int(time.time()) + 10**6, 1_700_000_000
    size = int(ledger.get("/log/checkpoint").text.splitlines()[1])
    cases = {
        "broken": (answer_of(ledger, [(b"\x01" * 32, index)], future), "broken-receipt"),
        "late": (answer_of(ledger, [(statement.id, index)], past), "overdue"),
        "overdue": (answer_of(ledger, [(b"\x02" * 32, size + 5)], past), "overdue"),
        "pending": (answer_of(ledger, [(b"\x02" * 32, size + 5)], future), None),
        "stranger": (answer_of(ledger, [(statement.id, index)], future, b"\x05" * 32), "receipt"),
        "none": ("{}", "receipt"),
        "huge": (answer_of(ledger, [(statement.id, index)], future).replace(str(future), "9" * 30), "receipt"),
        "beyond": (
            answer_of(ledger, [(b"\x02" * 32, 0)], future).replace('"index": 0', f'"index": {2**64}'),
            "receipt",
        ),
        "deep": ("[" * 100_000, "receipt"),
        "long": (" " * (MAX_ANSWER_BYTES + 1), "receipt"),
        "refused": (json.dumps({"receipt": None, "results": []}), "receipt"),
    }
    for name, (text, _) in cases.items():
        (folder / f"{name}.json").write_text(text)
    for name, make in {
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
        "nowhere": lambda path: path.symlink_to("none"),
    }.items():
        make(folder / f"{name}.json")
        cases[name] = "", "receipt"
    found = watcher.look(served.url)
    told = {what.partition(".json")[0]: kind for kind, what in found}
    assert told == {name: kind for name, (_, kind) in cases.items() if kind}
    # What was told of once and cannot change is settled; what may still change is told again.
    again = watcher.look(served.url)
    assert [what for kind, what in again if kind != "receipt"] == [what for _, what in again if "overdue.json" in what]
    assert len(again) == 1 + sum(kind == "receipt" for _, kind in cases.values())
    # A folder that is away makes nothing unsettled.
    folder.rename(tmp_path / "away")
    assert watcher.look(served.url) == [("receipt", "the folder of receipts cannot be read: No such file or directory")]
    (tmp_path / "away").rename(folder)
    assert sorted(watcher.look(served.url)) == sorted(again)


# Silence


def test_standing_still(watcher: Watcher, served: Proxy) -> None:
    watcher.options = {"still_seconds": 3_600}
    assert watcher.look(served.url) == []
    watcher.seconds += 3_601
    assert watcher.kinds(served.url) == ["still"]


def test_a_log_of_which_nothing_can_be_read_stands_still_too(
    watcher: Watcher, chain: EthereumChain, served: Proxy
) -> None:
    watcher.options = {"still_seconds": 3_600}
    node = watcher.chain = Node(chain)
    node.down = True
    assert watcher.kinds(served.url) == ["chain-unreachable"]
    watcher.seconds += 3_600
    assert watcher.kinds(served.url) == ["chain-unreachable"]
    watcher.seconds += 1
    assert watcher.kinds(served.url) == ["chain-unreachable", "still"]


def test_nobody_answers(watcher: Watcher, served: Proxy) -> None:
    assert watcher.kinds("http://127.0.0.1:9") == ["unreachable"]
    served.lie = lambda path, true: None if path.startswith("tile/0") else true
    assert "unreachable" in watcher.kinds(served.url)


# The command


def test_the_command(ledger: Ledger, served: Proxy, tmp_path: Path) -> None:
    _, trust = trust_of(ledger)
    (tmp_path / "trust.json").write_bytes(format_trust(trust))
    command = [
        Path(sys.executable).with_name("huzheng"), "monitor", "--once", "--log", served.url, "--rpc", ledger.chain.url,
        "--trust", tmp_path / "trust.json", "--state", tmp_path / "state.json", "--webhook", f"{served.url}/hook",
        "--first-block", str(ledger.city.deployment.block_number),
    ]  # fmt: skip
    good = subprocess.run(command, capture_output=True, text=True)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    before = ledger.get("/log/checkpoint").content
    grow(ledger)
    served.lie = lambda path, true: before if path == "checkpoint" else true
    bad = subprocess.run(command, capture_output=True, text=True)
    (line,) = bad.stdout.splitlines()
    assert bad.returncode == 1 and json.loads(line)["alert"] == "rollback"
    assert [json.loads(body) for body in served.posted] == [json.loads(line)]
    assert httpx.get(f"{served.url}/checkpoint", trust_env=False).content == before


def test_what_a_monitor_told_when_it_was_killed_is_told_again(ledger: Ledger, served: Proxy, tmp_path: Path) -> None:
    """An entry is judged once: were it said to be judged before it was told, nobody would ever hear of it."""
    _, trust = trust_of(ledger)
    (tmp_path / "trust.json").write_bytes(format_trust(trust))
    stranger = Signer(ledger.city.domain, ledger.city.institutions[0].code, secrets.token_bytes(32))
    entries = [*entries_of(ledger), stranger.issued().entry.to_bytes()]
    with proxy(own_log(entries, ledger.city.note_key)) as other:
        command = [
            Path(sys.executable).with_name("huzheng"), "monitor", "--once", "--log", other.url, "--rpc",
            ledger.chain.url, "--trust", tmp_path / "trust.json", "--state", tmp_path / "state.json",
            "--webhook", f"{other.url}/hook", "--first-block", str(ledger.city.deployment.block_number),
        ]  # fmt: skip
        started: Queue[subprocess.Popen] = Queue()
        other.at_post = lambda: started.get().kill()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as killed:
            started.put(killed)
        assert killed.returncode == -signal.SIGKILL
        other.at_post = lambda: None
        for expected in (1, 0):  # told again, and then settled
            told = subprocess.run(command, capture_output=True, text=True)
            assert told.returncode == expected
            assert [json.loads(line)["alert"] for line in told.stdout.splitlines()] == ["attribution"] * expected
