"""Topic `canonical`: the narrowed RFC 8785 of docs/spec/content.md."""

import contextlib
import json
import re

import rfc8785

from .standards import Case, Cases

LIMIT_BYTES = 65_536
DEPTH = 16


def _pairs(pairs: list) -> dict:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    if any(not 0x20 <= ord(character) <= 0x7E for key, _ in pairs for character in key):
        raise ValueError("key is not ASCII")
    return dict(pairs)


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not allowed")


def is_canonical(data: bytes) -> bool:
    """Decode with the standard library, encode with rfc8785, compare."""
    if len(data) > LIMIT_BYTES:
        return False
    depth = deepest = 0
    for byte in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data):
        depth += {0x7B: 1, 0x5B: 1, 0x7D: -1, 0x5D: -1}.get(byte, 0)
        deepest = max(deepest, depth)
    if deepest > DEPTH:
        return False
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_float=_refuse, parse_constant=_refuse)
        return rfc8785.dumps(value) == data
    except (ValueError, rfc8785.CanonicalizationError):
        return False


VALID = {
    "empty-object": ("the empty object", {}),
    "empty-array": ("an empty array as a value", {"v": []}),
    "literals": ("true, false and null", {"v": [True, False, None]}),
    "nested": ("objects within arrays within objects", {"a": [{"b": {"c": [[]]}}, {}], "d": {"e": {}}}),
    "integer-zero": ("zero", {"v": 0}),
    "integer-one-is-not-true": ("1 stays an integer beside true", {"v": [1, True, 0, False]}),
    "integer-largest": ("2^53-1", {"v": 2**53 - 1}),
    "integer-smallest": ("-(2^53-1)", {"v": -(2**53 - 1)}),
    "string-empty": ("the empty string", {"v": ""}),
    "string-short-escapes": ("the seven two-character escapes", {"v": '"\\\b\t\n\f\r'}),
    "string-control-characters": ("all characters below U+0020", {"v": "".join(map(chr, range(0x20)))}),
    "string-solidus": ("a solidus is not escaped", {"v": "a/b"}),
    "string-delete": ("U+007F is not escaped", {"v": "\x7f"}),
    "string-c1-control": ("U+0080 to U+009F are not escaped", {"v": "\x80\x85\x9f"}),
    "string-chinese": ("text outside ASCII stays literal", {"v": "血红蛋白 阴性"}),
    "string-line-separators": ("U+2028 and U+2029 are not escaped", {"v": "\u2028\u2029"}),
    "string-noncharacters": ("noncharacters are scalar values", {"v": "\ufffe\uffff\ufdd0"}),
    "string-beyond-the-basic-plane": ("U+1F600, U+10FFFF and U+20000", {"v": "\U0001f600\U0010ffff\U00020000"}),
    "string-neighbours-of-surrogates": ("U+D7FF and U+E000", {"v": "\ud7ff\ue000"}),
    "string-not-normalised": ("composed and decomposed forms stay different", {"v": ["\u00e9", "e\u0301"]}),
    "string-zero-width-no-break-space": ("U+FEFF inside a string is text", {"v": "\ufeff"}),
    "string-with-brackets-escaped-quote": ("an escaped quotation mark does not end the string", {"v": 'a","b":"c'}),
    "string-of-brackets": ("brackets and quotation marks in a string nest nothing", {"v": '[[[["{{{{' * 9 + "\\"}),
    "clinical-number-as-string": ("clinical values are strings exactly as written", {"v": "1.00"}),
    "keys-sorted-by-character": (
        "sorted by the characters, not by their escaped form",
        {k: 1 for k in (" ", "!", '"', "A", "Z", "\\", "a", "~")},
    ),
    "keys-prefix-first": ("a prefix sorts before its extension", {"a": 1, "aa": 2, "ab": 3, "b": 4}),
    "keys-capitals-first": (
        "capital letters sort before small ones, digits before both",
        {"1": 1, "10": 2, "2": 3, "B": 4, "a": 5},
    ),
    "key-empty": ("the empty key consists of ASCII characters", {"": 1, "a": 2}),
    "same-key-at-different-depths": ("a key may occur again in another object", {"a": {"a": {"a": 1}}}),
    "depth-16-objects": ("sixteen objects deep", None),
    "depth-16-arrays": ("sixteen deep with arrays", None),
}


def _nested(opening: str, closing: str, levels: int, core: str) -> str:
    return opening * levels + core + closing * levels


