"""Statements that cannot be read, or whose parts cannot: each names its problem and spoils no other statement."""

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from anchors import Content, Entry
from anchors.core.encoding import encode_base64
from tests.fixtures.ledger import Ledger
from tests.fixtures.signer import Signed, Signer, document

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

Change = Callable[[dict[str, Any]], Any]


def changed(**members: Any) -> Change:
    """The item with other members."""
    return lambda wire: wire | members


def without(member: str) -> Change:
    """The item without a member."""
    return lambda wire: {name: value for name, value in wire.items() if name != member}


def with_entry(change: Callable[[bytes], bytes]) -> Change:
    """The item with another entry."""

    def item(wire: dict[str, Any]) -> dict[str, Any]:
        return wire | {"entry": encode_base64(change(base64.b64decode(wire["entry"])))}

    return item


def with_high_s(entry: bytes) -> bytes:
    """The same signature in its other form, which EIP-2 forbids."""
    s = CURVE_ORDER - int.from_bytes(entry[256:288], "big")
    return entry[:256] + s.to_bytes(32, "big") + bytes((55 - entry[288],))


MALFORMED: dict[str, Change] = {
    "a number": lambda wire: 17,
    "a text": lambda wire: "statement",
    "null": lambda wire: None,
    "an array": lambda wire: [wire],
    "an empty object": lambda wire: {},
    "no key": without("key"),
    "no entry": without("entry"),
    "no parts": without("parts"),
    "an unknown member": changed(note="x"),
    "an unknown member with a long name": lambda wire: wire | {"x" * 100_000: 1},
    "key null": changed(key=None),
    "key a number": changed(key=1),
    "key without 0x": lambda wire: wire | {"key": wire["key"][2:]},
    "key in upper case": lambda wire: wire | {"key": "0x" + "AB" * 20},
    "key too short": lambda wire: wire | {"key": wire["key"][:-2]},
    "key with a line break": lambda wire: wire | {"key": wire["key"] + "\n"},
    "entry an object": changed(entry={}),
    "entry no base64": changed(entry="*" * 388),
    "entry empty": changed(entry=""),
    "entry unpadded": lambda wire: wire | {"entry": wire["entry"].rstrip("=")},
    "entry in another alphabet": lambda wire: wire | {"entry": "-_" + wire["entry"][2:]},
    "entry of 288 bytes": with_entry(lambda entry: entry[:-1]),
    "entry of 290 bytes": with_entry(lambda entry: entry + b"\0"),
    "entry with a kind that is no code": with_entry(lambda entry: b"\xff" + entry[1:]),
    "entry with a gap in a code": with_entry(lambda entry: entry[:5] + b"\0" + entry[6:]),
    "entry with subject zero": with_entry(lambda entry: entry[:64] + bytes(32) + entry[96:]),
    "entry with a sequence beyond 64 bits": with_entry(lambda entry: entry[:96] + b"\1" + entry[97:]),
    "entry with an issuedAt beyond 64 bits": with_entry(lambda entry: entry[:128] + b"\1" + entry[129:]),
    "signature with high s": with_entry(with_high_s),
    "signature with r zero": with_entry(lambda entry: entry[:224] + bytes(32) + entry[256:]),
    "signature with v zero": with_entry(lambda entry: entry[:288] + b"\0"),
}


def deep(levels: int) -> bytes:
    """An array in an array in an array."""
    return b"[" * levels + b"]" * levels


def surrounded(ledger: Ledger, signer: Signer, bystander: Signer, bad: bytes, code: str) -> dict[str, Any]:
    """Send `bad`, which took the signer's next number, between good statements; the result for it.

    The other key's statements get their indexes. The signer's next statement is told to come again, and a good one
    under the free number is taken afterwards, with it behind.
    """
    signer.sequence += 1
    before, next_one, after = bystander.issued(), signer.issued(), bystander.issued()
    wires = [json.dumps(statement.wire).encode() for statement in (before, next_one, after)]
    answer = ledger.submit_raw(wires[0], bad, wires[1], wires[2])
    first = answer.outcomes[0]
    assert answer.outcomes == [first, code, "sequence-gap", first + 1], answer.results[1]
    assert answer.results[2]["problem"]["retry"] is True
    mended = signer.issued(sequence=next_one.sequence - 1)
    assert ledger.submit(mended, next_one).outcomes == [first + 2, first + 3]
    return answer.results[1]


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_statement(ledger: Ledger, change: Change) -> None:
    signer = ledger.signer(0)
    bad = change(signer.issued(sequence=signer.sequence).wire)
    result = surrounded(ledger, signer, ledger.signer(1), json.dumps(bad).encode(), "malformed-statement")
    assert result["statement"] is None and result["refusal"] is None
    assert result["problem"]["status"] == 400 and not result["problem"]["retry"]


