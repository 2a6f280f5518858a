// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The text encodings in which vectors are written.
library Encodings {
    error NotBase64(string text);
    error NotHex(string text);

    function fromBase64(string memory text) internal pure returns (bytes memory data) {
        bytes memory input = bytes(text);
        if (input.length % 4 != 0) revert NotBase64(text);
        uint256 padding = 0;
        while (padding < input.length && padding < 2 && input[input.length - 1 - padding] == "=") ++padding;
        data = new bytes(input.length / 4 * 3 - padding);
        for (uint256 i = 0; i < data.length; ++i) {
            uint256 first = i / 3 * 4 + i % 3;
            uint256 pair = _sextet(text, input[first]) << 6 | _sextet(text, input[first + 1]);
            data[i] = bytes1(uint8(pair >> (4 - 2 * (i % 3))));
        }
    }

    function fromHex(string memory text) internal pure returns (bytes memory data) {
        bytes memory input = bytes(text);
        if (input.length % 2 != 0) revert NotHex(text);
        data = new bytes(input.length / 2);
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = bytes1(uint8(_nibble(text, input[2 * i]) << 4 | _nibble(text, input[2 * i + 1])));
        }
    }

    /// @notice The number, or `false` where uint64 cannot say it.
    function toUint64(string memory text) internal pure returns (bool sayable, uint64 number) {
        bytes memory input = bytes(text);
        uint256 value = 0;
        for (uint256 i = 0; i < input.length; ++i) {
            if (input[i] < "0" || input[i] > "9") return (false, 0);
            value = value * 10 + uint8(input[i]) - 48;
            if (value > type(uint64).max) return (false, 0);
        }
        return (input.length > 0, uint64(value));
    }

    function contains(string memory text, string memory part) internal pure returns (bool) {
        (bytes memory all, bytes memory wanted) = (bytes(text), bytes(part));
        for (uint256 i = 0; i + wanted.length <= all.length; ++i) {
            uint256 equal = 0;
            while (equal < wanted.length && all[i + equal] == wanted[equal]) ++equal;
            if (equal == wanted.length) return true;
        }
        return false;
    }

    function _sextet(string memory text, bytes1 character) private pure returns (uint256) {
        uint256 code = uint8(character);
        if (character >= "A" && character <= "Z") return code - 65;
        if (character >= "a" && character <= "z") return code - 71;
        if (character >= "0" && character <= "9") return code + 4;
        if (character == "+") return 62;
        if (character == "/") return 63;
        if (character == "=") return 0;
        revert NotBase64(text);
    }

    function _nibble(string memory text, bytes1 character) private pure returns (uint256) {
        uint256 code = uint8(character);
        if (character >= "0" && character <= "9") return code - 48;
        if (character >= "a" && character <= "f") return code - 87;
        revert NotHex(text);
    }
}
