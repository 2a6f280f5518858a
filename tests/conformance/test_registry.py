"""Topics `registry-head`, `attribution`, `witness-id` and `accepted`."""

from typing import Any

import pytest

from anchors import VerificationFailed
from anchors.core.block.head import witness_id
from anchors.core.encoding import decode_hex
from anchors.core.promise import accepted_hash
from anchors.core.registry import Change, Registry, check_attribution, initial_head, next_head, parse_action
from tests.conformance.vectors import Vector, hexes, of_topic
from tests.independent.standards import CHAIN_ID, REGISTRY


def change_of(members: dict[str, Any]) -> Change:
    """A change as the trust file writes it."""
    return Change(
        number=members["number"],
        time=members["time"],
        action=parse_action(members["action"]),
        institution=members["institution"],
        role=members["role"],
        log=decode_hex(members["log"], 32, "log"),
        key=decode_hex(members["key"], 20, "key"),
        data=decode_hex(members["data"], 32, "data"),
    )


@of_topic("registry-head")
def test_registry_head(vector: Vector) -> None:
    chain_id, address = int(vector.input["chainId"]), decode_hex(vector.input["registry"], 20, "registry")

    def attempt() -> dict:
        changes = [change_of(members) for members in vector.input["changes"]]
        if vector.error:
            Registry.fold(chain_id, address, changes)
        heads = [initial_head(chain_id, address)]
        for change in changes:
            heads.append(next_head(heads[-1], change))
        return {"words": hexes(change.encode() for change in changes), "heads": hexes(heads)}

    vector.check(attempt)


@of_topic("attribution")
def test_attribution(vector: Vector) -> None:
    given, entry = vector.input, vector.input["entry"]
    index = int(entry["index"])
    covering = next((e for e in given["events"] if int(e["oldSize"]) <= index < int(e["newSize"])), None)
    assert (covering is not None) == vector.expect["covered"]
    if covering is None:  # nothing is attributed before a head covers it
        assert not vector.expect["speaks"]
        return
    changes = [change_of(members) for members in given["changes"]]
    registry = Registry.fold(CHAIN_ID, decode_hex(REGISTRY, 20, "registry"), changes)
    key = registry.keys.get(decode_hex(entry["signer"], 20, "signer"))

    def judge() -> None:
        count = int(covering["registryCount"])
        check_attribution(key, bytes.fromhex(given["log"]), entry["institution"], int(entry["sequence"]), count)

    if vector.expect["speaks"]:
        judge()
        return
    with pytest.raises(VerificationFailed) as caught:
        judge()
    assert ("revoked" in str(caught.value)) == (vector.expect["rule"] == 4)


@of_topic("accepted")
def test_accepted(vector: Vector) -> None:
    results = vector.input["results"]
    accepted = [(bytes.fromhex(r["statement"]), int(r["index"])) for r in results if r["index"] is not None]
    vector.check(lambda: {"accepted": accepted_hash(accepted).hex()})


@of_topic("witness-id")
def test_witness_id(vector: Vector) -> None:
    given = vector.input
    hashes = {name: bytes.fromhex(given[name]) for name in ("log", "root", "registryHead", "parentHash")}
    sizes = int(given["oldSize"]), int(given["newSize"])
    count, timestamp = int(given["registryCount"]), int(given["timestamp"])
    values = (hashes["log"], *sizes, hashes["root"], hashes["registryHead"], count, timestamp, hashes["parentHash"])
    vector.check(lambda: {"witnessId": witness_id(*values).hex()})
