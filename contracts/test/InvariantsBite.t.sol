// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "hardhat/console.sol";

import {CheckpointWitness} from "../CheckpointWitness.sol";
import {InstitutionRegistry} from "../InstitutionRegistry.sol";
import {ICheckpointWitness} from "../interfaces/ICheckpointWitness.sol";
import {IInstitutionRegistry} from "../interfaces/IInstitutionRegistry.sol";
import {BrokenRegistry} from "./broken/BrokenRegistry.sol";
import {BrokenWitness} from "./broken/BrokenWitness.sol";
import {Campaign} from "./support/Campaign.sol";
import {TestCase} from "./support/TestCase.sol";

/// @notice The same campaign, as one seeded loop: nothing breaks in the contracts, and each of the broken copies breaks
/// exactly the invariant that its fault is against.
contract InvariantsBiteTest is TestCase {
    uint256 private constant CALLS = 10_000;
    uint256 private constant CALLS_TO_BITE = 400;

    function test_ten_thousand_calls_break_nothing() public {
        Campaign campaign = new Campaign();
        InstitutionRegistry registry = new InstitutionRegistry(address(campaign));
        campaign.begin(registry, new CheckpointWitness(registry));
        _run(campaign, CALLS);
        console.log("moved %d, refused %d", campaign.moved(), campaign.movesRefused());
        console.log("registry changes %d, acts refused %d", campaign.changed(), campaign.changesRefused());
        same(campaign.violations(), 0, "an invariant broke");
        check(campaign.moved() > CALLS / 20 && campaign.movesRefused() > CALLS / 5, "moves of both kinds");
        check(campaign.changed() > CALLS / 10 && campaign.changesRefused() > CALLS / 20, "acts of both kinds");
    }

    function test_the_copies_without_a_fault_are_not_broken() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.None, BrokenWitness.Fault.None);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), 0, "an invariant broke");
        check(campaign.moved() > 0 && campaign.changed() > 0, "something happened");
    }

    function test_an_unchecked_proof_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.None, BrokenWitness.Fault.ProofUnchecked);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.UNPROVEN_MOVE(), "the head moved without a proof");
    }

    function test_a_shrinking_size_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.None, BrokenWitness.Fault.Shrinks);
        _run(campaign, CALLS_TO_BITE);
        check(campaign.violations() & campaign.SHRUNK() != 0, "the size shrank");
    }

    function test_an_unfolded_change_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.RevocationNotFolded, BrokenWitness.Fault.None);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.HEAD_NOT_RECOMPUTED(), "a change was left out of the head");
    }

    function test_authority_after_revocation_is_noticed() public {
        _gainsAttribution(BrokenRegistry.Fault.AuthorityKept);
    }

    function test_a_moving_end_of_sequence_is_noticed() public {
        _gainsAttribution(BrokenRegistry.Fault.RevokedTwice);
    }

    function test_a_key_admitted_twice_is_noticed() public {
        _gainsAttribution(BrokenRegistry.Fault.AdmittedTwice);
    }

    function test_an_act_of_a_stranger_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.AnyoneSuspends, BrokenWitness.Fault.None);
        _run(campaign, CALLS_TO_BITE);
        check(campaign.violations() & campaign.STRANGER_ACTED() != 0, "a stranger suspended");
    }

    function test_a_return_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.Returns, BrokenWitness.Fault.None);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.RETURNED(), "an institution that left was resumed");
    }

    function test_a_forgotten_head_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.None, BrokenWitness.Fault.Forgets);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.HISTORY_CHANGED(), "a head was not remembered");
    }

    function test_a_false_event_is_noticed() public {
        Campaign campaign = _begun(BrokenRegistry.Fault.None, BrokenWitness.Fault.TellsAnotherSize);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.HISTORY_CHANGED(), "the event told another size");
    }

    function _gainsAttribution(BrokenRegistry.Fault fault) private {
        Campaign campaign = _begun(fault, BrokenWitness.Fault.None);
        _run(campaign, CALLS_TO_BITE);
        same(campaign.violations(), campaign.ATTRIBUTION_GAINED(), "a revoked key counts again");
    }

    function _begun(BrokenRegistry.Fault registryFault, BrokenWitness.Fault witnessFault)
        private
        returns (Campaign campaign)
    {
        campaign = new Campaign();
        BrokenRegistry registry = new BrokenRegistry(address(campaign), registryFault);
        BrokenWitness witness = new BrokenWitness(registry, witnessFault);
        campaign.begin(IInstitutionRegistry(address(registry)), ICheckpointWitness(address(witness)));
    }

    function _run(Campaign campaign, uint256 calls) private {
        for (uint256 i = 0; i < calls; ++i) campaign.step(i);
    }
}
