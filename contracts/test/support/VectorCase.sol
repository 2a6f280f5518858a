// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "hardhat/console.sol";

import {LogProofHarness} from "./LogProofHarness.sol";
import {TestCase} from "./TestCase.sol";
import {Vm} from "./Vm.sol";

/// @notice Runs every Merkle vector of a folder, one case a file, and counts them in public.
abstract contract VectorCase is TestCase {
    /// @dev How a case ended. `ByType`: a hash that is not 32 bytes or a number outside uint64 cannot reach a contract.
    enum Outcome {
        Held,
        Refused,
        ByType
    }

    LogProofHarness internal subject = new LogProofHarness();

    /// @notice What the file says must happen, and what happened.
    function runFile(string calldata path) external view virtual returns (bool mustHold, Outcome outcome);

    function runFolder(string memory folder, string memory topic) internal view returns (uint256 cases) {
        Vm.DirEntry[] memory entries = vm.readDir(folder, 2);
        uint256[3] memory counts;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].isDir) continue;
            (bool mustHold, Outcome outcome) = this.runFile(entries[i].path);
            if (mustHold != (outcome == Outcome.Held)) {
                console.log("%s", entries[i].path);
                revert Failed(mustHold ? "a proof that holds was refused" : "a proof that does not hold was taken");
            }
            ++counts[uint256(outcome)];
            ++cases;
        }
        console.log("%s: %d cases", topic, cases);
        console.log("  %d held, %d refused, %d refused by type", counts[0], counts[1], counts[2]);
    }

    function toWords(bytes[] memory hashes) internal pure returns (bool sayable, bytes32[] memory words) {
        words = new bytes32[](hashes.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            if (hashes[i].length != 32) return (false, words);
            words[i] = bytes32(hashes[i]);
        }
        return (true, words);
    }

    function judged(bool held) internal pure returns (Outcome) {
        return held ? Outcome.Held : Outcome.Refused;
    }
}
