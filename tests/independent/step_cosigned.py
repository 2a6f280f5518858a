"""Step 17, `cosigned`: docs/spec/cosigning.md, C2SP tlog-cosignature (cosignature/v1) and tlog-policy."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .evidence_forms import Unprovable, require, unbase64
from .standards import sha256

if TYPE_CHECKING:
    from .evidence import Package

ED25519_COSIGNATURE = b"\x04"
Cosigned = Callable[[set[str]], bool]


def cosigned(package: "Package") -> None:
    """The witnesses of the trust file, over the text of the checkpoint."""
    package.need("checkpoint", "witnesses")
    keys, quorum = package.witnesses
    text, _, lines = package.file("checkpoint.txt").rpartition(b"\n\n")
    signed = set()
    for line in lines.decode().splitlines():
        _, name, encoded = line.split(" ")
        signature = unbase64(encoded)
        for witness, (known, key_id, public) in keys.items():
            if (name, signature[:4]) == (known, key_id):
                verify(public, signature[4:], text + b"\n")
                signed.add(witness)
    if not quorum(signed):
        raise Unprovable(f"no quorum: {', '.join(sorted(signed)) or 'nobody'} cosigned")


def verify(public: bytes, timed: bytes, text: bytes) -> None:
    """tlog-cosignature, Ed25519 signed message."""
    time = int.from_bytes(timed[:8], "big")
    require(len(timed) == 72 and time < 1 << 63, "form of a cosignature")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(timed[8:], b"cosignature/v1\ntime %d\n" % time + text)
    except InvalidSignature:
        require(False, "a cosignature does not verify")


def read_policy(lines: Iterable[str]) -> tuple[dict[str, tuple[str, bytes, bytes]], Cosigned]:
    """Witnesses by their name in the policy, and whether those who cosigned are enough. `Refused` where it is none."""
    witnesses: dict[str, tuple[str, bytes, bytes]] = {}
    rules: dict[str, Cosigned] = {}
    quorums: list[Cosigned] = []
    for line in lines:
        require(not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), "a control character")
        words = re.findall(r"[^ \t]+", line)
        if not words or words[0].startswith("#"):
            continue
        require(not quorums, "a line behind the quorum")
        what, name, *rest = words
        if what == "quorum":
            require(name in {*rules, "none"} and not rest, "quorum")
            quorums.append(rules.get(name, lambda _: True))
            continue
        require(name not in {*rules, "none"}, f"the name {name} twice")
        if what == "witness":
            require(len(rest) in (1, 2), "witness")
            witnesses[name] = read_key(rest[0])
            rules[name] = (lambda one: lambda who: one in who)(name)
        else:
            require(what == "group" and len(rest) > 1, f"a line {what!r}")
            rules[name] = group(rest[0], rest[1:], rules)
    require(len(quorums) == 1 and len(witnesses) <= 15, "quorums or witnesses")
    require(len({public for *_, public in witnesses.values()}) == len(witnesses), "a witness twice")
    return witnesses, quorums[0]


def group(threshold: str, names: list[str], rules: dict[str, Cosigned]) -> Cosigned:
    """k of its members, which stand above it."""
    require(len(set(names)) == len(names) and set(names) <= set(rules), "members of a group")
    members = [rules[name] for name in names]
    threshold = {"any": "1", "all": str(len(names))}.get(threshold, threshold)
    require(re.fullmatch("[1-9][0-9]{0,2}", threshold, re.ASCII) and int(threshold) <= len(names), "threshold")
    return lambda who: sum(member(who) for member in members) >= int(threshold)


def read_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, key id and public key of a witness."""
    name, key_id, encoded = text.split("+", 2)
    typed = unbase64(encoded)
    require(len(typed) == 33 and typed[:1] == ED25519_COSIGNATURE, "type of a witness key")
    require(key_id == sha256(name.encode() + b"\n" + typed)[:4].hex(), "key id of a witness")
    return name, bytes.fromhex(key_id), typed[1:]
