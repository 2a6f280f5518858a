"""Topics `tile-path`, `tile-layout`, `entry-bundle`, `verifier-key`, `note`, `checkpoint` and `proof-file`."""

from typing import Any

from anchors import MalformedInput, VerificationFailed
from anchors.core.checkpoint import open_checkpoint
from anchors.core.note import VerifierKey, open_note
from anchors.core.tiles import Tile, decode_bundle, encode_bundle, width_at
from anchors.core.tlog_proof import TlogProof
from tests.conformance.vectors import Vector, hexes, of_topic


@of_topic("tile-path")
def test_tile_path(vector: Vector) -> None:
    def attempt() -> dict:
        tile = Tile.from_path(vector.input["path"])
        assert tile.path() == vector.input["path"]
        level = "entries" if tile.level is None else str(tile.level)
        return {"level": level, "index": str(tile.number), "width": tile.width}

    vector.check(attempt)


@of_topic("tile-layout")
def test_tile_layout(vector: Vector) -> None:
    size, levels = int(vector.input["size"]), vector.expect["levels"]
    assert all(width_at(level, 0, size) == 0 for level in range(len(levels), 64))
    for expected in levels:
        level, full = int(expected["level"]), int(expected["full"])
        assert full == 0 or width_at(level, full - 1, size) == 256
        assert width_at(level, full, size) == expected["partial"]
        assert width_at(level, full + 1, size) == 0
    if levels:
        assert width_at(None, int(levels[0]["full"]), size) == levels[0]["partial"]


@of_topic("entry-bundle")
def test_entry_bundle(vector: Vector) -> None:
    def attempt() -> dict:
        data = bytes.fromhex(vector.input["bundle"])
        entries = decode_bundle(data)
        # decode_bundle does not know how many entries there must be: its caller compares, as is done here.
        if len(entries) != vector.input["width"]:
            raise MalformedInput(f"a bundle of {len(entries)} entries, not {vector.input['width']}")
        assert encode_bundle(entries) == data
        return {"entries": hexes(entries)}

    vector.check(attempt)


@of_topic("verifier-key")
def test_verifier_key(vector: Vector) -> None:
    def attempt() -> dict:
        key = VerifierKey.parse(vector.input["text"])
        assert str(key) == vector.input["text"]
        return {"name": key.name, "keyId": key.key_id.hex(), "publicKey": key.public_key.hex()}

    vector.check(attempt)


def note_bytes(members: dict[str, Any]) -> bytes:
    """A vector's note, given as text or as hex."""
    return members["note"].encode() if "note" in members else bytes.fromhex(members["noteBytes"])


@of_topic("note")
def test_note(vector: Vector) -> None:
    def attempt() -> dict:
        known = [VerifierKey.parse(text) for text in vector.input["verifierKeys"]]
        note = open_note(note_bytes(vector.input), known)
        return {"text": note.text, "verified": [f"{key.name}+{key.key_id.hex()}" for key in note.signers]}

    vector.check(attempt)


@of_topic("checkpoint")
def test_checkpoint(vector: Vector) -> None:
    def attempt() -> dict:
        key = VerifierKey.parse(vector.input["verifierKey"])
        checkpoint = open_checkpoint(vector.input["note"].encode(), [key])
        assert checkpoint.to_text() == vector.input["body"]
        if checkpoint.origin != vector.input["origin"]:  # open_checkpoint leaves this to its caller
            raise VerificationFailed(f"the checkpoint is of {checkpoint.origin}")
        return {"origin": checkpoint.origin, "size": str(checkpoint.size), "root": checkpoint.root.hex()}

    vector.check(attempt)


@of_topic("proof-file")
def test_proof_file(vector: Vector) -> None:
    def attempt() -> dict:
        data = vector.input["text"].encode()
        proof = TlogProof.parse(data)
        open_checkpoint(proof.checkpoint, [VerifierKey.parse(vector.input["verifierKey"])])
        assert proof.format() == data
        return {
            "extra": None if proof.extra is None else proof.extra.hex(),
            "index": str(proof.index),
            "proof": hexes(proof.hashes),
            "checkpoint": proof.checkpoint.decode(),
        }

    vector.check(attempt)