def withheld_first(members: bytes) -> Callable[[bytes], bytes]:
    """The item with another withheld part, written like this, before its parts."""
    return lambda item: item.replace(b'"parts": [', b'"parts": [{%b},' % members)


RAW: dict[str, Callable[[bytes], bytes]] = {
    "a member twice": lambda item: item[:-1] + b',"key":"0x' + b"00" * 20 + b'"}',
    "a member twice, escaped": lambda item: item[:-1] + b',"k\\u0065y":"0x' + b"00" * 20 + b'"}',
    "a member twice, first escaped": lambda item: b'{"p\\u0061rts":[],' + item[1:],
    "a leaf twice": withheld_first(b'"leaf":"","leaf":"%b","name":"x"' % (b"11" * 32)),
    "a name twice": withheld_first(b'"leaf":"%b","name":"","name":"x"' % (b"11" * 32)),
    "parts nested deep": lambda item: item.replace(b'"parts": [', b'"parts": [%b,' % deep(500)),
    "a leaf nested deep": withheld_first(b'"leaf":%b,"name":"x"' % deep(500)),
    "a key nested deep": lambda item: item.replace(b'"key": "', b'"key": %b,"more":"' % deep(500)),
    "a name in bytes that are no UTF-8": lambda item: item[:-1] + b',"\xff":1}',
}  # fmt: skip


def code_of(bad: bytes) -> str:
    """The problem of one of these: in the parts or in the item."""
    if b'"leaf":"",' in bad or b'"name":"",' in bad:
        return "duplicate-key"
    return "malformed-part" if b'"parts": [[' in bad or b'"leaf":[' in bad else "malformed-statement"


@pytest.mark.parametrize("change", RAW.values(), ids=RAW)
def test_what_a_decoder_would_let_pass(ledger: Ledger, change: Callable[[bytes], bytes]) -> None:
    signer = ledger.signer(0)
    bad = change(json.dumps(signer.issued(sequence=signer.sequence).wire).encode())
    code = code_of(bad)
    surrounded(ledger, signer, ledger.signer(1), bad, code)


def text(name: str = "document", value: str = "{}", salt: str = "00" * 32) -> str:
    """The text of a part, its value already JSON."""
    return f'{{"name":"{name}","salt":"{salt}","value":{value}}}'


