"""EIP-712 by eth-account: docs/spec/statement.md."""

from typing import Any

from eth_account.messages import SignableMessage, encode_typed_data

from .standards import CHAIN_ID, REGISTRY, code_word, keccak256, log_id, uint_word

DOMAIN = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
]
STRUCTURES = {
    "Statement": [
        ("kind", "bytes32"),
        ("institution", "bytes32"),
        ("subject", "bytes32"),
        ("sequence", "uint64"),
        ("issuedAt", "uint64"),
        ("observed", "bytes32"),
        ("content", "bytes32"),
    ],
    "KeyConsent": [("institution", "bytes32"), ("log", "bytes32"), ("purpose", "bytes32"), ("key", "address")],
    "Checkpoint": [("log", "bytes32"), ("size", "uint64"), ("root", "bytes32")],
    "Receipt": [("log", "bytes32"), ("accepted", "bytes32"), ("acceptedAt", "uint64"), ("witnessBy", "uint64")],
    "Refusal": [("log", "bytes32"), ("statement", "bytes32"), ("reason", "bytes32"), ("refusedAt", "uint64")],
    "Evidence": [("log", "bytes32"), ("manifest", "bytes32")],
    "Completeness": [
        ("log", "bytes32"),
        ("subject", "bytes32"),
        ("size", "uint64"),
        ("timeline", "bytes32"),
        ("linked", "bytes32"),
        ("rules", "bytes32"),
        ("notCarried", "bytes32"),
    ],
}
CODES = {"kind", "institution", "purpose", "reason"}


def _fields(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in pairs]


def native(structure: str, message: dict[str, str]) -> dict[str, Any]:
    """The vector's members as eth-account takes them: codes as bytes32, numbers as integers."""
    values: dict[str, Any] = {}
    for name, kind in STRUCTURES[structure]:
        text = message[name]
        if name in CODES:
            values[name] = code_word(text)
        elif kind == "bytes32":
            values[name] = bytes.fromhex(text)
        elif kind == "uint64":
            values[name] = int(text)
        else:
            values[name] = text
    return values


def signable(
    structure: str, message: dict[str, str], origin: str, chain_id: int = CHAIN_ID, registry: str = REGISTRY
) -> SignableMessage:
    """eth-account's own encoding of the whole typed message."""
    return encode_typed_data(
        full_message={
            "types": {"EIP712Domain": _fields(DOMAIN), structure: _fields(STRUCTURES[structure])},
            "primaryType": structure,
            "domain": {
                "name": "Huzheng",
                "version": "1",
                "chainId": chain_id,
                "verifyingContract": registry,
                "salt": log_id(origin),
            },
            "message": native(structure, message),
        }
    )


def digest(
    structure: str, message: dict[str, str], origin: str, chain_id: int = CHAIN_ID, registry: str = REGISTRY
) -> bytes:
    """keccak256(0x19 || 0x01 || domain || structure hash)."""
    encoded = signable(structure, message, origin, chain_id, registry)
    return keccak256(b"\x19" + encoded.version + encoded.header + encoded.body)


def statement_words(message: dict[str, str]) -> bytes:
    """The seven ABI words of a statement, 224 bytes."""
    values = native("Statement", message)
    return b"".join(
        uint_word(value) if isinstance(value, int) else value
        for value in (values[name] for name, _ in STRUCTURES["Statement"])
    )
