"""Topics `registry-head`, `attribution`, `witness-id` and `accepted`: docs/spec/registry.md, witness.md, api.md."""

from dataclasses import dataclass, field
from typing import Any

from eth_abi import encode as abi_encode

from .standards import (
    CHAIN_ID,
    ORIGIN,
    REGISTRY,
    AccountKey,
    Case,
    Cases,
    NoteKey,
    code_word,
    keccak256,
    log_id,
    pseudo_random,
    sha256,
    uint_word,
)
from .vectors_statement import HOSPITAL, SIGNER

ACTIONS = {"admitted": 1, "suspended": 2, "resumed": 3, "exited": 4, "log-opened": 5, "key-added": 6, "key-revoked": 7}
CHANGE_TYPES = ["uint64", "uint64", "uint8", "bytes32", "bytes32", "bytes32", "address", "bytes32"]
ZERO_WORD = "0x" + "00" * 32
ZERO_ADDRESS = "0x" + "00" * 20
LOG = "0x" + log_id(ORIGIN).hex()
OTHER_LOG = "0x" + log_id("other.example/log").hex()
OPERATOR = "12110000400000001B"
OTHER_HOSPITAL = "12310000400000002C"
NOTE_KEY = NoteKey(ORIGIN)
CHECKPOINT_KEY = AccountKey("checkpoint")


def change_words(change: dict[str, Any]) -> bytes:
    """abi.encode of one change, 256 bytes, by eth-abi."""
    values = (
        change["number"],
        change["time"],
        ACTIONS[change["action"]],
        code_word(change["institution"]),
        code_word(change["role"]),
        bytes.fromhex(change["log"][2:]),
        change["key"],
        bytes.fromhex(change["data"][2:]),
    )
    return abi_encode(CHANGE_TYPES, values)


def heads(changes: list[dict[str, Any]], chain_id: int = CHAIN_ID, registry: str = REGISTRY) -> list[bytes]:
    """head_0 to head_n."""
    chain = [keccak256(abi_encode(["uint256", "address"], [chain_id, registry]))]
    for change in changes:
        chain.append(keccak256(chain[-1] + keccak256(change_words(change))))
    return chain


@dataclass
class Registry:
    """Collects numbered changes, one block every ten seconds."""

    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, action: str, institution: str, **members: str) -> "Registry":
        """Append one change; members that are not given are zero."""
        blank = {"role": "", "log": ZERO_WORD, "key": ZERO_ADDRESS, "data": ZERO_WORD}
        number = len(self.changes) + 1
        head = {"number": number, "time": 1_790_000_000 + 10 * number, "action": action, "institution": institution}
        self.changes.append({**head, **blank, **members})
        return self

    def add_key(
        self, institution: str, address: str, purpose: str = "statement", log: str = LOG, data: str = ZERO_WORD
    ) -> "Registry":
        """Append `key-added`."""
        return self.add("key-added", institution, role=purpose, log=log, key=address, data=data)

    def revoke(
        self, institution: str, address: str, end_sequence: int, purpose: str = "statement", log: str = LOG
    ) -> "Registry":
        """Append `key-revoked`."""
        data = "0x" + uint_word(end_sequence).hex()
        return self.add("key-revoked", institution, role=purpose, log=log, key=address, data=data)


def opened() -> Registry:
    """A registry with an operator, an open log and two hospitals: five changes."""
    registry = Registry()
    registry.add("admitted", OPERATOR, role="operator", data="0x" + pseudo_random("acceptance").hex())
    registry.add("log-opened", OPERATOR, log=LOG)
    registry.add_key(OPERATOR, NOTE_KEY.address, "note", data="0x" + NOTE_KEY.public.hex())
    registry.add("admitted", HOSPITAL, role="hospital")
    registry.add("admitted", OTHER_HOSPITAL, role="hospital")
    return registry


def every_action() -> Registry:
    """A registry in which every action occurs: 13 changes."""
    registry = opened()
    registry.add("admitted", HOSPITAL, role="laboratory")
    registry.add_key(OPERATOR, CHECKPOINT_KEY.address, "checkpoint")
    registry.add_key(HOSPITAL, SIGNER.address)
    registry.add("suspended", HOSPITAL, data="0x" + code_word("licence-under-review").hex())
    registry.add("resumed", HOSPITAL)
    registry.revoke(HOSPITAL, SIGNER.address, 42)
    registry.revoke(OPERATOR, CHECKPOINT_KEY.address, 0, "checkpoint")
    registry.add("exited", HOSPITAL, data="0x" + code_word(OTHER_HOSPITAL).hex())
    return registry


