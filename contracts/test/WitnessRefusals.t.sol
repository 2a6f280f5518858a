// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointWitness} from "../interfaces/ICheckpointWitness.sol";
import {ForkedTree} from "./support/Rfc9162Tree.sol";
import {World} from "./support/World.sol";

/// @notice What the witness refuses, and in which order.
contract WitnessRefusalsTest is World {
    uint64 private constant SIZE = 1_000;
    /// @dev The order of the group of secp256k1: `ORDER - s` is the other, malleable, value of `s`.
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    ForkedTree private _tree;

    function setUp() public {
        makeWorld();
        _tree = new ForkedTree();
        _tree.branch(type(uint256).max, 0);
        move(0, SIZE, _tree.rootAt(SIZE), none());
    }

    /// @notice The operator itself rewrites one old entry and signs the new head with its own, valid key.
    function test_a_forged_head_with_a_valid_signature_is_refused() public {
        ForkedTree forged = new ForkedTree();
        forged.branch(SIZE - 1, keccak256("a rewritten entry"));
        bytes32 root = forged.rootAt(2_000);
        bytes memory signature = checkpointBy(SIGNER, LOG, 2_000, root);
        bytes32[] memory ownProof = forged.consistency(SIZE, 2_000);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, 2_000, root, ownProof, signature);
        bytes32[] memory honestProof = _tree.consistency(SIZE, 2_000);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, 2_000, root, honestProof, signature);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, 2_000, root, none(), signature);
        (uint64 size, bytes32 stored) = witness.head(LOG);
        check(size == SIZE && stored == _tree.rootAt(SIZE), "the head stands");
        move(SIZE, 2_000, _tree.rootAt(2_000), honestProof);
    }

    function test_unauthorized_signers() public {
        addKey(HOSPITAL, STATEMENT, DOCTOR);
        addKey(OPERATOR, RECEIPT, 31);
        bytes32 root = _tree.rootAt(2_000);
        bytes32[] memory proof = _tree.consistency(SIZE, 2_000);
        uint256[3] memory signers = [STRANGER, DOCTOR, uint256(31)];
        for (uint256 i = 0; i < signers.length; ++i) {
            bytes memory signature = checkpointBy(signers[i], LOG, 2_000, root);
            refuses(abi.encodeWithSelector(ICheckpointWitness.UnauthorizedSigner.selector, vm.addr(signers[i])));
            witness.witness(LOG, SIZE, 2_000, root, proof, signature);
        }
        bytes memory own = checkpointBy(SIGNER, LOG, 2_000, root);
        registry.revokeKey(vm.addr(SIGNER), 0);
        refuses(abi.encodeWithSelector(ICheckpointWitness.UnauthorizedSigner.selector, vm.addr(SIGNER)));
        witness.witness(LOG, SIZE, 2_000, root, proof, own);
    }

    function test_a_signature_is_for_one_log_size_and_root() public {
        bytes32 root = _tree.rootAt(2_000);
        bytes32[] memory proof = _tree.consistency(SIZE, 2_000);
        bytes[3] memory others = [
            checkpointBy(SIGNER, keccak256("another log"), 2_000, root),
            checkpointBy(SIGNER, LOG, 2_001, root),
            checkpointBy(SIGNER, LOG, 2_000, ~root)
        ];
        for (uint256 i = 0; i < others.length; ++i) _refusedAsUnauthorized(root, proof, others[i]);
        bytes memory own = checkpointBy(SIGNER, LOG, 2_000, root);
        vm.chainId(block.chainid + 1);
        _refusedAsUnauthorized(root, proof, own);
    }

    function test_malformed_signatures() public {
        bytes32 root = _tree.rootAt(2_000);
        bytes32[] memory proof = _tree.consistency(SIZE, 2_000);
        bytes memory own = checkpointBy(SIGNER, LOG, 2_000, root);
        (bytes32 r, bytes32 s, uint8 v) = _split(own);
        bytes[8] memory malformed = [
            bytes(""),
            new bytes(65),
            bytes.concat(own, hex"00"),
            abi.encodePacked(r, s),
            abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27)),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(bytes32(0), s, v),
            abi.encodePacked(r, bytes32(0), v)
        ];
        for (uint256 i = 0; i < malformed.length; ++i) {
            refuses(abi.encodeWithSelector(ICheckpointWitness.UnauthorizedSigner.selector, address(0)));
            witness.witness(LOG, SIZE, 2_000, root, proof, malformed[i]);
        }
        witness.witness(LOG, SIZE, 2_000, root, proof, own);
    }

    function test_stale_heads_say_the_stored_size() public {
        bytes32 root = _tree.rootAt(2_000);
        uint64[3] memory stale = [uint64(0), SIZE - 1, SIZE + 1];
        bytes memory signature = checkpointBy(SIGNER, LOG, 2_000, root);
        for (uint256 i = 0; i < stale.length; ++i) {
            bytes32[] memory proof = _tree.consistency(stale[i], 2_000);
            refuses(abi.encodeWithSelector(ICheckpointWitness.StaleHead.selector, SIZE));
            witness.witness(LOG, stale[i], 2_000, root, proof, signature);
        }
    }

    function test_equal_sizes() public {
        bytes32 root = _tree.rootAt(SIZE);
        bytes32 other = ~root;
        bytes memory signature = checkpointBy(SIGNER, LOG, SIZE, other);
        refuses(abi.encodeWithSelector(ICheckpointWitness.RootMismatch.selector, root, other));
        witness.witness(LOG, SIZE, SIZE, other, none(), signature);
        signature = checkpointBy(SIGNER, LOG, SIZE, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, SIZE, root, list(root), signature);
    }

    function test_from_the_empty_head() public {
        bytes32 log = registry.openLog("log.example/other", OPERATOR);
        bytes memory consent = consentOf(OPERATOR, log, CHECKPOINT, 41);
        registry.addKey(OPERATOR, log, CHECKPOINT, vm.addr(41), 0, consent);
        bytes32 root = _tree.rootAt(3);
        bytes memory signature = checkpointBy(41, log, 0, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.RootMismatch.selector, EMPTY, root));
        witness.witness(log, 0, 0, root, none(), signature);
        signature = checkpointBy(41, log, 3, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(log, 0, 3, root, list(root), signature);
        witness.witness(log, 0, 3, root, none(), signature);
    }

    function test_sizes_up_to_2_63() public {
        bytes32 root = keccak256("any");
        uint64 size = 2 ** 63 + 1;
        bytes memory signature = checkpointBy(SIGNER, LOG, size, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.SizeOutOfRange.selector, size));
        witness.witness(LOG, SIZE, size, root, none(), signature);
        bytes32[] memory proof = _tree.consistency(SIZE, 2 ** 62);
        move(SIZE, 2 ** 62, _tree.rootAt(2 ** 62), proof);
        proof = _tree.consistency(2 ** 62, 2 ** 63);
        move(2 ** 62, 2 ** 63, _tree.rootAt(2 ** 63), proof);
    }

    function test_words_that_are_no_uint64_are_refused() public {
        bytes32 root = _tree.rootAt(2_000);
        bytes memory call = abi.encodeCall(
            witness.witness,
            (LOG, SIZE, 2_000, root, _tree.consistency(SIZE, 2_000), checkpointBy(SIGNER, LOG, 2_000, root))
        );
        call[4 + 64] = 0x01; // the highest byte of the word that holds newSize
        (bool done,) = address(witness).call(call);
        check(!done, "a dirty word");
        call[4 + 64] = 0x00;
        (done,) = address(witness).call(call);
        check(done, "the same call with a clean word");
    }

    /// @dev Each call breaks the named rule and every later one; the answer is always the first.
    function test_the_order_of_refusals() public {
        bytes32 root = ~_tree.rootAt(SIZE);
        bytes32[] memory long = new bytes32[](64);
        bytes memory foreign = checkpointBy(STRANGER, LOG, 0, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.ProofTooLong.selector, uint256(64)));
        witness.witness(LOG, type(uint64).max, type(uint64).max - 1, root, long, foreign);
        refuses(abi.encodeWithSelector(ICheckpointWitness.SizeOutOfRange.selector, type(uint64).max - 1));
        witness.witness(LOG, type(uint64).max, type(uint64).max - 1, root, list(root), foreign);
        refuses(abi.encodeWithSelector(ICheckpointWitness.SizeShrinks.selector, uint64(5), uint64(4)));
        witness.witness(LOG, 5, 4, root, list(root), foreign);
        foreign = checkpointBy(STRANGER, LOG, 5, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.UnauthorizedSigner.selector, vm.addr(STRANGER)));
        witness.witness(LOG, 5, 5, root, list(root), foreign);
        bytes memory own = checkpointBy(SIGNER, LOG, 5, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.StaleHead.selector, SIZE));
        witness.witness(LOG, 5, 5, root, list(root), own);
        own = checkpointBy(SIGNER, LOG, SIZE, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.RootMismatch.selector, ~root, root));
        witness.witness(LOG, SIZE, SIZE, root, list(root), own);
        own = checkpointBy(SIGNER, LOG, SIZE, ~root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, SIZE, ~root, list(root), own);
    }

    function testFuzz_honest_moves_only(uint64 newSize, uint64 fork) public {
        newSize = uint64(within(newSize, SIZE + 1, 2 ** 62));
        ForkedTree other = new ForkedTree();
        other.branch(fork, keccak256("tail"));
        bytes32 root = other.rootAt(newSize);
        bytes32[] memory proof = other.consistency(SIZE, newSize);
        bytes memory signature = checkpointBy(SIGNER, LOG, newSize, root);
        if (fork < SIZE) refuses(abi.encodeWithSelector(ICheckpointWitness.InvalidConsistencyProof.selector));
        witness.witness(LOG, SIZE, newSize, root, proof, signature);
    }

    function testFuzz_a_rewritten_past_is_refused(uint16 newSize, uint16 fork) public {
        newSize = uint16(within(newSize, SIZE + 1, 60_000));
        testFuzz_honest_moves_only(newSize, uint64(within(fork, 0, SIZE - 1)));
    }

    function _refusedAsUnauthorized(bytes32 root, bytes32[] memory proof, bytes memory signature) private {
        (bool done, bytes memory answer) = address(witness).call(
            abi.encodeCall(witness.witness, (LOG, SIZE, 2_000, root, proof, signature))
        );
        check(!done && bytes4(answer) == ICheckpointWitness.UnauthorizedSigner.selector, "another signer");
    }

    function _split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }
}
