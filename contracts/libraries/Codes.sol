// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Short names in 32 bytes, and the origins of logs
library Codes {
    uint256 private constant ORIGIN_LENGTH_MAX = 128;

    /// @notice Whether a value is a code: 1 to 32 characters 0x21 to 0x7E, then zero bytes.
    function isCode(bytes32 value) internal pure returns (bool) {
        if (value == 0) return false;
        bool ended = false;
        for (uint256 i = 0; i < 32; ++i) {
            bytes1 character = value[i];
            if (character == 0) ended = true;
            else if (ended || character < 0x21 || character > 0x7e) return false;
        }
        return true;
    }

    /// @notice Whether a text can be an origin: 1 to 128 bytes without ASCII white space, control characters and `+`.
    /// @dev Whether bytes above 0x7F are UTF-8, and not white space there, is for the administrator to check.
    function isOrigin(bytes calldata origin) internal pure returns (bool) {
        if (origin.length == 0 || origin.length > ORIGIN_LENGTH_MAX) return false;
        for (uint256 i = 0; i < origin.length; ++i) {
            bytes1 character = origin[i];
            if (character <= 0x20 || character == 0x7f || character == "+") return false;
        }
        return true;
    }
}