def head_cases() -> Cases:
    """Changes to words to heads."""
    largest = {
        "number": 1,
        "time": 2**53 - 1,
        "action": "key-revoked",
        "institution": "~" * 32,
        "role": "!" * 32,
        "log": "0x" + "ff" * 32,
        "key": "0x" + "ff" * 20,
        "data": "0x" + "ff" * 32,
    }
    lists = {
        "no-changes": ("head_0", [], CHAIN_ID, REGISTRY),
        "no-changes-other-chain": ("head_0 of another chain", [], 1, REGISTRY),
        "no-changes-other-registry": ("head_0 of another registry", [], CHAIN_ID, "0x" + "11" * 20),
        "no-changes-chain-of-256-bits": ("head_0 of a chain id of 256 bits", [], 2**255 + 19, REGISTRY),
        "one-change": ("head_1", opened().changes[:1], CHAIN_ID, REGISTRY),
        "opened": ("five changes", opened().changes, CHAIN_ID, REGISTRY),
        "every-action": ("all seven actions", every_action().changes, CHAIN_ID, REGISTRY),
        "largest-values": ("every member at its largest", [largest], CHAIN_ID, REGISTRY),
    }
    for name, (desc, changes, chain_id, address) in lists.items():
        given = {"chainId": str(chain_id), "registry": address, "changes": changes}
        expect = {
            "words": [change_words(change).hex() for change in changes],
            "heads": [head.hex() for head in heads(changes, chain_id, address)],
        }
        yield Case("registry-head", f"valid-{name}", desc, given, expect)
    first, second, third = opened().changes[:3]
    refused = {
        "number-from-zero": [{**first, "number": 0}],
        "number-from-two": [{**first, "number": 2}],
        "number-twice": [first, {**second, "number": 1}],
        "number-left-out": [first, {**second, "number": 3}],
        "order-exchanged": [second, first],
        "action-unknown": [{**first, "action": "renamed"}],
        "action-in-capitals": [{**first, "action": "Admitted"}],
        "action-empty": [{**first, "action": ""}],
        "institution-too-long": [{**first, "institution": "a" * 33}],
        "institution-with-space": [{**first, "institution": "a b"}],
        "role-with-zero-byte": [{**first, "role": "operator\x00"}],
        "log-31-bytes": [first, second, {**third, "log": "0x" + "11" * 31}],
        "key-19-bytes": [first, second, {**third, "key": "0x" + "11" * 19}],
        "data-33-bytes": [{**first, "data": "0x" + "11" * 33}],
        "time-negative": [{**first, "time": -1}],
        "time-2-64": [{**first, "time": 2**64}],
    }
    for name, changes in refused.items():
        given = {"chainId": str(CHAIN_ID), "registry": REGISTRY, "changes": changes}
        error = "refused" if name.startswith(("number", "order")) else "malformed"
        yield Case("registry-head", name, f"a list that is refused: {name.replace('-', ' ')}", given, error=error)


def event(old_size: int, new_size: int, registry_count: int) -> dict[str, str]:
    """The members of a `Witnessed` event that attribution needs."""
    return {"oldSize": str(old_size), "newSize": str(new_size), "registryCount": str(registry_count)}


def _entry(index: int, sequence: int, signer: str = SIGNER.address, institution: str = HOSPITAL) -> dict[str, Any]:
    return {"index": str(index), "sequence": str(sequence), "signer": signer, "institution": institution}


def judge(
    changes: list[dict[str, Any]], events: list[dict[str, str]], entry: dict[str, Any], log: str = LOG
) -> dict[str, Any]:
    """The rule of attribution, word for word; `rule` is the number of the first condition that is not met."""
    index, sequence = int(entry["index"]), int(entry["sequence"])
    covering = [e for e in events if int(e["oldSize"]) <= index < int(e["newSize"])]
    if not covering:
        return {"covered": False, "speaks": False, "rule": None}
    known = changes[: int(covering[0]["registryCount"])]
    ours = [c for c in known if c["key"] == entry["signer"] and c["log"] == log]
    added = [
        c
        for c in ours
        if c["action"] == "key-added" and c["role"] == "statement" and c["institution"] == entry["institution"]
    ]
    if not added:
        return {"covered": True, "speaks": False, "rule": 3}
    for change in ours:
        if change["action"] == "key-revoked" and sequence >= int(change["data"], 16):
            return {"covered": True, "speaks": False, "rule": 4}
    return {"covered": True, "speaks": True, "rule": None}


