// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutionRegistry} from "./IInstitutionRegistry.sol";

/// @title The witness: one head per log, which moves only to a provable extension of itself
/// @notice Specification: docs/spec/witness.md, after C2SP tlog-witness and RFC 9162 section 2.1.4.
interface ICheckpointWitness {
    /// @notice The eight values that a `witnessId` is the hash of.
    /// @param log id of the log
    /// @param oldSize leaves before
    /// @param newSize leaves after; the head covers first the indexes from `oldSize` to below `newSize`
    /// @param root RFC 9162 root of the first `newSize` leaves
    /// @param registryHead head of the registry when this head was witnessed
    /// @param registryCount number of changes in that registry head
    /// @param timestamp of the block, Unix seconds
    /// @param parentHash hash of the block before
    struct WitnessedHead {
        bytes32 log;
        uint64 oldSize;
        uint64 newSize;
        bytes32 root;
        bytes32 registryHead;
        uint64 registryCount;
        uint256 timestamp;
        bytes32 parentHash;
    }

    /// @notice A head moved.
    event Witnessed(
        bytes32 indexed log,
        uint64 oldSize,
        uint64 newSize,
        bytes32 root,
        bytes32 registryHead,
        uint64 registryCount,
        bytes32 indexed witnessId
    );

    /// @notice There is no contract at the registry's address.
    error RegistryHasNoCode(address registry);
    /// @notice A proof has at most 63 hashes.
    error ProofTooLong(uint256 length);
    /// @notice A log has at most 2^63 leaves.
    error SizeOutOfRange(uint64 newSize);
    /// @notice A log never shrinks.
    error SizeShrinks(uint64 oldSize, uint64 newSize);
    /// @notice The signature is malformed (signer zero) or its signer may not sign checkpoints of this log now.
    error UnauthorizedSigner(address signer);
    /// @notice The head stands elsewhere; prove consistency from this size.
    error StaleHead(uint64 storedSize);
    /// @notice The sizes are equal and the roots are not.
    error RootMismatch(bytes32 storedRoot, bytes32 newRoot);
    /// @notice The new head does not extend the stored one by this proof.
    error InvalidConsistencyProof();

    /// @notice Moves the head of a log; anyone may relay. Equal size and root, with no proof, changes nothing.
    /// @dev Refusals in the order of docs/spec/witness.md.
    /// @param log id of the log
    /// @param oldSize the stored size
    /// @param newSize the size to move to
    /// @param newRoot the root at that size
    /// @param proof RFC 9162 consistency proof, leaf to root; empty when `oldSize` is 0
    /// @param signature of a checkpoint key (65 bytes r, s, v) over `Checkpoint(log, newSize, newRoot)`
    function witness(
        bytes32 log,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice The head of a log; size 0 and the empty root SHA-256("") where there is none yet.
    function head(bytes32 log) external view returns (uint64 size, bytes32 root);

    /// @notice The number of the block that witnessed this id; 0 when this contract never made it.
    function blockOf(bytes32 witnessId) external view returns (uint256 blockNumber);

    /// @notice The id of a head, whether or not it was witnessed.
    function witnessIdOf(WitnessedHead calldata witnessed) external pure returns (bytes32 witnessId);

    /// @notice Whether this contract witnessed exactly this head.
    function isWitnessed(WitnessedHead calldata witnessed) external view returns (bool known);

    /// @notice Whether a leaf is in the log under a witnessed head. False as well when the head is unknown.
    /// @param witnessed the head, by its eight values
    /// @param index of the leaf
    /// @param leafHash SHA-256(0x00 || entry)
    /// @param proof RFC 9162 inclusion proof, leaf to root
    function isIncluded(WitnessedHead calldata witnessed, uint64 index, bytes32 leafHash, bytes32[] calldata proof)
        external
        view
        returns (bool included);

    /// @notice The registry whose keys this witness obeys.
    function registry() external view returns (IInstitutionRegistry);
}
