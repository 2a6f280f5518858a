"""The reading log: who was shown what, recorded before it is shown (docs/spec/readings.md).

    hash_n = sha256("huzheng reading v1" || 0x00 || hash_{n-1} || record n)         hash_{-1} is zero

Each day ends in a head, which the operator publishes as `readings.headed`: from then on no record of that day can be
changed, taken out or put in without a trace.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

from anchors.core import canonical
from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.errors import MalformedInput
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases.privacy_ports import Reading, ReadingRow, Readings

MARGIN_SECONDS = 3_600
"""A day is closed so long after its end: until then a process whose clock is behind may still record into it."""
MAX_RECORD_BYTES = 2**23
LAST_MOMENT = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_PREFIX = b"huzheng reading v1\x00"


def encode_record(number: int, at: int, reading: Reading) -> bytes:
    """A record's RFC 8785 text."""
    return canonical.encode(
        {
            "at": at,
            "institution": reading.institution,
            "key": encode_hex(reading.key) if reading.key else None,
            "number": number,
            "read": [
                {"basis": basis, "parts": list(parts), "statement": encode_hex(id)} for id, basis, parts in reading.read
            ],
            "request": reading.request,
            "roles": sorted(reading.roles),
            "route": reading.route,
        }
    )


def next_hash(previous: bytes, record: bytes) -> bytes:
    """The hash of a record after the one before, 32 bytes."""
    return sha256(_PREFIX + previous + record).digest()


@dataclass(frozen=True)
class DayHead:
    """A day's records: how many, and the hash of the last one up to its end (zero where there is none at all)."""

    day: date
    count: int
    head: bytes

    def part(self) -> dict[str, canonical.Json]:
        """The value of the part `readings`."""
        return {"count": self.count, "day": self.day.isoformat(), "head": self.head.hex()}

    @property
    def subject(self) -> bytes:
        """The subject under which a day is closed, so that it is closed once: SHA-256("huzheng readings" || 0x00 ||
        day)."""
        return sha256(b"huzheng readings\x00" + self.day.isoformat().encode()).digest()


def begin_of(day: date) -> int:
    """When a day begins in UTC, Unix seconds."""
    return int(datetime.combine(day, time(), UTC).timestamp())


class CloseDay:
    """Computes the head of a day, for the operator to sign."""

    def __init__(self, readings: Readings, now: Callable[[], int]):
        self._readings = readings
        self._now = now

    def head(self, day: date) -> DayHead:
        """The day's head. Raises `Refused` (`not-found`) until an hour after its end."""
        end = begin_of(day) + 86_400
        if self._now() < end + MARGIN_SECONDS:
            raise Refused(
                problems.NOT_FOUND,
                f"the day {day} can be closed {MARGIN_SECONDS} s after its end in UTC; ask then",
            )
        before, _ = self._readings.before(begin_of(day))
        through, head = self._readings.before(end)
        return DayHead(day, through - before, head)


@dataclass(frozen=True)
class Broken:
    """The first record that is not what the chain of hashes asks for, and what is wrong with it."""

    number: int
    what: str
    expected: object
    found: object


class ChainCheck:
    """Recomputes the reading log, record by record; memory holds a number a day."""

    def __init__(self) -> None:
        self.count = 0
        self.head = ZERO_WORD
        self.broken: Broken | None = None
        self._last_at = 0
        self._days: dict[date, DayHead] = {}

    def run(self, rows: Iterable[ReadingRow]) -> Broken | None:
        """Take all records in order; the first that is broken, None where none is."""
        for row in rows:
            self.broken = next(self._faults(row), None)
            if self.broken:
                return self.broken
            self._take(row)
        return None

    def day(self, day: date) -> DayHead:
        """The head of a day, by what was taken."""
        known = self._days.get(day)
        if known is not None:
            return known
        past = [one for one in self._days if one < day]
        return DayHead(day, 0, self._days[max(past)].head if past else ZERO_WORD)

    def days(self) -> list[date]:
        """The days of which records were taken, in order."""
        return list(self._days)

    def _faults(self, row: ReadingRow) -> Iterator[Broken]:
        if row.number != self.count:
            yield Broken(self.count, "row", "one", f"none: the next is {row.number}")
        expected = next_hash(self.head, row.record)
        if row.hash != expected:
            yield Broken(row.number, "hash", expected, row.hash)
        try:
            record = canonical.decode(row.record, MAX_RECORD_BYTES)
            number, at = record["number"], record["at"]
        except (MalformedInput, TypeError, KeyError) as error:
            yield Broken(row.number, "record", "a record", error)
            return
        if number != row.number:
            yield Broken(row.number, "record", f"number {row.number}", number)
        if at != row.read_at:
            yield Broken(row.number, "read_at", at, row.read_at)
        if not isinstance(at, int) or not self._last_at <= at <= LAST_MOMENT:
            yield Broken(row.number, "record", f"a time from {self._last_at} on", at)

    def _take(self, row: ReadingRow) -> None:
        self.count, self.head, self._last_at = row.number + 1, row.hash, row.read_at
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=row.read_at)).date()
        before = self._days.get(day)
        self._days[day] = DayHead(day, (before.count if before else 0) + 1, row.hash)
