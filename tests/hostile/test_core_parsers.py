"""Every reader of the library: whatever comes, a value or `MalformedInput`; and what it reads has one encoding only."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.core import canonical, encoding
from anchors.core.checkpoint import Checkpoint, check_origin, open_checkpoint
from anchors.core.content import Content, Part
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.note import VerifierKey, check_name, open_note
from anchors.core.registry import Action, Change, Registry, parse_action
from anchors.core.statement import Entry, Statement
from anchors.core.tiles import Tile, decode_bundle, encode_bundle
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import format_trust, parse_trust
from anchors.core.verify import verify_proof
from tests.cli.evidence import City, city
from tests.fixtures.examples import examples
from tests.hostile.mutations import anything

EXAMPLES = examples(250, thorough=2_500)
CITY: City = city(statements=3)
TRUST = CITY.trust()
PROOFS = [CITY.proof(0), CITY.proof(2, parts_shown=False)]
NOTES = [TlogProof.parse(proof).checkpoint for proof in PROOFS]
KEY = CITY.note_key.verifier
UNTRUE = (MalformedInput, VerificationFailed)
PARTS = [
    Part.create("document", {"a": [1, -5, True, None, "x"], "b": {"c": {}}}, bytes(32)).text,
    Part.create("note", 'text, 正常 \u2028 "\\', bytes(32)).text,
]


@dataclass(frozen=True)
class Reader:
    """A reader, the writer that gives the bytes back where there is one encoding, and samples that it reads."""

    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None
    samples: list[bytes]
    refusals: tuple[type[Error], ...] = field(default=(MalformedInput,))


def of_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """A reader of text; bytes that are no UTF-8 come as lone surrogates, as from a decoder that lets them pass."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def _content(data: bytes) -> Content:
    try:
        items = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedInput("no JSON") from None
    return Content.from_wire(items)


