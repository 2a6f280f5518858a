// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "hardhat/console.sol";

import {Vm} from "./Vm.sol";

/// @notice What every test has: the cheatcodes and a few assertions.
abstract contract TestCase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Failed(string what);

    function check(bool condition, string memory what) internal pure {
        if (!condition) revert Failed(what);
    }

    function same(bytes32 actual, bytes32 expected, string memory what) internal pure {
        if (actual == expected) return;
        console.log("actual, expected:");
        console.logBytes32(actual);
        console.logBytes32(expected);
        revert Failed(what);
    }

    function same(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual == expected) return;
        console.log("actual %d, expected %d", actual, expected);
        revert Failed(what);
    }

    function same(address actual, address expected, string memory what) internal pure {
        same(uint256(uint160(actual)), uint256(uint160(expected)), what);
    }

    /// @notice The next call must revert with exactly this error.
    function refuses(bytes memory reason) internal {
        vm.expectRevert(reason);
    }

    /// @notice A value from `low` to `high`, both included, made from a fuzzed one.
    function within(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        uint256 span = high - low + 1;
        return span == 0 ? value : low + value % span;
    }
}
