"""What is remembered of entries: few bytes each, and right also where there is much of it."""

import sys
from array import array
from hashlib import sha256

from ledger_service.recognition.remembered import Remembered, Subjects

KEY = bytes(range(16))


def arrays(value: object) -> int:
    """The bytes of the arrays of an object."""
    held = [found for found in vars(value).values() if isinstance(found, array | bytearray)]
    assert held
    return sum(map(sys.getsizeof, held))


def test_an_entry_takes_twenty_bytes() -> None:
    assert arrays(Remembered(100_000, KEY)) < 20 * 100_000 + 1_000


def test_subjects_are_found_where_they_began_and_take_few_bytes() -> None:
    subjects, named = Subjects(KEY), [sha256(b"%d" % number).digest() for number in range(20_000)]
    for position, subject in enumerate(named):
        assert subjects.find(subject) is None
        subjects.add(subject, 3 * position)
    assert [subjects.find(subject) for subject in named] == [3 * position for position in range(len(named))]
    assert subjects.find(sha256(b"another").digest()) is None
    assert arrays(subjects) < 30 * len(named)


def test_subjects_that_begin_alike_are_told_apart() -> None:
    subjects = Subjects(KEY)
    for last in range(200):
        subjects.add(bytes(31) + bytes([last]), last)
    assert all(subjects.find(bytes(31) + bytes([last])) == last for last in range(200))


def test_there_may_be_more_institutions_than_sixteen_bits_number() -> None:
    remembered = Remembered(70_000, KEY)
    for position in range(70_000):
        remembered.sign(position, f"SYN-{position}")
    assert [remembered.institution(position) for position in (0, 1, 65_534, 65_535, 69_999)] == [
        "SYN-0",
        "SYN-1",
        "SYN-65534",
        "SYN-65535",
        "SYN-69999",
    ]
