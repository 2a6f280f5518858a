// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointWitness} from "../../interfaces/ICheckpointWitness.sol";
import {IInstitutionRegistry} from "../../interfaces/IInstitutionRegistry.sol";
import {LogProof} from "../../libraries/LogProof.sol";
import {SigningDomain} from "../../libraries/SigningDomain.sol";

/// @title BrokenWitness: a copy with faults, for the invariants to notice; never deploy it // fault
/// @notice What each function does and refuses is said in ICheckpointWitness.
contract BrokenWitness is ICheckpointWitness { // fault
    enum Fault { None, ProofUnchecked, Shrinks, Forgets, TellsAnotherSize } // fault
    Fault private immutable _fault; // fault
    function _trusts(uint64 oldSize, uint64 newSize) private view returns (bool) { // fault
        return _fault == Fault.ProofUnchecked || (_fault == Fault.Shrinks && newSize < oldSize); // fault
    } // fault
    struct StoredHead {
        uint64 size;
        bytes32 root;
    }

    IInstitutionRegistry private immutable _registry;
    mapping(bytes32 log => StoredHead) private _heads;
    mapping(bytes32 witnessId => uint256 blockNumber) private _blocks;

    /// @param registry_ whose keys sign checkpoints, and whose address is in every signature's domain
    constructor(IInstitutionRegistry registry_, Fault fault) { // fault
        _fault = fault; // fault
        if (address(registry_).code.length == 0) revert RegistryHasNoCode(address(registry_));
        _registry = registry_;
    }

    /// @inheritdoc ICheckpointWitness
    function witness(
        bytes32 log,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external {
        if (proof.length > LogProof.PROOF_LENGTH_MAX) revert ProofTooLong(proof.length);
        if (newSize > LogProof.SIZE_MAX) revert SizeOutOfRange(newSize);
        if (_fault != Fault.Shrinks && newSize < oldSize) revert SizeShrinks(oldSize, newSize); // fault
        (bytes32 registryHead, uint64 registryCount) = _authorize(log, newSize, newRoot, signature);
        StoredHead storage stored = _heads[log];
        uint64 storedSize = stored.size;
        if (oldSize != storedSize) revert StaleHead(storedSize);
        bytes32 storedRoot = storedSize == 0 ? LogProof.EMPTY_ROOT : stored.root;
        if (newSize == oldSize && newRoot != storedRoot) revert RootMismatch(storedRoot, newRoot);
        if (!_trusts(oldSize, newSize) && !LogProof.verifyConsistency(oldSize, newSize, proof, storedRoot, newRoot)) { // fault
            revert InvalidConsistencyProof();
        }
        if (newSize == oldSize) return;
        stored.size = newSize;
        stored.root = newRoot;
        _remember(log, oldSize, newSize, newRoot, registryHead, registryCount);
    }

    /// @inheritdoc ICheckpointWitness
    function head(bytes32 log) external view returns (uint64 size, bytes32 root) {
        StoredHead storage stored = _heads[log];
        size = stored.size;
        root = size == 0 ? LogProof.EMPTY_ROOT : stored.root;
    }

    /// @inheritdoc ICheckpointWitness
    function blockOf(bytes32 witnessId) external view returns (uint256) {
        return _blocks[witnessId];
    }

    /// @inheritdoc ICheckpointWitness
    function witnessIdOf(WitnessedHead calldata witnessed) external pure returns (bytes32) {
        return _idOf(witnessed);
    }

    /// @inheritdoc ICheckpointWitness
    function isWitnessed(WitnessedHead calldata witnessed) external view returns (bool) {
        return _blocks[_idOf(witnessed)] != 0;
    }

    /// @inheritdoc ICheckpointWitness
    function isIncluded(WitnessedHead calldata witnessed, uint64 index, bytes32 leafHash, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return _blocks[_idOf(witnessed)] != 0
            && LogProof.verifyInclusion(leafHash, index, witnessed.newSize, proof, witnessed.root);
    }

    /// @inheritdoc ICheckpointWitness
    function registry() external view returns (IInstitutionRegistry) {
        return _registry;
    }

    function _authorize(bytes32 log, uint64 newSize, bytes32 newRoot, bytes calldata signature)
        private
        view
        returns (bytes32 registryHead, uint64 registryCount)
    {
        bytes32 structHash = keccak256(abi.encode(SigningDomain.CHECKPOINT_TYPE, log, newSize, newRoot));
        address signer = SigningDomain.signerOf(address(_registry), log, structHash, signature);
        bool authorized;
        (authorized, registryHead, registryCount) = _registry.checkpointAuthority(log, signer);
        if (!authorized || signer == address(0)) revert UnauthorizedSigner(signer);
    }

    function _remember(
        bytes32 log,
        uint64 oldSize,
        uint64 newSize,
        bytes32 root,
        bytes32 registryHead,
        uint64 registryCount
    ) private {
        bytes32 parentHash = blockhash(block.number - 1);
        bytes32 witnessId = keccak256(
            abi.encode(log, oldSize, newSize, root, registryHead, registryCount, block.timestamp, parentHash)
        );
        if (_fault != Fault.Forgets) _blocks[witnessId] = block.number; // fault
        if (_fault == Fault.TellsAnotherSize) ++newSize; // fault
        emit Witnessed(log, oldSize, newSize, root, registryHead, registryCount, witnessId);
    }

    function _idOf(WitnessedHead calldata witnessed) private pure returns (bytes32) {
        return keccak256(abi.encode(witnessed));
    }
}
