"""Headers, seals and receipts of chains that others ran (tests/core/block/data/README.md)."""

import json
from pathlib import Path
from typing import Any

import pytest

from anchors.chain.block_capture import read_header, read_receipt
from anchors.core.block.consensus import Consensus
from anchors.core.block.header import Header
from anchors.core.block.receipts import find_receipt, prove_receipt, read_logs
from anchors.core.block.seals import block_hash, consensus_of, read_extra, sealers
from anchors.core.encoding import keccak256

DATA = Path(__file__).parent / "data"


def data(name: str) -> dict[str, Any]:
    return json.loads((DATA / name).read_text())


def hexes(values: list[str]) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, values))


def with_extra(extra: str) -> Header:
    """A header with this extra data; the rest is that of a published one."""
    header = Header.decode(bytes.fromhex(data("besu-qbft-header.json")["header"]))
    return header.with_extra(bytes.fromhex(extra))


@pytest.mark.parametrize(
    ("consensus", "for_seals_end", "for_hash_end"),
    [(Consensus.QBFT, "83fedcbac0", "80c0"), (Consensus.IBFT2, "8400fedcba", "81ff")],
)
def test_extra_data_of_besu_is_read_as_besu_says(consensus: Consensus, for_seals_end: str, for_hash_end: str) -> None:
    published = data("besu-extra-data.json")
    extra = read_extra(with_extra(published[consensus]), consensus)
    says = published["says"]
    assert (extra.validators, extra.seals) == (hexes(says["validators"]), hexes(says["seals"]))
    assert extra.for_seals.hex().endswith(for_seals_end)
    assert extra.for_hash.hex().endswith(for_hash_end)
    assert says["vote"] in extra.for_hash.hex()


def test_a_block_of_a_besu_qbft_network_is_sealed_by_three_of_its_four() -> None:
    published = data("besu-qbft-header.json")
    header = Header.decode(bytes.fromhex(published["header"]))
    extra = read_extra(header, Consensus.QBFT)
    assert (header.number, header.timestamp) == (published["number"], published["timestamp"])
    assert extra.validators == hexes(published["validators"])
    assert keccak256(header.with_extra(extra.for_seals).encode()).hex() == published["sealed"]
    found = sealers(header, extra)
    assert len(set(found)) == 3 and set(found) < set(extra.validators)


def test_a_block_of_an_ibft2_network_is_sealed_by_three_of_its_four() -> None:
    published = data("besu-ibft2-header.json")
    header = Header.decode(bytes.fromhex(published["header"]))
    extra = read_extra(header, Consensus.IBFT2)
    assert header.number == published["number"]
    assert extra.validators == hexes(published["validators"])
    found = sealers(header, extra)
    assert len(set(found)) == 3 and set(found) < set(extra.validators)


@pytest.mark.parametrize("place", range(3))
def test_blocks_of_the_execution_apis_hash_to_their_hash(place: int) -> None:
    wire = data("execution-apis.json")["blocks"][place]
    header = read_header(wire)
    assert block_hash(header, Consensus.NONE).hex() == wire["hash"][2:]
    assert Header.decode(header.encode()) == header
    assert consensus_of(header, bytes.fromhex(wire["hash"][2:])) is Consensus.NONE
    assert consensus_of(header, bytes(32)) is None


@pytest.mark.parametrize(("place", "number"), [(0, "0x1"), (2, "0x9")])
def test_receipts_of_the_execution_apis_lead_to_their_root(place: int, number: str) -> None:
    published = data("execution-apis.json")
    header = read_header(published["blocks"][place])
    receipts = [read_receipt(wire) for wire in published["receipts"][number]]
    for index, receipt in enumerate(receipts):
        root, nodes = prove_receipt(receipts, index)
        assert root == header.receipts_root
        assert find_receipt(root, index, nodes) == receipt
        assert read_logs(receipt) == ()
