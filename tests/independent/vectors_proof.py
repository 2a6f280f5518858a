"""Topics `proof-file` and `verify`: C2SP tlog-proof, docs/spec/log.md and trust.md."""

import json
from dataclasses import dataclass, replace
from typing import Any

import rfc8785

from . import tree
from .standards import ORIGIN, AccountKey, Case, Cases, NoteKey, base64_text, flip_bit, pseudo_random, signed_note
from .typed_data import digest, statement_words
from .vectors_content import content_hash, part_text, withheld_part
from .vectors_note import body
from .vectors_registry import HOSPITAL, NOTE_KEY, OTHER_HOSPITAL, OTHER_LOG, SIGNER, opened
from .vectors_statement import STATEMENT
from .vectors_trust import trust_document, trust_text

MAGIC = "c2sp.org/tlog-proof@v1\n"
PROOF = [pseudo_random(f"proof {number}") for number in range(3)]
# The form of these is wrong in the checkpoint: a reader that verifies the signature first says "failed".
REFUSED_ANY_WAY = {
    "empty-line-within-hashes",
    "two-empty-lines",
    "trailing-garbage",
    "trailing-second-proof",
}
CHECKPOINT = signed_note(body(8, pseudo_random("proof root")), NOTE_KEY)


def proof_text(index: object, proof: list[bytes], checkpoint: str, extra: bytes | None = None) -> str:
    """A proof file."""
    first = "" if extra is None else f"extra {base64_text(extra)}\n"
    return f"{MAGIC}{first}index {index}\n" + "".join(f"{base64_text(item)}\n" for item in proof) + "\n" + checkpoint


def _malformed_head_lines() -> dict[str, tuple[str, str]]:
    good, extra = proof_text(3, PROOF, CHECKPOINT), base64_text(b"extra data")
    return {
        "empty": ("no text", ""),
        "magic-only": ("one line", MAGIC),
        "magic-missing": ("no first line", good.removeprefix(MAGIC)),
        "magic-v2": ("another version", good.replace("@v1", "@v2")),
        "magic-in-capitals": ("capitals", good.replace("c2sp", "C2SP", 1)),
        "magic-with-space": ("a space after the first line", good.replace("@v1\n", "@v1 \n")),
        "byte-order-mark": ("a byte-order mark", "\ufeff" + good),
        "leading-newline": ("an empty line in front", "\n" + good),
        "carriage-returns": ("CR LF line ends", good.replace("\n", "\r\n")),
        "carriage-returns-above-checkpoint": (
            "CR LF above the checkpoint",
            good.removesuffix(CHECKPOINT).replace("\n", "\r\n") + CHECKPOINT,
        ),
        "index-missing": ("no index", good.replace("index 3\n", "")),
        "index-twice": ("two index lines", good.replace("index 3\n", "index 3\nindex 3\n")),
        "index-in-capitals": ("Index", good.replace("index", "Index")),
        "index-without-number": ("no number", good.replace("index 3", "index ")),
        "index-without-space": ("no space", good.replace("index 3", "index3")),
        "index-two-spaces": ("two spaces", good.replace("index 3", "index  3")),
        "index-tab": ("a tab", good.replace("index 3", "index\t3")),
        "index-trailing-space": ("a space at the end", good.replace("index 3", "index 3 ")),
        "index-leading-zero": ("03", good.replace("index 3", "index 03")),
        "index-double-zero": ("00", good.replace("index 3", "index 00")),
        "index-plus": ("+3", good.replace("index 3", "index +3")),
        "index-negative": ("-3", good.replace("index 3", "index -3")),
        "index-hexadecimal": ("0x3", good.replace("index 3", "index 0x3")),
        "index-underscore": ("1_0", good.replace("index 3", "index 1_0")),
        "index-full-width": ("a digit outside ASCII", good.replace("index 3", "index ３")),
        "index-2-64": ("an index outside uint64", good.replace("index 3", f"index {2**64}")),
        "index-of-5000-digits": ("5,000 digits", good.replace("index 3", "index " + "9" * 5000)),
        "extra-after-index": ("extra after index", good.replace("index 3\n", f"index 3\nextra {extra}\n")),
        "extra-twice": ("two extra lines", good.replace("index 3\n", f"extra {extra}\nextra {extra}\nindex 3\n")),
        "extra-in-capitals": ("Extra", good.replace("index 3\n", f"Extra {extra}\nindex 3\n")),
        "extra-without-space": ("no space", good.replace("index 3\n", f"extra{extra}\nindex 3\n")),
        "extra-two-spaces": ("two spaces", good.replace("index 3\n", f"extra  {extra}\nindex 3\n")),
        "extra-without-padding": (
            "padding missing",
            good.replace("index 3\n", f"extra {extra.rstrip('=')}\nindex 3\n"),
        ),
        "extra-trailing-bits": (
            "non-zero bits after the last byte",
            good.replace("index 3\n", "extra AB==\nindex 3\n"),
        ),
        "extra-url-alphabet": ("the URL alphabet", good.replace("index 3\n", "extra _-__\nindex 3\n")),
        "extra-trailing-space": ("a space at the end", good.replace("index 3\n", f"extra {extra} \nindex 3\n")),
        "unknown-line": ("a line of another name", good.replace("index 3\n", "index 3\nsize 8\n")),
    }


