"""The vectors that others published (CONTRIBUTING, `HUZHENG_VECTORS`), for `anchors` and for the independent side."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anchors import Error, leaf_hash, verify_consistency, verify_inclusion
from anchors.core.checkpoint import open_checkpoint
from anchors.core.merkle import consistency_proof, inclusion_proof, tree_root
from anchors.core.note import VerifierKey
from anchors.core.tiles import Tile, TileNodes, TileTree, decode_bundle
from tests.conformance.vectors import published
from tests.independent import reader, tree

TESTDATA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESTDATA_SIZES = range(16)


def merkle_cases(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Every published proof of a kind, with its path."""
    folder = published("merkle") / kind
    files = sorted(folder.glob("**/*.json"))
    assert files, f"no vectors in {folder}"
    return [(str(file.relative_to(folder)), json.loads(file.read_text())) for file in files]


def decoded(text: str | None) -> bytes:
    """Published hashes are base64; null is empty."""
    return base64.b64decode(text or "")


def holds(call: Callable[[], None]) -> bool:
    """Whether the call returns; only errors of `anchors` count as a refusal."""
    try:
        call()
    except Error:
        return False
    return True


def test_published_inclusion() -> None:
    wrong = []
    for path, case in merkle_cases("inclusion"):
        proof = [decoded(item) for item in case["proof"] or []]
        arguments = (decoded(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, decoded(case["root"]))
        expected = not case["wantErr"]
        if holds(lambda given=arguments: verify_inclusion(*given)) != expected:
            wrong.append(f"anchors: {path}")
        if tree.inclusion_holds(*arguments) != expected:
            # The recursive reading takes hashes of any length; a leaf that is its own root is refused by length alone.
            lengths = {len(item) for item in (arguments[0], arguments[4], *proof)}
            wrong += [f"independent: {path}"] if lengths == {32} else []
    assert not wrong


def test_published_consistency() -> None:
    wrong = []
    for path, case in merkle_cases("consistency"):
        proof = [decoded(item) for item in case["proof"] or []]
        arguments = (case["size1"], case["size2"], proof, decoded(case["root1"]), decoded(case["root2"]))
        expected = not case["wantErr"]
        if holds(lambda given=arguments: verify_consistency(*given)) != expected:
            wrong.append(f"anchors: {path}")
        if tree.consistency_holds(*arguments) != expected:
            wrong.append(f"independent: {path}")
    assert not wrong


def checkpoint_file(folder: Path, size: int) -> bytes:
    """The published checkpoint of a size."""
    return (folder / f"checkpoint.{size}").read_bytes()


@pytest.mark.parametrize("size", TESTDATA_SIZES)
def test_published_log_by_anchors(size: int) -> None:
    folder = published("tlog")
    checkpoint = open_checkpoint(checkpoint_file(folder, size), [VerifierKey.parse(TESTDATA_KEY)])
    assert (checkpoint.origin, checkpoint.size) == ("example.com/log/testdata", size)
    bundle = (folder / Tile(None, 0, size).path()).read_bytes() if size else b""
    leaves = [leaf_hash(entry) for entry in decode_bundle(bundle)]
    assert len(leaves) == size
    assert tree_root(leaves) == checkpoint.root
    nodes = TileNodes(size, lambda tile: TileTree((folder / tile.path()).read_bytes()))
    for index, leaf in enumerate(leaves):
        verify_inclusion(leaf, index, size, inclusion_proof(index, size, nodes), checkpoint.root)
    for old_size in range(size + 1):
        old = open_checkpoint(checkpoint_file(folder, old_size), [VerifierKey.parse(TESTDATA_KEY)])
        proof = consistency_proof(old_size, size, nodes)
        verify_consistency(old_size, size, proof, old.root, checkpoint.root)


@pytest.mark.parametrize("size", TESTDATA_SIZES)
def test_published_log_by_the_independent_reader(size: int) -> None:
    folder = published("tlog")
    log_reader = reader.LogReader(reader.fetch_folder(folder), TESTDATA_KEY)
    log = log_reader.read(f"checkpoint.{size}")
    assert log.size == size
    for index in range(size):
        proof = log.inclusion_proof(index)
        reader.check_inclusion(log.leaves[index], index, size, proof, log.root)
        verify_inclusion(log.leaves[index], index, size, proof, log.root)
    for old_size in range(size + 1):
        old = log_reader.checkpoint(f"checkpoint.{old_size}")
        proof = log.consistency_proof(old_size)
        reader.check_consistency(old, log.checkpoint, proof)
        verify_consistency(old_size, size, proof, old.root, log.root)
