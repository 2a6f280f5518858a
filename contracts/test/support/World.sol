// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckpointWitness} from "../../CheckpointWitness.sol";
import {InstitutionRegistry} from "../../InstitutionRegistry.sol";
import {ICheckpointWitness} from "../../interfaces/ICheckpointWitness.sol";
import {IInstitutionRegistry} from "../../interfaces/IInstitutionRegistry.sol";
import {TestCase} from "./TestCase.sol";
import {TypedData} from "./TypedData.sol";

/// @notice A registry that this contract administers, a witness, and synthetic institutions.
abstract contract World is TestCase {
    bytes32 internal constant OPERATOR = "operator.example";
    bytes32 internal constant HOSPITAL = "hospital.example";
    bytes32 internal constant STATEMENT = "statement";
    bytes32 internal constant CHECKPOINT = "checkpoint";
    bytes32 internal constant RECEIPT = "receipt";
    bytes32 internal constant NOTE = "note";
    string internal constant ORIGIN = "log.example/2026";
    bytes32 internal constant LOG = keccak256(bytes(ORIGIN));
    bytes32 internal constant EMPTY = sha256("");

    uint256 internal constant SIGNER = 0xc0ffee;
    uint256 internal constant DOCTOR = 0xd0c;
    uint256 internal constant STRANGER = 0xbad;

    InstitutionRegistry internal registry;
    CheckpointWitness internal witness;

    function makeWorld() internal {
        registry = new InstitutionRegistry(address(this));
        witness = new CheckpointWitness(registry);
        registry.admit(OPERATOR, list("operator"), 0);
        registry.admit(HOSPITAL, list("hospital"), keccak256("acceptance"));
        registry.openLog(ORIGIN, OPERATOR);
        addKey(OPERATOR, CHECKPOINT, SIGNER);
    }

    function addKey(bytes32 institution, bytes32 purpose, uint256 privateKey) internal {
        bytes memory consent = consentOf(institution, LOG, purpose, privateKey);
        registry.addKey(institution, LOG, purpose, vm.addr(privateKey), 0, consent);
    }

    function consentOf(bytes32 institution, bytes32 log, bytes32 purpose, uint256 privateKey)
        internal
        view
        returns (bytes memory)
    {
        address key = vm.addr(privateKey);
        return signed(privateKey, TypedData.consent(address(registry), institution, log, purpose, key));
    }

    function checkpointBy(uint256 privateKey, bytes32 log, uint64 size, bytes32 root)
        internal
        view
        returns (bytes memory)
    {
        return signed(privateKey, TypedData.checkpoint(address(registry), log, size, root));
    }

    function signed(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    function move(uint64 oldSize, uint64 newSize, bytes32 root, bytes32[] memory proof) internal {
        witness.witness(LOG, oldSize, newSize, root, proof, checkpointBy(SIGNER, LOG, newSize, root));
    }

    /// @notice The head that the witness makes of a move in this block.
    function headOf(bytes32 log, uint64 oldSize, uint64 newSize, bytes32 root)
        internal
        view
        returns (ICheckpointWitness.WitnessedHead memory)
    {
        (bytes32 registryHead, uint64 registryCount) = registry.head();
        return ICheckpointWitness.WitnessedHead(
            log, oldSize, newSize, root, registryHead, registryCount, block.timestamp, blockhash(block.number - 1)
        );
    }

    function list(bytes32 one) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](1);
        all[0] = one;
    }

    function none() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function standingOf(bytes32 institution) internal view returns (IInstitutionRegistry.Standing standing) {
        (standing,) = registry.institution(institution);
    }
}
