"""A reader of C2SP tlog-tiles logs, written from the C2SP texts and RFC 9162 alone.

Standard library and `cryptography` only; nothing of `anchors`. The one thing that comes in is `fetch(path) -> bytes`,
which raises `KeyError` or `OSError` for what is not there:

    reader = LogReader(fetch_http("http://127.0.0.1:8000/log/"), verifier_key)
    log = reader.read()                       # everything is fetched, hashed and held against the signed checkpoint
    proof = log.inclusion_proof(3)
    check_inclusion(log.leaves[3], 3, log.size, proof, log.root)

As a command: `python tests/independent/reader.py URL-or-folder VERIFIER-KEY` reads a whole log and says what it saw.
"""

import base64
import binascii
import hashlib
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], bytes]
TILE_WIDTH = 256
HASH_BYTES = 32
TIMEOUT_SECONDS = 30


class LogError(Exception):
    """The log is not what its checkpoint says, or not in the format."""


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162 section 2.1.1."""
    return _sha256(b"\x00" + entry)


def _node_hash(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\x01" + left + right)


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LogError(f"not base64: {text[:60]!r}") from error
    if base64.b64encode(data).decode() != text:
        raise LogError(f"not the one base64 of its bytes: {text[:60]!r}")
    return data


@dataclass(frozen=True)
class VerifierKey:
    """`<name>+<hex key id>+<base64(0x01 || Ed25519 public key)>`."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key and check its id (signed-note, "Ed25519 signatures")."""
        try:
            name, key_id, encoded = text.split("+", 2)
        except ValueError:
            raise LogError(f"not a verifier key: {text!r}") from None
        typed = _base64(encoded)
        if len(typed) != 33 or typed[0] != 1:
            raise LogError("only Ed25519 verifier keys are read")
        expected = _sha256(name.encode() + b"\n" + typed)[:4]
        if key_id != expected.hex():
            raise LogError(f"the key id of {name} is {expected.hex()}, not {key_id}")
        return cls(name, expected, typed[1:])


@dataclass(frozen=True)
class Checkpoint:
    """A verified tree head."""

    origin: str
    size: int
    root: bytes


def _split_note(note: bytes) -> tuple[str, list[str]]:
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogError("the note is not UTF-8") from error
    if any(ord(character) < 0x20 and character != "\n" for character in whole):
        raise LogError("the note holds a control character")
    end = whole.rfind("\n\n")
    if end < 0 or not whole.endswith("\n") or end + 2 >= len(whole):
        raise LogError("the note has no signatures")
    return whole[: end + 1], whole[end + 2 : -1].split("\n")


