// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {InstitutionRegistry} from "../InstitutionRegistry.sol";
import {IInstitutionRegistry} from "../interfaces/IInstitutionRegistry.sol";
import {TypedData} from "./support/TypedData.sol";
import {World} from "./support/World.sol";

/// @notice Institutions and logs: every act, its change and its refusals. Keys are in RegistryKeys.t.sol.
contract RegistryTest is World {
    bytes32 private constant LABORATORY = "laboratory.example";

    function setUp() public {
        makeWorld();
    }

    function test_the_head_starts_from_chain_and_address() public {
        vm.chainId(4242);
        InstitutionRegistry fresh = new InstitutionRegistry(address(this));
        (bytes32 head, uint64 count) = fresh.head();
        same(head, keccak256(abi.encode(uint256(4242), address(fresh))), "head_0");
        same(count, 0, "no change yet");
    }

    function test_admit_is_one_change_a_role() public {
        bytes32[] memory roles = new bytes32[](2);
        (roles[0], roles[1]) = (bytes32("laboratory"), bytes32("quality-control"));
        (bytes32 head, uint64 count) = registry.head();
        vm.warp(1_800_000_000);
        bytes32 next = _folded(head, count + 1, 1, LABORATORY, roles[0], 0, address(0), "acceptance");
        bytes32 last = _folded(next, count + 2, 1, LABORATORY, roles[1], 0, address(0), "acceptance");
        _expectChange(count + 1, 1, LABORATORY, roles[0], 0, address(0), "acceptance", next);
        _expectChange(count + 2, 1, LABORATORY, roles[1], 0, address(0), "acceptance", last);
        registry.admit(LABORATORY, roles, "acceptance");
        (head, count) = registry.head();
        same(head, last, "the head is folded as the specification says");
        check(standingOf(LABORATORY) == IInstitutionRegistry.Standing.Active, "active");
        check(registry.holdsRole(LABORATORY, "laboratory") && registry.holdsRole(LABORATORY, roles[1]), "roles");
        check(!registry.holdsRole(LABORATORY, "court"), "no other role");
        same(keccak256(abi.encode(registry.rolesOf(LABORATORY))), keccak256(abi.encode(roles)), "roles in order");
    }

    function test_later_roles_are_added_and_a_suspension_stays() public {
        registry.suspend(HOSPITAL, 0);
        registry.admit(HOSPITAL, list("laboratory"), 0);
        check(registry.holdsRole(HOSPITAL, "hospital") && registry.holdsRole(HOSPITAL, "laboratory"), "both");
        check(standingOf(HOSPITAL) == IInstitutionRegistry.Standing.Suspended, "still suspended");
    }

    function test_admit_refuses() public {
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotACode.selector, bytes32(0)));
        registry.admit(0, list("hospital"), 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotACode.selector, bytes32("a b")));
        registry.admit("a b", list("hospital"), 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotACode.selector, bytes32("a role")));
        registry.admit(LABORATORY, list("a role"), 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NoRole.selector));
        registry.admit(LABORATORY, none(), 0);
        bytes32 role = "hospital";
        refuses(abi.encodeWithSelector(IInstitutionRegistry.RoleAlreadyHeld.selector, HOSPITAL, role));
        registry.admit(HOSPITAL, list(role), 0);
        registry.exit(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.admit(HOSPITAL, list("laboratory"), 0);
    }

    function test_suspend_and_resume() public {
        (bytes32 head, uint64 count) = registry.head();
        bytes32 next = _folded(head, count + 1, 2, HOSPITAL, 0, 0, address(0), "licence-lapsed");
        _expectChange(count + 1, 2, HOSPITAL, 0, 0, address(0), "licence-lapsed", next);
        registry.suspend(HOSPITAL, "licence-lapsed");
        check(standingOf(HOSPITAL) == IInstitutionRegistry.Standing.Suspended, "suspended");
        bytes32 last = _folded(next, count + 2, 3, HOSPITAL, 0, 0, address(0), 0);
        _expectChange(count + 2, 3, HOSPITAL, 0, 0, address(0), 0, last);
        registry.resume(HOSPITAL);
        check(standingOf(HOSPITAL) == IInstitutionRegistry.Standing.Active, "active again");
    }

    function test_suspend_and_resume_refuse() public {
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownInstitution.selector, LABORATORY));
        registry.suspend(LABORATORY, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownInstitution.selector, LABORATORY));
        registry.resume(LABORATORY);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotACode.selector, bytes32("no code")));
        registry.suspend(HOSPITAL, "no code");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotSuspended.selector, HOSPITAL));
        registry.resume(HOSPITAL);
        registry.suspend(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NotActive.selector, HOSPITAL));
        registry.suspend(HOSPITAL, 0);
        registry.exit(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.suspend(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.resume(HOSPITAL);
    }

    function test_exit_with_and_without_a_successor() public {
        registry.admit(LABORATORY, list("laboratory"), 0);
        (bytes32 head, uint64 count) = registry.head();
        bytes32 next = _folded(head, count + 1, 4, HOSPITAL, 0, 0, address(0), LABORATORY);
        _expectChange(count + 1, 4, HOSPITAL, 0, 0, address(0), LABORATORY, next);
        registry.exit(HOSPITAL, LABORATORY);
        (IInstitutionRegistry.Standing standing, bytes32 successor) = registry.institution(HOSPITAL);
        check(standing == IInstitutionRegistry.Standing.Exited, "exited");
        same(successor, LABORATORY, "successor");
        registry.exit(LABORATORY, 0);
        (standing, successor) = registry.institution(LABORATORY);
        check(standing == IInstitutionRegistry.Standing.Exited && successor == 0, "without a successor");
    }

    function test_exit_refuses() public {
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownInstitution.selector, LABORATORY));
        registry.exit(LABORATORY, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidSuccessor.selector, LABORATORY));
        registry.exit(HOSPITAL, LABORATORY);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidSuccessor.selector, HOSPITAL));
        registry.exit(HOSPITAL, HOSPITAL);
        registry.exit(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidSuccessor.selector, HOSPITAL));
        registry.exit(OPERATOR, HOSPITAL);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.exit(HOSPITAL, OPERATOR);
    }

    function test_a_suspended_institution_may_exit_and_be_a_successor() public {
        registry.admit(LABORATORY, list("laboratory"), 0);
        registry.suspend(LABORATORY, 0);
        registry.suspend(HOSPITAL, 0);
        registry.exit(HOSPITAL, LABORATORY);
        check(standingOf(HOSPITAL) == IInstitutionRegistry.Standing.Exited, "exited");
    }

    function test_open_log() public {
        string memory origin = unicode"互证.example/二";
        bytes32 log = keccak256(bytes(origin));
        (bytes32 head, uint64 count) = registry.head();
        vm.expectEmit(true, true, true, true, address(registry));
        emit IInstitutionRegistry.LogOpened(log, origin);
        bytes32 next = _folded(head, count + 1, 5, HOSPITAL, 0, log, address(0), 0);
        _expectChange(count + 1, 5, HOSPITAL, 0, log, address(0), 0, next);
        same(registry.openLog(origin, HOSPITAL), log, "the id");
        same(registry.operatorOf(log), HOSPITAL, "the operator");
    }

    function test_open_log_refuses() public {
        refuses(abi.encodeWithSelector(IInstitutionRegistry.LogAlreadyOpen.selector, LOG));
        registry.openLog(ORIGIN, HOSPITAL);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidOrigin.selector));
        registry.openLog("", OPERATOR);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidOrigin.selector));
        registry.openLog("a b", OPERATOR);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownInstitution.selector, LABORATORY));
        registry.openLog("log.example/other", LABORATORY);
        registry.exit(HOSPITAL, 0);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.openLog("log.example/other", HOSPITAL);
    }

    function test_only_the_administrator_acts() public {
        address stranger = vm.addr(STRANGER);
        bytes[7] memory acts = [
            abi.encodeCall(registry.admit, (LABORATORY, list("laboratory"), 0)),
            abi.encodeCall(registry.suspend, (HOSPITAL, 0)),
            abi.encodeCall(registry.resume, (HOSPITAL)),
            abi.encodeCall(registry.exit, (HOSPITAL, 0)),
            abi.encodeCall(registry.openLog, ("log.example/other", OPERATOR)),
            abi.encodeCall(registry.addKey, (HOSPITAL, LOG, STATEMENT, stranger, 0, "")),
            abi.encodeCall(registry.revokeKey, (vm.addr(SIGNER), 0))
        ];
        bytes memory refusal = abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector, stranger, registry.ADMINISTRATOR()
        );
        for (uint256 i = 0; i < acts.length; ++i) {
            vm.prank(stranger);
            (bool done, bytes memory answer) = address(registry).call(acts[i]);
            check(!done, "a stranger acted");
            same(keccak256(answer), keccak256(refusal), "refused as unauthorized");
        }
    }

    function test_the_administrator_hands_the_role_on() public {
        address next = vm.addr(STRANGER);
        bytes32 role = registry.ADMINISTRATOR();
        same(registry.getRoleAdmin(role), role, "the role administers itself");
        check(!registry.hasRole(registry.DEFAULT_ADMIN_ROLE(), address(this)), "there is no other role");
        registry.grantRole(role, next);
        registry.renounceRole(role, address(this));
        refuses(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), role)
        );
        registry.suspend(HOSPITAL, 0);
        vm.prank(next);
        registry.suspend(HOSPITAL, 0);
        check(standingOf(HOSPITAL) == IInstitutionRegistry.Standing.Suspended, "the next one acts");
    }

    function test_a_registry_needs_an_administrator() public {
        refuses(abi.encodeWithSelector(IInstitutionRegistry.ZeroAdministrator.selector));
        new InstitutionRegistry(address(0));
    }

    function testFuzz_the_domain_follows_chain_registry_and_log(uint64 chain, bytes32 log) public {
        vm.chainId(within(chain, 1, type(uint64).max - 1));
        same(registry.domainSeparator(log), TypedData.domain(address(registry), log), "the separator");
    }

    function _expectChange(
        uint64 number,
        uint8 action,
        bytes32 institution,
        bytes32 role,
        bytes32 log,
        address key,
        bytes32 data,
        bytes32 head
    ) private {
        vm.expectEmit(true, true, true, true, address(registry));
        uint64 time = uint64(block.timestamp);
        emit IInstitutionRegistry.RegistryChanged(number, time, action, institution, role, log, key, data, head);
    }

    function _folded(
        bytes32 head,
        uint64 number,
        uint8 action,
        bytes32 institution,
        bytes32 role,
        bytes32 log,
        address key,
        bytes32 data
    ) private view returns (bytes32) {
        bytes memory change =
            abi.encode(number, uint64(block.timestamp), action, institution, role, log, key, data);
        return keccak256(bytes.concat(head, keccak256(change)));
    }
}
