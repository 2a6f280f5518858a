"""A package as far as it can be read, and what its steps have established so far."""

from bisect import bisect_right
from dataclasses import dataclass, field

from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Content
from anchors.core.encoding import encode_hex
from anchors.core.registry import Change, Registry
from anchors.core.statement import Entry
from anchors.core.trust import Trust, TrustedLog
from anchors.core.typed_data import Domain
from anchors.evidence import members as forms
from anchors.evidence.report import Report


@dataclass(frozen=True)
class BlockTime:
    """A block that was proved: its number and its time in Unix seconds."""

    number: int
    time: int


@dataclass(frozen=True)
class Told:
    """A statement of the package: its place, what it is there for, entry, id, claimed key, parts."""

    index: int
    role: str
    entry: Entry
    entry_bytes: bytes = field(repr=False)
    id: bytes
    key: bytes
    content: Content = field(repr=False)
    checkpoint: bytes = field(repr=False)
    inclusion: tuple[bytes, ...] = field(repr=False)


@dataclass
class Case:
    """What is judged. What stands behind `members` is None or empty until the step of its name has been taken; with
    that of `registry` come `changes` and `registry_heads` (by count), of `heads` `head_sizes` and `observable` (by id),
    of `blocks` `parents` (both by the head's size), of `content` the `statements`."""

    data: bytes = field(repr=False)
    trust: Trust = field(repr=False)
    report: Report = field(default_factory=Report)
    members: dict[str, bytes] = field(default_factory=dict, repr=False)
    manifest: forms.Manifest | None = None
    registry: Registry | None = None
    changes: tuple[Change, ...] = field(default=(), repr=False)
    registry_heads: list[bytes] = field(default_factory=list, repr=False)
    checkpoint: Checkpoint | None = None
    heads: dict[int, forms.Head] = field(default_factory=dict)
    head_sizes: list[int] = field(default_factory=list, repr=False)
    observable: dict[str, forms.HeadEvent] = field(default_factory=dict, repr=False)
    blocks: dict[int, BlockTime] = field(default_factory=dict)
    parents: dict[int, BlockTime] = field(default_factory=dict)
    statements: list[Told] = field(default_factory=list)

    @property
    def custody(self) -> list[forms.Act]:
        """The custody log. Raises `MalformedInput`."""
        return forms.read_acts(self.members.get(forms.CUSTODY, b""))

    @property
    def log(self) -> TrustedLog:
        """The log of the manifest, as the trust file knows it."""
        assert self.manifest is not None, "the manifest was read"
        return self.trust.log(self.manifest.origin)

    @property
    def domain(self) -> Domain:
        """The log's EIP-712 domain."""
        return self.trust.domain(self.log)

    @property
    def known_changes(self) -> int:
        """How many changes of registry.json are shown to be the chain's: as many as the trust file has too, and as many
        as a head in a proven block counts. What stands behind them is the word of whoever made the package."""
        shared = min(self.registry.count, self.trust.registry.count)
        return max([shared, *(self.heads[size].event.registryCount for size in self.blocks)])

    def under(self, folder: str) -> dict[str, bytes]:
        """Members of a folder, by the rest of their path."""
        return {path.partition("/")[2]: data for path, data in self.members.items() if path.startswith(folder + "/")}

    def covering(self, index: int) -> forms.HeadEvent | None:
        """The first head that covers an entry, where the package has it."""
        place = bisect_right(self.head_sizes, index)
        event = self.heads[self.head_sizes[place]].event if place < len(self.head_sizes) else None
        return event if event is not None and event.oldSize <= index else None

    def signed_before(self, told: Told) -> BlockTime | None:
        """The block of the first head that covers a statement, where it was proved."""
        event = self.covering(told.index)
        return self.blocks.get(event.newSize) if event is not None else None

    def signed_after(self, told: Told) -> BlockTime | None:
        """The block before that of the head that a statement observed, where it was proved."""
        head = self.observed(told)
        return self.parents.get(head.newSize) if head is not None else None

    def observed(self, told: Told) -> forms.HeadEvent | None:
        """The head that a statement observed, where the package has it and it does not cover the statement."""
        event = self.observable.get(encode_hex(told.entry.statement.observed))
        return event if event is not None and event.newSize <= told.index else None

    def take_head(self, head: forms.Head) -> None:
        """The next head, which begins where those before it end or above: step 6 takes them in so."""
        self.heads[head.event.newSize] = head
        self.head_sizes.append(head.event.newSize)
        self.observable.setdefault(head.event.witnessId, head.event)
