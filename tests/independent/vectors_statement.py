"""Topics `origin`, `statement`, `eip712`, `signature` and `entry`: docs/spec/statement.md and log.md."""

from eth_account import Account
from eth_keys import keys

from .standards import (
    CHAIN_ID,
    ORIGIN,
    REGISTRY,
    SECP256K1_ORDER,
    AccountKey,
    Case,
    Cases,
    flip_bit,
    log_id,
    pseudo_random,
    sha256,
    uint_word,
)
from .typed_data import digest, signable, statement_words

HOSPITAL = "12110000400000000A"
SIGNER = AccountKey("hospital")
STATEMENT = {
    "kind": "report.issued",
    "institution": HOSPITAL,
    "subject": pseudo_random("subject").hex(),
    "sequence": "0",
    "issuedAt": "1790000000",
    "observed": bytes(32).hex(),
    "content": pseudo_random("content").hex(),
}
ORIGINS = {
    "ascii": ("a schema-less URL", ORIGIN),
    "one-byte": ("the shortest", "a"),
    "128-bytes": ("the longest", "log.example/" + "a" * 116),
    "chinese": ("UTF-8 outside ASCII", "log.example/互证"),
    "128-bytes-chinese": ("the limit is in bytes: 42 characters of 3 bytes and 2 of one", "证" * 42 + "ab"),
    "punctuation": ("a port and punctuation", "log.example:8080/~a_b-c.d%20;e=1"),
}
ORIGINS_REFUSED = {
    "empty": ("no origin", ""),
    "129-bytes": ("one byte too long", "a" * 129),
    "129-bytes-chinese": ("43 characters of 3 bytes", "证" * 43),
    "space": ("a space", "log.example/a b"),
    "plus": ("a plus sign", "log.example/a+b"),
    "newline": ("a newline", "log.example\n"),
    "tab": ("a tab", "log.example\ta"),
    "zero-byte": ("U+0000", "log.example\x00"),
    "delete": ("the control character U+007F", "log.example\x7f"),
    "next-line": ("U+0085", "log.example\x85"),
    "no-break-space": ("U+00A0", "log.example\u00a0a"),
    "ideographic-space": ("U+3000", "log.example\u3000a"),
    "line-separator": ("U+2028", "log.example\u2028"),
}


def origin_cases() -> Cases:
    """Log ids."""
    for name, (desc, origin) in ORIGINS.items():
        yield Case("origin", f"valid-{name}", desc, {"origin": origin}, {"log": log_id(origin).hex()})
    for name, (desc, origin) in ORIGINS_REFUSED.items():
        yield Case("origin", name, desc, {"origin": origin}, error="malformed")


def statement_cases() -> Cases:
    """Fields to words."""
    top = str(2**64 - 1)
    changes = {
        "plain": ("an ordinary statement", {}),
        "longest-codes": ("codes of 32 characters", {"kind": "k" * 32, "institution": "I" * 32}),
        "shortest-codes": ("codes of one character, the lowest and the highest", {"kind": "!", "institution": "~"}),
        "largest-numbers": ("2^64-1", {"sequence": top, "issuedAt": top}),
        "observed-a-head": ("observed is not zero", {"observed": pseudo_random("head").hex()}),
        "subject-one-bit": ("a subject of one bit", {"subject": uint_word(1).hex()}),
        "content-zero": ("no rule forbids a content of zeros", {"content": bytes(32).hex()}),
    }
    for name, (desc, change) in changes.items():
        fields = {**STATEMENT, **change}
        yield Case("statement", f"valid-{name}", desc, fields, {"words": statement_words(fields).hex()})
    refused = {
        "subject-zero": ("a subject of zeros", {"subject": bytes(32).hex()}),
        "subject-31-bytes": ("a subject too short", {"subject": "11" * 31}),
        "subject-33-bytes": ("a subject too long", {"subject": "11" * 33}),
        "observed-31-bytes": ("observed too short", {"observed": "11" * 31}),
        "content-33-bytes": ("content too long", {"content": "11" * 33}),
        "sequence-negative": ("-1", {"sequence": "-1"}),
        "sequence-too-large": ("2^64", {"sequence": str(2**64)}),
        "issued-at-negative": ("-1", {"issuedAt": "-1"}),
        "issued-at-too-large": ("2^64", {"issuedAt": str(2**64)}),
    }
    bad_codes = {
        "empty": ("an empty code", ""),
        "33-characters": ("a code of 33 characters", "a" * 33),
        "space": ("a space", "report issued"),
        "only-space": ("a space alone", " "),
        "delete": ("U+007F", "report\x7f"),
        "newline": ("a newline at the end", "report\n"),
        "zero-byte": ("a zero byte at the end", "report\x00"),
        "chinese": ("a letter outside ASCII", "报告"),
        "latin-1": ("é is not ASCII", "reporté"),
    }
    for field in ("kind", "institution"):
        refused |= {f"{field}-{name}": (f"{field}: {desc}", {field: code}) for name, (desc, code) in bad_codes.items()}
    for name, (desc, change) in refused.items():
        yield Case("statement", name, desc, {**STATEMENT, **change}, error="malformed")


