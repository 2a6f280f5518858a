// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckpointWitness} from "../CheckpointWitness.sol";
import {InstitutionRegistry} from "../InstitutionRegistry.sol";
import {Campaign} from "./support/Campaign.sol";
import {TestCase} from "./support/TestCase.sol";

/// @notice What the runner calls: one random step.
contract CampaignSteps {
    Campaign private immutable _campaign;

    constructor(Campaign campaign) {
        _campaign = campaign;
    }

    function step(uint256 seed) external {
        _campaign.step(seed);
    }
}

/// @notice What always holds, over at least 10,000 random calls: runs times depth of hardhat.config.js.
contract InvariantsTest is TestCase {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Campaign private _campaign;
    CampaignSteps private _steps;

    function setUp() public {
        _campaign = new Campaign();
        InstitutionRegistry registry = new InstitutionRegistry(address(_campaign));
        _campaign.begin(registry, new CheckpointWitness(registry));
        _steps = new CampaignSteps(_campaign);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_steps);
    }

    function invariant_a_head_never_moves_without_a_valid_proof() public view {
        check(_campaign.violations() & _campaign.UNPROVEN_MOVE() == 0, "moved without a proof");
    }

    function invariant_a_size_never_shrinks() public view {
        check(_campaign.violations() & _campaign.SHRUNK() == 0, "shrank");
    }

    function invariant_the_registry_head_recomputes_from_its_changes() public view {
        check(_campaign.violations() & _campaign.HEAD_NOT_RECOMPUTED() == 0, "another head");
    }

    function invariant_a_revoked_key_never_gains_attribution() public view {
        check(_campaign.violations() & _campaign.ATTRIBUTION_GAINED() == 0, "attribution gained");
    }

    function invariant_nobody_but_the_administrator_acts() public view {
        check(_campaign.violations() & _campaign.STRANGER_ACTED() == 0, "a stranger acted");
    }

    function invariant_what_was_witnessed_stays_so() public view {
        check(_campaign.violations() & _campaign.HISTORY_CHANGED() == 0, "history changed");
    }

    function invariant_who_left_never_returns() public view {
        check(_campaign.violations() & _campaign.RETURNED() == 0, "returned");
    }
}
