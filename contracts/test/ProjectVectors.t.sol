// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Encodings} from "./support/Encodings.sol";
import {VectorCase} from "./support/VectorCase.sol";

/// @notice The Merkle vectors of docs/spec/vectors.
contract ProjectVectorsTest is VectorCase {
    using Encodings for string;

    string private constant FOLDER = "docs/spec/vectors/";

    function test_inclusion_vectors_of_the_specification() public {
        _run("inclusion");
    }

    function test_consistency_vectors_of_the_specification() public {
        _run("consistency");
    }

    function runFile(string calldata path) external view override returns (bool mustHold, Outcome outcome) {
        string memory json = vm.readFile(path);
        mustHold = !vm.keyExistsJson(json, ".error");
        check(mustHold == vm.keyExistsJson(json, ".expect"), "a case has either expect or error");
        bool inclusion = vm.keyExistsJson(json, ".input.leaf");
        string[] memory proof = vm.parseJsonStringArray(json, ".input.proof");
        bytes[] memory hashes = new bytes[](proof.length + 2);
        for (uint256 i = 0; i < proof.length; ++i) hashes[i] = proof[i].fromHex();
        hashes[proof.length] = _text(json, inclusion ? "leaf" : "oldRoot").fromHex();
        hashes[proof.length + 1] = _text(json, inclusion ? "root" : "newRoot").fromHex();
        (bool sayable, bytes32[] memory words) = toWords(hashes);
        (bool lowSayable, uint64 low) = _text(json, inclusion ? "index" : "oldSize").toUint64();
        (bool highSayable, uint64 high) = _text(json, inclusion ? "size" : "newSize").toUint64();
        if (!sayable || !lowSayable || !highSayable) return (mustHold, Outcome.ByType);
        bytes32[] memory path32 = new bytes32[](proof.length);
        for (uint256 i = 0; i < proof.length; ++i) path32[i] = words[i];
        (bytes32 one, bytes32 two) = (words[proof.length], words[proof.length + 1]);
        bool held = inclusion
            ? subject.inclusion(one, low, high, path32, two)
            : subject.consistency(low, high, path32, one, two);
        outcome = judged(held);
    }

    function _text(string memory json, string memory member) private pure returns (string memory) {
        return vm.parseJsonString(json, string.concat(".input.", member));
    }

    function _run(string memory topic) private {
        string memory folder = string.concat(FOLDER, topic);
        if (!vm.exists(folder)) {
            vm.skip(true, "the specification has no such vectors yet");
            return;
        }
        check(runFolder(folder, string.concat("specification ", topic)) > 0, "the folder holds no vector");
    }
}
