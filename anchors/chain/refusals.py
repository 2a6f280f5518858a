"""Why a transaction was refused: the contract's error by its name, or the node's text sorted into a few codes.

Nodes share no codes, only habits of wording; the texts here are those of geth, Reth, Besu, Erigon, Nethermind, anvil,
and some of older nodes and gateways. What the sender does about each: `anchors.chain.transactions`.
"""

import re
from typing import Any

from anchors.chain.artifacts import Artifact
from anchors.chain.json_rpc import RpcRefused, one_line
from anchors.chain.port import TransactionRefused

ALREADY_KNOWN = "already-known"
REPLACEMENT_UNDERPRICED = "replacement-underpriced"
NONCE_TOO_HIGH = "nonce-too-high"
NONCE_TOO_LOW = "nonce-too-low"
INSUFFICIENT_FUNDS = "insufficient-funds"
GAS_TOO_LOW = "gas-too-low"
GAS_ABOVE_BLOCK = "gas-above-block"
FEE_ABOVE_LIMIT = "fee-above-limit"
UNDERPRICED = "underpriced"
POOL_FULL = "pool-full"
INVALID = "invalid"
NOT_PERMITTED = "not-permitted"
REVERTED = "reverted"
FEE_CEILING = "fee-ceiling"
OTHER = "other"

_ERROR_WITH_TEXT = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_REVERTED_CODE = 3

_TEXTS = (  # the first that fits: a replacement that is underpriced is also "underpriced"
    (
        ALREADY_KNOWN,
        r"already known|known transaction|already.?imported|alreadyknown|already exists|existing txn with same hash",
    ),
    (
        REPLACEMENT_UNDERPRICED,
        r"replacement|another (?:transaction|tx)\b.* same nonce|(?:not|cannot|can't) replace|replaced by"
        r"|to replace existing|ownnoncealreadyused",
    ),
    (
        NONCE_TOO_HIGH,
        r"nonce (?:is )?too (?:high|distant)|nonce ?gap|lower nonce|future nonce",
    ),
    (
        NONCE_TOO_LOW,
        r"nonce (?:is )?too low|oldnonce|nonce below|nonce has already been used|invalid nonce.*low"
        r"|invalid transaction nonce|already finalized|^mined$",
    ),
    (
        INSUFFICIENT_FUNDS,
        r"insufficient.?funds|upfront cost exceeds|insufficient balance|not? (?:have )?enough funds"
        r"|doesn't have enough funds|overdraws",
    ),
    (
        GAS_ABOVE_BLOCK,
        r"intrinsic gas too high|exceeds block(?:'s)? gas limit|gas limit (?:is )?too high|gaslimitexceeded"
        r"|greater than the block gas limit|gas is beyond limit|exceeds current gas limit",
    ),
    (GAS_TOO_LOW, r"intrinsic.?gas|floor data gas|gas is too low"),
    (FEE_ABOVE_LIMIT, r"exceeds the configured cap|fee cap exceeded"),
    (
        UNDERPRICED,
        r"underpriced|less than block base fee|below (?:current|configured|minimum|the minimum|chain minimum)"
        r"|gas ?price .*too low|gas ?price too low|fee ?too ?low|feecap too low|tip .*too low",
    ),
    (
        POOL_FULL,
        r"pool.* full|queue.* full|too many transactions|pool size constraints|account limit exceeded|spammer"
        r"|transaction pool not enabled|tries to replace pending|sync is still in progress",
    ),
    (
        INVALID,
        r"invalid sender|invalid signature|chain.?id|\brlp|rlptoolong|failed to decode|type not supported|oversized"
        r"|for another chain|negative value|priority fee per gas (?:higher|exceeds)",
    ),
    (NOT_PERMITTED, r"not authori[sz]ed|not permitted|not allowed|forbidden|blacklist|banned|denied"),
    (REVERTED, r"revert"),
)


def sending_reason(refused: RpcRefused) -> str:
    """The code for a node's refusal to take a transaction."""
    for reason, pattern in _TEXTS:
        if re.search(pattern, refused.text, re.IGNORECASE):
            return reason
    return OTHER


def refused_by_node(refused: RpcRefused) -> TransactionRefused:
    """The error for a node's refusal to take a transaction."""
    return TransactionRefused(sending_reason(refused), f"the node refused the transaction: {one_line(refused.text)}")


def refused_by_contract(refused: RpcRefused, contract: Artifact) -> TransactionRefused:
    """The error for a refused simulation: the contract's own error where it reverted with one."""
    data = _revert_data(refused.data)
    if known := contract.error(data):
        return TransactionRefused(known[0], f"{contract.name} refuses: {known[1]}")
    if data[:4] in (_ERROR_WITH_TEXT, _PANIC) or _is_revert(refused):
        return TransactionRefused(REVERTED, f"{contract.name} reverted: {one_line(refused.text)}")
    return refused_by_node(refused)


def _is_revert(refused: RpcRefused) -> bool:
    return refused.code == _REVERTED_CODE or "revert" in refused.text.lower()


def _revert_data(data: Any) -> bytes:
    """The bytes that the contract reverted with, which some nodes wrap into a text or an object; else none."""
    if isinstance(data, dict):
        data = data.get("data")
    found = re.search(r"0x((?:[0-9a-fA-F]{2}){4,})", data) if isinstance(data, str) else None
    return bytes.fromhex(found[1]) if found else b""
