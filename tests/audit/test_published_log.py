"""The log alone, without the operator's database: what it proves and does not show, and how a false one is named."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from anchors.core.checkpoint import Checkpoint
from anchors.core.errors import MalformedInput
from anchors.core.merkle import EMPTY_ROOT
from anchors.core.note import SignerKey
from anchors.core.tiles import decode_bundle, encode_bundle
from anchors.core.trust import format_trust
from ledger_service.cli import main
from ledger_service.usecases.audit.findings import STEPS
from tests.audit.published import audit_published, publish, publish_other, tiles_of, write_contents
from tests.audit.world import World, flipped, place
from tests.fixtures.ledger import Ledger
from tests.service.test_proofs import trust_of

SIZE = 440
BUNDLES = ("tile/entries/000", "tile/entries/001.p/184")
PROVED = {"chain", "entries", "tree", "heads", "statements"}


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of 440 entries: a full tile and partial ones."""
    return publish(world, tmp_path_factory.mktemp("log"))


@pytest.fixture
def log(served: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(served, tmp_path / "log"))


@pytest.fixture(scope="module")
def contents(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_contents(world, tmp_path_factory.mktemp("kept") / "contents", SIZE)


@pytest.fixture
def trust_file(world: World, tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_bytes(format_trust(world.trust()))
    return path


def _entries(log: Path) -> list[bytes]:
    return [entry for bundle in BUNDLES for entry in decode_bundle((log / bundle).read_bytes())]


def _edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def test_what_log_and_chain_prove(world: World, served: Path) -> None:
    result = audit_published(world, served)
    findings, counts = result.findings, result.findings.counts
    assert result.holds, findings.faults
    assert (result.size, result.witnessed) == (SIZE, SIZE)
    states = {name: findings.state(step) for step, name in STEPS.items()}
    assert {name for name, state in states.items() if state == "VERIFIED"} == PROVED | {"figures"}
    assert "FAILED" not in states.values()
    assert counts["entries"] == counts["statements"] == counts["attributable"] == counts["contents not given"] == SIZE
    assert (counts["checkpoints"], counts["tiles"], counts["heads"]) == (1, 3, 4)
    assert {fault.first.step for fault in findings.left} == {6, 7, 8, 9, 10, 11, 13}
    assert not findings.warnings


def test_contents_that_somebody_kept(world: World, served: Path, contents: Path) -> None:
    findings = audit_published(world, served, contents).findings
    by_database = world.audit().findings
    assert not findings.faults and not findings.warnings
    assert [findings.state(step) for step in (6, 11, 12)] == ["VERIFIED"] * 3
    assert findings.counts["contents"] == SIZE and not findings.counts["contents not given"]
    # Of the eleven that have no checkpoint yet the decisions are in the database alone.
    assert by_database.counts["decisions"] > findings.counts["decisions"] > 100


def test_contents_that_are_not_all_of_it(world: World, served: Path, contents: Path, tmp_path: Path) -> None:
    kept = Path(shutil.copytree(contents, tmp_path / "kept"))
    first, second, third = sorted(kept.iterdir())[:3]
    first.unlink()
    answer = json.loads(second.read_text())
    salted = answer["parts"][0].replace('"salt":"', '"salt":"0', 1)
    changed = salted.replace(salted[salted.index('"salt":"') + 8 :][:65], salted[salted.index('"salt":"') + 8 :][:64])
    second.write_text(json.dumps(answer | {"parts": [changed, *answer["parts"][1:]]}))
    third.with_suffix(".tlog-proof").write_bytes(b"c2sp.org/tlog-proof@v1\nindex 0\n\nno extra line, no content\n")
    result = audit_published(world, served, kept)
    assert result.holds and result.findings.counts["contents not given"] == 2
    assert result.findings.state(6) == "NOT_CHECKED"
    (warning,) = result.findings.warnings
    assert (warning.first.step, warning.first.what) == (6, "content") and warning.first.found.startswith("1 ")


@pytest.mark.parametrize("position", [100, 300])
def test_a_changed_entry(world: World, log: Path, position: int) -> None:
    """Under a full tile, and under the partial one at the right edge."""
    bundle, before = log / BUNDLES[position // 256], position // 256 * 256
    _edit(bundle, lambda data: flipped(data, (position - before) * 291 + 2 + 250))
    findings = audit_published(world, log).findings
    assert [place(fault.first) for fault in findings.faults] == [("entries", str(position), "leaf hash")]


def test_an_entry_in_the_place_of_another(world: World, log: Path) -> None:
    """Both are rightly signed: only the tile tells."""
    entries = _entries(log)
    (log / BUNDLES[0]).write_bytes(encode_bundle([*entries[:7], entries[8], *entries[8:256]]))
    assert place(audit_published(world, log).findings.first) == ("entries", "7", "leaf hash")


@pytest.mark.parametrize(
    ("tile", "named"),
    [
        ("tile/0/000", ("tiles", "0/0 hash 5", "hashes")),
        ("tile/0/001.p/184", ("tiles", "0/1.p/184 hash 5", "hashes")),
    ],
)
def test_a_changed_tile(world: World, log: Path, tile: str, named: tuple[str, str, str]) -> None:
    """What is above it tells that it is the tile, and not the entry."""
    _edit(log / tile, lambda data: flipped(data, 5 * 32))
    findings = audit_published(world, log).findings
    assert place(findings.first) == named
    assert {fault.first.table for fault in findings.faults} == {"tiles"}


def test_a_changed_tile_above(world: World, log: Path) -> None:
    _edit(log / "tile/1/000.p/1", lambda data: flipped(data, 0))
    findings = audit_published(world, log).findings
    assert place(findings.first) == ("tiles", "0/0", "root")
    assert {fault.first.table for fault in findings.faults} == {"tiles"}


@pytest.mark.parametrize("damage", ["missing", "short", "page"])
def test_what_is_no_bundle(world: World, log: Path, damage: str) -> None:
    bundle = log / BUNDLES[0]
    match damage:
        case "missing":
            bundle.unlink()
        case "short":
            _edit(bundle, lambda data: data[:-100])
        case "page":
            bundle.write_bytes(b"<!doctype html><title>not here</title>")
    findings = audit_published(world, log).findings
    (fault,) = findings.faults
    assert (*place(fault.first), fault.count) == ("entries", "0", "row", 256)
    assert str(bundle) in fault.first.found if damage == "missing" else "bundle" in fault.first.found
    assert any(fault.first.step == 5 for fault in findings.left), "gaps in streams may be what is missing"


def test_what_rests_on_a_lost_version(small_world: World, tmp_path: Path) -> None:
    """A version is lost, the next one replaces it, and honest statements rest on that: none of them is a fault."""
    world = small_world
    owner, visited, others = world.signers[:3]

    def fill(end: int) -> None:
        (size,) = world.submit(others.issued())
        world.submit(*(others.issued() for _ in range(size + 1, end)))

    issued = owner.issued()
    world.submit(issued)
    fill(256)
    lost = owner.amended(issued)
    assert world.submit(lost) == [256]
    fill(512)
    second = owner.amended(lost)
    opened = visited.granted(second)
    world.submit(second, opened, visited.recognised(opened, second), owner.amended(second))
    world.settle()
    log, contents = publish(world, tmp_path / "log"), write_contents(world, tmp_path / "contents", 516)
    assert audit_published(world, log, contents).holds
    (log / "tile/entries/001").unlink()
    findings = audit_published(world, log, contents).findings
    assert [(*place(fault.first), fault.count) for fault in findings.faults] == [("entries", "256", "row", 256)]
    (left,) = (left for left in findings.left if left.first.what == "link-unknown")
    assert (left.first.key, left.count) == ("512", 1)


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_what_is_no_tile(world: World, log: Path, damage: str) -> None:
    tile = log / "tile/0/000"
    if damage == "missing":
        tile.unlink()
    else:
        tile.write_bytes(b"<!doctype html><title>not here</title>")
    findings = audit_published(world, log).findings
    assert [place(fault.first) for fault in findings.faults] == [("tiles", "0/0", "row")]
    assert "tile/0/000" in findings.first.found


def test_nothing_but_a_checkpoint(world: World, tmp_path: Path) -> None:
    """It may name any size: nobody asks for each of its bundles."""
    signed = Checkpoint(world.city.origin, 2**40, bytes(32)).sign(world.city.note_key)
    (tmp_path / "checkpoint").write_bytes(signed)
    assert place(audit_published(world, tmp_path).findings.first) == ("entries", "0", "row")


def test_a_fork_below_a_witnessed_head(world: World, served: Path, tmp_path: Path) -> None:
    """Whole in itself and signed by the operator: only the contract tells."""
    entries = _entries(served)
    forked = publish_other(world, tmp_path, [*entries[:438], entries[439], entries[438]])
    faults = {place(fault.first) for fault in audit_published(world, forked).findings.faults if fault.first.step < 5}
    ((table, key, what),) = faults
    assert (table, what) == ("chain", "root of the log") and key.startswith("head of 440 entries in block ")


def test_a_log_that_was_cut_short(world: World, served: Path, tmp_path: Path) -> None:
    shorter = publish_other(world, tmp_path, _entries(served)[:430])
    (fault,) = audit_published(world, shorter).findings.faults
    assert place(fault.first) == ("entries", "430", "row") and "witnessed 440" in fault.first.expected


def test_a_checkpoint_that_nobody_of_the_log_signed(world: World, log: Path) -> None:
    stranger = SignerKey(world.city.origin, bytes(32))
    (log / "checkpoint").write_bytes(Checkpoint(world.city.origin, SIZE, bytes(32)).sign(stranger))
    findings = audit_published(world, log).findings
    assert place(findings.first) == ("checkpoints", str(SIZE), "note")
    assert findings.counts["entries"] == 0, "nothing else is looked at"


@pytest.fixture
def guarded() -> Iterator[str]:
    """A log that shows nothing without a token."""

    class Guard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Guard)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/log"
    server.shutdown()
    server.server_close()


def test_what_cannot_be_audited(
    world: World, log: Path, trust_file: Path, guarded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: str) -> str:
        assert main(["audit", "--trust", str(trust_file), "--rpc", world.chain.url, *options]) == 2
        line = capsys.readouterr().err
        assert line.startswith("huzheng: ") and line.count("\n") == 1 and "inside huzheng" not in line, line
        return line

    assert "token" in refused("--log", guarded)
    assert "ConnectError" in refused("--log", "http://127.0.0.1:1/log")
    assert "no such file" in refused("--log", str(log / "nowhere"))
    assert "--log" in refused()
    assert "--content" in refused("--database", world.database, "--content", str(log))
    assert "nowhere" in refused("--log", str(log), "--content", str(log / "nowhere"))
    (log / "broken.zip").write_bytes(b"PK")
    assert "broken.zip" in refused("--log", str(log), "--content", str(log))
    other = Checkpoint("other.example/log", 1, bytes(32)).sign(SignerKey("other.example/log", bytes(32)))
    for note, why in ((other, "other.example/log"), (b"<!doctype html>", "note")):
        (log / "checkpoint").write_bytes(note)
        assert why in refused("--log", str(log))


def test_a_service_over_http(ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As an auditor does it, and again from a copy of what is served."""
    hospital = ledger.signer(0)
    statements = [hospital.issued() for _ in range(3)]
    ledger.submit(*statements)
    ledger.wait_for_state(statements[-1], "final")
    chain, trust = trust_of(ledger)
    chain.close()
    (tmp_path / "trust.json").write_bytes(format_trust(trust))
    (tmp_path / "kept").mkdir()
    answer = ledger.get(f"/v1/statements/{statements[0].name}", token=True)
    (tmp_path / "kept" / "one.json").write_bytes(answer.content)
    proof = ledger.get(f"/v1/statements/{statements[1].name}/proof", token=True)
    (tmp_path / "kept" / "two.tlog-proof").write_bytes(proof.content)
    options = ["--trust", str(tmp_path / "trust.json"), "--rpc", ledger.chain.url, "--json"]
    url = f"{ledger.service.url}/log"
    assert main(["audit", "--log", url, "--content", str(tmp_path / "kept"), *options]) == 0
    said = json.loads(capsys.readouterr().out)
    size = said["size"]
    assert said["witnessed"] > answer.json()["index"] and said["checked"]["contents not given"] == size - 2
    assert {step["name"] for step in said["steps"] if step["state"] == "VERIFIED"} >= PROVED
    for tile in tiles_of(size):
        path = tmp_path / "log" / tile.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ledger.get(f"/log/{tile.path()}").content)
    (tmp_path / "log" / "checkpoint").write_bytes(ledger.get("/log/checkpoint").content)
    assert main(["audit", "--log", str(tmp_path / "log"), *options]) == 0
    assert json.loads(capsys.readouterr().out)["checked"]["contents not given"] == size


def test_a_made_up_log_of_nothing(world: World, log: Path) -> None:
    """It is signed by a stranger."""
    empty = Checkpoint(world.city.origin, 0, EMPTY_ROOT)
    (log / "checkpoint").write_bytes(empty.sign(SignerKey(world.city.origin, bytes(32))))
    assert place(audit_published(world, log).findings.first) == ("checkpoints", "0", "note")


def test_a_pipe_among_kept_contents_holds_nobody(world: World, served: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "answer.json")
    with pytest.raises(MalformedInput, match=r"answer\.json: is not a file; take it out of the folder"):
        audit_published(world, served, tmp_path)
