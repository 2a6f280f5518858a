// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The verification steps of RFC 9162 word for word (sections 2.1.3.2 and 2.1.4.2), slow and plain, so that the
/// shorter way of `LogProof` is held against the text. Only the cases that the text leaves open are added.
library Rfc9162Pseudocode {
    function inclusion(bytes32 leaf, uint256 index, uint256 size, bytes32[] memory proof, bytes32 root)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 r = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = hash(proof[i], r);
                if (fn & 1 == 0) {
                    do {
                        fn >>= 1;
                        sn >>= 1;
                    } while (fn & 1 == 0 && fn != 0);
                }
            } else {
                r = hash(r, proof[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && r == root;
    }

    function consistency(uint256 first, uint256 second, bytes32[] memory path, bytes32 firstHash, bytes32 secondHash)
        internal
        pure
        returns (bool)
    {
        if (first > second) return false;
        if (first == 0) return path.length == 0 && firstHash == sha256("") && (second > 0 || secondHash == firstHash);
        if (first == second) return path.length == 0 && firstHash == secondHash;
        if (path.length == 0) return false;
        if (first & (first - 1) == 0) path = prepended(firstHash, path);
        uint256 fn = first - 1;
        uint256 sn = second - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        bytes32 fr = path[0];
        bytes32 sr = path[0];
        for (uint256 i = 1; i < path.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                fr = hash(path[i], fr);
                sr = hash(path[i], sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = hash(sr, path[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return fr == firstHash && sr == secondHash && sn == 0;
    }

    function prepended(bytes32 first, bytes32[] memory path) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](path.length + 1);
        longer[0] = first;
        for (uint256 i = 0; i < path.length; ++i) longer[i + 1] = path[i];
    }

    function hash(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