DEEP = 15
PARTS: dict[str, tuple[Any, str]] = {
    "parts a text": (text(), "malformed-part"),
    "parts null": (None, "malformed-part"),
    "parts an object": ({"leaf": "00" * 32, "name": "document"}, "malformed-part"),
    "no part": ([], "malformed-part"),
    "65 parts": ([{"leaf": "00" * 32, "name": f"part-{number}"} for number in range(65)], "malformed-part"),
    "a part that is a number": ([1], "malformed-part"),
    "a part that is null": ([None], "malformed-part"),
    "a part that is JSON and no text": ([{"name": "document", "salt": "00" * 32, "value": {}}], "malformed-part"),
    "a leaf that is no hex": ([{"leaf": "zz" * 32, "name": "document"}], "malformed-part"),
    "a leaf that is too short": ([{"leaf": "00" * 31, "name": "document"}], "malformed-part"),
    "a leaf that is null": ([{"leaf": None, "name": "document"}], "malformed-part"),
    "a leaf without a name": ([{"leaf": "00" * 32}], "malformed-part"),
    "a leaf whose name is no name": ([{"leaf": "00" * 32, "name": "Document"}], "malformed-part"),
    "a shown and a withheld part of one name": ([text(), {"leaf": "00" * 32, "name": "document"}], "malformed-part"),
    "a leaf with another member": ([{"leaf": "00" * 32, "name": "document", "value": 1}], "malformed-part"),
    "an empty text": ([""], "malformed-part"),
    "no JSON": (["{"], "malformed-part"),
    "a space": ([" " + text()], "malformed-part"),
    "a byte-order mark": (["\ufeff" + text()], "malformed-part"),
    "unsorted members": (['{"salt":"' + "00" * 32 + '","name":"document","value":{}}'], "malformed-part"),
    "an escape that is not needed": ([text(value='"\\u0041"')], "malformed-part"),
    "a lone surrogate": ([text(value='"\\ud800"')], "malformed-part"),
    "an integer beyond 2^53": ([text(value="9007199254740992")], "malformed-part"),
    "minus zero": ([text(value="-0")], "malformed-part"),
    "a member name outside ASCII": ([text(value='{"名":1}')], "malformed-part"),
    "a long member name outside ASCII": ([text(value='{"' + "名" * 20_000 + '":1}')], "malformed-part"),
    "nested too deep": ([text(value="[" * (DEEP + 1) + "]" * (DEEP + 1))], "malformed-part"),
    "nested far too deep": ([text(value="[" * 30_000 + "]" * 30_000)], "malformed-part"),
    "too long": ([text(value='"' + "x" * 65_536 + '"')], "malformed-part"),
    "no salt": (['{"name":"document","value":{}}'], "malformed-part"),
    "a member too many": (['{"name":"document","salt":"' + "00" * 32 + '","value":{},"x":1}'], "malformed-part"),
    "a salt in upper case": ([text(salt="AA" * 32)], "malformed-part"),
    "a salt that is short": ([text(salt="00" * 16)], "malformed-part"),
    "a name that is no name": ([text(name="Document")], "malformed-part"),
    "two parts of one name": ([text(), text(salt="11" * 32)], "malformed-part"),
    "a member twice": ([text(value='{"a":1,"a":2}')], "duplicate-key"),
    "a member of the part twice": (['{"name":"x","name":"x","salt":"' + "00" * 32 + '","value":1}'], "duplicate-key"),
    "a member twice, escaped": ([text(value='{"a":1,"\\u0061":2}')], "duplicate-key"),
    "a member twice, deep": ([text(value='[[{"a":[{"b":1,"b":1}]}]]')], "duplicate-key"),
    "a fraction": ([text(value='{"result":1.5}')], "float"),
    "an exponent": ([text(value='{"result":1e3}')], "float"),
    "a fraction of nothing": ([text(value='{"result":1.0}')], "float"),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "code"), PARTS.values(), ids=PARTS)
def test_parts_that_are_none(ledger: Ledger, shown: Any, code: str) -> None:
    signer = ledger.signer(0)
    bad = signer.issued(sequence=signer.sequence, content=secrets.token_bytes(32), shown=shown)
    result = surrounded(ledger, signer, ledger.signer(1), json.dumps(bad.wire).encode(), code)
    assert result["statement"] == bad.name
    assert result["refusal"], "the signature was right, so that the refusal must be signed"
    assert not result["problem"]["retry"]


MISMATCHES: dict[str, Callable[[Content], list[Any]]] = {
    "another salt": lambda content: [text(value='{"x":1}')],
    "a part missing": lambda content: content.to_wire()[:1],
    "a part too many": lambda content: [*content.to_wire(), {"leaf": "00" * 32, "name": "more"}],
    "another order": lambda content: content.to_wire()[::-1],
    "another name": lambda content: [
        content.to_wire()[0],
        {"leaf": content.parts[1].leaf.hex(), "name": "another"},
    ],
    "another leaf": lambda content: [content.to_wire()[0], {"leaf": "00" * 32, "name": "note"}],
}


@pytest.mark.parametrize("change", MISMATCHES.values(), ids=MISMATCHES)
def test_parts_that_were_not_signed(ledger: Ledger, change: Callable[[Content], list[Any]]) -> None:
    signer = ledger.signer(0)
    parts = document(), document().create("note", "synthetic")
    fields = {"sequence": signer.sequence, "shown": change(Content.of(parts))}
    bad: Signed = signer.sign("report.issued", secrets.token_bytes(32), *parts, **fields)
    result = surrounded(ledger, signer, ledger.signer(1), json.dumps(bad.wire).encode(), "content-mismatch")
    assert result["statement"] == bad.name and result["refusal"]


def test_whoever_sends_other_parts_under_a_broken_signature_gets_no_signed_refusal(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    bad = signer.issued(sequence=signer.sequence, shown=[text()])
    entry = Entry(bad.entry.statement, ledger.signer(1).issued().entry.signature)
    wire = bad.wire | {"entry": encode_base64(entry.to_bytes())}
    result = surrounded(ledger, signer, ledger.signer(2), json.dumps(wire).encode(), "wrong-signature")
    assert result["refusal"] is None
