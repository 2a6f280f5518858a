// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs about an RFC 9162 SHA-256 Merkle tree
/// @notice Sizes and indexes are uint64; proofs are ordered leaf to root and have at most 63 hashes. Everything that
/// does not lead to the root is answered `false`; nothing here reverts but for lack of gas.
library LogProof {
    uint256 internal constant PROOF_LENGTH_MAX = 63;
    /// @notice Root of the empty tree, SHA-256("").
    bytes32 internal constant EMPTY_ROOT = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice Whether a leaf is at an index of a tree: RFC 9162 section 2.1.3.2.
    /// @param leafHash SHA-256(0x00 || entry)
    /// @param index below `size`
    /// @param size leaves in the tree
    /// @param proof from leaf to root
    /// @param root of the tree
    function verifyInclusion(bytes32 leafHash, uint64 index, uint64 size, bytes32[] calldata proof, bytes32 root)
        internal
        view
        returns (bool)
    {
        if (index >= size || proof.length > PROOF_LENGTH_MAX) return false;
        uint256 node = index;
        uint256 last = size - 1;
        bytes32 running = leafHash;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                running = _parent(proof[i], running);
                (node, last) = _riseToRightChild(node, last);
            } else {
                running = _parent(running, proof[i]);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && running == root;
    }

    /// @notice Whether one tree extends another: RFC 9162 section 2.1.4.2.
    /// @param oldSize leaves in the old tree, at most `newSize`; from 0 and to the same size the proof is empty
    /// @param newSize leaves in the new tree
    /// @param proof from leaf to root
    /// @param oldRoot of the old tree; `EMPTY_ROOT` for size 0
    /// @param newRoot of the new tree
    function verifyConsistency(
        uint64 oldSize,
        uint64 newSize,
        bytes32[] calldata proof,
        bytes32 oldRoot,
        bytes32 newRoot
    ) internal view returns (bool) {
        if (oldSize > newSize || proof.length > PROOF_LENGTH_MAX) return false;
        if (oldSize == newSize) return proof.length == 0 && oldRoot == newRoot && _emptyIfZero(oldSize, oldRoot);
        if (oldSize == 0) return proof.length == 0 && oldRoot == EMPTY_ROOT;
        if (proof.length == 0) return false;
        return _extends(oldSize, newSize, proof, oldRoot, newRoot);
    }

    /// @dev The two running hashes start equal, at the largest complete subtree that ends the old tree. A node to the
    /// left belongs to both trees, a node to the right to the new one only. 0 < oldSize < newSize, proof not empty.
    function _extends(uint64 oldSize, uint64 newSize, bytes32[] calldata proof, bytes32 oldRoot, bytes32 newRoot)
        private
        view
        returns (bool)
    {
        uint256 node = oldSize - 1;
        uint256 last = newSize - 1;
        while (node & 1 == 1) {
            node >>= 1;
            last >>= 1;
        }
        // The old tree is that one subtree exactly when its size is a power of two; then the proof leaves it out.
        uint256 next = node == 0 ? 0 : 1;
        bytes32 oldRunning = node == 0 ? oldRoot : proof[0];
        bytes32 newRunning = oldRunning;
        for (; next < proof.length; ++next) {
            if (last == 0) return false;
            bytes32 sibling = proof[next];
            if (node & 1 == 1 || node == last) {
                oldRunning = _parent(sibling, oldRunning);
                newRunning = _parent(sibling, newRunning);
                (node, last) = _riseToRightChild(node, last);
            } else {
                newRunning = _parent(newRunning, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && oldRunning == oldRoot && newRunning == newRoot;
    }

    /// @dev On the right edge of a ragged tree a node without a sibling is its own parent: skip those levels.
    function _riseToRightChild(uint256 node, uint256 last) private pure returns (uint256, uint256) {
        while (node & 1 == 0 && node != 0) {
            node >>= 1;
            last >>= 1;
        }
        return (node, last);
    }

    function _emptyIfZero(uint64 size, bytes32 root) private pure returns (bool) {
        return size != 0 || root == EMPTY_ROOT;
    }

    /// @dev SHA-256(0x01 || left || right). In assembly because `sha256(abi.encodePacked(...))` takes new memory for
    /// every call, and a proof needs up to 126 of them. The 65 bytes are laid out behind the free memory pointer, which
    /// does not move; the answer comes back to scratch space. A failed call (no gas left) reverts: an answer that was
    /// never written must not be read.
    function _parent(bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 0x01)
            mstore(add(buffer, 0x01), left)
            mstore(add(buffer, 0x21), right)
            if iszero(staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20)) { revert(0x00, 0x00) }
            hash := mload(0x00)
        }
    }
}
