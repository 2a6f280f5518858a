// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The signing digests of docs/spec/statement.md, written out again so that the contracts' own are checked.
library TypedData {
    function domain(address registry, bytes32 log) internal view returns (bytes32) {
        bytes32 domainType = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
        );
        bytes memory names = abi.encode(domainType, keccak256(bytes("Huzheng")), keccak256(bytes("1")));
        return keccak256(bytes.concat(names, abi.encode(block.chainid, registry, log)));
    }

    function consent(address registry, bytes32 institution, bytes32 log, bytes32 purpose, address key)
        internal
        view
        returns (bytes32)
    {
        bytes32 typeHash = keccak256("KeyConsent(bytes32 institution,bytes32 log,bytes32 purpose,address key)");
        return digest(registry, log, keccak256(abi.encode(typeHash, institution, log, purpose, key)));
    }

    function checkpoint(address registry, bytes32 log, uint64 size, bytes32 root) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Checkpoint(bytes32 log,uint64 size,bytes32 root)");
        return digest(registry, log, keccak256(abi.encode(typeHash, log, size, root)));
    }

    function digest(address registry, bytes32 log, bytes32 structHash) private view returns (bytes32) {
        return keccak256(bytes.concat(bytes2(0x1901), domain(registry, log), structHash));
    }
}
