"""Topics `verifier-key`, `note` and `checkpoint`: C2SP signed-note and tlog-checkpoint, docs/spec/log.md."""

import base64
from collections.abc import Callable

from . import tree
from .standards import ORIGIN, Case, Cases, NoteKey, base64_text, flip_bit, pseudo_random, sha256, signed_note

LOG_KEY = NoteKey(ORIGIN)
WITNESS_KEY = NoteKey("witness.example/w1")
STRANGER_KEY = NoteKey("stranger.example")
TEXT = "互证 signed note\n\nsecond paragraph\n"
NOTE_LIMIT_BYTES = 65_536


def _key_with_plus() -> NoteKey:
    """A key whose base64 holds a plus sign, which must not be taken for a separator."""
    number = 0
    while "+" not in NoteKey("plus.example", str(number)).verifier_key.split("+", 2)[2]:
        number += 1
    return NoteKey("plus.example", str(number))


def verifier_key_text(name: str, typed_key: bytes, key_id: str | None = None) -> str:
    """A verifier key over any bytes, with the right key id unless one is given."""
    key_id = key_id or sha256(name.encode() + b"\n" + typed_key)[:4].hex()
    return f"{name}+{key_id}+{base64_text(typed_key)}"


def verifier_key_cases() -> Cases:
    """Verifier keys."""
    for label, key in {
        "plain": LOG_KEY,
        "plus-in-base64": _key_with_plus(),
        "chinese-name": NoteKey("log.example/互证"),
    }.items():
        expect = {"name": key.name, "keyId": key.key_id.hex(), "publicKey": key.public.hex()}
        yield Case(
            "verifier-key", f"valid-{label}", f"a key: {label.replace('-', ' ')}", {"text": key.verifier_key}, expect
        )
    name, typed = LOG_KEY.name, b"\x01" + LOG_KEY.public
    key_id, encoded = LOG_KEY.key_id.hex(), base64_text(typed)
    letters = NoteKey(name, "letters")
    while not any(character in "abcdef" for character in letters.key_id.hex()):
        letters = NoteKey(name, letters.label + "x")
    refused = {
        "empty": ("no text", ""),
        "name-only": ("no key id, no key", name),
        "two-fields": ("no key", f"{name}+{key_id}"),
        "key-empty": ("an empty key", f"{name}+{key_id}+"),
        "name-empty": ("an empty name", verifier_key_text("", typed)),
        "name-with-space": ("a space in the name", verifier_key_text("log example", typed)),
        "name-with-no-break-space": ("U+00A0 in the name", verifier_key_text("log\u00a0example", typed)),
        "name-with-ideographic-space": ("U+3000 in the name", verifier_key_text("log\u3000example", typed)),
        "name-with-newline": ("a newline in the name", verifier_key_text("log\nexample", typed)),
        "name-with-plus": ("a plus sign in the name", verifier_key_text("log+example", typed)),
        "id-of-another-key": ("the id does not belong to the key", f"{name}+{STRANGER_KEY.key_id.hex()}+{encoded}"),
        "id-of-another-name": ("the id of the same key under another name", f"other.example+{key_id}+{encoded}"),
        "id-too-short": ("7 digits", f"{name}+{key_id[:7]}+{encoded}"),
        "id-too-long": ("9 digits", f"{name}+0{key_id}+{encoded}"),
        "id-in-capitals": (
            "capital hex digits",
            f"{name}+{letters.key_id.hex().upper()}+{letters.verifier_key.split('+', 2)[2]}",
        ),
        "id-not-hex": ("a g", f"{name}+g{key_id[1:]}+{encoded}"),
        "type-0": ("signature type 0x00", verifier_key_text(name, b"\x00" + LOG_KEY.public)),
        "type-2": ("signature type 0x02", verifier_key_text(name, b"\x02" + LOG_KEY.public)),
        "type-missing": ("the public key alone", verifier_key_text(name, LOG_KEY.public)),
        "key-31-bytes": ("a short public key", verifier_key_text(name, typed[:-1])),
        "key-33-bytes": ("a long public key", verifier_key_text(name, typed + b"\x00")),
        "base64-broken": ("no base64", f"{name}+{key_id}+{encoded[:-1]}!"),
        "base64-cut": ("base64 of the wrong length", f"{name}+{key_id}+{encoded[:-1]}"),
        "base64-padding-added": ("padding that is not needed", f"{name}+{key_id}+{encoded}===="),
        "base64-space": ("white space within the base64", f"{name}+{key_id}+{encoded[:20]} {encoded[20:]}"),
        "trailing-newline": ("a newline at the end", f"{LOG_KEY.verifier_key}\n"),
        "leading-space": ("a space in front", f" {LOG_KEY.verifier_key}"),
    }
    for case, (desc, text) in refused.items():
        yield Case("verifier-key", case, desc, {"text": text}, error="malformed")


