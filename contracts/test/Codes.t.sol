// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogProofHarness} from "./support/LogProofHarness.sol";
import {TestCase} from "./support/TestCase.sol";

contract CodesTest is TestCase {
    LogProofHarness private _subject = new LogProofHarness();

    function test_codes() public view {
        check(_subject.isCode("!"), "the first character");
        check(_subject.isCode("~"), "the last character");
        check(_subject.isCode("123456789012345678"), "18 characters");
        check(_subject.isCode("12345678901234567890123456789012"), "32 characters");
        check(!_subject.isCode(0), "zero is no code");
        check(!_subject.isCode("a b"), "a space");
        check(!_subject.isCode(bytes32(bytes2(0x617f))), "a control character");
        check(!_subject.isCode(bytes32(bytes2(0x61e4))), "beyond ASCII");
        check(!_subject.isCode(bytes32(bytes3(0x610061))), "a character after the padding");
        check(!_subject.isCode(bytes32(uint256(0x61))), "aligned to the right");
    }

    /// @dev The rule from its other end: every byte before the first zero is printable, every byte after is zero.
    function testFuzz_codes(bytes32 value, uint8 length) public view {
        value = value & ~(bytes32(type(uint256).max) >> (8 * within(length, 0, 32)));
        uint256 printable = 0;
        while (printable < 32 && value[printable] > 0x20 && value[printable] < 0x7f) ++printable;
        bool rest = printable == 32 || value << (8 * printable) == 0;
        check(_subject.isCode(value) == (printable > 0 && rest), "the rule");
    }

    function testFuzz_text_of_printable_characters_is_a_code(bytes32 noise, uint8 length) public view {
        length = uint8(within(length, 1, 32));
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) text[i] = bytes1(0x21 + uint8(noise[i]) % 94);
        check(_subject.isCode(bytes32(text)), "printable");
    }

    function test_origins() public view {
        check(_subject.isOrigin("a"), "one byte");
        check(_subject.isOrigin(unicode"互证.example/2026"), "UTF-8");
        check(_subject.isOrigin(_repeated("x", 128)), "128 bytes");
        check(!_subject.isOrigin(""), "empty");
        check(!_subject.isOrigin(_repeated("x", 129)), "129 bytes");
        string[6] memory refused = ["a b", "a+b", "a\tb", "a\nb", "a\x00b", "a\x7fb"];
        for (uint256 i = 0; i < refused.length; ++i) check(!_subject.isOrigin(bytes(refused[i])), "a forbidden byte");
    }

    function _repeated(bytes1 character, uint256 count) private pure returns (bytes memory text) {
        text = new bytes(count);
        for (uint256 i = 0; i < count; ++i) text[i] = character;
    }
}
