// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Encodings} from "./support/Encodings.sol";
import {VectorCase} from "./support/VectorCase.sol";

/// @notice The vectors that transparency-dev/merkle publishes: `HUZHENG_VECTORS` names a folder with
/// `merkle/{inclusion,consistency}/**.json`.
contract PublishedVectorsTest is VectorCase {
    using Encodings for string;

    function test_published_inclusion_vectors() public {
        _run("inclusion");
    }

    function test_published_consistency_vectors() public {
        _run("consistency");
    }

    function runFile(string calldata path) external view override returns (bool mustHold, Outcome outcome) {
        string memory json = vm.readFile(path);
        mustHold = !vm.parseJsonBool(json, ".wantErr");
        bool inclusion = vm.keyExistsJson(json, ".leafIdx");
        string[2] memory names = inclusion ? [".leafHash", ".root"] : [".root1", ".root2"];
        string[] memory proof;
        if (!json.contains('"proof": null')) proof = vm.parseJsonStringArray(json, ".proof");
        bytes[] memory hashes = new bytes[](proof.length + 2);
        for (uint256 i = 0; i < proof.length; ++i) hashes[i] = proof[i].fromBase64();
        for (uint256 i = 0; i < 2; ++i) hashes[proof.length + i] = vm.parseJsonString(json, names[i]).fromBase64();
        (bool sayable, bytes32[] memory words) = toWords(hashes);
        if (!sayable) return (mustHold, Outcome.ByType);
        bytes32[] memory path32 = new bytes32[](proof.length);
        for (uint256 i = 0; i < proof.length; ++i) path32[i] = words[i];
        (bytes32 one, bytes32 two) = (words[proof.length], words[proof.length + 1]);
        uint64 low = _number(json, inclusion ? ".leafIdx" : ".size1");
        uint64 high = _number(json, inclusion ? ".treeSize" : ".size2");
        bool held = inclusion
            ? subject.inclusion(one, low, high, path32, two)
            : subject.consistency(low, high, path32, one, two);
        outcome = judged(held);
    }

    function _number(string memory json, string memory key) private pure returns (uint64) {
        uint256 number = vm.parseJsonUint(json, key);
        check(number <= type(uint64).max, "these vectors have no number outside uint64");
        return uint64(number);
    }

    function _run(string memory topic) private {
        string memory folder = vm.envOr("HUZHENG_VECTORS", "");
        if (bytes(folder).length == 0) {
            vm.skip(true, "HUZHENG_VECTORS is not set");
            return;
        }
        uint256 cases = runFolder(string.concat(folder, "/merkle/", topic), string.concat("published ", topic));
        check(cases > 0, "the folder holds no vector");
    }
}
