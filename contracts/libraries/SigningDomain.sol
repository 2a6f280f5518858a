// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title EIP-712 for everything that is signed for a log
/// @notice Specification: docs/spec/statement.md. The verifying contract is always the registry; the salt is the log.
library SigningDomain {
    bytes32 internal constant CONSENT_TYPE =
        keccak256("KeyConsent(bytes32 institution,bytes32 log,bytes32 purpose,address key)");
    bytes32 internal constant CHECKPOINT_TYPE = keccak256("Checkpoint(bytes32 log,uint64 size,bytes32 root)");

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
    );
    bytes32 private constant NAME = keccak256("Huzheng");
    bytes32 private constant VERSION = keccak256("1");

    /// @notice The domain separator of a log. OpenZeppelin's EIP712 has no salt, so it is made here.
    function separator(address registry, bytes32 log) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, NAME, VERSION, block.chainid, registry, log));
    }

    /// @notice Who signed a structure for a log: 65 bytes r, s, v with low s and v 27 or 28.
    /// @return signer zero when the signature is malformed
    function signerOf(address registry, bytes32 log, bytes32 structHash, bytes calldata signature)
        internal
        view
        returns (address signer)
    {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", separator(registry, log), structHash));
        (signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
    }
}
