// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs about an RFC 9162 SHA-256 Merkle tree
/// @notice Specification: docs/spec/log.md. Sizes are at most 2^63; proofs are ordered leaf to root and have at most 63
/// hashes. Everything that does not lead to the root is answered `false`; nothing here reverts but for lack of gas.
library LogProof {
    uint64 internal constant SIZE_MAX = 2 ** 63;
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
        if (index >= size || size > SIZE_MAX || proof.length > PROOF_LENGTH_MAX) return false;
        uint256 node = index;
        uint256 last = size - 1;
        bytes32 running = leafHash;
        (uint256 cursor, uint256 end) = _bounds(proof);
        for (; node != last; cursor += 32) {
            bytes32 sibling = _read(cursor);
            running = node & 1 == 0 ? _parent(running, sibling) : _parent(sibling, running);
            node >>= 1;
            last >>= 1;
        }
        for (; node != 0; cursor += 32) {
            running = _parent(_read(cursor), running);
            node &= node - 1;
        }
        return cursor == end && running == root;
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
        if (oldSize > newSize || newSize > SIZE_MAX || proof.length > PROOF_LENGTH_MAX) return false;
        if (oldSize == newSize) return proof.length == 0 && oldRoot == newRoot && _emptyIfZero(oldSize, oldRoot);
        if (oldSize == 0) return proof.length == 0 && oldRoot == EMPTY_ROOT;
        if (proof.length == 0) return false;
        return _extends(oldSize, newSize, proof, oldRoot, newRoot);
    }

    /// @dev The two running hashes start equal, at the largest complete subtree that ends the old tree. A sibling to
    /// the left belongs to both trees, one to the right to the new tree only. 0 < oldSize < newSize, proof not empty.
    function _extends(uint64 oldSize, uint64 newSize, bytes32[] calldata proof, bytes32 oldRoot, bytes32 newRoot)
        private
        view
        returns (bool)
    {
        uint256 node = oldSize - 1;
        uint256 last = newSize - 1;
        while (node & 1 != 0) {
            node >>= 1;
            last >>= 1;
        }
        (uint256 cursor, uint256 end) = _bounds(proof);
        bytes32 oldRunning = oldRoot;
        // The old tree is that one subtree exactly when its size is a power of two; then the proof leaves it out.
        if (node != 0) {
            oldRunning = _read(cursor);
            cursor += 32;
        }
        bytes32 newRunning;
        (cursor, oldRunning, newRunning) = _climb(node, last, cursor, oldRunning);
        return cursor == end && oldRunning == oldRoot && newRunning == newRoot;
    }

    /// @dev From the node where both running hashes are `seed` to the two roots. The same as, for less gas:
    ///     for (; node != last; node >>= 1, last >>= 1) sibling to the left for both if node is odd, else to the right
    ///     for (; node != 0; node &= node - 1) sibling to the left for both
    /// Reading past the proof's end does no harm: the caller refuses when `cursor` is not at the end. A failed call (no
    /// gas left) reverts: an answer that was never written must not be read.
    function _climb(uint256 node, uint256 last, uint256 from, bytes32 seed)
        private
        view
        returns (uint256 cursor, bytes32 oldRunning, bytes32 newRunning)
    {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let left := add(buffer, 0x01)
            let right := add(buffer, 0x21)
            let answered := 1
            mstore8(buffer, 0x01)
            cursor := from
            oldRunning := seed
            newRunning := seed
            for {} xor(node, last) {} {
                switch and(node, 1)
                case 0 {
                    mstore(left, newRunning)
                    mstore(right, calldataload(cursor))
                }
                default {
                    mstore(left, calldataload(cursor))
                    mstore(right, oldRunning)
                    answered := and(answered, staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20))
                    oldRunning := mload(0x00)
                    mstore(right, newRunning)
                }
                answered := and(answered, staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20))
                newRunning := mload(0x00)
                node := shr(1, node)
                last := shr(1, last)
                cursor := add(cursor, 0x20)
            }
            for {} node {} {
                mstore(left, calldataload(cursor))
                mstore(right, oldRunning)
                answered := and(answered, staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20))
                oldRunning := mload(0x00)
                mstore(right, newRunning)
                answered := and(answered, staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20))
                newRunning := mload(0x00)
                node := and(node, sub(node, 1))
                cursor := add(cursor, 0x20)
            }
            if iszero(answered) { revert(0x00, 0x00) }
        }
    }

    function _emptyIfZero(uint64 size, bytes32 root) private pure returns (bool) {
        return size != 0 || root == EMPTY_ROOT;
    }

    /// @dev Where in calldata the proof's hashes begin and end.
    function _bounds(bytes32[] calldata proof) private pure returns (uint256 cursor, uint256 end) {
        assembly ("memory-safe") {
            cursor := proof.offset
            end := add(cursor, shl(5, proof.length))
        }
    }

    function _read(uint256 cursor) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := calldataload(cursor)
        }
    }

    /// @dev SHA-256(0x01 || left || right). In assembly because `sha256(abi.encodePacked(...))` takes new memory for
    /// every call. The 65 bytes are laid out behind the free memory pointer, which does not move, and are whole before
    /// the block ends: between two blocks that memory is the compiler's. The answer comes back to scratch space.
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