Attempt = tuple[str, list[dict[str, Any]], list[dict[str, str]], dict[str, Any], bool, int | None]


def _key_added() -> Registry:
    """Six changes, the sixth admits the key."""
    return opened().add_key(HOSPITAL, SIGNER.address)


def _admissions() -> dict[str, Attempt]:
    six, stranger = _key_added().changes, AccountKey("stranger").address
    covered, in_two = [event(0, 10, 6)], [event(0, 5, 5), event(5, 10, 6)]
    plain, foreign = _entry(0, 0), _entry(0, 0, institution=OTHER_HOSPITAL)
    checkpoint_only = opened().add_key(HOSPITAL, SIGNER.address, "checkpoint").changes
    receipt_only = opened().add_key(HOSPITAL, SIGNER.address, "receipt").changes
    other_log = opened().add_key(HOSPITAL, SIGNER.address, log=OTHER_LOG).changes
    unknown = _entry(0, 0, institution="nobody")
    return {
        "speaks": ("admitted before the head", six, covered, plain, True, None),
        "speaks-last-index": ("the last entry that the head covers", six, covered, _entry(9, 9), True, None),
        "not-covered-next-index": ("index = newSize", six, covered, _entry(10, 10), False, None),
        "not-covered-no-event": ("no head yet", six, [], plain, False, None),
        "key-unknown": ("nobody admitted the key", six, covered, _entry(0, 0, stranger), False, 3),
        "other-institution": ("the key is of another institution", six, covered, foreign, False, 3),
        "institution-unknown": ("an institution that is not there", six, covered, unknown, False, 3),
        "purpose-checkpoint": ("a key for checkpoints", checkpoint_only, covered, plain, False, 3),
        "purpose-receipt": ("a key for receipts", receipt_only, covered, plain, False, 3),
        "other-log": ("a key of another log", other_log, covered, plain, False, 3),
        "admitted-after-head": ("the head counts five changes", six, [event(0, 10, 5)], plain, False, 3),
        "first-head-decides-before": ("covered first before the admission", six, in_two, _entry(4, 0), False, 3),
        "first-head-decides-after": ("covered first after the admission", six, in_two, _entry(5, 0), True, None),
        "registry-empty-at-head": ("count 0", six, [event(0, 10, 0)], plain, False, 3),
    }


def _revocations() -> dict[str, Attempt]:
    def revoked(end: int) -> list[dict[str, Any]]:
        return _key_added().revoke(HOSPITAL, SIGNER.address, end).changes

    seven, late, top = [event(0, 10, 7)], [event(0, 5, 6), event(5, 10, 7)], 2**64 - 1
    suspended = _key_added().add("suspended", HOSPITAL).changes
    exited = _key_added().add("exited", HOSPITAL, data="0x" + code_word(OTHER_HOSPITAL).hex()).changes
    successor = _entry(0, 0, institution=OTHER_HOSPITAL)
    return {
        "revoked-below-end": ("sequence 6, end 7", revoked(7), seven, _entry(6, 6), True, None),
        "revoked-at-end": ("sequence 7, end 7", revoked(7), seven, _entry(7, 7), False, 4),
        "revoked-above-end": ("sequence 8, end 7", revoked(7), seven, _entry(8, 8), False, 4),
        "revoked-from-zero": ("end 0 takes all", revoked(0), seven, _entry(0, 0), False, 4),
        "revoked-end-largest": ("end 2^64-1, one below", revoked(top), seven, _entry(0, top - 1), True, None),
        "revoked-at-largest": ("sequence and end 2^64-1", revoked(top), seven, _entry(0, top), False, 4),
        "revoked-after-head": ("what was witnessed before stands", revoked(3), late, _entry(4, 4), True, None),
        "revoked-before-next-head": ("the next head counts it", revoked(3), late, _entry(5, 5), False, 4),
        "revoked-not-at-head": ("count 6 has no change 7", revoked(0), [event(0, 10, 6)], _entry(0, 0), True, None),
        "suspended": ("suspension takes nothing", suspended, seven, _entry(0, 0), True, None),
        "exited": ("exit takes nothing", exited, seven, _entry(0, 0), True, None),
        "successor-does-not-inherit-key": ("the old key for the successor", exited, seven, successor, False, 3),
    }


