"""Topic `trust`: docs/spec/trust.md."""

import copy
import json
from collections.abc import Callable
from typing import Any

from .standards import CHAIN_ID, ORIGIN, REGISTRY, AccountKey, Case, Cases, NoteKey, keccak256, log_id, pseudo_random
from .vectors_registry import (
    HOSPITAL,
    LOG,
    NOTE_KEY,
    OPERATOR,
    OTHER_HOSPITAL,
    SIGNER,
    Registry,
    every_action,
    heads,
    opened,
)

WITNESS = "0x" + pseudo_random("witness contract")[:20].hex()
SECOND = NoteKey("log.example/second")


def trust_document(changes: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    """A trust file over a list of changes, for the log with one note key."""
    document = {
        "version": 1,
        "chain": {
            "id": CHAIN_ID,
            "genesis": "0x" + pseudo_random("genesis").hex(),
            "finality": {"rule": "confirmations", "blocks": 3},
            "validators": [],
        },
        "contracts": {
            "registry": {"address": REGISTRY, "codeHash": "0x" + keccak256(b"registry code").hex()},
            "witness": {"address": WITNESS, "codeHash": "0x" + keccak256(b"witness code").hex()},
        },
        "logs": [{"origin": ORIGIN, "keys": [NOTE_KEY.verifier_key]}],
        "registry": {"count": len(changes), "head": "0x" + heads(changes)[-1].hex(), "changes": changes},
    }
    return copy.deepcopy({**document, **members})


def trust_text(document: dict[str, Any]) -> str:
    """The file's text; white space is free."""
    return json.dumps(document, ensure_ascii=False, indent=1)


def _two_logs() -> dict[str, Any]:
    registry = opened()
    log = "0x" + log_id(SECOND.name).hex()
    registry.add("log-opened", OPERATOR, log=log)
    registry.add_key(OPERATOR, SECOND.address, "note", log=log, data="0x" + SECOND.public.hex())
    logs = [{"origin": key.name, "keys": [key.verifier_key]} for key in (NOTE_KEY, SECOND)]
    return trust_document(registry.changes, logs=logs)


def _two_keys() -> dict[str, Any]:
    rotated = NoteKey(ORIGIN, "rotated")
    changes = opened().add_key(OPERATOR, rotated.address, "note", data="0x" + rotated.public.hex()).changes
    return trust_document(changes, logs=[{"origin": ORIGIN, "keys": [NOTE_KEY.verifier_key, rotated.verifier_key]}])


def _valid() -> dict[str, tuple[str, dict[str, Any]]]:
    instant = trust_document(opened().changes)
    instant["chain"]["finality"] = {"rule": "instant"}
    finalized = trust_document(opened().changes)
    finalized["chain"]["finality"] = {"rule": "finalized"}
    validators = copy.deepcopy(instant)
    validators["chain"]["validators"] = [AccountKey(f"validator {number}").address for number in range(4)]
    return {
        "opened": ("five changes", trust_document(opened().changes)),
        "every-action": ("all actions", trust_document(every_action().changes)),
        "instant-finality": ("the rule instant has no blocks", instant),
        "finalized-finality": ("the rule finalized has no blocks", finalized),
        "validators": ("four validators", validators),
        "two-logs": ("two logs of one registry", _two_logs()),
        "two-note-keys": ("two note keys of one log", _two_keys()),
        "no-logs": ("a trust file that trusts no log", trust_document(opened().changes, logs=[])),
    }


def _set(*path: Any) -> Callable[[Any], Callable[[dict], None]]:
    """A change of one member: `_set("chain", "id")(5)`."""

    def value(new: Any) -> Callable[[dict], None]:
        def apply(document: dict) -> None:
            place = document
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = new

        return apply

    return value


def _drop(*path: Any) -> Callable[[dict], None]:
    def apply(document: dict) -> None:
        place = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return apply


MEMBERS: list[tuple[Any, ...]] = [
    *[(name,) for name in ("version", "chain", "contracts", "logs", "registry")],
    *[("chain", name) for name in ("id", "genesis", "finality", "validators")],
    ("chain", "finality", "rule"),
    ("chain", "finality", "blocks"),
    *[("contracts", name) for name in ("registry", "witness")],
    *[("contracts", name, member) for name in ("registry", "witness") for member in ("address", "codeHash")],
    *[("logs", 0, name) for name in ("origin", "keys")],
    *[("registry", name) for name in ("count", "head", "changes")],
    *[("registry", "changes", 3, m) for m in ("number", "time", "action", "institution", "role", "log", "key", "data")],
]
OBJECTS: list[tuple[Any, ...]] = [
    (),
    ("chain",),
    ("chain", "finality"),
    ("contracts",),
    ("contracts", "registry"),
    ("logs", 0),
    ("registry",),
    ("registry", "changes", 2),
]


def _malformed() -> dict[str, tuple[str, Callable[[dict], None]]]:
    wrong: dict[str, tuple[str, Callable[[dict], None]]] = {}
    for path in MEMBERS:
        name = "-".join(str(step).lower() for step in path if not isinstance(step, int))
        wrong[f"missing-{name}"] = (f"without {path[-1]}", _drop(*path))
        wrong[f"null-{name}"] = (f"{path[-1]} is null", _set(*path)(None))
    for path in OBJECTS:
        name = "-".join(str(step) for step in path if not isinstance(step, int)) or "file"
        wrong[f"extra-member-in-{name}"] = ("a member that the page does not name", _set(*path, "comment")("x"))
    values: dict[str, tuple[tuple[Any, ...], Any]] = {
        "version-2": (("version",), 2),
        "version-text": (("version",), "1"),
        "version-true": (("version",), True),
        "chain-id-text": (("chain", "id"), "31337"),
        "chain-id-negative": (("chain", "id"), -1),
        "chain-id-float": (("chain", "id"), 31337.0),
        "genesis-without-prefix": (("chain", "genesis"), "11" * 32),
        "genesis-31-bytes": (("chain", "genesis"), "0x" + "11" * 31),
        "genesis-in-capitals": (("chain", "genesis"), "0x" + "AB" * 32),
        "finality-unknown-rule": (("chain", "finality"), {"rule": "probably", "blocks": 3}),
        "finality-instant-with-blocks": (("chain", "finality"), {"rule": "instant", "blocks": 3}),
        "finality-finalized-with-blocks": (("chain", "finality"), {"rule": "finalized", "blocks": 3}),
        "finality-finalized-with-blocks-null": (("chain", "finality"), {"rule": "finalized", "blocks": None}),
        "finality-finalized-in-capitals": (("chain", "finality"), {"rule": "Finalized"}),
        "finality-confirmations-without-blocks": (("chain", "finality"), {"rule": "confirmations"}),
        "finality-confirmations-too-many": (("chain", "finality"), {"rule": "confirmations", "blocks": 10_001}),
        "finality-confirmations-zero": (("chain", "finality"), {"rule": "confirmations", "blocks": 0}),
        "finality-confirmations-negative": (("chain", "finality"), {"rule": "confirmations", "blocks": -1}),
        "finality-confirmations-text": (("chain", "finality"), {"rule": "confirmations", "blocks": "3"}),
        "finality-text": (("chain", "finality"), "instant"),
        "validators-not-addresses": (("chain", "validators"), ["validator"]),
        "validators-text": (("chain", "validators"), "0x" + "11" * 20),
        "address-21-bytes": (("contracts", "witness", "address"), "0x" + "11" * 21),
        "address-with-capitals": (("contracts", "witness", "address"), "0x" + "AB" * 20),
        "code-hash-short": (("contracts", "witness", "codeHash"), "0x11"),
        "logs-object": (("logs",), {}),
        "logs-keys-text": (("logs", 0, "keys"), NOTE_KEY.verifier_key),
        "logs-verifier-key-broken": (("logs", 0, "keys"), ["log.example/huzheng"]),
        "logs-origin-with-space": (("logs", 0, "origin"), "log example"),
        "count-text": (("registry", "count"), "5"),
        "changes-object": (("registry", "changes"), {}),
        "changes-item-array": (("registry", "changes", 0), []),
        "change-action-number": (("registry", "changes", 0, "action"), 1),
        "change-action-unknown": (("registry", "changes", 0, "action"), "renamed"),
        "change-number-text": (("registry", "changes", 0, "number"), "1"),
        "change-time-float": (("registry", "changes", 0, "time"), 1.5),
        "change-institution-with-space": (("registry", "changes", 0, "institution"), "a b"),
        "change-institution-too-long": (("registry", "changes", 0, "institution"), "a" * 33),
        "change-role-hex": (("registry", "changes", 0, "role"), "0x" + "00" * 32),
        "change-key-short": (("registry", "changes", 0, "key"), "0x"),
        "change-data-without-prefix": (("registry", "changes", 0, "data"), "00" * 32),
    }
    wrong |= {
        name: (f"wrong value: {name.replace('-', ' ')}", _set(*path)(value)) for name, (path, value) in values.items()
    }
    return wrong


def _refused_heads() -> dict[str, tuple[str, dict[str, Any]]]:
    base, every = opened().changes, every_action().changes

    def changed(number: int, **members: Any) -> dict[str, Any]:
        """One change edited, the head left as it was."""
        document = trust_document(every)
        document["registry"]["changes"][number - 1] |= members
        return document

    def stated(count: int, head: bytes, changes: list[dict[str, Any]] = base) -> dict[str, Any]:
        """Count and head as given, whatever the changes are."""
        return trust_document(changes, registry={"count": count, "head": "0x" + head.hex(), "changes": changes})

    right, end = heads(base)[-1], "0x" + (43).to_bytes(32, "big").hex()
    renumbered = [{**change, "number": change["number"] + 1} for change in base]
    without_third = [change for change in base if change["number"] != 3]
    return {
        "head-zero": ("a head of zeros", stated(5, bytes(32))),
        "head-of-other-chain": (
            "the head of the same changes on another chain",
            stated(5, heads(base, chain_id=1)[-1]),
        ),
        "head-one-behind": ("the head before the last change", stated(5, heads(base)[-2])),
        "change-edited-time": ("a time edited", changed(4, time=1)),
        "change-edited-institution": ("an institution edited", changed(8, institution=OTHER_HOSPITAL)),
        "change-edited-key": ("a key edited", changed(8, key=AccountKey("stranger").address)),
        "change-edited-end-sequence": ("an end sequence edited", changed(11, data=end)),
        "last-change-left-out": ("a change left out, the head kept", stated(12, heads(every)[-1], every[:-1])),
        "count-too-large": ("count 6 for five changes", stated(6, right)),
        "count-too-small": ("count 4 for five changes", stated(4, right)),
        "numbers-from-two": ("numbers 2 to 6, the head recomputed", trust_document(renumbered)),
        "number-left-out": ("number 3 missing, the head recomputed", trust_document(without_third, logs=[])),
    }


def _refused_keys() -> dict[str, tuple[str, dict[str, Any]]]:
    base = opened().changes

    def logs(*keys: NoteKey, origin: str = ORIGIN) -> dict[str, Any]:
        return trust_document(base, logs=[{"origin": origin, "keys": [key.verifier_key for key in keys]}])

    def third(**members: str) -> dict[str, Any]:
        """The change that admits the note key is another one, the head recomputed."""
        return trust_document([{**change, **members} if change["number"] == 3 else change for change in base])

    stranger = NoteKey(ORIGIN, "stranger")
    return {
        "verifier-key-not-in-registry": ("a verifier key that no change admits", logs(stranger)),
        "verifier-key-second-not-in-registry": ("one key admitted, one not", logs(NOTE_KEY, stranger)),
        "verifier-key-other-name": ("a key under another name than the origin", logs(SECOND)),
        "verifier-key-for-other-origin": ("the admitted key, for another origin", logs(NOTE_KEY, origin=SECOND.name)),
        "verifier-key-of-statement-purpose": ("admitted, but not as a note key", third(role="statement")),
        "verifier-key-of-other-log": ("a note key, but of another log", third(log="0x" + "11" * 32)),
        "verifier-key-other-public-key": (
            "the change holds another public key",
            third(data="0x" + SECOND.public.hex()),
        ),
    }


def cases() -> Cases:
    """Trust files that are taken and that are refused."""
    for name, (desc, document) in _valid().items():
        registry = document["registry"]
        expect = {
            "count": str(registry["count"]),
            "head": registry["head"][2:],
            "origins": [log["origin"] for log in document["logs"]],
        }
        yield Case("trust", f"valid-{name}", desc, {"file": trust_text(document)}, expect)
    for name, (desc, apply) in _malformed().items():
        document = trust_document(opened().changes)
        apply(document)
        yield Case("trust", f"malformed-{name}", desc, {"file": trust_text(document)}, error="malformed")
    good = trust_text(trust_document(opened().changes))
    texts = {
        "empty": ("no text", ""),
        "array": ("an array", "[]"),
        "trailing-text": ("a second value", good + "{}"),
        "duplicate-member": ("version twice", good.replace('"version": 1,', '"version": 1, "version": 1,', 1)),
        "duplicate-member-in-change": ("number twice", good.replace('"number": 1,', '"number": 7, "number": 1,', 1)),
        "nan": ("NaN", good.replace(str(CHAIN_ID), "NaN", 1)),
        "byte-order-mark": ("a byte-order mark", "\ufeff" + good),
        "deep": ("ten thousand arrays deep", "[" * 10_000 + "]" * 10_000),
    }
    for name, (desc, text) in texts.items():
        yield Case("trust", f"malformed-{name}", desc, {"file": text}, error="malformed")
    for name, (desc, document) in {**_refused_heads(), **_refused_keys()}.items():
        yield Case("trust", f"refused-{name}", desc, {"file": trust_text(document)}, error="refused")


__all__ = ["HOSPITAL", "LOG", "SIGNER", "Registry", "cases", "trust_document", "trust_text"]