def _eip712(name: str, desc: str, structure: str, message: dict, **domain: object) -> Case:
    origin = str(domain.get("origin", ORIGIN))
    chain_id = int(str(domain.get("chain_id", CHAIN_ID)))
    registry = str(domain.get("registry", REGISTRY))
    encoded = signable(structure, message, origin, chain_id, registry)
    given = {
        "structure": structure,
        "chainId": str(chain_id),
        "registry": registry,
        "origin": origin,
        "message": message,
    }
    expect = {
        "log": log_id(origin).hex(),
        "domain": encoded.header.hex(),
        "digest": digest(structure, message, origin, chain_id, registry).hex(),
    }
    return Case("eip712", name, desc, given, expect)


def eip712_cases() -> Cases:
    """Digests of all five structures under several domains."""
    yield _eip712("statement", "the digest is the statement id", "Statement", STATEMENT)
    for chain_id in (1, 1337, 2**53 + 1, 2**64 - 1, 2**255 + 19):
        label = f"statement-chain-{chain_id}" if chain_id < 2**64 else "statement-chain-of-256-bits"
        yield _eip712(label, "another chain, another id", "Statement", STATEMENT, chain_id=chain_id)
    for registry in ("0x" + "00" * 19 + "01", "0x" + "ff" * 20, "0x" + pseudo_random("registry")[:20].hex()):
        name = f"statement-registry-{registry[2:6]}-{registry[-4:]}"
        yield _eip712(name, "another registry, another id", "Statement", STATEMENT, registry=registry)
    for name, (_, origin) in ORIGINS.items():
        yield _eip712(f"statement-origin-{name}", "another log, another id", "Statement", STATEMENT, origin=origin)
    top = str(2**64 - 1)
    largest = {**STATEMENT, "sequence": top, "issuedAt": top, "observed": "ff" * 32, "content": "ff" * 32}
    yield _eip712("statement-largest-numbers", "uint64 and bytes32 at their ends", "Statement", largest)
    for origin in (ORIGIN, "log.example/互证"):
        suffix = "" if origin == ORIGIN else "-origin-chinese"
        log = log_id(origin).hex()
        messages = {
            "KeyConsent": {"institution": HOSPITAL, "log": log, "purpose": "statement", "key": SIGNER.address},
            "Checkpoint": {"log": log, "size": "70000", "root": pseudo_random("root").hex()},
            "Receipt": {"log": log, "accepted": "ab" * 32, "acceptedAt": "1790000000", "witnessBy": "1790000600"},
            "Refusal": {"log": log, "statement": "cd" * 32, "reason": "sequence-gap", "refusedAt": "1790000001"},
        }
        for structure, message in messages.items():
            name = {"KeyConsent": "key-consent"}.get(structure, structure.lower())
            yield _eip712(name + suffix, f"the digest of a {structure}", structure, message, origin=origin)
    empty = {"log": log_id(ORIGIN).hex(), "size": "0", "root": sha256(b"").hex()}
    yield _eip712("checkpoint-empty-log", "size 0 with the empty root", "Checkpoint", empty)


