"""What a header proves: its hash is its content, its seal a validator's, and the same header is judged years later."""

import json
from pathlib import Path

import pytest

from scripts.anvil import RpcError
from tests.validators.network import BUILD_AND_TEST_SECONDS, COUNT, Network
from tests.validators.seals import block_hash, signer_of

DATA = Path(__file__).parent / "data"
TURN = COUNT // 2 + 1
pytestmark = pytest.mark.timeout(BUILD_AND_TEST_SECONDS)


def test_every_header_is_sealed_by_a_validator_and_nobody_seals_twice_in_three_blocks(fee_network: Network) -> None:
    fee_network.wait_blocks(COUNT)
    node = fee_network[0]
    validators = {one.address for one in fee_network.validators}
    headers = [node.block(number) for number in range(1, node.height + 1)]
    assert all(block_hash(header) == header["hash"] for header in headers)
    signers = [signer_of(header) for header in headers]
    assert set(signers) <= validators
    for start in range(len(signers) - TURN + 1):
        assert len(set(signers[start : start + TURN])) == TURN


def test_a_flipped_bit_in_a_header_names_nobody_we_know(fee_network: Network) -> None:
    header = fee_network[0].block(2)
    validators = {one.address for one in fee_network.validators}
    for name in ("stateRoot", "receiptsRoot", "parentHash"):
        flipped = hex(int(header[name], 16) ^ 1)[2:].rjust(len(header[name]) - 2, "0")
        assert signer_of(header | {name: f"0x{flipped}"}) not in validators


def test_the_captured_header_is_still_what_it_was() -> None:
    captured = json.loads((DATA / "clique-header.json").read_text())
    header = captured["header"]
    assert block_hash(header) == header["hash"]
    assert signer_of(header) == captured["signer"] in captured["validators"]


def test_this_consensus_has_no_finality_of_its_own(fee_network: Network) -> None:
    for tag in ("finalized", "safe"):
        try:
            fee_network[0].block(tag)
        except RpcError as refused:
            assert str(refused) == f"eth_getBlockByNumber: {tag} block not found"
        else:
            raise AssertionError(f"the node has a {tag} block")
