// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointWitness} from "../../interfaces/ICheckpointWitness.sol";
import {IInstitutionRegistry} from "../../interfaces/IInstitutionRegistry.sol";
import {ForkedTree} from "./Rfc9162Tree.sol";
import {TypedData} from "./TypedData.sol";
import {Vm} from "./Vm.sol";

/// @notice Random calls, honest and hostile, to a registry and a witness. After every call it is judged what broke, by
/// means that do not use the contracts: whole trees instead of proofs, emitted changes instead of storage.
contract Campaign {
    uint256 public constant UNPROVEN_MOVE = 1;
    uint256 public constant SHRUNK = 2;
    uint256 public constant HEAD_NOT_RECOMPUTED = 4;
    uint256 public constant ATTRIBUTION_GAINED = 8;
    uint256 public constant STRANGER_ACTED = 16;
    uint256 public constant HISTORY_CHANGED = 32;
    uint256 public constant RETURNED = 64;

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 private constant OPERATOR = "operator.example";
    bytes32 private constant STATEMENT = "statement";
    bytes32 private constant CHECKPOINT = "checkpoint";
    uint256 private constant STRANGER = 0xbad;
    bytes32 private constant ADMINISTRATOR = keccak256("ADMINISTRATOR");

    /// @notice The bits of all that ever broke.
    uint256 public violations;
    uint256 public moved;
    uint256 public movesRefused;
    uint256 public changed;
    uint256 public changesRefused;

    IInstitutionRegistry private _registry;
    ICheckpointWitness private _witness;
    ForkedTree private _tree = new ForkedTree();
    bytes32 private _log;
    uint64 private _largest;

    bytes32 private _head;
    uint64 private _count;
    mapping(address key => bool) private _added;
    mapping(address key => bool) private _revoked;
    mapping(address key => uint64) private _end;
    mapping(bytes32 institution => bool) private _exited;
    ICheckpointWitness.WitnessedHead[] private _history;
    uint256[] private _blocks;
    mapping(address key => uint256) private _privateKey;
    address[] private _keys;
    address[] private _revokedKeys;
    address private _signer;
    uint256 private _institutions;

    struct Attempt {
        uint256 signer;
        uint64 oldSize;
        uint64 newSize;
        bytes32 root;
        bytes32[] proof;
    }

    /// @notice The registry must be administered by this contract and hold no change yet.
    function begin(IInstitutionRegistry registry, ICheckpointWitness witness) external {
        (_registry, _witness) = (registry, witness);
        _head = keccak256(abi.encode(block.chainid, address(registry)));
        _log = keccak256("log.example/campaign");
        _act(abi.encodeCall(registry.admit, (OPERATOR, _list("operator"), 0)));
        _act(abi.encodeCall(registry.openLog, ("log.example/campaign", OPERATOR)));
        _addKey(CHECKPOINT);
    }

    /// @notice One call, chosen by the seed, and its judgement. Never reverts.
    function step(uint256 seed) external {
        uint256 noise = uint256(keccak256(abi.encode(seed)));
        if (noise % 2 == 0) _attemptMove(noise >> 8);
        else _attemptChange(noise >> 8);
        _judgeRevokedKeys(noise >> 200);
        _judgeHistory(noise >> 180);
    }

    function _attemptMove(uint256 noise) private {
        (uint64 sizeBefore, bytes32 rootBefore) = _witness.head(_log);
        Attempt memory attempt = _attempt(noise, sizeBefore);
        address signer = vm.addr(attempt.signer);
        bytes memory signature = _signed(
            attempt.signer, TypedData.checkpoint(address(_registry), _log, attempt.newSize, attempt.root)
        );
        vm.recordLogs();
        try _witness.witness(_log, attempt.oldSize, attempt.newSize, attempt.root, attempt.proof, signature) {}
        catch {
            ++movesRefused;
        }
        (uint64 size, bytes32 root) = _witness.head(_log);
        _judgeEvents(sizeBefore, size, root);
        if (size == sizeBefore && root == rootBefore) return;
        ++moved;
        if (size < _largest) violations |= SHRUNK;
        if (size > _largest) _largest = size;
        bool extends = size >= sizeBefore && _tree.rootAt(sizeBefore) == rootBefore && _tree.rootAt(size) == root;
        if (!extends) violations |= UNPROVEN_MOVE;
        if (_revoked[signer] || !_added[signer]) violations |= ATTRIBUTION_GAINED;
    }

    /// @dev What an honest or hostile operator may send. The tree stays set to the one that the new root is of.
    function _attempt(uint256 noise, uint64 size) private returns (Attempt memory attempt) {
        uint256 kind = noise % 9;
        uint64 grown = size + 1 + uint64((noise >> 8) % (2 ** ((noise >> 64) % 16)));
        attempt.signer = _privateKey[_signer];
        attempt.oldSize = size;
        attempt.newSize = kind == 5 ? size : grown;
        if (kind == 6 && size > 0) attempt.newSize = uint64((noise >> 72) % size);
        if (kind == 7 && size > 0) attempt.oldSize = uint64((noise >> 72) % size);
        _tree.branch(type(uint256).max, 0);
        attempt.proof = _honestProof(attempt.oldSize, attempt.newSize);
        if ((kind == 3 || kind == 4) && size > 0) {
            _tree.branch((noise >> 72) % size, bytes32(noise));
            if (kind == 3) attempt.proof = _honestProof(attempt.oldSize, attempt.newSize);
        }
        attempt.root = _tree.rootAt(attempt.newSize);
        if (kind == 2 && attempt.proof.length > 0) {
            attempt.proof[(noise >> 72) % attempt.proof.length] ^= bytes32(1 << ((noise >> 80) % 256));
        }
        if (kind == 8) attempt.signer = _otherSigner(noise >> 72);
    }

    function _honestProof(uint64 oldSize, uint64 newSize) private returns (bytes32[] memory) {
        return oldSize <= newSize ? _tree.consistency(oldSize, newSize) : _tree.consistency(newSize, oldSize);
    }

    function _otherSigner(uint256 noise) private view returns (uint256) {
        if (_revokedKeys.length == 0 || noise % 4 == 0) return STRANGER;
        return _privateKey[_revokedKeys[(noise >> 8) % _revokedKeys.length]];
    }

    function _attemptChange(uint256 noise) private {
        uint256 kind = noise % 12;
        uint256 pick = noise >> 8;
        if (kind == 0) _act(abi.encodeCall(_registry.admit, (_institution(++_institutions), _roles(pick), bytes32(pick))));
        if (kind == 1) _act(abi.encodeCall(_registry.suspend, (_known(pick), 0)));
        if (kind == 2) _act(abi.encodeCall(_registry.resume, (_known(pick))));
        if (kind == 3) _act(abi.encodeCall(_registry.exit, (_known(pick), _known(pick >> 64))));
        if (kind == 4) _addKey(CHECKPOINT);
        if (kind == 5) _addKey(STATEMENT);
        if (kind == 6) _revoke(_keys[pick % _keys.length], uint64(pick >> 64));
        if (kind == 7 && _revokedKeys.length > 0) _addAgain(_revokedKeys[pick % _revokedKeys.length]);
        if (kind == 8 && _revokedKeys.length > 0) {
            address key = _revokedKeys[pick % _revokedKeys.length];
            _revoke(key, _end[key] == type(uint64).max ? 0 : _end[key] + 1 + uint64(pick >> 224));
        }
        if (kind == 9) _revoke(_signer, 0);
        if (kind >= 10) _strangerActs(pick);
        if (_revoked[_signer]) _addKey(CHECKPOINT);
    }

    function _addKey(bytes32 purpose) private {
        uint256 privateKey = 1_000 + _keys.length;
        address key = vm.addr(privateKey);
        _privateKey[key] = privateKey;
        _keys.push(key);
        if (purpose == CHECKPOINT) _signer = key;
        _act(_admission(key, purpose));
    }

    function _addAgain(address key) private {
        _act(_admission(key, _registry.keyRecord(key).purpose));
    }

    function _admission(address key, bytes32 purpose) private view returns (bytes memory) {
        bytes32 digest = TypedData.consent(address(_registry), OPERATOR, _log, purpose, key);
        bytes memory consent = _signed(_privateKey[key], digest);
        return abi.encodeCall(_registry.addKey, (OPERATOR, _log, purpose, key, 0, consent));
    }

    function _revoke(address key, uint64 endSequence) private {
        bool signsStatements = _registry.keyRecord(key).purpose == STATEMENT;
        _act(abi.encodeCall(_registry.revokeKey, (key, signsStatements ? endSequence : 0)));
    }

    /// @dev One act of the administrator; its emitted changes are folded by the rule of the specification.
    function _act(bytes memory call) private {
        vm.recordLogs();
        (bool done,) = address(_registry).call(call);
        if (!done) {
            ++changesRefused;
            return;
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IInstitutionRegistry.RegistryChanged.selector) _fold(logs[i]);
        }
        (bytes32 head, uint64 count) = _registry.head();
        if (head != _head || count != _count) violations |= HEAD_NOT_RECOMPUTED;
    }

    /// @dev Somebody who is not the administrator tries an act that the administrator could do, or to become one.
    function _strangerActs(uint256 pick) private {
        bytes32 code = _known(pick >> 8);
        address key = _keys[(pick >> 16) % _keys.length];
        bytes[7] memory calls = [
            abi.encodeCall(_registry.admit, (_institution(_institutions + 1), _list("hospital"), 0)),
            abi.encodeCall(_registry.suspend, (code, 0)),
            abi.encodeCall(_registry.resume, (code)),
            abi.encodeCall(_registry.exit, (code, 0)),
            abi.encodeCall(_registry.revokeKey, (key, 0)),
            _admission(key, CHECKPOINT),
            abi.encodeWithSignature("grantRole(bytes32,address)", ADMINISTRATOR, vm.addr(STRANGER))
        ];
        (bytes32 headBefore, uint64 countBefore) = _registry.head();
        vm.prank(vm.addr(STRANGER));
        (bool done,) = address(_registry).call(calls[pick % calls.length]);
        (bytes32 head, uint64 count) = _registry.head();
        if (done || head != headBefore || count != countBefore) violations |= STRANGER_ACTED;
    }

    /// @dev A head moves with one event that says so, and is remembered; without a move there is none.
    function _judgeEvents(uint64 sizeBefore, uint64 size, bytes32 root) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (logs.length != (size == sizeBefore ? 0 : 1)) violations |= HISTORY_CHANGED;
        if (logs.length == 0) return;
        ICheckpointWitness.WitnessedHead memory told;
        (told.oldSize, told.newSize, told.root, told.registryHead, told.registryCount) =
            abi.decode(logs[0].data, (uint64, uint64, bytes32, bytes32, uint64));
        (bytes32 registryHead, uint64 registryCount) = _registry.head();
        bool holds = told.oldSize == sizeBefore && told.newSize == size && told.root == root
            && told.registryHead == registryHead && told.registryCount == registryCount && logs[0].topics[1] == _log;
        (told.log, told.timestamp, told.parentHash) = (_log, block.timestamp, blockhash(block.number - 1));
        if (!holds || logs[0].topics[2] != keccak256(abi.encode(told))) violations |= HISTORY_CHANGED;
        _history.push(told);
        _blocks.push(block.number);
    }

    /// @dev What was witnessed once stays so in its block for ever, and nothing that resembles it is.
    function _judgeHistory(uint256 noise) private {
        if (_history.length == 0) return;
        uint256 chosen = noise % _history.length;
        ICheckpointWitness.WitnessedHead memory told = _history[chosen];
        bytes32 id = keccak256(abi.encode(told));
        if (!_witness.isWitnessed(told) || _witness.blockOf(id) != _blocks[chosen]) violations |= HISTORY_CHANGED;
        told.root ^= bytes32(uint256(1));
        if (_witness.isWitnessed(told)) violations |= HISTORY_CHANGED;
        vm.roll(block.number + noise % 2);
    }

    function _fold(Vm.Log memory log) private {
        ++changed;
        (uint64 time, uint8 action, bytes32 role, bytes32 id, bytes32 data, bytes32 head) =
            abi.decode(log.data, (uint64, uint8, bytes32, bytes32, bytes32, bytes32));
        address key = address(uint160(uint256(log.topics[3])));
        bytes memory change = abi.encode(log.topics[1], time, action, log.topics[2], role, id, key, data);
        _head = keccak256(bytes.concat(_head, keccak256(change)));
        ++_count;
        if (head != _head || uint256(log.topics[1]) != _count) violations |= HEAD_NOT_RECOMPUTED;
        if (_exited[log.topics[2]] && action != 7) violations |= RETURNED;
        if (action == 4) _exited[log.topics[2]] = true;
        if (action == 6) {
            if (_added[key]) violations |= ATTRIBUTION_GAINED;
            _added[key] = true;
        }
        if (action == 7) {
            if (_revoked[key]) {
                violations |= ATTRIBUTION_GAINED;
                return;
            }
            _revoked[key] = true;
            _end[key] = uint64(uint256(data));
            _revokedKeys.push(key);
        }
    }

    /// @dev The last revoked key and two chosen ones: nothing that did not count at the revocation counts now.
    function _judgeRevokedKeys(uint256 noise) private {
        uint256 length = _revokedKeys.length;
        if (length == 0) return;
        _judgeRevoked(_revokedKeys[length - 1]);
        _judgeRevoked(_revokedKeys[noise % length]);
        _judgeRevoked(_revokedKeys[(noise >> 16) % length]);
    }

    function _judgeRevoked(address key) private {
        IInstitutionRegistry.KeyRecord memory record = _registry.keyRecord(key);
        bool counts = record.institution != 0 && (record.revokedNumber == 0 || record.endSequence > _end[key]);
        (bool authorized,,) = _registry.checkpointAuthority(_log, key);
        if (counts || authorized) violations |= ATTRIBUTION_GAINED;
    }

    function _institution(uint256 number) private pure returns (bytes32) {
        return bytes32(abi.encodePacked("hospital-", bytes3(uint24(0x303030 + _digits(number)))));
    }

    function _digits(uint256 number) private pure returns (uint256) {
        return (number / 100 % 10) * 0x10000 + (number / 10 % 10) * 0x100 + number % 10;
    }

    function _known(uint256 pick) private view returns (bytes32) {
        return _institution(pick % (_institutions + 1));
    }

    function _roles(uint256 pick) private pure returns (bytes32[] memory roles) {
        roles = new bytes32[](1 + pick % 3);
        for (uint256 i = 0; i < roles.length; ++i) roles[i] = [bytes32("hospital"), "laboratory", "auditor"][i];
    }

    function _list(bytes32 one) private pure returns (bytes32[] memory all) {
        all = new bytes32[](1);
        all[0] = one;
    }

    function _signed(uint256 privateKey, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }
}
