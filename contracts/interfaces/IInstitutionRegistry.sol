// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Which institution exists, in which roles, and which key speaks for it in which log
/// @notice Specification: docs/spec/registry.md. Codes are 1 to 32 characters 0x21 to 0x7E, padded with zero bytes.
/// Every act of the administrator is one or more numbered changes, folded into one running hash, the registry head:
/// `head = keccak256(head || keccak256(abi.encode(number, time, action, institution, role, log, key, data)))`, starting
/// from `keccak256(abi.encode(chainid, registry))`. Nothing is ever deleted and the contract cannot be upgraded.
interface IInstitutionRegistry {
    /// @notice How an institution stands. Only `Exited` is for good.
    enum Standing {
        Unknown,
        Active,
        Suspended,
        Exited
    }

    /// @notice What the registry knows of a key.
    /// @param institution code of the institution it speaks for; zero when the key was never admitted
    /// @param log id of the one log it is used in
    /// @param purpose `statement`, `checkpoint`, `receipt` or `note`
    /// @param data for `note` the Ed25519 public key; else the digest of the acceptance, or zero
    /// @param addedNumber number of the change that admitted it, from 1
    /// @param revokedNumber number of the change that revoked it; zero while it is not revoked
    /// @param endSequence when revoked: the first sequence number that does not count any more
    struct KeyRecord {
        bytes32 institution;
        bytes32 log;
        bytes32 purpose;
        bytes32 data;
        uint64 addedNumber;
        uint64 revokedNumber;
        uint64 endSequence;
    }

    /// @notice One numbered change; the list of all of them recomputes `head`.
    /// @param number from 1, without a gap
    /// @param time timestamp of the block, Unix seconds
    /// @param action 1 admitted, 2 suspended, 3 resumed, 4 exited, 5 log-opened, 6 key-added, 7 key-revoked
    /// @param institution whom the change concerns
    /// @param role one role when admitted, the purpose for keys, else zero
    /// @param log log id, or zero
    /// @param key the key, or zero
    /// @param data what the action needs (acceptance, reason, successor, public key, end sequence), or zero
    /// @param head the registry head after this change
    event RegistryChanged(
        uint64 indexed number,
        uint64 time,
        uint8 action,
        bytes32 indexed institution,
        bytes32 role,
        bytes32 log,
        address indexed key,
        bytes32 data,
        bytes32 head
    );

    /// @notice The text behind a log id: `log = keccak256(origin)`.
    event LogOpened(bytes32 indexed log, string origin);

    /// @notice The first administrator must be an account, or nobody could ever admit anything.
    error ZeroAdministrator();
    /// @notice The value is not a code: 1 to 32 characters 0x21 to 0x7E, then zero bytes.
    error NotACode(bytes32 value);
    /// @notice An institution is admitted in at least one role.
    error NoRole();
    /// @notice The institution has this role already; leave it out of the call.
    error RoleAlreadyHeld(bytes32 institution, bytes32 role);
    /// @notice No institution of this code was admitted; admit it first.
    error UnknownInstitution(bytes32 institution);
    /// @notice The institution has exited, which is for good.
    error InstitutionExited(bytes32 institution);
    /// @notice Only an active institution is suspended.
    error NotActive(bytes32 institution);
    /// @notice Only a suspended institution is resumed.
    error NotSuspended(bytes32 institution);
    /// @notice A successor is another institution that was admitted and has not exited.
    error InvalidSuccessor(bytes32 successor);
    /// @notice An origin is 1 to 128 bytes without white space, control characters and `+`.
    error InvalidOrigin();
    /// @notice An origin names one log, ever.
    error LogAlreadyOpen(bytes32 log);
    /// @notice No log of this id was opened; open it first.
    error UnknownLog(bytes32 log);
    /// @notice A purpose is `statement`, `checkpoint`, `receipt` or `note`.
    error UnknownPurpose(bytes32 purpose);
    /// @notice Only the operator of the log has keys of this purpose.
    error NotLogOperator(bytes32 log, bytes32 institution);
    /// @notice A key is admitted once, ever; make a new one.
    error KeyAlreadyAdmitted(address key);
    /// @notice A `note` key has its public key in `data` and the address `keccak256(data)[12:]`.
    error NoteKeyMismatch(address key);
    /// @notice The consent is not this key's signature over `KeyConsent`; a `note` key's consent is empty.
    error InvalidConsent(address key);
    /// @notice This key was never admitted.
    error UnknownKey(address key);
    /// @notice This key is revoked already, and the first `endSequence` stands.
    error KeyAlreadyRevoked(address key);
    /// @notice A key that signs no statements is revoked with `endSequence` 0.
    error EndSequenceNotZero(address key);

