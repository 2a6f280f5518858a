"""What a monitor has seen and verified: one JSON file, replaced whole after each look and now and then within one, each
time after what was found wrong until then was told."""

import base64
from pathlib import Path

import msgspec

from anchors.core.checkpoint import Checkpoint
from anchors.core.encoding import encode_base64
from anchors.core.errors import MalformedInput
from anchors.core.merkle import EMPTY_ROOT
from anchors.core.note import split_note
from anchors.core.tiles import TileBuilder
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import write_atomically

VERSION = 2
MOST_SIGNED = 64
EMPTY = encode_base64(EMPTY_ROOT)


class Edge(msgspec.Struct, forbid_unknown_fields=True):
    """The right edge of a tree of `size` entries: of each level the hashes of its partial tile, base64."""

    size: int = 0
    tiles: list[str] = []

    @classmethod
    def of(cls, builder: TileBuilder) -> "Edge":
        """The edge of a tree that was built."""
        return cls(builder.size, [encode_base64(hashes) for hashes in builder.partial_tiles()])

    def builder(self) -> TileBuilder:
        """The tree that goes on from here. Raises `MalformedInput`."""
        return TileBuilder(self.size, [base64.b64decode(tile) for tile in self.tiles])


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """`signed` are notes of the log, smallest first: the largest that it showed, the one that was verified last, and
    those before it that it was not yet found to extend. `moved_at` is when it last showed a larger one, Unix seconds.
    `verified` has `root`, which a checkpoint of the log had; `ahead` is how far the entries behind it were hashed.
    `head` is the size of the largest head that the log was found to extend. `settled` are SHA-256 of receipts that were
    kept or told of."""

    origin: str
    version: int = VERSION
    signed: list[str] = []
    moved_at: int = 0
    verified: Edge = msgspec.field(default_factory=Edge)
    root: str = EMPTY
    ahead: Edge | None = None
    head: int = 0
    settled: list[str] = []

    def newest(self) -> Checkpoint | None:
        """The largest checkpoint that the log showed."""
        return checkpoint_of(self.signed[-1]) if self.signed else None

    def verified_note(self) -> str:
        """The note of what was verified, the largest one where it is not there. Something must have been shown."""
        found = (note for note in self.signed if checkpoint_of(note).size == self.verified.size)
        return next(found, self.signed[-1])

    def keep(self, note: str) -> None:
        """Keep a larger one. Of very many that nothing is known about, the first ones and the last are kept."""
        self.signed = [*self.signed[: MOST_SIGNED - 1], note]


def checkpoint_of(note: str) -> Checkpoint:
    """What a note says that was verified when it was kept. Raises `MalformedInput`."""
    return Checkpoint.from_text(split_note(note.encode("utf-8"))[0])


class StateFile:
    """The file. `save` is durable on return."""

    def __init__(self, path: Path, origin: str):
        """Read it, or begin. Raises `WrongInput` where it is another log's, or no state."""
        self._path = path
        self.seen = Seen(origin)
        if path.exists():
            try:
                self.seen = msgspec.json.decode(path.read_bytes(), type=Seen)
                for edge in (self.seen.verified, self.seen.ahead):
                    if edge is not None:
                        edge.builder()
                for note in self.seen.signed:
                    checkpoint_of(note)
            except (msgspec.MsgspecError, ValueError, MalformedInput) as error:
                raise WrongInput(f"{path} is no state of a monitor: {error}; name another file") from None
        if (self.seen.origin, self.seen.version) != (origin, VERSION):
            of = f"{self.seen.origin}, version {self.seen.version}"
            raise WrongInput(f"{path} is the state of {of}; give each log a file of its own")

    def save(self) -> None:
        """Write what was seen."""
        write_atomically(self._path, msgspec.json.format(msgspec.json.encode(self.seen)))
