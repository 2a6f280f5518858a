// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "../../libraries/Codes.sol";
import {LogProof} from "../../libraries/LogProof.sol";

/// @notice The libraries' internal functions, to be called from outside.
contract LogProofHarness {
    function inclusion(bytes32 leaf, uint64 index, uint64 size, bytes32[] calldata proof, bytes32 root)
        external
        view
        returns (bool)
    {
        return LogProof.verifyInclusion(leaf, index, size, proof, root);
    }

    function consistency(uint64 oldSize, uint64 newSize, bytes32[] calldata proof, bytes32 oldRoot, bytes32 newRoot)
        external
        view
        returns (bool)
    {
        return LogProof.verifyConsistency(oldSize, newSize, proof, oldRoot, newRoot);
    }

    function isCode(bytes32 value) external pure returns (bool) {
        return Codes.isCode(value);
    }

    function isOrigin(bytes calldata origin) external pure returns (bool) {
        return Codes.isOrigin(origin);
    }
}