def _infinite_recovery() -> tuple[bytes, bytes]:
    """A digest and signature of the right form whose recovered point is the point at infinity: s·R = z·G."""
    nonce = int.from_bytes(pseudo_random("nonce"), "big") % SECP256K1_ORDER
    point = keys.PrivateKey(uint_word(nonce)).public_key.to_bytes()
    r, parity = int.from_bytes(point[:32], "big"), point[63] % 2
    s = 12345
    return uint_word(s * nonce % SECP256K1_ORDER), uint_word(r) + uint_word(s) + bytes([27 + parity])


def _r_without_point() -> int:
    """The smallest r above 1 that is the x-coordinate of no point: r^3 + 7 has no square root modulo p."""
    prime = 2**256 - 2**32 - 977
    candidate = 2
    while pow(candidate**3 + 7, (prime - 1) // 2, prime) == 1:
        candidate += 1
    return candidate


def signature_cases() -> Cases:
    """Recovery, and every form that is malformed."""
    signed = digest("Statement", STATEMENT, ORIGIN)
    parities = set()
    for number in range(8):
        hashed = pseudo_random(f"digest {number}")
        signature = SIGNER.sign(hashed)
        if signature[64] in parities:
            continue
        parities.add(signature[64])
        given = {"digest": hashed.hex(), "signature": signature.hex()}
        yield Case("signature", f"valid-v-{signature[64]}", f"v = {signature[64]}", given, {"signer": SIGNER.address})
    for name, hashed in (("digest-of-ones", b"\xff" * 32), ("statement", signed)):
        given = {"digest": hashed.hex(), "signature": SIGNER.sign(hashed).hex()}
        yield Case("signature", f"valid-{name}", name.replace("-", " "), given, {"signer": SIGNER.address})
    good = SIGNER.sign(signed)
    flipped = flip_bit(signed, 255)
    other = Account._recover_hash(flipped, signature=good).lower()
    assert other != SIGNER.address
    yield Case(
        "signature",
        "other-digest-other-signer",
        "over another digest the same signature names somebody else: recovery alone proves nothing",
        {"digest": flipped.hex(), "signature": good.hex()},
        {"signer": other},
    )
    for name, (desc, signature) in malformed_signatures(good).items():
        yield Case("signature", name, desc, {"digest": signed.hex(), "signature": signature.hex()}, error="malformed")
    no_point = uint_word(_r_without_point()) + good[32:]
    given = {"digest": signed.hex(), "signature": no_point.hex()}
    yield Case("signature", "r-without-point", "of the right form, but no point has this r", given, error="failed")
    hashed, signature = _infinite_recovery()
    given = {"digest": hashed.hex(), "signature": signature.hex()}
    yield Case(
        "signature",
        "recovers-infinity",
        "of the right form, but the key is the point at infinity",
        given,
        error="failed",
    )


def malformed_signatures(good: bytes) -> dict[str, tuple[str, bytes]]:
    """Every way in which a good signature can be made malformed."""
    r, s, v = good[:32], good[32:64], good[64:]
    order = SECP256K1_ORDER
    negated = uint_word(order - int.from_bytes(s, "big")) + bytes([55 - v[0]])
    return {
        "high-s": ("the other s of the same signature", r + negated),
        "s-just-above-half": ("s = (n+1)/2", r + uint_word(order // 2 + 1) + v),
        "s-zero": ("s = 0", r + bytes(32) + v),
        "s-is-order": ("s = n", r + uint_word(order) + v),
        "s-all-ones": ("s above n", r + b"\xff" * 32 + v),
        "r-zero": ("r = 0", bytes(32) + s + v),
        "r-is-order": ("r = n", uint_word(order) + s + v),
        "r-above-order": ("r = n + 1", uint_word(order + 1) + s + v),
        "r-all-ones": ("r above the field", b"\xff" * 32 + s + v),
        "v-0": ("v = 0", r + s + b"\x00"),
        "v-1": ("v = 1", r + s + b"\x01"),
        "v-26": ("v = 26", r + s + b"\x1a"),
        "v-29": ("v = 29, recovery with r + n", r + s + b"\x1d"),
        "v-30": ("v = 30, recovery with r + n", r + s + b"\x1e"),
        "v-37": ("v = 37, of EIP-155", r + s + b"\x25"),
        "v-255": ("v = 255", r + s + b"\xff"),
        "64-bytes": ("without v", r + s),
        "64-bytes-compact": ("EIP-2098", r + flip_bit(s, 0)),
        "66-bytes": ("a byte too many", good + b"\x00"),
        "empty": ("no signature", b""),
        "all-zero": ("65 zeros", bytes(65)),
    }


def entry_cases() -> Cases:
    """Entries: the fields, the signer, the id and the leaf, or malformed."""
    top = str(2**64 - 1)
    variants = {
        "plain": STATEMENT,
        "largest": {**STATEMENT, "kind": "k" * 32, "sequence": top, "issuedAt": top, "observed": "ff" * 32},
        "smallest": {**STATEMENT, "kind": "!", "institution": "~", "issuedAt": "0", "subject": uint_word(1).hex()},
    }
    domain = {"origin": ORIGIN, "chainId": str(CHAIN_ID), "registry": REGISTRY}
    for name, fields in variants.items():
        hashed = digest("Statement", fields, ORIGIN)
        signature = SIGNER.sign(hashed)
        entry = statement_words(fields) + signature
        expect = {
            "fields": fields,
            "signature": signature.hex(),
            "leaf": sha256(b"\x00" + entry).hex(),
            "statement": hashed.hex(),
            "signer": SIGNER.address,
        }
        yield Case("entry", f"valid-{name}", f"a {name} entry", {"entry": entry.hex(), **domain}, expect)
    words, good = statement_words(STATEMENT), SIGNER.sign(digest("Statement", STATEMENT, ORIGIN))
    for name, (desc, entry) in malformed_entries(words, good).items():
        yield Case("entry", name, desc, {"entry": entry.hex(), **domain}, error="malformed")


def malformed_entries(words: bytes, good: bytes) -> dict[str, tuple[str, bytes]]:
    """Every way in which a good entry can be made malformed."""

    def word(number: int, value: bytes) -> bytes:
        return words[: 32 * (number - 1)] + value + words[32 * number :] + good

    text = b"report.issued"
    refused = {
        "empty": ("no bytes", b""),
        "288-bytes": ("a byte missing", (words + good)[:-1]),
        "290-bytes": ("a byte too many", words + good + b"\x00"),
        "without-signature": ("the words alone", words),
        "twice": ("two entries at once", (words + good) * 2),
        "kind-zero": ("kind is zero", word(1, bytes(32))),
        "kind-right-aligned": ("kind at the wrong end", word(1, text.rjust(32, b"\0"))),
        "kind-with-gap": ("a zero byte within kind", word(1, b"report\0issued".ljust(32, b"\0"))),
        "kind-with-last-byte": ("a character after the padding", word(1, text.ljust(31, b"\0") + b"x")),
        "kind-with-space": ("a space in kind", word(1, b"report issued".ljust(32, b"\0"))),
        "kind-padded-with-spaces": ("kind padded with spaces", word(1, text.ljust(32, b" "))),
        "kind-with-delete": ("U+007F in kind", word(1, b"report\x7f".ljust(32, b"\0"))),
        "kind-with-control-character": ("a newline in kind", word(1, b"report\n".ljust(32, b"\0"))),
        "kind-utf-8": ("UTF-8 in kind", word(1, "报告".encode().ljust(32, b"\0"))),
        "institution-zero": ("institution is zero", word(2, bytes(32))),
        "institution-with-gap": ("a zero byte within institution", word(2, b"1\x002".ljust(32, b"\0"))),
        "institution-high-byte": ("0x80 in institution", word(2, b"1\x80".ljust(32, b"\0"))),
        "subject-zero": ("subject is zero", word(3, bytes(32))),
        "sequence-of-65-bits": ("sequence 2^64", word(4, uint_word(2**64))),
        "sequence-high-bit": ("the highest bit of word 4", word(4, uint_word(2**255))),
        "issued-at-of-65-bits": ("issuedAt 2^64", word(5, uint_word(2**64))),
        "issued-at-high-bit": ("the highest bit of word 5", word(5, uint_word(2**255))),
    }
    same_length = {name: pair for name, pair in malformed_signatures(good).items() if len(pair[1]) == 65}
    return refused | {f"signature-{name}": (desc, words + bad) for name, (desc, bad) in same_length.items()}


def cases() -> Cases:
    """All five topics."""
    yield from origin_cases()
    yield from statement_cases()
    yield from eip712_cases()
    yield from signature_cases()
    yield from entry_cases()