def _malformed_hashes_and_checkpoint() -> dict[str, tuple[str, str]]:
    good, lines = proof_text(3, PROOF, CHECKPOINT), [base64_text(item) + "\n" for item in PROOF]

    def with_line(line: str) -> str:
        return f"{MAGIC}index 3\n{lines[0]}{line}\n{lines[2]}\n{CHECKPOINT}"

    zero_bits = base64_text(bytes(32))
    return {
        "hash-31-bytes": ("a short hash", with_line(base64_text(PROOF[1][1:]))),
        "hash-33-bytes": ("a long hash", with_line(base64_text(PROOF[1] + b"\0"))),
        "hash-without-padding": ("padding missing", with_line(zero_bits.rstrip("="))),
        "hash-trailing-bits": ("non-zero bits after the last byte", with_line(zero_bits[:-2] + "B=")),
        "hash-in-hex": ("hex", with_line(PROOF[1].hex())),
        "hash-url-alphabet": ("the URL alphabet", with_line("_" * 42 + "8=")),
        "hash-leading-space": ("a space in front", with_line(" " + zero_bits)),
        "hash-trailing-space": ("a space at the end", with_line(zero_bits + " ")),
        "hash-two-on-a-line": ("two hashes on a line", with_line(f"{zero_bits} {zero_bits}")),
        "hash-in-quotes": ("quotation marks", with_line(f'"{zero_bits}"')),
        "64-hashes": ("more than 63 hashes", proof_text(3, [bytes(32)] * 64, CHECKPOINT)),
        "empty-line-within-hashes": ("an empty line between hashes", with_line("")),
        "empty-line-missing": (
            "no empty line before the checkpoint",
            good.removesuffix("\n" + CHECKPOINT) + CHECKPOINT,
        ),
        "two-empty-lines": ("two empty lines before the checkpoint", good.removesuffix(CHECKPOINT) + "\n" + CHECKPOINT),
        "checkpoint-missing": ("nothing after the empty line", good.removesuffix(CHECKPOINT)),
        "checkpoint-cut": ("the last newline is missing", good[:-1]),
        "checkpoint-unsigned": ("no signatures", good[: good.index("— ")]),
        "checkpoint-size-leading-zero": ("size 08", proof_text(3, PROOF, signed_note(body("08", PROOF[0]), NOTE_KEY))),
        "trailing-newline": ("an empty line at the end", good + "\n"),
        "trailing-garbage": ("text after the checkpoint", good + "garbage\n"),
        "trailing-second-proof": ("a second proof after the first", good + good),
        "zero-byte": ("U+0000 in the index line", good.replace("index 3", "index 3\x00")),
    }


def file_cases() -> Cases:
    """The form of the file and of its checkpoint; the inclusion proof is not verified."""
    valid = {
        "plain": ("three hashes", 3, PROOF, None),
        "no-hashes": ("a tree of one leaf needs no hash", 0, [], None),
        "63-hashes": ("the longest proof", 3, [pseudo_random(str(number)) for number in range(63)], None),
        "with-extra": ("an extra line of opaque bytes", 3, PROOF, b"extra data"),
        "with-extra-of-any-bytes": ("extra is not UTF-8", 3, PROOF, bytes(range(256))),
        "index-2-63": ("the largest index of a log", 2**63 - 1, PROOF, None),
    }
    for name, (desc, index, proof, extra) in valid.items():
        given = {"text": proof_text(index, proof, CHECKPOINT, extra), "verifierKey": NOTE_KEY.verifier_key}
        expect = {
            "extra": None if extra is None else extra.hex(),
            "index": str(index),
            "proof": [item.hex() for item in proof],
            "checkpoint": CHECKPOINT,
        }
        yield Case("proof-file", f"valid-{name}", desc, given, expect)
    for name, (desc, text) in {**_malformed_head_lines(), **_malformed_hashes_and_checkpoint()}.items():
        error = "refused" if name in REFUSED_ANY_WAY else "malformed"
        given = {"text": text, "verifierKey": NOTE_KEY.verifier_key}
        yield Case("proof-file", f"{error}-{name}", desc, given, error=error)


