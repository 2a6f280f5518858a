// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutionRegistry} from "../interfaces/IInstitutionRegistry.sol";
import {TypedData} from "./support/TypedData.sol";
import {World} from "./support/World.sol";

/// @notice Admitting and revoking keys.
contract RegistryKeysTest is World {
    bytes32 private constant PUBLIC_KEY = keccak256("an Ed25519 public key");

    function setUp() public {
        makeWorld();
    }

    function test_a_statement_key_of_any_institution() public {
        (bytes32 head, uint64 count) = registry.head();
        address key = vm.addr(DOCTOR);
        bytes memory change = abi.encode(
            count + 1, uint64(block.timestamp), uint8(6), HOSPITAL, STATEMENT, LOG, key, bytes32("acceptance")
        );
        bytes32 next = keccak256(bytes.concat(head, keccak256(change)));
        bytes memory consent = consentOf(HOSPITAL, LOG, STATEMENT, DOCTOR);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IInstitutionRegistry.RegistryChanged(
            count + 1, uint64(block.timestamp), 6, HOSPITAL, STATEMENT, LOG, key, "acceptance", next
        );
        registry.addKey(HOSPITAL, LOG, STATEMENT, key, "acceptance", consent);
        IInstitutionRegistry.KeyRecord memory record = registry.keyRecord(key);
        check(record.institution == HOSPITAL && record.log == LOG && record.purpose == STATEMENT, "whose, where, for");
        check(record.data == "acceptance" && record.addedNumber == count + 1, "data, number");
        check(record.revokedNumber == 0 && record.endSequence == 0, "not revoked");
        (bool authorized,,) = registry.checkpointAuthority(LOG, key);
        check(!authorized, "a statement key signs no checkpoint");
    }

    function test_the_operator_has_keys_of_every_purpose() public {
        addKey(OPERATOR, RECEIPT, 11);
        addKey(OPERATOR, STATEMENT, 12);
        registry.addKey(OPERATOR, LOG, NOTE, _noteAddress(PUBLIC_KEY), PUBLIC_KEY, "");
        same(registry.keyRecord(_noteAddress(PUBLIC_KEY)).data, PUBLIC_KEY, "the public key is on record");
        (bool authorized, bytes32 head, uint64 count) = registry.checkpointAuthority(LOG, vm.addr(SIGNER));
        check(authorized, "the checkpoint key");
        (bytes32 registryHead, uint64 registryCount) = registry.head();
        check(head == registryHead && count == registryCount, "the same head and count");
        uint256[2] memory others = [uint256(11), 12];
        for (uint256 i = 0; i < 2; ++i) {
            (authorized,,) = registry.checkpointAuthority(LOG, vm.addr(others[i]));
            check(!authorized, "no other purpose");
        }
        (authorized,,) = registry.checkpointAuthority(LOG, _noteAddress(PUBLIC_KEY));
        check(!authorized, "no note key");
        (authorized,,) = registry.checkpointAuthority(keccak256("another log"), vm.addr(SIGNER));
        check(!authorized, "no other log");
    }

    function test_only_the_operator_has_its_purposes() public {
        bytes32[3] memory purposes = [CHECKPOINT, RECEIPT, NOTE];
        for (uint256 i = 0; i < purposes.length; ++i) {
            bytes memory consent = consentOf(HOSPITAL, LOG, purposes[i], DOCTOR);
            refuses(abi.encodeWithSelector(IInstitutionRegistry.NotLogOperator.selector, LOG, HOSPITAL));
            registry.addKey(HOSPITAL, LOG, purposes[i], vm.addr(DOCTOR), 0, consent);
        }
    }

    function test_suspended_institutions_get_keys_and_exited_ones_do_not() public {
        registry.suspend(HOSPITAL, 0);
        addKey(HOSPITAL, STATEMENT, DOCTOR);
        registry.exit(HOSPITAL, 0);
        bytes memory consent = consentOf(HOSPITAL, LOG, STATEMENT, 13);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InstitutionExited.selector, HOSPITAL));
        registry.addKey(HOSPITAL, LOG, STATEMENT, vm.addr(13), 0, consent);
    }

    function test_add_key_refuses_what_is_unknown() public {
        bytes32 nobody = "nobody.example";
        address key = vm.addr(DOCTOR);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownInstitution.selector, nobody));
        registry.addKey(nobody, LOG, STATEMENT, key, 0, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownLog.selector, keccak256("closed")));
        registry.addKey(HOSPITAL, keccak256("closed"), STATEMENT, key, 0, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownPurpose.selector, bytes32("witness")));
        registry.addKey(HOSPITAL, LOG, "witness", key, 0, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownPurpose.selector, bytes32(0)));
        registry.addKey(HOSPITAL, LOG, 0, key, 0, "");
    }

    function test_a_key_is_admitted_once_ever() public {
        addKey(HOSPITAL, STATEMENT, DOCTOR);
        address key = vm.addr(DOCTOR);
        bytes memory again = abi.encodeWithSelector(IInstitutionRegistry.KeyAlreadyAdmitted.selector, key);
        bytes memory consent = consentOf(HOSPITAL, LOG, STATEMENT, DOCTOR);
        refuses(again);
        registry.addKey(HOSPITAL, LOG, STATEMENT, key, 0, consent);
        registry.revokeKey(key, 7);
        refuses(again);
        registry.addKey(HOSPITAL, LOG, STATEMENT, key, 0, consent);
        bytes32 other = registry.openLog("log.example/other", OPERATOR);
        consent = consentOf(OPERATOR, other, CHECKPOINT, DOCTOR);
        refuses(again);
        registry.addKey(OPERATOR, other, CHECKPOINT, key, 0, consent);
    }

    function test_consent_is_for_exactly_this() public {
        address key = vm.addr(DOCTOR);
        bytes memory refusal = abi.encodeWithSelector(IInstitutionRegistry.InvalidConsent.selector, key);
        bytes32 other = registry.openLog("log.example/other", OPERATOR);
        bytes[6] memory wrong = [
            consentOf(OPERATOR, LOG, STATEMENT, DOCTOR),
            consentOf(HOSPITAL, other, STATEMENT, DOCTOR),
            consentOf(HOSPITAL, LOG, RECEIPT, DOCTOR),
            consentOf(HOSPITAL, LOG, STATEMENT, STRANGER),
            signed(DOCTOR, TypedData.consent(address(this), HOSPITAL, LOG, STATEMENT, key)),
            bytes("")
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            refuses(refusal);
            registry.addKey(HOSPITAL, LOG, STATEMENT, key, 0, wrong[i]);
        }
        bytes memory consent = consentOf(HOSPITAL, LOG, STATEMENT, DOCTOR);
        vm.chainId(block.chainid + 1);
        refuses(refusal);
        registry.addKey(HOSPITAL, LOG, STATEMENT, key, 0, consent);
    }

    function test_malformed_consent_admits_nobody() public {
        bytes memory consent = consentOf(HOSPITAL, LOG, STATEMENT, DOCTOR);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidConsent.selector, address(0)));
        registry.addKey(HOSPITAL, LOG, STATEMENT, address(0), 0, new bytes(65));
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidConsent.selector, vm.addr(DOCTOR)));
        registry.addKey(HOSPITAL, LOG, STATEMENT, vm.addr(DOCTOR), 0, bytes.concat(consent, hex"00"));
    }

    function test_note_keys() public {
        address key = _noteAddress(PUBLIC_KEY);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NoteKeyMismatch.selector, address(1)));
        registry.addKey(OPERATOR, LOG, NOTE, address(1), PUBLIC_KEY, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.NoteKeyMismatch.selector, _noteAddress(0)));
        registry.addKey(OPERATOR, LOG, NOTE, _noteAddress(0), 0, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.InvalidConsent.selector, key));
        registry.addKey(OPERATOR, LOG, NOTE, key, PUBLIC_KEY, hex"00");
        registry.addKey(OPERATOR, LOG, NOTE, key, PUBLIC_KEY, "");
        refuses(abi.encodeWithSelector(IInstitutionRegistry.KeyAlreadyAdmitted.selector, key));
        registry.addKey(OPERATOR, LOG, NOTE, key, PUBLIC_KEY, "");
    }

    function testFuzz_revoking_records_the_end(uint64 endSequence) public {
        addKey(HOSPITAL, STATEMENT, DOCTOR);
        address key = vm.addr(DOCTOR);
        (bytes32 head, uint64 count) = registry.head();
        bytes32 data = bytes32(uint256(endSequence));
        bytes memory change =
            abi.encode(count + 1, uint64(block.timestamp), uint8(7), HOSPITAL, STATEMENT, LOG, key, data);
        bytes32 next = keccak256(bytes.concat(head, keccak256(change)));
        vm.expectEmit(true, true, true, true, address(registry));
        emit IInstitutionRegistry.RegistryChanged(
            count + 1, uint64(block.timestamp), 7, HOSPITAL, STATEMENT, LOG, key, data, next
        );
        registry.revokeKey(key, endSequence);
        IInstitutionRegistry.KeyRecord memory record = registry.keyRecord(key);
        check(record.revokedNumber == count + 1 && record.endSequence == endSequence, "the end is on record");
        check(record.institution == HOSPITAL && record.addedNumber == count, "nothing else is lost");
    }

    function test_revoke_refuses() public {
        address key = vm.addr(DOCTOR);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.UnknownKey.selector, key));
        registry.revokeKey(key, 0);
        addKey(HOSPITAL, STATEMENT, DOCTOR);
        registry.revokeKey(key, 7);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.KeyAlreadyRevoked.selector, key));
        registry.revokeKey(key, 8);
        refuses(abi.encodeWithSelector(IInstitutionRegistry.EndSequenceNotZero.selector, vm.addr(SIGNER)));
        registry.revokeKey(vm.addr(SIGNER), 1);
    }

    function test_a_revoked_checkpoint_key_has_no_authority() public {
        registry.revokeKey(vm.addr(SIGNER), 0);
        (bool authorized,,) = registry.checkpointAuthority(LOG, vm.addr(SIGNER));
        check(!authorized, "revoked");
    }

    function _noteAddress(bytes32 publicKey) private pure returns (address) {
        return address(uint160(uint256(keccak256(bytes.concat(publicKey)))));
    }
}
