// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogProofHarness} from "./support/LogProofHarness.sol";
import {Rfc9162Pseudocode} from "./support/Rfc9162Pseudocode.sol";
import {DistinctTree, ForkedTree} from "./support/Rfc9162Tree.sol";
import {TestCase} from "./support/TestCase.sol";

contract LogProofTest is TestCase {
    bytes32 private constant EMPTY = sha256("");
    uint64 private constant SIZES = 24;

    LogProofHarness private _subject;
    DistinctTree private _tree;

    function setUp() public {
        _subject = new LogProofHarness();
        _tree = new DistinctTree();
    }

    function test_inclusion_of_every_leaf_of_every_small_tree() public {
        for (uint64 size = 1; size <= SIZES; ++size) {
            bytes32 root = _tree.rootAt(size);
            for (uint64 index = 0; index < size; ++index) {
                bytes32[] memory proof = _tree.inclusion(index, size);
                check(_subject.inclusion(_tree.leafHash(index), index, size, proof, root), "an honest proof");
                _everyDamageOfInclusionFails(index, size, proof, root);
            }
        }
    }

    function test_consistency_of_every_pair_of_small_trees() public {
        for (uint64 newSize = 0; newSize <= SIZES; ++newSize) {
            for (uint64 oldSize = 0; oldSize <= newSize; ++oldSize) {
                bytes32[] memory proof = _tree.consistency(oldSize, newSize);
                (bytes32 oldRoot, bytes32 newRoot) = (_tree.rootAt(oldSize), _tree.rootAt(newSize));
                check(_subject.consistency(oldSize, newSize, proof, oldRoot, newRoot), "an honest proof");
                _everyDamageOfConsistencyFails(oldSize, newSize, proof);
            }
        }
    }

    function test_a_proof_of_one_size_is_no_proof_of_another() public {
        for (uint64 size = 2; size <= 12; ++size) {
            bytes32 root = _tree.rootAt(size);
            for (uint64 index = 0; index < size; ++index) {
                bytes32[] memory proof = _tree.inclusion(index, size);
                for (uint64 other = 0; other <= 14; ++other) {
                    bool held = _subject.inclusion(_tree.leafHash(index), other, size, proof, root);
                    check(held == (other == index), "another index");
                }
            }
        }
    }

    function test_edges_of_sizes() public {
        bytes32[] memory none = new bytes32[](0);
        bytes32 leaf = _tree.leafHash(0);
        check(!_subject.inclusion(leaf, 0, 0, none, EMPTY), "nothing is in the empty tree");
        check(!_subject.inclusion(leaf, type(uint64).max, type(uint64).max, none, leaf), "index equal to size");
        check(_subject.consistency(0, 0, none, EMPTY, EMPTY), "the empty tree extends itself");
        check(!_subject.consistency(0, 0, none, leaf, leaf), "the empty tree has one root");
        check(!_subject.consistency(0, 1, none, leaf, leaf), "size 0 with another root");
        check(_subject.consistency(0, 2 ** 63, none, EMPTY, leaf), "anything extends the empty tree");
        check(!_subject.consistency(0, 2 ** 63 + 1, none, EMPTY, leaf), "more than 2^63 leaves");
        check(!_subject.consistency(2 ** 63 + 1, 2 ** 63 + 1, none, leaf, leaf), "more than 2^63 leaves");
        bytes32[] memory one = new bytes32[](1);
        bytes32 root = sha256(abi.encodePacked(bytes1(0x01), one[0], leaf));
        check(_subject.inclusion(leaf, 2 ** 62, 2 ** 62 + 1, one, root), "the last leaf stands alone");
        check(!_subject.inclusion(leaf, 2 ** 63, 2 ** 63 + 1, one, root), "more than 2^63 leaves");
        check(!_subject.consistency(2, 1, none, leaf, leaf), "shrinking");
        check(!_subject.consistency(1, type(uint64).max, none, leaf, leaf), "a proof is needed");
    }

    function test_sixty_three_hashes_and_no_more() public view {
        bytes32[] memory proof = new bytes32[](63);
        bytes32 running = bytes32(uint256(1));
        for (uint256 i = 0; i < 63; ++i) {
            proof[i] = bytes32(i + 2);
            running = sha256(abi.encodePacked(bytes1(0x01), running, proof[i]));
        }
        check(_subject.inclusion(bytes32(uint256(1)), 0, 2 ** 63, proof, running), "2^63 leaves take 63 hashes");
        bytes32 oldRoot = bytes32(uint256(1));
        check(_subject.consistency(1, 2 ** 63, proof, oldRoot, running), "from one leaf to 2^63");
        bytes32[] memory longer = new bytes32[](64);
        for (uint256 i = 0; i < 63; ++i) longer[i] = proof[i];
        bytes32 above = sha256(abi.encodePacked(bytes1(0x01), running, longer[63]));
        check(!_subject.inclusion(bytes32(uint256(1)), 0, type(uint64).max, longer, above), "64 hashes");
        check(!_subject.consistency(1, type(uint64).max, longer, oldRoot, above), "64 hashes");
    }

    function testFuzz_large_honest_proofs(uint64 oldSize, uint64 newSize, uint64 fork) public {
        // Above 2^62 leaves a consistency proof may need 64 hashes, one more than is taken.
        newSize = uint64(within(newSize, 1, 2 ** 62));
        oldSize = uint64(within(oldSize, 0, newSize));
        ForkedTree tree = new ForkedTree();
        tree.branch(fork, keccak256("tail"));
        bytes32 newRoot = tree.rootAt(newSize);
        bytes32[] memory proof = tree.consistency(oldSize, newSize);
        check(_subject.consistency(oldSize, newSize, proof, tree.rootAt(oldSize), newRoot), "consistency");
        uint64 index = oldSize == newSize ? newSize - 1 : oldSize;
        proof = tree.inclusion(index, newSize);
        check(_subject.inclusion(tree.leafHash(index), index, newSize, proof, newRoot), "inclusion");
    }

    /// @dev Roots are made from the proof by the steps of the RFC, so that random proofs are often honest ones.
    function testFuzz_agrees_with_the_text(uint64 small, uint64 large, bytes32[] memory proof, bytes32 one, bytes32 two)
        public
        view
    {
        vm.assume(proof.length < 64);
        (small, large) = (uint64(within(small, 0, 2 ** 63)), uint64(within(large, 0, 2 ** 63)));
        bool expected = Rfc9162Pseudocode.consistency(small, large, proof, one, two);
        check(_subject.consistency(small, large, proof, one, two) == expected, "consistency");
        expected = Rfc9162Pseudocode.inclusion(one, small, large, proof, two);
        check(_subject.inclusion(one, small, large, proof, two) == expected, "inclusion");
    }

    function testFuzz_agrees_with_the_text_on_damaged_proofs(uint64 oldSize, uint64 newSize, uint8 what) public {
        newSize = uint64(within(newSize, 2, 600));
        oldSize = uint64(within(oldSize, 1, newSize - 1));
        ForkedTree tree = new ForkedTree();
        tree.branch(newSize / 3, keccak256("tail"));
        (bytes32 oldRoot, bytes32 newRoot) = (tree.rootAt(oldSize), tree.rootAt(newSize));
        bytes32[] memory proof = tree.consistency(oldSize, newSize);
        if (what % 4 == 1) oldSize ^= uint64(1 << (what % 9));
        if (what % 4 == 2) newSize ^= uint64(1 << (what % 9));
        if (what % 4 == 3) proof = _resized(proof, what % 12);
        bool expected = Rfc9162Pseudocode.consistency(oldSize, newSize, proof, oldRoot, newRoot);
        check(_subject.consistency(oldSize, newSize, proof, oldRoot, newRoot) == expected, "consistency");
    }

    /// @dev With too little gas for a hash the call must fail, never answer from what memory held before.
    function test_little_gas_never_makes_a_false_proof_hold() public {
        bytes32[] memory proof = _tree.consistency(5, 23);
        bytes32 oldRoot = _tree.rootAt(5);
        bytes memory call = abi.encodeCall(
            _subject.consistency, (5, 23, proof, oldRoot, keccak256("not the root at 23"))
        );
        uint256 refused = 0;
        for (uint256 gasGiven = 2_000; gasGiven < 12_000; gasGiven += 7) {
            (bool answered, bytes memory answer) = address(_subject).staticcall{gas: gasGiven}(call);
            if (!answered) continue;
            ++refused;
            check(!abi.decode(answer, (bool)), "held");
        }
        check(refused > 0, "the range of gas reaches an answer");
    }

    function _everyDamageOfInclusionFails(uint64 index, uint64 size, bytes32[] memory proof, bytes32 root) private {
        bytes32 leaf = _tree.leafHash(index);
        check(!_subject.inclusion(~leaf, index, size, proof, root), "another leaf");
        check(!_subject.inclusion(leaf, index, size, proof, ~root), "another root");
        check(!_subject.inclusion(leaf, index, size, _resized(proof, proof.length + 1), root), "one hash more");
        if (proof.length > 0) check(!_subject.inclusion(leaf, index, size, _resized(proof, proof.length - 1), root), "less");
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= bytes32(uint256(1) << i);
            check(!_subject.inclusion(leaf, index, size, proof, root), "one bit");
            proof[i] ^= bytes32(uint256(1) << i);
        }
    }

    function _everyDamageOfConsistencyFails(uint64 oldSize, uint64 newSize, bytes32[] memory proof) private {
        (bytes32 oldRoot, bytes32 newRoot) = (_tree.rootAt(oldSize), _tree.rootAt(newSize));
        check(!_subject.consistency(oldSize, newSize, proof, ~oldRoot, newRoot), "another old root");
        bytes32[] memory more = _resized(proof, proof.length + 1);
        check(!_subject.consistency(oldSize, newSize, more, oldRoot, newRoot), "one hash more");
        if (oldSize == 0) return; // every root extends the empty tree
        check(!_subject.consistency(oldSize, newSize, proof, oldRoot, ~newRoot), "another new root");
        if (proof.length == 0) return;
        bytes32[] memory less = _resized(proof, proof.length - 1);
        check(!_subject.consistency(oldSize, newSize, less, oldRoot, newRoot), "one hash less");
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= bytes32(uint256(1) << i);
            check(!_subject.consistency(oldSize, newSize, proof, oldRoot, newRoot), "one bit");
            proof[i] ^= bytes32(uint256(1) << i);
        }
    }

    function _resized(bytes32[] memory proof, uint256 length) private pure returns (bytes32[] memory resized) {
        resized = new bytes32[](length);
        for (uint256 i = 0; i < length && i < proof.length; ++i) resized[i] = proof[i];
    }
}