@dataclass(frozen=True)
class Scene:
    """What a verify case is made of; every variant replaces something."""

    fields: dict[str, str]
    parts: list[Any]
    signer: AccountKey = SIGNER
    claimed_key: str = SIGNER.address
    signed_origin: str = ORIGIN
    note_key: NoteKey = NOTE_KEY
    note_origin: str = ORIGIN
    index: int = 3
    size: int = 7
    entry: bytes | None = None
    proof: list[bytes] | None = None
    root: bytes | None = None
    extra: dict[str, Any] | None = None
    changes: list[dict[str, Any]] | None = None

    def files(self) -> dict[str, str]:
        """The proof file and the trust file."""
        entry = self.entry
        if entry is None:
            entry = statement_words(self.fields) + self.signer.sign(
                digest("Statement", self.fields, self.signed_origin)
            )
        leaves = [tree.leaf(f"entry {number}".encode()) for number in range(self.size)]
        leaves[self.index] = tree.leaf(entry)
        proof = tree.inclusion_proof(self.index, leaves) if self.proof is None else self.proof
        extra = self.extra or {"entry": base64_text(entry), "key": self.claimed_key, "parts": self.parts}
        checkpoint = signed_note(body(self.size, self.root or tree.root(leaves), self.note_origin), self.note_key)
        changes = opened().add_key(HOSPITAL, SIGNER.address).changes if self.changes is None else self.changes
        text = proof_text(self.index, proof, checkpoint, rfc8785.dumps(extra))
        return {"proof": text, "trust": trust_text(trust_document(changes))}


def _scene() -> Scene:
    parts = [
        part_text("document", {"bytes": 1477, "format": "hl7v2", "sha256": "ab" * 32, "sm3": "cd" * 32}),
        part_text("facts", ["合成"]),
    ]
    return _scene_of(parts)


def _scene_of(parts: list[Any]) -> Scene:
    return Scene({**STATEMENT, "sequence": "7", "content": content_hash(parts).hex()}, parts)


def _verify(name: str, desc: str, scene: Scene, *failed: str, left_open: str = "") -> Case:
    """`left_open` names a claim that the specification does not settle for this case."""
    claims = {claim: "FAILED" if claim in failed else "VERIFIED" for claim in ("content", "signed", "logged")}
    claims.pop(left_open, None)
    expect = {"claims": {**claims, "witnessed": "NOT_CHECKED"}, "holds": not failed}
    return Case("verify", name, desc, scene.files(), expect)


def _verify_holding(scene: Scene) -> Cases:
    withheld = [withheld_part(text) for text in scene.parts]
    revoked = opened().add_key(HOSPITAL, SIGNER.address).revoke(HOSPITAL, SIGNER.address, 8).changes
    left = opened().add_key(HOSPITAL, SIGNER.address).add("suspended", HOSPITAL).add("exited", HOSPITAL).changes
    yield _verify("holds", "everything is as it should be", scene)
    yield _verify("holds-part-withheld", "a part is withheld", replace(scene, parts=[scene.parts[0], withheld[1]]))
    yield _verify("holds-all-withheld", "all parts are withheld", replace(scene, parts=withheld))
    yield _verify("holds-log-of-one", "the only entry of the log: no hashes", replace(scene, index=0, size=1))
    yield _verify(
        "holds-revoked-above", "the key is revoked from sequence 8 on, the entry has 7", replace(scene, changes=revoked)
    )
    yield _verify("holds-suspended-and-exited", "suspension and exit take nothing", replace(scene, changes=left))