def _length_prefixed(entries: list[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


ENTRIES = [entry.to_bytes() for entry in CITY.entries]
READERS = {
    "canonical JSON": Reader(
        lambda data: canonical.decode(data, 65_536), canonical.encode, [*PARTS, b"[]", b'"x"', b"-7"]
    ),
    "part": Reader(Part.read, lambda part: part.text, PARTS),
    "content": Reader(
        _content, None, [json.dumps(CITY.contents[0].to_wire(shown=shown)).encode() for shown in (True, False)]
    ),
    "statement": Reader(Statement.from_words, lambda statement: statement.words, [entry[:224] for entry in ENTRIES]),
    "entry": Reader(Entry.from_bytes, Entry.to_bytes, ENTRIES),
    "note": Reader(lambda data: open_note(data, [KEY]), None, NOTES, UNTRUE),
    "signed checkpoint": Reader(lambda data: open_checkpoint(data, [KEY]), None, NOTES, UNTRUE),
    "checkpoint": Reader(
        of_text(Checkpoint.from_text),
        lambda checkpoint: checkpoint.to_text().encode("utf-8", "surrogateescape"),
        [NOTES[0].partition(b"\n\n")[0] + b"\n", b"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"],
    ),
    "verifier key": Reader(of_text(VerifierKey.parse), lambda key: str(key).encode(), [str(KEY).encode()]),
    "proof file": Reader(TlogProof.parse, TlogProof.format, PROOFS),
    "extra": Reader(Extra.decode, Extra.encode, [TlogProof.parse(proof).extra for proof in PROOFS]),
    "verdict": Reader(lambda data: verify_proof(data, TRUST), None, PROOFS),
    "trust file": Reader(parse_trust, None, [CITY.trust_file()], UNTRUE),
    "tile path": Reader(
        of_text(Tile.from_path), lambda tile: tile.path().encode(),
        [b"tile/0/000", b"tile/entries/x001/x234/067.p/255", b"tile/63/000.p/1", b"tile/1/x999/999"],
    ),
    "entry bundle": Reader(decode_bundle, _length_prefixed, [encode_bundle(ENTRIES), b"", b"\0\0", b"\0\1x"]),
    "base64": Reader(
        of_text(lambda text: encoding.decode_base64(text, "it")), lambda data: encoding.encode_base64(data).encode(),
        [b"", b"AA==", b"AAA=", b"AAAA", b"//++"],
    ),
    "hex": Reader(
        of_text(lambda text: encoding.decode_hex(text, 4, "it")), lambda data: encoding.encode_hex(data).encode(),
        [b"0x00000000", b"0xdeadbeef"],
    ),
    "bare hex": Reader(
        of_text(lambda text: encoding.decode_bare_hex(text, 4, "it")), lambda data: data.hex().encode(), [b"deadbeef"]
    ),
    "decimal": Reader(
        of_text(lambda text: encoding.decode_decimal(text, "it")), lambda value: str(value).encode(),
        [b"0", b"1", b"18446744073709551615", b"10"],
    ),
    "code": Reader(
        of_text(encoding.code_word), lambda word: encoding.word_code(word).encode(), [b"SAMPLE-HOSPITAL-01", b"x" * 32]
    ),
    "bytes32 code": Reader(
        lambda data: encoding.word_code(encoding.require_bytes(data, 32, "it")), encoding.code_word,
        [b"abc" + bytes(29), b"!" * 32],
    ),
    "origin": Reader(of_text(check_origin), str.encode, [b"ledger.example/2026", "日志.example".encode()]),
    "key name": Reader(of_text(check_name), str.encode, [b"ledger.example/2026"]),
    "action": Reader(of_text(parse_action), lambda action: action.text.encode(), [b"key-added", b"admitted"]),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_samples_are_read(reader: Reader) -> None:
    for sample in reader.samples:
        value = reader.read(sample)
        assert reader.write is None or reader.write(value) == sample


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_whatever_comes_is_read_or_refused(reader: Reader) -> None:
    @settings(max_examples=EXAMPLES)
    @given(anything(reader.samples))
    def check(data: bytes) -> None:
        try:
            value = reader.read(data)
        except reader.refusals as refused:
            assert str(refused) and "\n" not in str(refused), "one line that says what is wrong"
            assert len(str(refused)) < 2_000
            return
        if reader.write is not None:
            assert reader.write(value) == data, "two encodings of one value"

    check()


@settings(max_examples=EXAMPLES)
@given(anything(PROOFS))
def test_only_what_the_log_holds_is_proved(data: bytes) -> None:
    """A changed proof file may still be a true proof (a part withheld, a signature of another added); then it proves
    the very entry under its very index."""
    try:
        verdict = verify_proof(data, TRUST)
    except MalformedInput:
        return
    if verdict.holds:
        assert verdict.entry == CITY.entries[verdict.index]
        assert verdict.content.hash == CITY.contents[verdict.index].hash


@settings(max_examples=EXAMPLES)
@given(anything([CITY.trust_file()]))
def test_a_trust_file_that_is_taken_says_what_it_says_when_written(data: bytes) -> None:
    try:
        trust = parse_trust(data)
    except Error:
        return
    assert parse_trust(format_trust(trust)) == trust


codes = st.sampled_from(["SAMPLE-HOSPITAL-01", "SAMPLE-OPERATOR", "statement", "note", "hospital", ""])
words = st.sampled_from([bytes(32), b"\1" * 32, b"\xff" * 32, b"SAMPLE-HOSPITAL-01".ljust(32, b"\0"), KEY.public_key])
addresses = st.sampled_from([bytes(20), b"\1" * 20, b"\2" * 20])


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Changes as a node that lies might tell them: mostly in order, of everything about everybody."""
    many = draw(st.lists(st.sampled_from(list(Action)), max_size=12))
    off = draw(st.sampled_from([0, 0, 0, 1]))
    return [
        Change(number + off, 0, action, draw(codes), draw(codes), draw(words), draw(addresses), draw(words))
        for number, action in enumerate(many, 1)
    ]


@settings(max_examples=EXAMPLES)
@given(changes())
def test_whatever_changes_a_node_tells_are_folded_or_refused(told: list[Change]) -> None:
    try:
        registry = Registry.fold(31_337, bytes(20), told)
    except Error:
        return
    assert registry.count == len(told)
    for code in registry.institutions:
        assert (
            registry.heir(code) in registry.institutions or registry.heir(code) == registry.institutions[code].successor
        )


WRONG_TYPES = [None, True, 1, -1, 1.5, "", "x", b"", b"x", [], {}, (), object(), bytearray(32), float("nan"), 2**300]
TAKING = [
    lambda value: Statement(value, value, value, value, value, value, value),
    lambda value: Entry.from_bytes(value),
    lambda value: Change(value, value, Action.ADMITTED, value, value, value, value, value),
    lambda value: Content.from_wire(value),
    lambda value: Content.from_wire([value]),
    lambda value: encoding.decode_hex(value, 4, "it"),
    lambda value: encoding.decode_bare_hex(value, 4, "it"),
    lambda value: encoding.decode_base64(value, "it") and None,
    lambda value: encoding.require_uint64(value, "it") and None,
    lambda value: encoding.code_word(value) and None,
    lambda value: canonical.encode(value) and None,
]


@pytest.mark.parametrize("take", TAKING)
@pytest.mark.parametrize("value", WRONG_TYPES, ids=[type(value).__name__ + repr(value)[:8] for value in WRONG_TYPES])
def test_values_of_the_wrong_type_are_malformed(take: Callable[[Any], Any], value: Any) -> None:
    try:
        take(value)
    except MalformedInput as refused:
        assert "\n" not in str(refused)
