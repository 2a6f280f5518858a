"""What the audit found: the first row that differs, the first of every kind of fault, and how much was checked."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from anchors.core.encoding import encode_hex

STEPS = {
    1: "chain",
    2: "entries",
    3: "tree",
    4: "heads",
    5: "statements",
    6: "content",
    7: "index",
    8: "receipts",
    9: "readings",
    10: "time-stamps",
    11: "decisions",
    12: "figures",
    13: "cosignatures",
}

MAX_SHOWN_CHARACTERS = 200

CHAIN = "chain"
"""Stands where a table's name would, for what the contracts or the node say."""


@dataclass(frozen=True)
class Finding:
    """One difference: the step that found it, the table, the row's key, what differs, and the two values."""

    step: int
    table: str
    key: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Fault:
    """A kind of fault: the first finding of it, and how many there were."""

    first: Finding
    count: int


class SavedFindings(msgspec.Struct, frozen=True):
    """See `Findings`: counts, and of each kind the first finding and how many there were."""

    counts: dict[str, int]
    faults: list[tuple[Finding, int]]
    warnings: list[tuple[Finding, int]]
    left: list[tuple[Finding, int]]


class Enough(Exception):
    """The first finding was all that was asked for."""


@dataclass
class Findings:
    """Collects what the steps find. With `stop_at_first` the first fault ends the audit by `Enough`."""

    stop_at_first: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _faults: dict[tuple, list] = field(default_factory=dict)
    _warnings: dict[tuple, list] = field(default_factory=dict)
    _left: dict[tuple, list] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    """The steps that came to their end."""

    def fault(self, step: int, table: str, key: object, what: str, expected: object, found: object) -> None:
        """Something is not as it must be."""
        self._add(self._faults, step, table, key, what, expected, found)
        if self.stop_at_first:
            raise Enough

    def warn(self, step: int, table: str, key: object, what: str, expected: object, found: object) -> None:
        """Something that people should see and that is no fault of the log."""
        self._add(self._warnings, step, table, key, what, expected, found)

    def leave(self, step: int, table: str, key: object, what: str, expected: object, found: object) -> None:
        """Something could not be checked, because of what another step names."""
        self._add(self._left, step, table, key, what, expected, found)

    def compare(self, step: int, table: str, key: object, what: str, expected: object, found: object) -> bool:
        """A fault unless both are equal; whether they are."""
        if expected == found:
            return True
        self.fault(step, table, key, what, expected, found)
        return False

    def compare_row(
        self, step: int, table: str, key: object, names: tuple[str, ...], expected: tuple, found: tuple | None
    ) -> bool:
        """A fault for the first column that differs, or for a row that is missing; whether there was none."""
        if expected == found:
            return True
        if found is None:
            self.fault(step, table, key, "row", "one", "none")
            return False
        for name, wanted, got in zip(names, expected, found, strict=True):
            if wanted != got:
                self.fault(step, table, key, name, wanted, got)
                break
        return False

    def state(self, step: int) -> str:
        """Whether a step holds: VERIFIED, FAILED, or NOT_CHECKED where something in it could not be compared."""
        if any(known[0].step == step for known in self._faults.values()):
            return "FAILED"
        left = step not in self.finished or any(known[0].step == step for known in self._left.values())
        return "NOT_CHECKED" if left else "VERIFIED"

    def add(self, later: "Findings") -> None:
        """Put what was found later behind this."""
        pairs = (self._faults, later._faults), (self._warnings, later._warnings), (self._left, later._left)
        for mine, theirs in pairs:
            for kind, (finding, count) in theirs.items():
                known = mine.setdefault(kind, [finding, 0])
                known[1] += count
        self.counts.update(later.counts)
        self.finished |= later.finished

    def saved(self) -> SavedFindings:
        """All but which steps are finished."""
        of = lambda kinds: [(finding, count) for finding, count in kinds.values()]  # noqa: E731
        return SavedFindings(dict(self.counts), of(self._faults), of(self._warnings), of(self._left))

    def resume(self, saved: SavedFindings) -> None:
        """Begin with these. Raises `Enough` where one of them is."""
        self.counts.update(saved.counts)
        for mine, theirs in ((self._faults, saved.faults), (self._warnings, saved.warnings), (self._left, saved.left)):
            mine.update({(finding.step, finding.table, finding.what): [finding, count] for finding, count in theirs})
        if self.stop_at_first and self._faults:
            raise Enough

    @property
    def first(self) -> Finding | None:
        """The first fault in the order of the walk."""
        return next((finding for finding, _ in self._faults.values()), None)

    @property
    def faults(self) -> list[Fault]:
        """The first of every kind of fault, in the order of the walk."""
        return [Fault(finding, count) for finding, count in self._faults.values()]

    @property
    def warnings(self) -> list[Fault]:
        """The first of every kind of warning."""
        return [Fault(finding, count) for finding, count in self._warnings.values()]

    @property
    def left(self) -> list[Fault]:
        """The first of every kind of what could not be checked."""
        return [Fault(finding, count) for finding, count in self._left.values()]

    def _add(
        self, kinds: dict[tuple, list], step: int, table: str, key: object, what: str, expected: object, found: object
    ) -> None:
        known = kinds.setdefault((step, table, what), [None, 0])
        if known[0] is None:
            known[0] = Finding(step, table, show(key), what, show(expected), show(found))
        known[1] += 1


def show(value: object) -> str:
    """A value of a row as text: hex for bytes, cut where it is long."""
    if isinstance(value, bytes | bytearray | memoryview):
        text = encode_hex(bytes(value))
    elif isinstance(value, tuple):
        text = "/".join(show(item) for item in value)
    else:
        text = "none" if value is None else str(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}… ({len(text)} characters)"