def _raw_line(name: str, signature: bytes) -> str:
    return f"— {name} {base64_text(signature)}\n"


def _label(key: NoteKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"


def _note_input(note: str | bytes, *keys: NoteKey) -> dict[str, object]:
    known = [key.verifier_key for key in keys]
    if isinstance(note, bytes):
        return {"noteBytes": note.hex(), "verifierKeys": known}
    return {"note": note, "verifierKeys": known}


def _note_valid() -> Cases:
    def valid(
        name: str, desc: str, note: str, known: tuple[NoteKey, ...], *verified: NoteKey, text: str = TEXT
    ) -> Case:
        expect = {"text": text, "verified": [_label(key) for key in verified]}
        return Case("note", f"valid-{name}", desc, _note_input(note, *known), expect)

    other_id = NoteKey(ORIGIN, "another key of the same name")
    yield valid("one-signature", "one known signature", signed_note(TEXT, LOG_KEY), (LOG_KEY,), LOG_KEY)
    both = signed_note(TEXT, LOG_KEY, WITNESS_KEY)
    yield valid("two-signatures", "two known signatures", both, (LOG_KEY, WITNESS_KEY), LOG_KEY, WITNESS_KEY)
    yield valid("one-known-of-two", "the second key is unknown", both, (LOG_KEY,), LOG_KEY)
    yield valid("known-is-second", "the first key is unknown", both, (WITNESS_KEY,), WITNESS_KEY)
    same_name = signed_note(TEXT) + _raw_line(ORIGIN, other_id.key_id + bytes(64)) + LOG_KEY.line(TEXT)
    yield valid(
        "same-name-other-id",
        "a bad signature under the known name and another id is unknown",
        same_name,
        (LOG_KEY,),
        LOG_KEY,
    )
    same_id = signed_note(TEXT, LOG_KEY) + _raw_line("other.example", LOG_KEY.key_id + bytes(64))
    yield valid(
        "same-id-other-name",
        "a bad signature under the known id and another name is unknown",
        same_id,
        (LOG_KEY,),
        LOG_KEY,
    )
    long = signed_note(TEXT, LOG_KEY) + _raw_line("quantum.example", b"\x00\x00\x00\x01" + bytes(4627))
    yield valid("long-unknown-signature", "an unknown signature of 4,627 bytes", long, (LOG_KEY,), LOG_KEY)
    short = signed_note(TEXT, LOG_KEY) + _raw_line("short.example", b"\x00\x00\x00\x01\x02")
    yield valid("short-unknown-signature", "an unknown signature of one byte", short, (LOG_KEY,), LOG_KEY)
    sixteen = signed_note(TEXT) + "".join(NoteKey(f"w{n}.example").line(TEXT) for n in range(15)) + LOG_KEY.line(TEXT)
    yield valid("16-signatures", "the most signatures, the known one last", sixteen, (LOG_KEY,), LOG_KEY)
    tricky = "a\x7f\x85\u2028\u2029b\n"
    desc = "U+007F, U+0085, U+2028 and U+2029 end no line and are not refused"
    yield valid("unusual-line-ends", desc, signed_note(tricky, LOG_KEY), (LOG_KEY,), LOG_KEY, text=tricky)
    quoted = signed_note(TEXT, WITNESS_KEY) + "tail\n"
    desc = "a whole signed note within the text: only what follows the last empty line is signatures"
    yield valid("note-within-text", desc, signed_note(quoted, LOG_KEY), (LOG_KEY, WITNESS_KEY), LOG_KEY, text=quoted)
    padding = NOTE_LIMIT_BYTES - len(signed_note("\n", LOG_KEY).encode())
    longest = "x" * padding + "\n"
    note = signed_note(longest, LOG_KEY)
    assert len(note.encode()) == NOTE_LIMIT_BYTES
    yield valid("64-kib", "the longest note", note, (LOG_KEY,), LOG_KEY, text=longest)


def _note_failed() -> Cases:
    good = signed_note(TEXT, LOG_KEY)
    bad = LOG_KEY.key_id + flip_bit(LOG_KEY.signature(TEXT)[4:], 7)
    short = LOG_KEY.signature(TEXT)[:-1]
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(LOG_KEY.signature(TEXT)[36:], "little") + order
    malleable = LOG_KEY.signature(TEXT)[:36] + scalar.to_bytes(32, "little")
    unsigned = signed_note(TEXT)
    failed = {
        "no-known-key": ("no key is known", good, ()),
        "unknown-key-only": ("only another key is known", good, (WITNESS_KEY,)),
        "same-name-other-key-known": ("the known key has the name and another id", good, (NoteKey(ORIGIN, "other"),)),
        "text-changed": ("the text was changed", good.replace("second", "Second"), (LOG_KEY,)),
        "text-shortened": ("an empty line taken out of the text", good.replace("note\n\n", "note\n", 1), (LOG_KEY,)),
    }
    forged = {
        "signature-bit": ("a bit of the known signature turned", bad),
        "signature-short": ("63 bytes under a known key", short),
        "signature-long": ("65 bytes under a known key", LOG_KEY.signature(TEXT) + b"\0"),
        "signature-zero": ("64 zeros under a known key", LOG_KEY.key_id + bytes(64)),
        "signature-malleable": ("S + L in place of S, which RFC 8032 section 5.1.7 refuses", malleable),
        "signed-without-newline": ("signed without the text's last newline", LOG_KEY.signature(TEXT[:-1])),
        "signed-with-blank-line": ("signed with the blank line", LOG_KEY.signature(TEXT + "\n")),
    }
    for name, (desc, signature) in forged.items():
        failed[name] = (desc, unsigned + _raw_line(ORIGIN, signature), (LOG_KEY,))
    both, bad_line = (LOG_KEY, WITNESS_KEY), _raw_line(ORIGIN, bad)
    failed |= {
        "known-bad-after-known-good": (
            "one known key good, then one bad",
            signed_note(TEXT, WITNESS_KEY) + bad_line,
            both,
        ),
        "known-bad-before-known-good": ("the bad one first", unsigned + bad_line + WITNESS_KEY.line(TEXT), both),
        "known-bad-before-its-own-good": (
            "bad and good of one key",
            unsigned + bad_line + LOG_KEY.line(TEXT),
            (LOG_KEY,),
        ),
    }
    for name, (desc, note, known) in failed.items():
        yield Case("note", f"failed-{name}", desc, _note_input(note, *known), error="failed")


def _malformed_lines() -> dict[str, tuple[str, str | bytes]]:
    good, line = signed_note(TEXT, LOG_KEY), LOG_KEY.line(TEXT)
    seventeen = signed_note(TEXT) + "".join(NoteKey(f"w{n}.example").line(TEXT) for n in range(16)) + line
    return {
        "empty": ("no bytes", ""),
        "newline-only": ("a newline alone", "\n"),
        "text-only": ("no signatures", TEXT),
        "no-signature-lines": ("an empty line and no signature", TEXT + "\n"),
        "signature-only": ("no text", line),
        "no-blank-line": ("no empty line before the signature", "one line\n" + LOG_KEY.line("one line\n")),
        "last-newline-missing": ("no newline at the end", good[:-1]),
        "newline-too-many": ("an empty line at the end", good + "\n"),
        "text-after-signature": ("a line after the signature", good + "text\n"),
        "text-between-signatures": ("a line between signatures", good + "text\n" + WITNESS_KEY.line(TEXT)),
        "blank-between-signatures-then-text": ("no signature after the last empty line", good + "\ntext\n"),
        "hyphen": ("a hyphen instead of the em dash", good.replace("—", "-")),
        "en-dash": ("an en dash instead of the em dash", good.replace("—", "–")),
        "two-hyphens": ("two hyphens instead of the em dash", good.replace("—", "--")),
        "no-space-after-dash": ("no space after the dash", good.replace("— ", "—")),
        "two-spaces-after-dash": ("two spaces after the dash", good.replace("— ", "—  ")),
        "tab-after-dash": ("a tab after the dash", good.replace("— ", "—\t")),
        "space-before-dash": ("a space before the dash", good.replace("— ", " — ")),
        "17-signatures": ("one signature too many", seventeen),
        "longer-than-64-kib": ("a note too long", signed_note("x" * NOTE_LIMIT_BYTES + "\n", LOG_KEY)),
    }


def _malformed_signatures() -> dict[str, tuple[str, str | bytes]]:
    good, encoded = signed_note(TEXT, LOG_KEY), base64_text(LOG_KEY.signature(TEXT))
    prefix = signed_note(TEXT) + f"— {ORIGIN} "
    url = base64.urlsafe_b64encode(LOG_KEY.key_id + b"\xff" * 64).decode()
    bodies = {
        "signature-empty": ("empty base64", ""),
        "third-field": ("a field after the signature", encoded + " x"),
        "trailing-space": ("a space after the signature", encoded + " "),
        "base64-broken": ("no base64", encoded[:-2] + "!="),
        "base64-without-padding": ("the padding is missing", encoded.rstrip("=")),
        "base64-padding-too-long": ("padding too many", encoded + "="),
        "base64-trailing-bits": ("bits after the last byte are not zero", same_bytes_otherwise(encoded)),
        "base64-url-alphabet": ("the URL alphabet", url),
        "signature-3-bytes": ("less than a key id", base64_text(b"abc")),
    }
    malformed: dict[str, tuple[str, str | bytes]] = {
        name: (desc, f"{prefix}{text}\n") for name, (desc, text) in bodies.items()
    }
    malformed |= {
        "no-signature": ("no base64", signed_note(TEXT) + f"— {ORIGIN}\n"),
        "unknown-base64-broken": ("broken base64 under an unknown key", good + "— other.example a!b=\n"),
        "unknown-base64-trailing-bits": ("non-zero bits under an unknown key", good + "— other.example AAAAAAF=\n"),
    }
    names = {
        "name-empty": "",
        "name-with-plus": "log+example",
        "name-with-no-break-space": "log\u00a0example",
        "name-with-ideographic-space": "log\u3000example",
        "name-with-line-separator": "log\u2028example",
    }
    for name, key_name in names.items():
        malformed[name] = ("not a key name", good + _raw_line(key_name, b"\x00\x00\x00\x01" + bytes(64)))
    return malformed


def _malformed_characters() -> dict[str, tuple[str, str | bytes]]:
    good = signed_note(TEXT, LOG_KEY)
    return {
        "zero-byte": ("U+0000 in the text", signed_note("a\x00b\n", LOG_KEY)),
        "tab": ("a tab in the text", signed_note("a\tb\n", LOG_KEY)),
        "escape": ("U+001B in the text", signed_note("a\x1bb\n", LOG_KEY)),
        "vertical-tab": ("U+000B in the text", signed_note("a\x0bb\n", LOG_KEY)),
        "carriage-returns": ("CR LF line ends", signed_note(TEXT.replace("\n", "\r\n"), LOG_KEY)),
        "carriage-return-in-signature": ("a carriage return after the signature", good[:-1] + "\r\n"),
        "control-character-in-signature": ("a control character in an unknown name", good + "— a\x01b AAAAAAE=\n"),
        "invalid-utf-8": ("no UTF-8 in the text", good.encode().replace(b"signed", b"s\xffgned")),
        "invalid-utf-8-surrogate": ("a surrogate in UTF-8", good.encode().replace(b"signed", b"\xed\xa0\x80")),
        "invalid-utf-8-overlong": ("an overlong newline", good.encode().replace(b"signed", b"s\xc0\x8agned")),
        "utf-16": ("UTF-16", good.encode("utf-16")),
    }


def same_bytes_otherwise(encoded: str) -> str:
    """Base64 with one padding character that a lenient reader decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    candidates = (f"{encoded[:-2]}{letter}=" for letter in alphabet if letter != encoded[-2])
    return next(text for text in candidates if base64.b64decode(text) == base64.b64decode(encoded))


def _note_malformed() -> Cases:
    everything = {**_malformed_lines(), **_malformed_signatures(), **_malformed_characters()}
    for name, (desc, note) in everything.items():
        yield Case("note", f"malformed-{name}", desc, _note_input(note, LOG_KEY), error="malformed")


def note_cases() -> Cases:
    """Signed notes."""
    yield from _note_valid()
    yield from _note_failed()
    yield from _note_malformed()


def body(size: object, root: bytes, origin: str = ORIGIN, extensions: str = "") -> str:
    """A checkpoint's text."""
    return f"{origin}\n{size}\n{base64_text(root)}\n{extensions}"


def _checkpoint_input(text: str, key: NoteKey = LOG_KEY, origin: str = ORIGIN) -> dict[str, str]:
    return {"body": text, "note": signed_note(text, key), "verifierKey": key.verifier_key, "origin": origin}


SIZES_REFUSED = {
    "double-zero": "00",
    "leading-zero": "01",
    "negative": "-1",
    "plus": "+1",
    "leading-space": " 1",
    "trailing-space": "1 ",
    "underscore": "1_0",
    "fraction": "1.0",
    "exponent": "1e3",
    "hexadecimal": "0x10",
    "full-width-digit": "１",
    "arabic-digit": "١",
    "empty": "",
    "letter": "a",
    "2-64": str(2**64),
    "5000-digits": "9" * 5000,
}


def _checkpoint_malformed(root: bytes) -> dict[str, tuple[str, str]]:
    encoded = base64_text(root)
    bad_roots = {
        "31-bytes": base64_text(root[1:]),
        "33-bytes": base64_text(root + b"\0"),
        "empty": "",
        "hex": root.hex(),
        "without-padding": encoded.rstrip("="),
        "trailing-bits": same_bytes_otherwise(encoded),
        "url-alphabet": base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "leading-space": " " + encoded,
        "trailing-space": encoded + " ",
        "broken": "!" + encoded[1:],
    }
    malformed = {
        "origin-only": ("one line", f"{ORIGIN}\n"),
        "two-lines": ("no root", f"{ORIGIN}\n5\n"),
        "origin-missing": ("an empty first line", f"\n5\n{encoded}\n"),
        "root-before-size": ("lines exchanged", f"{ORIGIN}\n{encoded}\n5\n"),
        "empty-extension-line": ("an empty extension line", body(5, root, extensions="\n")),
        "empty-line-before-extension": ("an empty line before an extension", body(5, root, extensions="\nextension\n")),
        "empty-line-after-extension": ("an empty line after an extension", body(5, root, extensions="extension\n\n")),
    }
    for name, size in SIZES_REFUSED.items():
        malformed[f"size-{name}"] = ("the size is no decimal number", f"{ORIGIN}\n{size}\n{encoded}\n")
    for name, text in bad_roots.items():
        malformed[f"root-{name}"] = ("the root is not the base64 of 32 bytes", f"{ORIGIN}\n5\n{text}\n")
    return malformed


def checkpoint_cases() -> Cases:
    """Checkpoints: each is rightly signed, so only the body decides."""
    root = pseudo_random("checkpoint root")
    chinese = NoteKey("log.example/互证")
    valid: dict[str, tuple[str, str, Callable[[], NoteKey]]] = {
        "plain": (body(70_000, root), "70000", lambda: LOG_KEY),
        "empty-tree": (body(0, tree.EMPTY), "0", lambda: LOG_KEY),
        "size-2-63": (body(2**63, root), str(2**63), lambda: LOG_KEY),
        "one-extension-line": (body(5, root, extensions="extension\n"), "5", lambda: LOG_KEY),
        "three-extension-lines": (body(5, root, extensions="a\n b \n—\n"), "5", lambda: LOG_KEY),
        "chinese-origin": (body(5, root, chinese.name), "5", lambda: chinese),
    }
    for name, (text, size, key) in valid.items():
        used = tree.EMPTY if size == "0" else root
        expect = {"origin": key().name, "size": size, "root": used.hex()}
        given = _checkpoint_input(text, key(), key().name)
        yield Case("checkpoint", f"valid-{name}", f"a checkpoint: {name.replace('-', ' ')}", given, expect)
    for name, (desc, text) in _checkpoint_malformed(root).items():
        yield Case("checkpoint", f"malformed-{name}", desc, _checkpoint_input(text), error="malformed")
    other = body(5, root, "other.example")
    desc = "another origin than the one asked for, signed by the log's key"
    yield Case("checkpoint", "failed-other-origin", desc, _checkpoint_input(other), error="failed")


def cases() -> Cases:
    """All three topics."""
    yield from verifier_key_cases()
    yield from note_cases()
    yield from checkpoint_cases()