def open_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Verify a signed checkpoint (signed-note, tlog-checkpoint). Signatures of other keys are ignored."""
    text, lines = _split_note(note)
    verified = False
    for line in lines:
        fields = line.split(" ")
        if len(fields) != 3 or fields[0] != "—" or not fields[1] or "+" in fields[1]:
            raise LogError(f"not a signature line: {line[:60]!r}")
        signature = _base64(fields[2])
        if len(signature) < 5:
            raise LogError("a signature is too short")
        if fields[1] != key.name or signature[:4] != key.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
        except (InvalidSignature, ValueError):
            raise LogError(f"the signature of {key.name} does not verify") from None
        verified = True
    if not verified:
        raise LogError(f"{key.name} did not sign this checkpoint")
    return _checkpoint_body(text)


def _checkpoint_body(text: str) -> Checkpoint:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise LogError("a checkpoint has an origin, a size and a root, and no empty line")
    if not (lines[1].isascii() and lines[1].isdigit()) or len(lines[1]) > 20 or str(int(lines[1])) != lines[1]:
        raise LogError(f"not a tree size: {lines[1][:60]!r}")
    root = _base64(lines[2])
    if len(root) != HASH_BYTES:
        raise LogError("the root is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def tile_path(level: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`; the level is a number or `entries`."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{suffix}"


def _widths(hashes: int) -> list[int]:
    """The widths of the tiles that hold so many hashes."""
    full, partial = divmod(hashes, TILE_WIDTH)
    return [TILE_WIDTH] * full + ([partial] if partial else [])


def _subtree(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over hashes of complete subtrees of one height (section 2.1.1)."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    return _node_hash(_subtree(hashes[:half]), _subtree(hashes[half:]))


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    return _subtree(leaves) if leaves else _sha256(b"")


@dataclass(frozen=True)
class ReadLog:
    """A whole log that was read and verified."""

    checkpoint: Checkpoint
    levels: tuple[tuple[bytes, ...], ...]
    entries: tuple[bytes, ...] | None
    _ranges: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> int:
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        return self.checkpoint.root

    @property
    def leaves(self) -> tuple[bytes, ...]:
        """All leaf hashes."""
        return self.levels[0] if self.levels else ()

    def _range_hash(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) for a range of the tree's own shape; whole tiles are taken from the level above."""
        known = self._ranges.get((start, end))
        if known is not None:
            return known
        for level, hashes in enumerate(self.levels):
            if end - start == TILE_WIDTH**level and start % TILE_WIDTH**level == 0:
                return hashes[start // TILE_WIDTH**level]
        half = 1 << ((end - start - 1).bit_length() - 1)
        self._ranges[start, end] = _node_hash(
            self._range_hash(start, start + half), self._range_hash(start + half, end)
        )
        return self._ranges[start, end]

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[0:size]) (section 2.1.3.1), leaf to root, for this size or a smaller one."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise LogError(f"no leaf {index} in a tree of {size}")
        start, end, proof = 0, size, []
        while end - start > 1:
            half = 1 << ((end - start - 1).bit_length() - 1)
            if index < start + half:
                proof.append(self._range_hash(start + half, end))
                end = start + half
            else:
                proof.append(self._range_hash(start, start + half))
                start += half
        return proof[::-1]

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """PROOF(old_size, D[0:size]) (section 2.1.4.1); empty for 0 and for the size itself."""
        if not 0 <= old_size <= self.size:
            raise LogError(f"no tree of {old_size} in one of {self.size}")
        if old_size in (0, self.size):
            return []
        start, end, known, proof = 0, self.size, True, []
        while end != old_size:
            half = 1 << ((end - start - 1).bit_length() - 1)
            if old_size <= start + half:
                proof.append(self._range_hash(start + half, end))
                end = start + half
            else:
                proof.append(self._range_hash(start, start + half))
                start, known = start + half, False
        if not known:
            proof.append(self._range_hash(start, end))
        return proof[::-1]


class LogReader:
    """Reads one log over an injected `fetch(path) -> bytes`."""

    def __init__(self, fetch: Fetch, verifier_key: str) -> None:
        self._fetch = fetch
        self._key = VerifierKey.parse(verifier_key)

    def checkpoint(self, path: str = "checkpoint") -> Checkpoint:
        """The verified checkpoint at a path. Its origin is the key's name, as tlog-checkpoint recommends."""
        checkpoint = open_checkpoint(self._fetch(path), self._key)
        if checkpoint.origin != self._key.name:
            raise LogError(f"the checkpoint is of {checkpoint.origin}, the key of {self._key.name}")
        return checkpoint

    def read(self, checkpoint_path: str = "checkpoint", entries: bool = True) -> ReadLog:
        """Fetch and verify everything under the checkpoint; without `entries` only the hash tiles."""
        checkpoint = self.checkpoint(checkpoint_path)
        levels = self._levels(checkpoint)
        log = ReadLog(checkpoint, levels, None)
        return replace(log, entries=self._entries(log)) if entries else log

    def _tile(self, level: int | str, index: int, width: int) -> tuple[bytes, int]:
        """A tile's bytes and the width it was served in: a full one may answer for a partial one."""
        try:
            return self._fetch(tile_path(level, index, width)), width
        except (KeyError, OSError):
            if width == TILE_WIDTH:
                raise
        return self._fetch(tile_path(level, index)), TILE_WIDTH

    def _hashes(self, level: int, index: int, width: int) -> list[bytes]:
        data, served = self._tile(level, index, width)
        if len(data) != served * HASH_BYTES:
            raise LogError(f"{tile_path(level, index, served)} has {len(data)} bytes, not {served * HASH_BYTES}")
        return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]

    def _levels(self, checkpoint: Checkpoint) -> tuple[tuple[bytes, ...], ...]:
        levels: list[tuple[bytes, ...]] = []
        count = checkpoint.size
        while count:
            tiles = [self._hashes(len(levels), index, width) for index, width in enumerate(_widths(count))]
            hashes = tuple(item for tile in tiles for item in tile)
            if levels:
                below = levels[-1]
                for index, item in enumerate(hashes):
                    if _subtree(below[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]) != item:
                        raise LogError(f"hash {index} of level {len(levels)} is not that of the full tile below it")
            levels.append(hashes)
            count //= TILE_WIDTH
        if tree_root(levels[0] if levels else ()) != checkpoint.root:
            raise LogError("the tiles do not lead to the checkpoint's root")
        return tuple(levels)

    def _entries(self, log: ReadLog) -> tuple[bytes, ...]:
        entries: list[bytes] = []
        for index, width in enumerate(_widths(log.size)):
            data, served = self._tile("entries", index, width)
            bundle = split_bundle(data)
            if len(bundle) != served:
                raise LogError(f"{tile_path('entries', index, served)} holds {len(bundle)} entries")
            entries += bundle[:width]
        for index, entry in enumerate(entries):
            if leaf_hash(entry) != log.leaves[index]:
                raise LogError(f"entry {index} does not hash into its level 0 tile")
        return tuple(entries)


