"""An entry as it is stored: hand-written bytes, and all of it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.core.encoding import code_word, uint_word
from anchors.core.errors import MalformedInput
from ledger_service.storage.packed_entry import pack_entry, read_heading, unpack_entry, unpack_suspect

SUBJECT, OBSERVED, CONTENT, SIGNATURE = b"\x51" * 32, bytes(32), b"\x0c" * 31 + b"\x00", b"\x77" * 65
WORDS = (code_word("report.issued"), code_word("SYN1"), SUBJECT, uint_word(256), uint_word(0x65A1), OBSERVED, CONTENT)
ENTRY = b"".join((*WORDS, SIGNATURE))
PACKED = SUBJECT + OBSERVED + CONTENT + SIGNATURE + b"\x0d\x04\x02report.issuedSYN1\x01\x00\x65\xa1"

_padded = st.builds(
    lambda word, pad: pad(word, 32, b"\x00"), st.binary(max_size=32), st.sampled_from((bytes.ljust, bytes.rjust))
)


def test_bytes_that_were_written_by_hand() -> None:
    assert pack_entry(ENTRY) == PACKED
    assert unpack_entry(PACKED) == unpack_suspect(PACKED) == ENTRY
    assert read_heading(PACKED) == ("report.issued", "SYN1", SUBJECT)


@given(st.lists(_padded, min_size=7, max_size=7), st.binary(min_size=65, max_size=65))
def test_any_bytes_come_back(seven: list[bytes], signature: bytes) -> None:
    entry = b"".join(seven) + signature
    packed = pack_entry(entry)
    assert unpack_entry(packed) == entry
    assert packed[:7] == seven[2][:7], "an index is over these"


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        ENTRY,
        PACKED[:163],
        PACKED + b"\x01" * 31,
        PACKED[:161] + b"\x21\x04\x02" + b"k" * 33 + PACKED[177:],
        "text",
        7,
    ],
)
def test_what_no_entry_is_packed_into(stored: object) -> None:
    with pytest.raises(MalformedInput, match="stored entry"):
        unpack_entry(stored)
    assert unpack_suspect(stored) == b""


def test_every_cut_and_every_other_length() -> None:
    """What is short is filled up with zeros, and is another form of some entry: nobody packed it so."""
    cut = [PACKED[:end] for end in range(161, len(PACKED))]
    lengths = [PACKED[:at] + bytes([value]) + PACKED[at + 1 :] for at in (161, 162, 163) for value in range(256)]
    for stored in (*cut, *lengths):
        unpacked = unpack_suspect(stored)
        assert unpacked == b"" or pack_entry(unpacked) == stored


@pytest.mark.parametrize(
    "named",
    [
        b"\x0e\x04\x02report.issued\x00SYN1\x01\x00\x65\xa1",
        b"\x0d\x05\x02report.issuedSYN1\x00\x01\x00\x65\xa1",
        b"\x0d\x04\x03report.issuedSYN1\x00\x01\x00\x65\xa1",
        b"\x0d\x04\x02report.issuedSYN1\x01\x00\x00\x65\xa1",
    ],
    ids=["kind", "institution", "sequence", "issued at"],
)
def test_a_zero_that_packing_leaves_out(named: bytes) -> None:
    """The same entry, and another form of it."""
    assert unpack_entry(PACKED[:161] + named) == ENTRY
    assert unpack_suspect(PACKED[:161] + named) == b""