def _verify_content(scene: Scene) -> Cases:
    first, second = scene.parts
    attempts = {
        "part-changed": ("a part says something else", [first.replace("1477", "1478"), second]),
        "part-salt-changed": ("a part has another salt", [first, part_text("facts", ["合成"], bytes(32))]),
        "parts-swapped": ("the parts in another order", [second, first]),
        "part-missing": ("a part is missing", [first]),
        "part-added": ("a part too many", [first, second, part_text("more", 1)]),
        "withheld-leaf-wrong": ("the leaf of a withheld part is wrong", [first, withheld_part(second, leaf="00" * 32)]),
        "withheld-name-wrong": ("a withheld part under another name", [first, withheld_part(second, name="links")]),
        "withheld-names-exchanged": (
            "both withheld, each under the other's name",
            [withheld_part(first, name="facts"), withheld_part(second, name="document")],
        ),
        "shown-in-place-of-withheld": (
            "a part of the same name shown for the one that was signed",
            [part_text("document", "阳性", bytes(32)), withheld_part(second)],
        ),
    }
    for name, (desc, parts) in attempts.items():
        yield _verify(f"content-{name}", desc, replace(scene, parts=parts), "content")


def _verify_signed(scene: Scene) -> Cases:
    stranger = AccountKey("stranger")

    def admitted(institution: str = HOSPITAL, purpose: str = "statement", **members: str) -> list[dict[str, Any]]:
        return opened().add_key(institution, SIGNER.address, purpose, **members).changes

    revoked = opened().add_key(HOSPITAL, SIGNER.address).revoke(HOSPITAL, SIGNER.address, 7).changes
    attempts = {
        "by-stranger": (
            "an unknown key signed and says so",
            replace(scene, signer=stranger, claimed_key=stranger.address),
        ),
        "by-stranger-claiming-key": ("an unknown key signed, the known one is named", replace(scene, signer=stranger)),
        "key-claim-wrong": (
            "the known key signed, an unknown one is named",
            replace(scene, claimed_key=stranger.address),
        ),
        "for-other-log": ("signed for another log", replace(scene, signed_origin="other.example/log")),
        "key-not-admitted": ("no change admits the key", replace(scene, changes=opened().changes)),
        "key-of-other-institution": (
            "the key is another institution's",
            replace(scene, changes=admitted(OTHER_HOSPITAL)),
        ),
        "key-of-other-purpose": (
            "the key is admitted for receipts",
            replace(scene, changes=admitted(purpose="receipt")),
        ),
        "key-of-other-log": ("the key is admitted in another log", replace(scene, changes=admitted(log=OTHER_LOG))),
        "revoked-at-sequence": ("revoked from sequence 7 on, the entry has 7", replace(scene, changes=revoked)),
    }
    for name, (desc, variant) in attempts.items():
        yield _verify(f"signed-{name}", desc, variant, "signed")
    entry = statement_words(scene.fields) + SIGNER.sign(digest("Statement", scene.fields, ORIGIN))
    issued = flip_bit(entry, 5 * 256 - 1)
    yield _verify(
        "signed-field-changed",
        "issuedAt was changed after signing, and logged so",
        replace(scene, entry=issued),
        "signed",
    )
    malformed = {
        "signed-entry-malformed": ("the logged entry has v = 1", entry[:-1] + b"\x01"),
        "signed-entry-malformed-word": (
            "the logged entry has a byte above its sequence",
            entry[:96] + b"\x01" + entry[97:],
        ),
    }
    for name, (desc, logged) in malformed.items():
        yield _verify(
            name, f"{desc}: it is not well-formed", replace(scene, entry=logged), "signed", left_open="content"
        )


def _verify_logged(scene: Scene) -> Cases:
    other = NoteKey(ORIGIN, "not in the trust file")
    foreign = NoteKey("other.example/log")
    leaves = [tree.leaf(f"entry {number}".encode()) for number in range(scene.size)]
    named_foreign = replace(scene, note_key=foreign, note_origin=foreign.name)
    named_falsely = replace(scene, note_origin="other.example/log")
    unknown = {
        "other-origin": ("the checkpoint of a log that the trust file does not name", named_foreign),
        "other-origin-same-key": ("another origin above the signature of the log's key", named_falsely),
    }
    for name, (desc, variant) in unknown.items():
        yield _verify(f"logged-{name}", desc, variant, "logged", left_open="signed")
    attempts = {
        "other-key": ("signed by a key that the trust file does not name", replace(scene, note_key=other)),
        "root-of-other-tree": ("a root under which the entry is not", replace(scene, root=tree.root(leaves))),
        "proof-empty": ("no hashes", replace(scene, proof=[])),
        "proof-of-other-leaf": ("the proof of the neighbour", replace(scene, proof=tree.inclusion_proof(2, leaves))),
    }
    for name, (desc, variant) in attempts.items():
        yield _verify(f"logged-{name}", desc, variant, "logged")


