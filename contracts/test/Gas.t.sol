// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "hardhat/console.sol";

import {ForkedTree} from "./support/Rfc9162Tree.sol";
import {World} from "./support/World.sol";

/// @notice What a second head costs as a whole transaction: 21,000, calldata and the call. `scripts/measure_gas.py` has
/// the same figures from the receipts of a chain.
contract GasTest is World {
    uint256 private constant BOUND = 110_000;

    ForkedTree private _tree;

    function setUp() public {
        makeWorld();
        _tree = new ForkedTree();
        _tree.branch(700, keccak256("tail"));
        _open("small", 1_021);
        _open("middle", 1_044_481);
        _open("large", 2 ** 30 - 4_095);
    }

    function test_gas_from_1021_to_5117() public {
        _measure("small", 1_021, 5_117, 14);
    }

    function test_gas_from_1044481_to_1048577() public {
        _measure("middle", 1_044_481, 1_048_577, 22);
    }

    function test_gas_from_2_30_less_4095_to_2_30_and_1() public {
        _measure("large", 2 ** 30 - 4_095, 2 ** 30 + 1, 32);
    }

    function _measure(string memory origin, uint64 oldSize, uint64 newSize, uint256 hashes) private {
        bytes32 log = keccak256(bytes(origin));
        bytes32 root = _tree.rootAt(newSize);
        bytes32[] memory proof = _tree.consistency(oldSize, newSize);
        same(proof.length, hashes, "hashes in the proof");
        bytes memory signature = checkpointBy(uint256(log), log, newSize, root);
        bytes memory data = abi.encodeCall(witness.witness, (log, oldSize, newSize, root, proof, signature));
        uint256 fixedGas = 21_000;
        for (uint256 i = 0; i < data.length; ++i) fixedGas += data[i] == 0 ? 4 : 16;
        address target = address(witness);
        witness.registry(); // a transaction's own target is not charged for being touched first
        uint256 gasUsed = fixedGas;
        bool done;
        // In assembly because `target.call(call)` copies the call first, which no transaction pays for.
        assembly ("memory-safe") {
            let gasBefore := gas()
            done := call(gas(), target, 0, add(data, 0x20), mload(data), 0, 0)
            gasUsed := add(gasUsed, sub(gasBefore, gas()))
        }
        check(done, "the head moved");
        console.log("from %d to %d leaves:", oldSize, newSize);
        console.log("  %d hashes, %d gas", hashes, gasUsed);
        check(gasUsed <= BOUND, "more than 110,000 gas");
    }

    function _open(string memory origin, uint64 size) private {
        bytes32 log = registry.openLog(origin, OPERATOR);
        bytes memory consent = consentOf(OPERATOR, log, CHECKPOINT, uint256(log));
        registry.addKey(OPERATOR, log, CHECKPOINT, vm.addr(uint256(log)), 0, consent);
        bytes32 root = _tree.rootAt(size);
        witness.witness(log, 0, size, root, none(), checkpointBy(uint256(log), log, size, root));
    }
}
