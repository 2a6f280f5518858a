"""`anchors` and the independent side agree on every small tree, and on logs of several tiles."""

import ast
import base64
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anchors import Error, MalformedInput, VerificationFailed, leaf_hash, verify_consistency, verify_inclusion
from anchors.core.merkle import consistency_proof, inclusion_proof, tree_root
from anchors.core.tiles import TileNodes, TileTree, width_at
from tests.conformance.vectors import SPEC_VECTORS
from tests.independent import make_vectors, reader, tree
from tests.independent.standards import NoteKey, flip_bit, signed_note

SIZES = range(1, 65)
ENTRIES = [f"synthetic entry {number}".encode() for number in range(70_000)]
LEAVES = [tree.leaf(entry) for entry in ENTRIES[:64]]
NOTE_KEY = NoteKey("log.example/agreement")


class AllNodes:
    """A node reader over leaves that are all in memory, by the recursive definition."""

    def read_nodes(self, nodes: list[tuple[int, int]]) -> list[bytes]:
        """Hashes of complete subtrees `(level, index)`."""
        return [tree.root(LEAVES[index << level : (index + 1) << level]) for level, index in nodes]


def refused(call: Callable[[], None], error: type[Error] = VerificationFailed) -> None:
    """The call must raise the error."""
    with pytest.raises(error):
        call()