def split_bundle(data: bytes) -> list[bytes]:
    """Entries of a bundle: big-endian uint16 lengths before each."""
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) != length:
            raise LogError("an entry bundle is cut short")
        entries.append(entry)
        at += 2 + length
    return entries


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2; raises `LogError` when the proof does not lead to the root."""
    if not 0 <= index < size:
        raise LogError(f"no leaf {index} in a tree of {size}")
    result, first, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise LogError("the inclusion proof is too long")
        if first & 1 or first == last:
            result = _node_hash(sibling, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = _node_hash(result, sibling)
        first, last = first >> 1, last >> 1
    if last or result != root:
        raise LogError("the inclusion proof does not lead to the root")


def check_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """RFC 9162 section 2.1.4.2; raises `LogError` when `new` is not an extension of `old`."""
    if old.size > new.size or (old.size in (0, new.size) and proof):
        raise LogError("the sizes and the proof do not fit")
    if old.size in (0, new.size):
        expected = new.root if old.size == new.size else _sha256(b"")
        if old.root != expected:
            raise LogError("two roots of one size")
        return
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
    first, last = old.size - 1, new.size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    if not proof:
        raise LogError("the consistency proof is empty")
    old_result = new_result = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogError("the consistency proof is too long")
        if first & 1 or first == last:
            old_result, new_result = _node_hash(sibling, old_result), _node_hash(sibling, new_result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_result = _node_hash(new_result, sibling)
        first, last = first >> 1, last >> 1
    if last or old_result != old.root or new_result != new.root:
        raise LogError("the consistency proof does not lead to both roots")


def fetch_folder(folder: Path) -> Fetch:
    """Fetch from a folder that is laid out as the log's prefix."""
    return lambda path: (folder / path).read_bytes()


def fetch_http(base_url: str, token: str | None = None) -> Fetch:
    """Fetch over HTTP; `token` goes into the Authorization header where entry bundles are limited."""
    base = base_url.rstrip("/") + "/"
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def fetch(path: str) -> bytes:
        request = urllib.request.Request(base + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise KeyError(path) from error
            raise

    return fetch


def main(arguments: Sequence[str]) -> int:
    """The command: read a whole log and check an inclusion proof of every entry."""
    if len(arguments) not in (2, 3):
        print("usage: reader.py URL-or-folder VERIFIER-KEY [CHECKPOINT-PATH]", file=sys.stderr)
        return 2
    place, verifier_key, checkpoint_path = arguments[0], arguments[1], (*arguments[2:], "checkpoint")[0]
    fetch = fetch_http(place) if place.startswith(("http://", "https://")) else fetch_folder(Path(place))
    try:
        log = LogReader(fetch, verifier_key).read(checkpoint_path)
        for index in range(log.size):
            check_inclusion(log.leaves[index], index, log.size, log.inclusion_proof(index), log.root)
    except (LogError, KeyError, OSError) as error:
        print(f"{place}: {error}", file=sys.stderr)
        return 1
    print(f"{log.checkpoint.origin}: {log.size} entries, root {log.root.hex()}, every entry proved")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
