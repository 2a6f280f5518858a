// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice RFC 9162 section 2.1 by its recursive definitions, sharing no code and no method with `LogProof`: proofs are
/// made top down from hashes of ranges of leaves. How a range is hashed is left to the tree.
abstract contract Rfc9162Tree {
    bytes32 internal constant EMPTY = sha256("");

    /// @notice MTH(D[start : start + size]).
    function range(uint256 start, uint256 size) public virtual returns (bytes32);

    function rootAt(uint256 size) public returns (bytes32) {
        return range(0, size);
    }

    function leafHash(uint256 index) public returns (bytes32) {
        return range(index, 1);
    }

    /// @notice PATH(index, D[size]), section 2.1.3.1.
    function inclusion(uint256 index, uint256 size) public returns (bytes32[] memory proof) {
        bytes32[] memory found = new bytes32[](64);
        uint256 count = 0;
        uint256 start = 0;
        while (size > 1) {
            uint256 left = leftOf(size);
            if (index < left) {
                found[count++] = range(start + left, size - left);
                size = left;
            } else {
                found[count++] = range(start, left);
                (start, index, size) = (start + left, index - left, size - left);
            }
        }
        return _reversed(found, count);
    }

    /// @notice PROOF(oldSize, D[newSize]), section 2.1.4.1; empty for 0.
    function consistency(uint256 oldSize, uint256 newSize) public returns (bytes32[] memory proof) {
        if (oldSize == 0) return proof;
        bytes32[] memory found = new bytes32[](64);
        uint256 count = 0;
        uint256 start = 0;
        while (oldSize != newSize) {
            uint256 left = leftOf(newSize);
            if (oldSize <= left) {
                found[count++] = range(start + left, newSize - left);
                newSize = left;
            } else {
                found[count++] = range(start, left);
                (start, oldSize, newSize) = (start + left, oldSize - left, newSize - left);
            }
        }
        if (start != 0) found[count++] = range(start, newSize);
        return _reversed(found, count);
    }

    /// @notice The largest power of two smaller than `size`, which is above 1.
    function leftOf(uint256 size) internal pure returns (uint256 left) {
        left = 1;
        while (left * 2 < size) left *= 2;
    }

    function nodeHash(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    function _reversed(bytes32[] memory found, uint256 count) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) proof[i] = found[count - 1 - i];
    }
}

/// @notice A tree in which every leaf is another.
contract DistinctTree is Rfc9162Tree {
    mapping(uint256 start => mapping(uint256 size => bytes32)) private _known;

    function range(uint256 start, uint256 size) public override returns (bytes32 hash) {
        if (size == 0) return EMPTY;
        hash = _known[start][size];
        if (hash != 0) return hash;
        if (size == 1) {
            hash = sha256(abi.encodePacked(bytes1(0x00), start));
        } else {
            uint256 left = leftOf(size);
            hash = nodeHash(range(start, left), range(start + left, size - left));
        }
        _known[start][size] = hash;
    }
}

/// @notice A tree of any size whose leaves below `fork` are all one leaf and those from `fork` on all another: the hash
/// of a complete subtree is one value a level, so a log of 2^40 leaves is as cheap as one of forty.
contract ForkedTree is Rfc9162Tree {
    bytes32 public constant STEM = sha256(hex"00");

    uint256 public fork;
    bytes32 public tail;
    mapping(bytes32 leaf => bytes32[]) private _complete;

    /// @notice From now on leaves from `fork_` on are `tail_`. With the greatest `fork_` the tree is honest.
    function branch(uint256 fork_, bytes32 tail_) external {
        fork = fork_;
        tail = tail_;
    }

    function range(uint256 start, uint256 size) public override returns (bytes32) {
        if (size == 0) return EMPTY;
        if (start >= fork) return _uniform(tail, size);
        if (start + size <= fork) return _uniform(STEM, size);
        uint256 left = leftOf(size);
        return nodeHash(range(start, left), range(start + left, size - left));
    }

    function _uniform(bytes32 leaf, uint256 size) private returns (bytes32) {
        uint256 level = 0;
        while (2 ** level < size) ++level;
        if (2 ** level == size) return _completeAt(leaf, level);
        uint256 left = leftOf(size);
        return nodeHash(_completeAt(leaf, level - 1), _uniform(leaf, size - left));
    }

    function _completeAt(bytes32 leaf, uint256 level) private returns (bytes32) {
        bytes32[] storage known = _complete[leaf];
        if (known.length == 0) known.push(leaf);
        while (known.length <= level) known.push(nodeHash(known[known.length - 1], known[known.length - 1]));
        return known[level];
    }
}
