"""Making a trust file from what a chain says (docs/spec/trust.md). Whoever makes it believes the node it asks."""

from collections.abc import Sequence

from anchors.chain.finality import newest_final
from anchors.chain.port import Chain
from anchors.chain.registry_history import read_registry
from anchors.core.block.consensus import Consensus
from anchors.core.encoding import encode_hex, keccak256
from anchors.core.errors import VerificationFailed
from anchors.core.note import VerifierKey
from anchors.core.registry import Registry
from anchors.core.trust import Contract, Finality, FixedBlock, Trust, TrustedLog, format_trust, parse_trust

_NO_CODE = keccak256(b"")


def build_trust(
    chain: Chain,
    registry: bytes,
    witness: bytes,
    logs: Sequence[tuple[str, Sequence[VerifierKey]]],
    finality: Finality,
    validators: Sequence[bytes] = (),
    first_block: int = 0,
    *,
    consensus: Consensus = Consensus.NONE,
    fixed_blocks: Sequence[int] = (),
) -> Trust:
    """The trust file as of the newest final block, with the registry's changes up to there.

    `registry` and `witness` are the addresses (20 bytes) that `chain` reads; `first_block` may be that of their
    deployment; `fixed_blocks` are numbers of final blocks whose hashes are to be believed. Raises `ChainUnavailable`,
    or `VerificationFailed` where the chain's answers do not fit together, a block is not final, or a verifier key is
    not a note key of its log.
    """
    identity = chain.identity()
    final_block = newest_final(chain, finality, chain.tip())
    folded = Registry(identity.chain_id, registry)
    changes = read_registry(chain, folded, first_block, final_block)
    trust = Trust(
        chain_id=identity.chain_id,
        genesis=identity.genesis,
        finality=finality,
        validators=tuple(validators),
        registry_contract=_contract(chain, registry, "registry"),
        witness_contract=_contract(chain, witness, "witness"),
        logs=tuple(TrustedLog(origin, tuple(keys)) for origin, keys in logs),
        changes=tuple(changes),
        registry=folded,
        consensus=consensus,
        blocks=tuple(_fixed_block(chain, number, final_block) for number in fixed_blocks),
    )
    return parse_trust(format_trust(trust))  # so it is held to every rule that its readers hold it to


def _fixed_block(chain: Chain, number: int, final_block: int) -> FixedBlock:
    block = chain.block(number) if number <= final_block else None
    if block is None:
        raise VerificationFailed(f"block {number} is not final yet: fix it when it is")
    return FixedBlock(number, block.hash)


def _contract(chain: Chain, address: bytes, name: str) -> Contract:
    code_hash = chain.code_hash(address)
    if code_hash == _NO_CODE:
        raise VerificationFailed(f"there is no {name} contract at {encode_hex(address)} on this chain")
    return Contract(address, code_hash)
