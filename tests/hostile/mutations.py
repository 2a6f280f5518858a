"""Valid inputs with something wrong in them: what random bytes would never come near."""

from collections.abc import Sequence

from hypothesis import strategies as st

MOST_CHANGES = 4
PIECES = (
    b"", b"\0", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\t", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u0061", b"{}",
    b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-0", b"-1", b"00", b"01", b"1.0", b"1e2", b"1e999", b"0.1",
    b"9007199254740992", b"18446744073709551615", b"18446744073709551616", b"9" * 400, b"0x", b"0X", b"=", b"==", b"+",
    b"/", b"A", b"a", b"\xef\xbb\xbf", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xc2\x85", b"\xe2\x80\xa8", b"../",
    b"%2e", "１２".encode(), "é".encode(), "e\u0301".encode(), "—".encode(), "\u202e".encode(), b"[" * 40,
    b'{"a":' * 40, b"[" * 5_000,
)  # fmt: skip
"""What readers disagree about: zero bytes, line ends, escapes, lone surrogates, other digits, other spellings of
numbers, characters that look alike or turn the line round, paths, depth."""


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """One of the samples with up to four changes: a flipped bit, a piece put in, taken out, repeated or moved."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, MOST_CHANGES))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, min(24, len(data) - at)))
        change = draw(st.sampled_from(["flip", "put", "replace", "drop", "repeat", "cut", "move"]))
        if change == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif change == "put":
            data[at:at] = draw(st.sampled_from(PIECES))
        elif change == "replace":
            data[at : at + length] = draw(st.sampled_from(PIECES))
        elif change == "drop":
            del data[at : at + length]
        elif change == "repeat":
            data[at:at] = data[at : at + length]
        elif change == "cut":
            del data[at:]
        else:
            moved = data[at : at + length]
            del data[at : at + length]
            to = draw(st.integers(0, len(data)))
            data[to:to] = moved
    return bytes(data)


def anything(samples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """The samples, the samples changed, and bytes of no kind."""
    return st.one_of(mutated(samples), mutated(samples), st.sampled_from(samples), st.binary(max_size=400))
