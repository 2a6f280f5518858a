// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

import {IInstitutionRegistry} from "../../interfaces/IInstitutionRegistry.sol";
import {Codes} from "../../libraries/Codes.sol";
import {SigningDomain} from "../../libraries/SigningDomain.sol";

/// @title BrokenRegistry: a copy with faults, for the invariants to notice; never deploy it // fault
/// @notice What each function does and refuses is said in IInstitutionRegistry.
contract BrokenRegistry is IInstitutionRegistry, AccessControl { // fault
    enum Fault { None, RevocationNotFolded, AuthorityKept, RevokedTwice, AdmittedTwice, AnyoneSuspends, Returns } // fault
    Fault private immutable _fault; // fault
    /// @notice The one role. Its holders (meant to be one multisig) also grant and revoke it.
    bytes32 public constant ADMINISTRATOR = keccak256("ADMINISTRATOR");

    uint8 private constant ADMITTED = 1;
    uint8 private constant SUSPENDED = 2;
    uint8 private constant RESUMED = 3;
    uint8 private constant EXITED = 4;
    uint8 private constant LOG_OPENED = 5;
    uint8 private constant KEY_ADDED = 6;
    uint8 private constant KEY_REVOKED = 7;

    bytes32 private constant STATEMENT = "statement";
    bytes32 private constant CHECKPOINT = "checkpoint";
    bytes32 private constant RECEIPT = "receipt";
    bytes32 private constant NOTE = "note";

    bytes32 private _head;
    uint64 private _count;
    mapping(bytes32 institution => Standing) private _standings;
    mapping(bytes32 institution => bytes32) private _successors;
    mapping(bytes32 institution => bytes32[]) private _roles;
    mapping(bytes32 institution => mapping(bytes32 role => bool)) private _holdsRole;
    mapping(bytes32 log => bytes32) private _operators;
    mapping(address key => KeyRecord) private _keys;
    /// @dev Says again what `_keys` says, in one slot, for the witness: it reads this with every head.
    mapping(bytes32 log => mapping(address key => bool)) private _checkpointKeys;

    /// @param administrator holds the one role at first
    constructor(address administrator, Fault fault) { // fault
        _fault = fault; // fault
        if (administrator == address(0)) revert ZeroAdministrator();
        _setRoleAdmin(ADMINISTRATOR, ADMINISTRATOR);
        _grantRole(ADMINISTRATOR, administrator);
        _head = keccak256(abi.encode(block.chainid, address(this)));
    }

    /// @inheritdoc IInstitutionRegistry
    function admit(bytes32 code, bytes32[] calldata roles, bytes32 acceptance) external onlyRole(ADMINISTRATOR) {
        if (!Codes.isCode(code)) revert NotACode(code);
        if (_standings[code] == Standing.Exited) revert InstitutionExited(code);
        if (roles.length == 0) revert NoRole();
        if (_standings[code] == Standing.Unknown) _standings[code] = Standing.Active;
        for (uint256 i = 0; i < roles.length; ++i) {
            bytes32 role = roles[i];
            if (!Codes.isCode(role)) revert NotACode(role);
            if (_holdsRole[code][role]) revert RoleAlreadyHeld(code, role);
            _holdsRole[code][role] = true;
            _roles[code].push(role);
            _record(ADMITTED, code, role, 0, address(0), acceptance);
        }
    }

    /// @inheritdoc IInstitutionRegistry
    function suspend(bytes32 code, bytes32 reason) external { // fault
        if (_fault != Fault.AnyoneSuspends) _checkRole(ADMINISTRATOR); // fault
        _requirePresent(code);
        if (_standings[code] != Standing.Active) revert NotActive(code);
        if (reason != 0 && !Codes.isCode(reason)) revert NotACode(reason);
        _standings[code] = Standing.Suspended;
        _record(SUSPENDED, code, 0, 0, address(0), reason);
    }

    /// @inheritdoc IInstitutionRegistry
    function resume(bytes32 code) external onlyRole(ADMINISTRATOR) {
        bool back = _fault == Fault.Returns && _standings[code] == Standing.Exited; // fault
        if (!back) _requirePresent(code); // fault
        if (_standings[code] != Standing.Suspended && !back) revert NotSuspended(code); // fault
        _standings[code] = Standing.Active;
        _record(RESUMED, code, 0, 0, address(0), 0);
    }

    /// @inheritdoc IInstitutionRegistry
    function exit(bytes32 code, bytes32 successor) external onlyRole(ADMINISTRATOR) {
        _requirePresent(code);
        if (successor != 0) {
            Standing standing = _standings[successor];
            bool present = standing == Standing.Active || standing == Standing.Suspended;
            if (successor == code || !present) revert InvalidSuccessor(successor);
            _successors[code] = successor;
        }
        _standings[code] = Standing.Exited;
        _record(EXITED, code, 0, 0, address(0), successor);
    }

    /// @inheritdoc IInstitutionRegistry
    function openLog(string calldata origin, bytes32 operator)
        external
        onlyRole(ADMINISTRATOR)
        returns (bytes32 log)
    {
        _requirePresent(operator);
        if (!Codes.isOrigin(bytes(origin))) revert InvalidOrigin();
        log = keccak256(bytes(origin));
        if (_operators[log] != 0) revert LogAlreadyOpen(log);
        _operators[log] = operator;
        emit LogOpened(log, origin);
        _record(LOG_OPENED, operator, 0, log, address(0), 0);
    }

    /// @inheritdoc IInstitutionRegistry
    function addKey(
        bytes32 code,
        bytes32 log,
        bytes32 purpose,
        address key,
        bytes32 data,
        bytes calldata consent
    ) external onlyRole(ADMINISTRATOR) {
        _requirePresent(code);
        _requireMayHold(code, log, purpose);
        bool again = _fault == Fault.AdmittedTwice; // fault
        if (_keys[key].institution != 0 && !again) revert KeyAlreadyAdmitted(key); // fault
        _requireConsent(code, log, purpose, key, data, consent);
        _record(KEY_ADDED, code, purpose, log, key, data);
        _keys[key] = KeyRecord(code, log, purpose, data, _count, 0, 0);
        if (purpose == CHECKPOINT) _checkpointKeys[log][key] = true;
    }

    /// @inheritdoc IInstitutionRegistry
    function revokeKey(address key, uint64 endSequence) external onlyRole(ADMINISTRATOR) {
        KeyRecord storage record = _keys[key];
        bytes32 purpose = record.purpose;
        if (purpose == 0) revert UnknownKey(key);
        bool twice = _fault == Fault.RevokedTwice; // fault
        if (record.revokedNumber != 0 && !twice) revert KeyAlreadyRevoked(key); // fault
        if (purpose != STATEMENT && endSequence != 0) revert EndSequenceNotZero(key);
        _record(KEY_REVOKED, record.institution, purpose, record.log, key, bytes32(uint256(endSequence)));
        record.revokedNumber = _count;
        record.endSequence = endSequence;
        bool kept = _fault == Fault.AuthorityKept; // fault
        if (purpose == CHECKPOINT && !kept) _checkpointKeys[record.log][key] = false; // fault
    }

    /// @inheritdoc IInstitutionRegistry
    function checkpointAuthority(bytes32 log, address key) external view returns (bool, bytes32, uint64) {
        return (_checkpointKeys[log][key], _head, _count);
    }

    /// @inheritdoc IInstitutionRegistry
    function head() external view returns (bytes32, uint64) {
        return (_head, _count);
    }

    /// @inheritdoc IInstitutionRegistry
    function institution(bytes32 code) external view returns (Standing, bytes32) {
        return (_standings[code], _successors[code]);
    }

    /// @inheritdoc IInstitutionRegistry
    function rolesOf(bytes32 code) external view returns (bytes32[] memory) {
        return _roles[code];
    }

    /// @inheritdoc IInstitutionRegistry
    function holdsRole(bytes32 code, bytes32 role) external view returns (bool) {
        return _holdsRole[code][role];
    }

    /// @inheritdoc IInstitutionRegistry
    function keyRecord(address key) external view returns (KeyRecord memory) {
        return _keys[key];
    }

    /// @inheritdoc IInstitutionRegistry
    function operatorOf(bytes32 log) external view returns (bytes32) {
        return _operators[log];
    }

    /// @inheritdoc IInstitutionRegistry
    function domainSeparator(bytes32 log) external view returns (bytes32) {
        return SigningDomain.separator(address(this), log);
    }

    /// @dev Numbers one change, folds it into the head and emits it.
    function _record(uint8 action, bytes32 code, bytes32 role, bytes32 log, address key, bytes32 data) private {
        uint64 number = _count + 1;
        uint64 time = uint64(block.timestamp);
        bytes32 change = keccak256(abi.encode(number, time, action, code, role, log, key, data));
        bytes32 newHead = keccak256(abi.encode(_head, change));
        _count = number;
        if (_fault != Fault.RevocationNotFolded || action != KEY_REVOKED) _head = newHead; // fault
        emit RegistryChanged(number, time, action, code, role, log, key, data, newHead);
    }

    function _requirePresent(bytes32 code) private view {
        Standing standing = _standings[code];
        if (standing == Standing.Unknown) revert UnknownInstitution(code);
        if (standing == Standing.Exited) revert InstitutionExited(code);
    }

    function _requireMayHold(bytes32 code, bytes32 log, bytes32 purpose) private view {
        bytes32 operator = _operators[log];
        if (operator == 0) revert UnknownLog(log);
        if (purpose == STATEMENT) return;
        if (purpose != CHECKPOINT && purpose != RECEIPT && purpose != NOTE) revert UnknownPurpose(purpose);
        if (operator != code) revert NotLogOperator(log, code);
    }

    function _requireConsent(
        bytes32 code,
        bytes32 log,
        bytes32 purpose,
        address key,
        bytes32 data,
        bytes calldata consent
    ) private view {
        if (purpose == NOTE) {
            // An Ed25519 key cannot sign for the EVM: the address names it, every note it signs shows who holds it.
            address named = address(uint160(uint256(keccak256(abi.encode(data)))));
            if (data == 0 || key != named) revert NoteKeyMismatch(key);
            if (consent.length != 0) revert InvalidConsent(key);
            return;
        }
        bytes32 structHash = keccak256(abi.encode(SigningDomain.CONSENT_TYPE, code, log, purpose, key));
        address signer = SigningDomain.signerOf(address(this), log, structHash, consent);
        if (signer == address(0) || signer != key) revert InvalidConsent(key);
    }
}