REFUSED = {
    "empty": ("no bytes", b""),
    "white-space-only": ("a single space", b" "),
    "byte-order-mark": ("a byte-order mark before the text", b'\xef\xbb\xbf{"a":1}'),
    "utf-16": ("UTF-16 instead of UTF-8", '{"a":1}'.encode("utf-16")),
    "leading-space": ("white space before the value", b' {"a":1}'),
    "trailing-newline": ("a newline after the value", b'{"a":1}\n'),
    "trailing-zero-byte": ("a zero byte after the value", b'{"a":1}\x00'),
    "space-after-colon": ("white space after a colon", b'{"a": 1}'),
    "space-after-comma": ("white space after a comma", b'{"a":1, "b":2}'),
    "space-in-empty-object": ("white space between braces", b"{ }"),
    "two-values": ("a second value after the first", b'{"a":1}{"a":1}'),
    "trailing-comma-object": ("a comma before the closing brace", b'{"a":1,}'),
    "trailing-comma-array": ("a comma before the closing bracket", b'{"a":[1,]}'),
    "missing-brace": ("the object is not closed", b'{"a":1'),
    "missing-value": ("a key without a value", b'{"a":}'),
    "single-quotes": ("single quotation marks", b"{'a':1}"),
    "unquoted-key": ("a key without quotation marks", b"{a:1}"),
    "comment": ("a comment", b'{"a":1/**/}'),
    "python-literals": ("True is not true", b'{"a":True}'),
    "duplicate-key": ("one key twice", b'{"a":1,"a":2}'),
    "duplicate-key-same-value": ("one key twice with one value", b'{"a":1,"a":1}'),
    "duplicate-key-by-escape": ("one key twice, once escaped", b'{"a":1,"\\u0061":2}'),
    "duplicate-key-nested": ("one key twice in an inner object", b'{"a":[{"b":1,"b":2}]}'),
    "keys-unsorted": ("keys out of order", b'{"b":1,"a":2}'),
    "keys-unsorted-nested": ("keys out of order in an inner object", b'{"a":{"d":1,"c":2}}'),
    "keys-sorted-case-insensitively": ("a before B is not the order of characters", b'{"a":1,"B":2}'),
    "keys-sorted-by-escaped-form": ('A before " is the order of the escaped text', b'{"A":1,"\\"":2}'),
    "keys-sorted-as-numbers": ("2 before 10 is not the order of characters", b'{"2":1,"10":2}'),
    "key-chinese": ("a key outside ASCII", '{"项目":1}'.encode()),
    "key-delete": ("U+007F in a key", b'{"\x7f":1}'),
    "key-control-character": ("an escaped control character in a key", b'{"\\n":1}'),
    "key-escaped-letter": ("a key written with an escape", b'{"\\u0061":1}'),
    "float": ("a fraction", b'{"a":1.5}'),
    "float-integral": ("1.0 is not 1", b'{"a":1.0}'),
    "float-two-decimals": ("1.00 is not 1", b'{"a":1.00}'),
    "exponent": ("1e3 is not 1000", b'{"a":1e3}'),
    "exponent-capital": ("1E3 is not 1000", b'{"a":1E3}'),
    "exponent-zero": ("1e0 is not 1", b'{"a":1e0}'),
    "exponent-huge": ("1e400 has no value", b'{"a":1e400}'),
    "negative-zero": ("-0 is not 0", b'{"a":-0}'),
    "negative-zero-float": ("-0.0 is not 0", b'{"a":-0.0}'),
    "leading-zero": ("a leading zero", b'{"a":01}'),
    "leading-plus": ("a plus sign", b'{"a":+1}'),
    "hexadecimal": ("a hexadecimal number", b'{"a":0x10}'),
    "underscore-in-number": ("a digit separator", b'{"a":1_000}'),
    "full-width-digit": ("a digit outside ASCII", '{"a":１}'.encode()),
    "lone-minus": ("a minus sign alone", b'{"a":-}'),
    "integer-too-large": ("2^53", b'{"a":9007199254740992}'),
    "integer-too-small": ("-2^53", b'{"a":-9007199254740992}'),
    "integer-beyond-uint64": ("2^64", b'{"a":18446744073709551616}'),
    "integer-of-5000-digits": ("an integer of 5,000 digits", b'{"a":' + b"9" * 5000 + b"}"),
    "nan": ("NaN", b'{"a":NaN}'),
    "infinity": ("Infinity", b'{"a":Infinity}'),
    "negative-infinity": ("-Infinity", b'{"a":-Infinity}'),
    "escape-capital-hex": ("\\u001F must be \\u001f", b'{"a":"\\u001F"}'),
    "escape-newline-as-unicode": ("\\u000a must be \\n", b'{"a":"\\u000a"}'),
    "escape-backspace-as-unicode": ("\\u0008 must be \\b", b'{"a":"\\u0008"}'),
    "escape-quote-as-unicode": ('\\u0022 must be \\"', b'{"a":"\\u0022"}'),
    "escape-letter": ("an escaped letter that should be literal", b'{"a":"\\u0041"}'),
    "escape-accented-letter": ("an escaped é that should be literal", b'{"a":"\\u00e9"}'),
    "escape-chinese": ("an escaped 血 that should be literal", b'{"a":"\\u8840"}'),
    "escape-solidus": ("an escaped solidus", b'{"a":"\\/"}'),
    "escape-delete": ("an escaped U+007F", b'{"a":"\\u007f"}'),
    "escape-surrogate-pair": ("an escaped pair that should be literal", b'{"a":"\\ud83d\\ude00"}'),
    "escape-unknown": ("\\x is no escape", b'{"a":"\\x41"}'),
    "escape-short": ("\\u with three digits", b'{"a":"\\u00e"}'),
    "lone-high-surrogate": ("an escaped high surrogate alone", b'{"a":"\\ud83d"}'),
    "lone-low-surrogate": ("an escaped low surrogate alone", b'{"a":"\\ude00"}'),
    "swapped-surrogates": ("low before high", b'{"a":"\\ude00\\ud83d"}'),
    "lone-surrogate-in-key": ("an escaped surrogate in a key", b'{"\\ud83d":1}'),
    "utf-8-surrogate": ("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}'),
    "utf-8-surrogate-pair": ("a pair of surrogates in UTF-8 (CESU-8)", b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}'),
    "utf-8-overlong": ("an overlong form of /", b'{"a":"\xc0\xaf"}'),
    "utf-8-truncated": ("a sequence cut short", b'{"a":"\xe8\xa1"}'),
    "utf-8-lone-continuation": ("a continuation byte alone", b'{"a":"\x80"}'),
    "utf-8-beyond-unicode": ("U+110000", b'{"a":"\xf4\x90\x80\x80"}'),
    "gb18030": ("text in GB18030", '{"a":"阴性"}'.encode("gb18030")),
    "raw-newline": ("a newline in a string, unescaped", b'{"a":"\n"}'),
    "raw-tab": ("a tab in a string, unescaped", b'{"a":"\t"}'),
    "raw-zero": ("U+0000 in a string, unescaped", b'{"a":"\x00"}'),
    "raw-unit-separator": ("U+001F in a string, unescaped", b'{"a":"\x1f"}'),
    "depth-17-objects": ("seventeen objects deep", _nested('{"a":', "}", 16, "{}").encode()),
    "depth-17-arrays": ("an object and sixteen arrays", ('{"a":' + "[" * 16 + "]" * 16 + "}").encode()),
    "depth-10000": ("ten thousand arrays deep", ('{"a":' + "[" * 10_000 + "]" * 10_000 + "}").encode()),
    "depth-10000-objects": ("ten thousand objects deep, none closed", b'{"a":' * 10_000),
    "depth-30000-unclosed": ("thirty thousand arrays, none closed", b'{"a":' + b"[" * 30_000),
}

ENCODE_REFUSED = {
    "encode-float": ("a float is no value", {"a": 1.5}),
    "encode-float-integral": ("1.0 is no value", {"a": 1.0}),
    "encode-integer-too-large": ("2^53", {"a": 2**53}),
    "encode-integer-too-small": ("-2^53", {"a": -(2**53)}),
    "encode-lone-surrogate": ("a lone surrogate in a string", {"a": "\ud800"}),
    "encode-lone-surrogate-in-key": ("a lone surrogate in a key", {"\ud800": 1}),
    "encode-key-chinese": ("a key outside ASCII", {"项目": 1}),
    "encode-key-delete": ("U+007F in a key", {"\x7f": 1}),
    "encode-key-control-character": ("a control character in a key", {"\n": 1}),
    "encode-depth-17": ("seventeen objects deep", json.loads(_nested('{"a":', "}", 16, "{}"))),
}


def _valid() -> Cases:
    deep = {
        "depth-16-objects": json.loads(_nested('{"a":', "}", 15, '{"a":1}')),
        "depth-16-arrays": json.loads('{"a":' + "[" * 15 + '"x"' + "]" * 15 + "}"),
    }
    for name, (desc, value) in VALID.items():
        value = deep.get(name, value)
        data = rfc8785.dumps(value)
        yield Case("canonical", f"valid-{name}", desc, {"bytes": data.hex()}, {"value": value})
    longest = {"a": "x" * (LIMIT_BYTES - 8)}
    data = rfc8785.dumps(longest)
    assert len(data) == LIMIT_BYTES
    yield Case("canonical", "valid-longest", "65,536 bytes", {"bytes": data.hex()}, {"value": longest})


def cases() -> Cases:
    """Decoding and encoding."""
    for case in _valid():
        assert is_canonical(bytes.fromhex(case.input["bytes"])), case.name
        yield case
    too_long = rfc8785.dumps({"a": "x" * (LIMIT_BYTES + 1 - 8)})
    for name, (desc, data) in {**REFUSED, "too-long": ("65,537 bytes", too_long)}.items():
        with contextlib.suppress(RecursionError):
            assert not is_canonical(data), name
        yield Case("canonical", name, desc, {"bytes": data.hex()}, error="malformed")
    for name, (desc, value) in ENCODE_REFUSED.items():
        yield Case("canonical", name, desc, {"value": value}, error="malformed")
