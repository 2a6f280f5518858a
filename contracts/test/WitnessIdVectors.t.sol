// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "hardhat/console.sol";

import {CheckpointWitness} from "../CheckpointWitness.sol";
import {InstitutionRegistry} from "../InstitutionRegistry.sol";
import {ICheckpointWitness} from "../interfaces/ICheckpointWitness.sol";
import {Encodings} from "./support/Encodings.sol";
import {TestCase} from "./support/TestCase.sol";
import {Vm} from "./support/Vm.sol";

/// @notice The vectors of docs/spec/vectors/witness-id against `witnessIdOf`.
contract WitnessIdVectorsTest is TestCase {
    using Encodings for string;

    string private constant FOLDER = "docs/spec/vectors/witness-id";

    function test_witness_id_vectors_of_the_specification() public {
        CheckpointWitness witness = new CheckpointWitness(new InstitutionRegistry(address(this)));
        Vm.DirEntry[] memory entries = vm.readDir(FOLDER, 1);
        uint256 outside = 0;
        for (uint256 i = 0; i < entries.length; ++i) {
            string memory json = vm.readFile(entries[i].path);
            if (vm.keyExistsJson(json, ".error")) {
                (bool sayable,) = _head(json);
                if (sayable) console.log("%s", entries[i].path);
                check(!sayable, "malformed, and yet the contract could be asked");
                ++outside;
                continue;
            }
            (, ICheckpointWitness.WitnessedHead memory head) = _head(json);
            bytes32 expected = bytes32(vm.parseJsonString(json, ".expect.witnessId").fromHex());
            same(witness.witnessIdOf(head), expected, entries[i].path);
        }
        console.log("specification witness-id: %d cases, %d refused by type", entries.length, outside);
        check(entries.length > outside, "the folder holds no vector");
    }

    function _head(string memory json) private pure returns (bool, ICheckpointWitness.WitnessedHead memory head) {
        bool[7] memory sayable;
        (sayable[0], head.log) = _word(json, ".input.log");
        (sayable[1], head.oldSize) = vm.parseJsonString(json, ".input.oldSize").toUint64();
        (sayable[2], head.newSize) = vm.parseJsonString(json, ".input.newSize").toUint64();
        (sayable[3], head.root) = _word(json, ".input.root");
        (sayable[4], head.registryHead) = _word(json, ".input.registryHead");
        (sayable[5], head.registryCount) = vm.parseJsonString(json, ".input.registryCount").toUint64();
        (sayable[6], head.parentHash) = _word(json, ".input.parentHash");
        head.timestamp = vm.parseJsonUint(json, ".input.timestamp");
        for (uint256 i = 0; i < 7; ++i) if (!sayable[i]) return (false, head);
        return (true, head);
    }

    function _word(string memory json, string memory key) private pure returns (bool, bytes32) {
        bytes memory data = vm.parseJsonString(json, key).fromHex();
        return (data.length == 32, bytes32(data));
    }
}