    /// @notice Admits an institution, or adds roles to one that has not exited. One change a role.
    /// @param code of the institution
    /// @param roles codes of the roles it does not have yet, at least one
    /// @param acceptance digest of its acceptance under its CA certificate, or zero
    function admit(bytes32 code, bytes32[] calldata roles, bytes32 acceptance) external;

    /// @notice Suspends an active institution.
    /// @param code of the institution
    /// @param reason a code, or zero
    function suspend(bytes32 code, bytes32 reason) external;

    /// @notice Lifts a suspension.
    function resume(bytes32 code) external;

    /// @notice Records that an institution left, for good.
    /// @param code of the institution; active or suspended
    /// @param successor code of another institution that has not exited, or zero
    function exit(bytes32 code, bytes32 successor) external;

    /// @notice Opens a log.
    /// @param origin the log's name; beyond ASCII its form is the administrator's to check
    /// @param operator code of the institution that runs it; it has not exited
    /// @return log `keccak256(origin)`
    function openLog(string calldata origin, bytes32 operator) external returns (bytes32 log);

    /// @notice Admits a key for one institution, one log and one purpose.
    /// @param code of the institution; it has not exited
    /// @param log id of an open log; its operator is that institution unless the purpose is `statement`
    /// @param purpose `statement`, `checkpoint`, `receipt` or `note`
    /// @param key an account that was never admitted; for `note` it is `keccak256(data)[12:]`
    /// @param data for `note` the Ed25519 public key; else the digest of the acceptance, or zero
    /// @param consent the key's signature (65 bytes r, s, v) over `KeyConsent`; empty for `note`
    function addKey(
        bytes32 code,
        bytes32 log,
        bytes32 purpose,
        address key,
        bytes32 data,
        bytes calldata consent
    ) external;

    /// @notice Revokes a key: its statements from `endSequence` on do not count; a checkpoint key moves no head.
    /// @param key a key that is not revoked
    /// @param endSequence the first sequence number that the log has not accepted; 0 for other purposes
    function revokeKey(address key, uint64 endSequence) external;

    /// @notice The registry head and the number of changes folded into it.
    function head() external view returns (bytes32 registryHead, uint64 registryCount);

    /// @notice How an institution stands, and its successor if it exited and named one.
    function institution(bytes32 code) external view returns (Standing standing, bytes32 successor);

    /// @notice The roles of an institution, in the order of admission.
    function rolesOf(bytes32 code) external view returns (bytes32[] memory roles);

    /// @notice Whether an institution was admitted in a role.
    function holdsRole(bytes32 code, bytes32 role) external view returns (bool held);

    /// @notice The record of a key; all zero when it was never admitted.
    function keyRecord(address key) external view returns (KeyRecord memory record);

    /// @notice Code of the institution that operates a log; zero when there is no such log.
    function operatorOf(bytes32 log) external view returns (bytes32 operator);

    /// @notice The EIP-712 domain separator of everything that is signed for a log.
    function domainSeparator(bytes32 log) external view returns (bytes32 separator);

    /// @notice All that the witness asks, in one call.
    /// @param log id of the log
    /// @param key who signed its checkpoint
    /// @return authorized whether it is a `checkpoint` key of this log that is not revoked
    /// @return registryHead the registry head now
    /// @return registryCount the number of changes now
    function checkpointAuthority(bytes32 log, address key)
        external
        view
        returns (bool authorized, bytes32 registryHead, uint64 registryCount);
}
