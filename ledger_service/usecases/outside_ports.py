"""What asking outsiders for their word on a checkpoint needs of storage and of them, beside `ports`.

Storage is durable when a method returns, raises `StoreUnavailable` as there, and, given a fence, `LeaseLost`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from anchors.clocks import Timestamp
from anchors.core.cosignature import Cosignature, WitnessKey


class TimestampAuthority(Protocol):
    """One time-stamp authority."""

    @property
    def name(self) -> str:
        """Which one: scheme, host and port."""

    def stamp(self, message: bytes, *, renews: bool = False) -> tuple[bytes, Timestamp]:
        """A token over the message that was verified, and what it says, in bounded time. Raises `AuthorityFailed`."""


@dataclass(frozen=True)
class NewTimestamp:
    """A token over the checkpoint of `size` entries, by the authority of this name; `renews` is the number of the token
    that it renews, None where it is a chain's first. Times are Unix seconds, as the token says."""

    size: int
    renews: int | None
    authority: str
    token: bytes
    stamped_at: int
    expires_at: int


@dataclass(frozen=True)
class StoredTimestamp(NewTimestamp):
    """A token as it is stored, under its number."""

    number: int


class Timestamps(Protocol):
    """The tokens. They are originals: what is lost cannot be had again."""

    def add(self, timestamp: NewTimestamp) -> None:
        """Store a token."""

    def newest(self, authority: str) -> StoredTimestamp | None:
        """The newest token of an authority that renews none."""

    def ageing(self, expires_before: int, authority: str, configured: Collection[str]) -> list[StoredTimestamp]:
        """The token that expires first, before this time, of those that no other renews: of this authority, or of none
        that is configured. It stands behind those that it renews, the first one first; a chain that is full comes only
        where no other ages; empty where none does."""

    def covering(self, index: int) -> list[list[StoredTimestamp]]:
        """For each authority the chain, as far as it was renewed, of the first stamped checkpoint that covers the entry
        at `index`."""


class CosigningWitness(Protocol):
    """One witness of the log (docs/spec/cosigning.md)."""

    key: WitnessKey

    def cosign(self, old_size: int, proof: Sequence[bytes], note: bytes) -> Cosignature:
        """Its verified cosignature, in bounded time. Raises `SizeConflict` or `WitnessFailed`."""


@dataclass(frozen=True)
class NewCosignature:
    """A verified cosignature on the checkpoint of `size` entries: the witness's name, its signature line, its time."""

    size: int
    witness: str
    line: str
    cosigned_at: int


class Cosignatures(Protocol):
    """The cosignatures. They are originals: a witness cosigns no checkpoint but the newest."""

    def add(self, cosignature: NewCosignature) -> None:
        """Store one; nothing where the witness has one on that checkpoint, or the note is full."""

    def newest_size(self, witness: str) -> int:
        """The largest size that a witness cosigned; 0 where none."""

    def sizes(self, limit: int) -> list[int]:
        """The sizes of cosigned checkpoints, the largest first."""
