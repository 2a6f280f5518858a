"""What figures must know of earlier entries, in few bytes: 20 for each entry and 20 to 28 for each subject, in arrays,
so that ten million statements fit in memory."""

from array import array
from collections.abc import Iterator

NOBODY = ""
_LARGEST_H = 2**16 - 1
_32_BITS = 2**32 - 1
_64_BITS = 2**64 - 1


class Mark:
    """What became of a statement, as bits."""

    BROKEN = 1
    CORRECTED = 2
    AGAIN = 4
    """It says what was said before; `up` leads to the statement that counts."""
    TAKEN_AWAY = 8
    FOLLOWED = 16
    """A reminder that a recognition followed."""
    FOLLOWED_IN_VAIN = 32
    """And then no such recognition was left."""
    MISSING = 64


class Remembered:
    """Entries by position, as later entries and their links see them.

    `up` leads from a statement to what it is about: from an access or a decision to the version of the report, from a
    review to the repeat, from a later version to the first statement of its subject, and from that to itself. `after`
    links a subject's acts into a ring that begins and ends at its first statement, newest act first. `said` are numbers
    of names that stand once. `originals` are the few imports: who issued what they bring in, and its index there.
    """

    def __init__(self, size: int, key: bytes) -> None:
        """For so many entries; `key` is secret and fresh, so that nobody makes ids or subjects that look alike here."""
        self._key = key
        self.ids = array("I", [0]) * size
        self.kinds = bytearray(size)
        self.marks = bytearray(size)
        self._institutions = array("H", [0]) * size
        self.up = array("I", [0]) * size
        self.after = array("I", [0]) * size
        self.said = array("I", [0]) * size
        self.originals: dict[int, tuple[str, int]] = {}
        self.names = Names()
        self._codes = Names()
        self.subjects = Subjects(key)

    def short(self, id: bytes) -> int:
        """32 bits of a hash that nobody foresees: a link that leads elsewhere passes for right once in 2^32."""
        return hash(self._key + id) & _32_BITS

    def sign(self, position: int, institution: str) -> None:
        """The entry was signed by this institution."""
        number = self._codes.number(institution)
        if number > _LARGEST_H and self._institutions.typecode == "H":
            self._institutions = array("I", self._institutions)
        self._institutions[position] = number

    def institution(self, position: int) -> str:
        """Who signed the entry."""
        return self._codes.values[self._institutions[position]]

    def first_of(self, position: int) -> int:
        """The first statement of the subject."""
        up = self.up
        while (above := up[position]) != position:
            position = above
        return position

    def acts(self, first: int) -> Iterator[int]:
        """The acts about a subject, newest first."""
        after = self.after
        position = after[first]
        while position != first:
            yield position
            position = after[position]

    def add_act(self, first: int, position: int) -> None:
        """Put a new act before the others."""
        self.after[position] = self.after[first]
        self.after[first] = position


class Names:
    """Values that stand once, by number; 0 is `NOBODY`."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {NOBODY: 0}
        self.values: list = [NOBODY]

    def number(self, value: object) -> int:
        """Its number, a new one for a new value."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number


class Subjects:
    """Positions of first statements by subject: a hash table with open addresses, 8 + 4 + about 8 bytes a subject.

    Subjects are told apart by 64 bits of a hash that nobody foresees: the key, which is secret, is hashed with them."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashes = array("Q")
        self._firsts = array("I")
        self._slots = array("I", [0]) * 1024

    def find(self, subject: bytes) -> int | None:
        """Where its first statement stands."""
        number = self._slots[self._slot(self._hash(subject))]
        return self._firsts[number - 1] if number else None

    def add(self, subject: bytes, first: int) -> None:
        """A subject that was not there yet."""
        if 2 * len(self._hashes) >= len(self._slots):
            self._grow()
        hashed = self._hash(subject)
        self._hashes.append(hashed)
        self._firsts.append(first)
        self._slots[self._slot(hashed)] = len(self._hashes)

    def _hash(self, subject: bytes) -> int:
        return hash(self._key + subject) & _64_BITS

    def _slot(self, hashed: int) -> int:
        """The slot of the subject, or the free one where it belongs."""
        slots, hashes = self._slots, self._hashes
        mask = len(slots) - 1
        slot = hashed & mask
        while (number := slots[slot]) and hashes[number - 1] != hashed:
            slot = slot + 1 & mask
        return slot

    def _grow(self) -> None:
        self._slots = array("I", [0]) * (2 * len(self._slots))
        slots, mask = self._slots, len(self._slots) - 1
        for number, hashed in enumerate(self._hashes, 1):
            slot = hashed & mask
            while slots[slot]:
                slot = slot + 1 & mask
            slots[slot] = number