def _verify_malformed(scene: Scene) -> Cases:
    files = scene.files()
    entry = statement_words(scene.fields) + SIGNER.sign(digest("Statement", scene.fields, ORIGIN))
    members = {"entry": base64_text(entry), "key": SIGNER.address, "parts": scene.parts}
    extras: dict[str, tuple[str, dict[str, Any]]] = {
        "extra-without-entry": ("no entry", {k: v for k, v in members.items() if k != "entry"}),
        "extra-without-key": ("no key", {k: v for k, v in members.items() if k != "key"}),
        "extra-without-parts": ("no parts", {k: v for k, v in members.items() if k != "parts"}),
        "extra-with-fourth-member": ("a member too many", {**members, "verified": True}),
        "extra-entry-in-hex": ("the entry in hex", {**members, "entry": entry.hex()}),
        "extra-entry-null": ("entry is null", {**members, "entry": None}),
        "extra-key-with-capitals": (
            "capital hex digits in the key",
            {**members, "key": "0x" + SIGNER.address[2:].upper()},
        ),
        "extra-key-without-prefix": ("no 0x before the key", {**members, "key": SIGNER.address[2:]}),
        "extra-key-21-bytes": ("a long key", {**members, "key": SIGNER.address + "00"}),
        "extra-parts-empty": ("no part", {**members, "parts": []}),
        "extra-parts-object": ("an object for the parts", {**members, "parts": {}}),
        "extra-parts-not-canonical": (
            "a part with white space",
            {**members, "parts": [scene.parts[0] + " ", scene.parts[1]]},
        ),
        "extra-leaf-short": (
            "a withheld leaf of 31 bytes",
            {**members, "parts": [scene.parts[0], withheld_part(scene.parts[1], leaf="00" * 31)]},
        ),
        "extra-withheld-without-name": (
            "a withheld part without its name",
            {**members, "parts": [scene.parts[0], {"leaf": withheld_part(scene.parts[1])["leaf"]}]},
        ),
        "extra-withheld-with-third-member": (
            "a withheld part with a member too many",
            {**members, "parts": [scene.parts[0], withheld_part(scene.parts[1], value=1)]},
        ),
    }
    for name, (desc, extra) in extras.items():
        given = replace(scene, entry=entry, extra=extra).files()
        yield Case("verify", f"malformed-{name}", desc, given, error="malformed")
    spaced = json.dumps(dict(sorted(members.items())), ensure_ascii=False).encode()
    plain = base64_text(rfc8785.dumps(members))
    text = files["proof"].replace(plain, base64_text(spaced))
    assert text != files["proof"]
    desc = "extra is JSON with white space"
    yield Case("verify", "malformed-extra-not-canonical", desc, {**files, "proof": text}, error="malformed")
    text = files["proof"].replace(f"extra {plain}", f"extra {base64_text(b'[]')}")
    yield Case("verify", "malformed-extra-array", "extra is an array", {**files, "proof": text}, error="malformed")


def _verify_two_of_one_name() -> Cases:
    """One signature over two parts named `document`, each shown while the other is withheld."""
    one, other = part_text("document", {"result": "阴性"}), part_text("document", {"result": "阳性"}, bytes(32))
    attempts = {
        "first-shown": ("the first is shown", [one, withheld_part(other)]),
        "second-shown": ("the second is shown", [withheld_part(one), other]),
        "both-shown": ("both are shown", [one, other]),
        "both-withheld": ("both are withheld", [withheld_part(one), withheld_part(other)]),
    }
    for name, (desc, parts) in attempts.items():
        desc = f"signed and logged rightly over two parts of one name: {desc}"
        yield Case("verify", f"malformed-one-name-{name}", desc, _scene_of(parts).files(), error="malformed")


def verify_cases() -> Cases:
    """Whole verdicts, offline."""
    scene = _scene()
    yield from _verify_holding(scene)
    yield from _verify_content(scene)
    yield from _verify_signed(scene)
    yield from _verify_logged(scene)
    yield from _verify_malformed(scene)
    yield from _verify_two_of_one_name()


def cases() -> Cases:
    """Both topics."""
    yield from file_cases()
    yield from verify_cases()
