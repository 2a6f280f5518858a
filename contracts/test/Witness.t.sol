// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckpointWitness} from "../CheckpointWitness.sol";
import {ICheckpointWitness} from "../interfaces/ICheckpointWitness.sol";
import {IInstitutionRegistry} from "../interfaces/IInstitutionRegistry.sol";
import {DistinctTree} from "./support/Rfc9162Tree.sol";
import {World} from "./support/World.sol";

contract WitnessTest is World {
    DistinctTree private _tree;

    function setUp() public {
        makeWorld();
        _tree = new DistinctTree();
        vm.roll(1_000);
    }

    function test_a_log_starts_empty() public view {
        (uint64 size, bytes32 root) = witness.head(LOG);
        check(size == 0 && root == EMPTY, "size 0 and the empty root");
        (size, root) = witness.head(keccak256("never opened"));
        check(size == 0 && root == EMPTY, "for any log");
        same(address(witness.registry()), address(registry), "the registry");
    }

    function test_heads_move_and_are_remembered() public {
        uint64[5] memory sizes = [uint64(0), 3, 7, 8, 21];
        for (uint256 i = 1; i < sizes.length; ++i) {
            (uint64 oldSize, uint64 newSize) = (sizes[i - 1], sizes[i]);
            vm.roll(block.number + 1);
            vm.warp(block.timestamp + 12);
            bytes32 newRoot = _tree.rootAt(newSize);
            bytes32[] memory proof = _tree.consistency(oldSize, newSize);
            ICheckpointWitness.WitnessedHead memory expected = headOf(LOG, oldSize, newSize, newRoot);
            bytes32 id = _idOf(expected);
            same(witness.blockOf(id), 0, "not yet");
            check(!witness.isWitnessed(expected), "not yet");
            vm.expectEmit(true, true, true, true, address(witness));
            emit ICheckpointWitness.Witnessed(
                LOG, oldSize, newSize, newRoot, expected.registryHead, expected.registryCount, id
            );
            move(oldSize, newSize, newRoot, proof);
            (uint64 size, bytes32 root) = witness.head(LOG);
            check(size == newSize && root == newRoot, "the head moved");
            same(witness.blockOf(id), block.number, "the block is remembered");
            check(witness.isWitnessed(expected), "by its eight values");
            same(witness.witnessIdOf(expected), id, "the id as the specification says");
        }
    }

    function test_anyone_relays() public {
        bytes32 root = _tree.rootAt(5);
        bytes memory signature = checkpointBy(SIGNER, LOG, 5, root);
        vm.prank(vm.addr(STRANGER));
        witness.witness(LOG, 0, 5, root, none(), signature);
        (uint64 size,) = witness.head(LOG);
        same(size, 5, "moved");
    }

    function test_logs_do_not_touch_each_other() public {
        move(0, 5, _tree.rootAt(5), none());
        bytes32 other = registry.openLog("log.example/other", OPERATOR);
        bytes memory consent = consentOf(OPERATOR, other, CHECKPOINT, 21);
        registry.addKey(OPERATOR, other, CHECKPOINT, vm.addr(21), 0, consent);
        bytes32 root = _tree.rootAt(9);
        witness.witness(other, 0, 9, root, none(), checkpointBy(21, other, 9, root));
        (uint64 size,) = witness.head(LOG);
        same(size, 5, "the first log stays");
        bytes memory signature = checkpointBy(SIGNER, other, 9, root);
        refuses(abi.encodeWithSelector(ICheckpointWitness.UnauthorizedSigner.selector, vm.addr(SIGNER)));
        witness.witness(other, 9, 9, root, none(), signature);
    }

    function test_equal_size_and_root_changes_nothing() public {
        move(0, 5, _tree.rootAt(5), none());
        vm.recordLogs();
        move(5, 5, _tree.rootAt(5), none());
        move(5, 5, _tree.rootAt(5), none());
        same(vm.getRecordedLogs().length, 0, "no event");
    }

    function test_the_empty_head_may_be_confirmed() public {
        vm.recordLogs();
        move(0, 0, EMPTY, none());
        same(vm.getRecordedLogs().length, 0, "no event");
        (uint64 size, bytes32 root) = witness.head(LOG);
        check(size == 0 && root == EMPTY, "still empty");
    }

    function test_two_moves_in_one_block_have_two_ids() public {
        move(0, 5, _tree.rootAt(5), none());
        move(5, 6, _tree.rootAt(6), _tree.consistency(5, 6));
        check(witness.isWitnessed(headOf(LOG, 0, 5, _tree.rootAt(5))), "the first");
        check(witness.isWitnessed(headOf(LOG, 5, 6, _tree.rootAt(6))), "the second");
    }

    function test_a_registry_change_shows_in_the_next_head() public {
        move(0, 5, _tree.rootAt(5), none());
        ICheckpointWitness.WitnessedHead memory before = headOf(LOG, 5, 6, _tree.rootAt(6));
        registry.suspend(HOSPITAL, 0);
        move(5, 6, _tree.rootAt(6), _tree.consistency(5, 6));
        check(!witness.isWitnessed(before), "not under the old registry head");
        check(witness.isWitnessed(headOf(LOG, 5, 6, _tree.rootAt(6))), "under the new one");
    }

    function test_every_value_of_a_head_counts() public {
        move(0, 5, _tree.rootAt(5), none());
        ICheckpointWitness.WitnessedHead memory head = headOf(LOG, 0, 5, _tree.rootAt(5));
        check(witness.isWitnessed(head), "as it was");
        for (uint256 field = 0; field < 8; ++field) {
            ICheckpointWitness.WitnessedHead memory other = headOf(LOG, 0, 5, _tree.rootAt(5));
            if (field == 0) other.log = ~other.log;
            if (field == 1) other.oldSize += 1;
            if (field == 2) other.newSize += 1;
            if (field == 3) other.root = ~other.root;
            if (field == 4) other.registryHead = ~other.registryHead;
            if (field == 5) other.registryCount += 1;
            if (field == 6) other.timestamp += 1;
            if (field == 7) other.parentHash = ~other.parentHash;
            check(!witness.isWitnessed(other), "another head");
        }
    }

    function test_inclusion_under_a_witnessed_head() public {
        bytes32 root = _tree.rootAt(21);
        move(0, 21, root, none());
        ICheckpointWitness.WitnessedHead memory head = headOf(LOG, 0, 21, root);
        for (uint64 index = 0; index < 21; ++index) {
            bytes32[] memory proof = _tree.inclusion(index, 21);
            check(witness.isIncluded(head, index, _tree.leafHash(index), proof), "included");
            check(!witness.isIncluded(head, index, ~_tree.leafHash(index), proof), "another leaf");
        }
        check(!witness.isIncluded(head, 21, _tree.leafHash(20), _tree.inclusion(20, 21)), "beyond the head");
        head.root = _tree.rootAt(20);
        head.newSize = 20;
        check(!witness.isIncluded(head, 3, _tree.leafHash(3), _tree.inclusion(3, 20)), "a head never witnessed");
    }

    function test_a_witness_needs_a_registry() public {
        refuses(abi.encodeWithSelector(ICheckpointWitness.RegistryHasNoCode.selector, address(1234)));
        new CheckpointWitness(IInstitutionRegistry(address(1234)));
    }

    function _idOf(ICheckpointWitness.WitnessedHead memory h) private pure returns (bytes32) {
        bytes memory front = abi.encode(h.log, h.oldSize, h.newSize, h.root);
        return keccak256(
            bytes.concat(front, abi.encode(h.registryHead, h.registryCount, h.timestamp, h.parentHash))
        );
    }
}