def attribution_cases() -> Cases:
    """One entry each, judged against changes and events."""
    for name, (desc, changes, events, entry, speaks, rule) in {**_admissions(), **_revocations()}.items():
        verdict = judge(changes, events, entry)
        assert (verdict["speaks"], verdict["rule"]) == (speaks, rule), (name, verdict)
        given = {"log": LOG[2:], "changes": changes, "events": events, "entry": entry}
        yield Case("attribution", name, desc, given, verdict)


def witness_id(values: dict[str, str]) -> bytes:
    """keccak256(abi.encode(the eight values))."""
    types = ["bytes32", "uint64", "uint64", "bytes32", "bytes32", "uint64", "uint256", "bytes32"]
    word = bytes.fromhex
    return keccak256(
        abi_encode(
            types,
            [
                word(values["log"]),
                int(values["oldSize"]),
                int(values["newSize"]),
                word(values["root"]),
                word(values["registryHead"]),
                int(values["registryCount"]),
                int(values["timestamp"]),
                word(values["parentHash"]),
            ],
        )
    )


def witness_id_cases() -> Cases:
    """Names of heads."""
    plain = {
        "log": LOG[2:],
        "oldSize": "5",
        "newSize": "9",
        "root": pseudo_random("head root").hex(),
        "registryHead": heads(opened().changes)[-1].hex(),
        "registryCount": "5",
        "timestamp": "1790000123",
        "parentHash": pseudo_random("parent").hex(),
    }
    top = str(2**64 - 1)
    variants = {
        "plain": ("an ordinary head", {}),
        "first-head": ("from the empty log", {"oldSize": "0", "newSize": "1"}),
        "sizes-exchanged-differ": ("9 and 5 in place of 5 and 9 is another name", {"oldSize": "9", "newSize": "5"}),
        "other-parent": ("another block before", {"parentHash": pseudo_random("other parent").hex()}),
        "zeros": (
            "all zero",
            {name: "0" if value.isdecimal() and len(value) < 64 else "00" * 32 for name, value in plain.items()},
        ),
        "largest": (
            "all at their largest",
            {
                **{name: "ff" * 32 for name in ("log", "root", "registryHead", "parentHash")},
                "oldSize": top,
                "newSize": top,
                "registryCount": top,
                "timestamp": str(2**256 - 1),
            },
        ),
    }
    for name, (desc, change) in variants.items():
        values = {**plain, **change}
        yield Case("witness-id", name, desc, values, {"witnessId": witness_id(values).hex()})


def accepted_cases() -> Cases:
    """The hash that a receipt signs."""
    ids = [pseudo_random(f"statement {number}") for number in range(3)]
    lists = {
        "one": ("one statement", [(ids[0], 0)]),
        "three": ("three statements", [(ids[0], 7), (ids[1], 8), (ids[2], 9)]),
        "order-of-answer": ("in the order of the answer, not of the indexes", [(ids[2], 9), (ids[0], 7), (ids[1], 8)]),
        "twice": ("a statement that was sent twice in one request", [(ids[0], 7), (ids[0], 7)]),
        "largest-index": ("index 2^63-1", [(ids[0], 2**63 - 1)]),
        "refused-left-out": (
            "refused items carry no index and are left out",
            [(ids[0], 7), (ids[1], None), (ids[2], 8)],
        ),
    }
    for name, (desc, results) in lists.items():
        data = b"".join(statement + index.to_bytes(8, "big") for statement, index in results if index is not None)
        given = {"results": [{"statement": s.hex(), "index": None if i is None else str(i)} for s, i in results]}
        yield Case("accepted", name, desc, given, {"accepted": sha256(data).hex()})


def cases() -> Cases:
    """All four topics."""
    yield from head_cases()
    yield from attribution_cases()
    yield from witness_id_cases()
    yield from accepted_cases()