def test_roots_agree() -> None:
    for size in range(65):
        assert tree_root(LEAVES[:size]) == tree.root(LEAVES[:size]) == reader.tree_root(LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_of_every_leaf(size: int) -> None:
    root = tree.root(LEAVES[:size])
    for index in range(size):
        leaf, proof = LEAVES[index], tree.inclusion_proof(index, LEAVES[:size])
        assert inclusion_proof(index, size, AllNodes()) == proof
        verify_inclusion(leaf, index, size, proof, root)
        assert tree.inclusion_holds(leaf, index, size, proof, root)
        bit = (size * 37 + index * 11) % 256
        changed = [
            (flip_bit(leaf, bit), index, size, proof, root),
            (leaf, index, size, proof, flip_bit(root, bit)),
            (leaf, index, size, [*proof, root], root),
            *[(leaf, index, size, proof[:at] + proof[at + 1 :], root) for at in range(len(proof))],
            *[
                (leaf, index, size, [*proof[:at], flip_bit(proof[at], bit), *proof[at + 1 :]], root)
                for at in range(len(proof))
            ],
        ]
        for arguments in changed:
            assert not tree.inclusion_holds(*arguments)
            refused(lambda given=arguments: verify_inclusion(*given))
        for other in range(size):
            arguments = (leaf, other, size, proof, root)
            assert tree.inclusion_holds(*arguments) == (other == index)
            if other != index:
                refused(lambda given=arguments: verify_inclusion(*given))
    refused(lambda: verify_inclusion(LEAVES[0], size, size, [], root), MalformedInput)


@pytest.mark.parametrize("new_size", SIZES)
def test_consistency_of_every_smaller_tree(new_size: int) -> None:
    new_root = tree.root(LEAVES[:new_size])
    for old_size in range(new_size + 1):
        old_root, proof = tree.root(LEAVES[:old_size]), tree.consistency_proof(old_size, LEAVES[:new_size])
        assert consistency_proof(old_size, new_size, AllNodes()) == proof
        verify_consistency(old_size, new_size, proof, old_root, new_root)
        assert tree.consistency_holds(old_size, new_size, proof, old_root, new_root)
        bit = (new_size * 37 + old_size * 11) % 256
        changed = [
            (old_size, new_size, proof, flip_bit(old_root, bit), new_root),
            (old_size, new_size, [*proof, new_root], old_root, new_root),
            *[(old_size, new_size, proof[:at] + proof[at + 1 :], old_root, new_root) for at in range(len(proof))],
            *[
                (old_size, new_size, [*proof[:at], flip_bit(proof[at], bit), *proof[at + 1 :]], old_root, new_root)
                for at in range(len(proof))
            ],
        ]
        if old_size:  # every tree extends the empty one, so there the new root is free
            changed.append((old_size, new_size, proof, old_root, flip_bit(new_root, bit)))
        for arguments in changed:
            assert not tree.consistency_holds(*arguments)
            refused(lambda given=arguments: verify_consistency(*given))
    refused(lambda: verify_consistency(new_size + 1, new_size, [], new_root, new_root), MalformedInput)


def test_sizes_of_all_wrong_proofs_are_judged_alike() -> None:
    """Whatever the two sides say of a proof under wrong sizes, they say the same."""
    for size in range(1, 20):
        for index in range(size):
            proof, root = tree.inclusion_proof(index, LEAVES[:size]), tree.root(LEAVES[:size])
            for claimed in range(index + 1, 40):
                arguments = (LEAVES[index], index, claimed, proof, root)
                assert tree.inclusion_holds(*arguments) == _holds(lambda given=arguments: verify_inclusion(*given))
    for new_size in range(1, 14):
        for old_size in range(new_size + 1):
            proof = tree.consistency_proof(old_size, LEAVES[:new_size])
            roots = tree.root(LEAVES[:old_size]), tree.root(LEAVES[:new_size])
            for claimed_new in range(17):
                for claimed_old in range(claimed_new + 1):
                    arguments = (claimed_old, claimed_new, proof, *roots)
                    expected = tree.consistency_holds(*arguments)
                    assert expected == _holds(lambda given=arguments: verify_consistency(*given)), arguments[:2]


def _holds(call: Callable[[], None]) -> bool:
    try:
        call()
    except VerificationFailed:
        return False
    return True


def published_log(size: int) -> dict[str, bytes]:
    """A log laid out as C2SP tlog-tiles by the independent side: checkpoint, hash tiles, entry bundles."""
    files: dict[str, bytes] = {}
    level, hashes = 0, [tree.leaf(entry) for entry in ENTRIES[:size]]
    root = reader.tree_root(hashes)
    while hashes:
        for start in range(0, len(hashes), 256):
            tile = hashes[start : start + 256]
            files[reader.tile_path(level, start // 256, len(tile))] = b"".join(tile)
        full = len(hashes) // 256
        hashes = [reader.tree_root(hashes[256 * at : 256 * (at + 1)]) for at in range(full)]
        level += 1
    for start in range(0, size, 256):
        bundle = ENTRIES[start : min(start + 256, size)]
        framed = b"".join(len(entry).to_bytes(2, "big") + entry for entry in bundle)
        files[reader.tile_path("entries", start // 256, len(bundle))] = framed
    text = f"{NOTE_KEY.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    files["checkpoint"] = signed_note(text, NOTE_KEY).encode()
    return files


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 70_000])
def test_proofs_from_tiles_agree(size: int) -> None:
    files = published_log(size)
    log = reader.LogReader(files.__getitem__, NOTE_KEY.verifier_key).read()
    assert len(log.entries) == size
    nodes = TileNodes(size, lambda tile: TileTree(files[tile.path()]))
    chosen = sorted({0, 1, 254, 255, 256, 257, 511, 512, 65_535, 65_536, size // 2, size - 1} & set(range(size)))
    for index in chosen:
        proof = inclusion_proof(index, size, nodes)
        assert proof == log.inclusion_proof(index)
        verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, log.root)
        reader.check_inclusion(log.leaves[index], index, size, proof, log.root)
        assert consistency_proof(index, size, nodes) == log.consistency_proof(index)
    for level in range(4):
        assert len(log.levels) > level or width_at(level, 0, size) == 0


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"])
def test_the_reader_sees_every_flipped_bit(path: str) -> None:
    files = published_log(700)
    data = files[path]
    for bit in (*range(3, 8 * len(data), 8 * 401), 8 * len(data) - 2):
        files[path] = flip_bit(data, bit)
        with pytest.raises(reader.LogError):
            reader.LogReader(files.__getitem__, NOTE_KEY.verifier_key).read()


def test_the_reader_takes_a_full_tile_for_a_partial_one() -> None:
    larger, smaller = published_log(600), published_log(500)
    files = {path: data for path, data in smaller.items() if "001.p/244" not in path}
    assert len(files) == len(smaller) - 2
    files |= {path: data for path, data in larger.items() if path in ("tile/0/001", "tile/entries/001")}
    assert reader.LogReader(files.__getitem__, NOTE_KEY.verifier_key).read().size == 500


def test_the_reader_reads_over_http() -> None:
    files = published_log(300)

    class Log(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path.removeprefix("/log/"))
            self.send_response(404 if data is None else 200)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            """Nothing is written to the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Log) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fetch = reader.fetch_http(f"http://127.0.0.1:{server.server_port}/log")
        assert reader.LogReader(fetch, NOTE_KEY.verifier_key).read().entries == tuple(ENTRIES[:300])
        with pytest.raises(KeyError):
            fetch("tile/0/007")
        server.shutdown()


def test_vectors_are_what_was_made() -> None:
    assert make_vectors.existing_files(SPEC_VECTORS) == make_vectors.all_files()


def test_the_independent_side_imports_nothing_of_the_project() -> None:
    for file in Path(reader.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            taken = [name for name in names if name.split(".")[0] in ("anchors", "ledger_service")]
            assert not taken, f"{file.name} imports {taken}"
