"""The claim `witnessed`: what a node adds to a proof that was verified offline (docs/spec/trust.md).

 8. the chain and the contracts' code are those of the trust file
 9. the proof's checkpoint is a head that the contract emitted, in a final block
10. the signer speaks for the institution as of the registry count of the first head that covers the entry
"""

from collections.abc import Iterator
from dataclasses import dataclass

from anchors.chain.finality import newest_final
from anchors.chain.pages import pages
from anchors.chain.port import Block, Chain, ChainUnavailable, WitnessEvent
from anchors.chain.registry_history import read_registry
from anchors.core.block.head import id_in_block
from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.errors import Error, VerificationFailed
from anchors.core.registry import Registry, check_attribution
from anchors.core.times import iso_time
from anchors.core.trust import Trust, TrustedLog
from anchors.core.verify import Claim, State, Verdict

NAME = "witnessed"


class _NotProvable(Error):
    """Nothing is wrong, and this proof does not show it."""


@dataclass(frozen=True)
class Times:
    """Between which blocks a statement was signed (docs/spec/witness.md, Times). None: this was not shown.

    `after` is the parent of the block of the head that the statement names as `observed`, whose hash is in that head's
    id; `before` is the block of the first head that covers the entry.
    """

    after: Block | None = None
    before: Block | None = None


@dataclass(frozen=True)
class _Heads:
    """The head that is the proof's checkpoint, and the first one that covers the entry; often they are one. `observed`
    is the earlier head that the statement names, None where it names none or the log has none of that id."""

    checkpoint: WitnessEvent
    first: WitnessEvent
    observed: WitnessEvent | None


def check_witnessed(verdict: Verdict, trust: Trust, chain: Chain, first_block: int = 0) -> Claim:
    """Judge steps 8 to 10 for a proof. `chain` reads the contracts of `trust` (`EthereumChain.of_trust`).

    `first_block` may be the block in which the contracts were deployed; nothing is read before it. Nothing is raised:
    where the node gives no usable answer the claim is NOT_CHECKED. A checkpoint that no head has reached, or that lies
    between two heads, is NOT_PROVABLE: a proof under a later, witnessed checkpoint will do.
    """
    return _judge(verdict, trust, chain, first_block)[0]


def judge_with_node(verdict: Verdict, trust: Trust, chain: Chain, first_block: int = 0) -> tuple[Verdict, Times]:
    """The verdict with what a node adds, and beside it the times, which are empty unless `witnessed` is VERIFIED.

    Where it is, the node settles two claims that offline rest on the trust file's list of changes: `logged`, where
    only a revoked note key signed the checkpoint, because the contract holds that very checkpoint; and `signed`, where
    the key was revoked after the head that covers the entry."""
    witnessed, times = _judge(verdict, trust, chain, first_block)
    verdict = verdict.with_claim(witnessed)
    if witnessed.state is not State.VERIFIED:
        return verdict, times
    if verdict.claim("logged").state is not State.VERIFIED:
        verdict = verdict.with_claim(Claim("logged", State.VERIFIED, "the contract holds this very checkpoint"))
    signer = verdict.entry.signer(trust.domain(trust.log(verdict.checkpoint.origin)))
    if verdict.claim("signed").state is not State.VERIFIED and signer == verdict.key:
        institution = verdict.entry.statement.institution
        why = f"{encode_hex(signer)} signed for {institution}, by the registry as of the covering head"
        verdict = verdict.with_claim(Claim("signed", State.VERIFIED, why))
    return verdict, times


def _judge(verdict: Verdict, trust: Trust, chain: Chain, first_block: int) -> tuple[Claim, Times]:
    logged = verdict.claim("logged").state
    if logged not in (State.VERIFIED, State.NOT_PROVABLE) or verdict.entry is None:
        why = "only an entry that is logged can be witnessed; see the claim logged"
        return Claim(NAME, State.NOT_CHECKED, why), Times()
    try:
        why, times = _check(verdict, trust, chain, first_block)
    except ChainUnavailable as error:
        return Claim(NAME, State.NOT_CHECKED, str(error)), Times()
    except _NotProvable as error:
        return Claim(NAME, State.NOT_PROVABLE, str(error)), Times()
    except Error as error:
        return Claim(NAME, State.FAILED, str(error)), Times()
    return Claim(NAME, State.VERIFIED, why), times


def _check(verdict: Verdict, trust: Trust, chain: Chain, first_block: int) -> tuple[str, Times]:
    _check_chain(trust, chain)  # step 8
    log, tip = trust.log(verdict.checkpoint.origin), chain.tip()
    heads = _find_heads(verdict, log, chain, first_block, tip)  # step 9
    final = newest_final(chain, trust.finality, tip)
    block = _check_final(heads.checkpoint, chain, final)
    covering = block if heads.first == heads.checkpoint else _check_final(heads.first, chain, final)
    registry = _registry_at(heads.first, trust, chain, first_block)  # step 10
    _check_speaks(verdict, trust, log, registry)
    why = (
        f"the contract witnessed this checkpoint in block {block.number} of {iso_time(block.timestamp)}; the first head"
        f" that covers the entry stands in block {covering.number}, at change {registry.count} of the registry"
    )
    return why, Times(_parent_of(heads.observed, chain, final), covering)


def _parent_of(observed: WitnessEvent | None, chain: Chain, final: int) -> Block | None:
    """The block before the one in which the observed head stands; that head's id contains its hash."""
    if observed is None:
        return None
    block = _check_final(observed, chain, final)
    parent = chain.block(block.number - 1)
    if parent is None or parent.hash != block.parent:
        raise ChainUnavailable(f"block {block.number - 1} changed while it was read; try again")
    return parent


def _check_chain(trust: Trust, chain: Chain) -> None:
    identity = chain.identity()
    if identity.chain_id != trust.chain_id:
        raise VerificationFailed(f"the node is on chain {identity.chain_id}, the trust file on {trust.chain_id}")
    if identity.genesis != trust.genesis:
        raise VerificationFailed("the node's chain has another genesis than the trust file")
    for name, contract in (("registry", trust.registry_contract), ("witness", trust.witness_contract)):
        if chain.code_hash(contract.address) != contract.code_hash:
            raise VerificationFailed(f"the {name} contract at {encode_hex(contract.address)} has other code")


def _find_heads(verdict: Verdict, log: TrustedLog, chain: Chain, first_block: int, tip: Block) -> _Heads:
    size, root = verdict.checkpoint.size, verdict.checkpoint.root
    named = verdict.entry.statement.observed if verdict.entry is not None else ZERO_WORD
    first, observed, newest = None, None, 0
    for event in _heads_of(chain, log.id, first_block, tip.number):
        if event.old_size <= verdict.index < event.new_size:
            first = event
        if event.witness_id == named and event.new_size <= verdict.index:
            observed = event
        newest = event.new_size
        if newest >= size:
            break
    if newest < size:
        raise _NotProvable(f"the newest head has {newest} entries, the proof's checkpoint {size}: not witnessed yet")
    if newest > size:
        raise _NotProvable(
            f"the checkpoint of {size} entries lies between two heads; ask for a proof under the one of {newest}"
        )
    if event.root != root:
        raise VerificationFailed(f"the contract holds another root for {size} entries: the log shows two faces")
    if first is None:
        raise VerificationFailed("the node named no head that covers the entry first; ask another node")
    return _Heads(checkpoint=event, first=first, observed=observed)


def _heads_of(chain: Chain, log: bytes, first_block: int, last_block: int) -> Iterator[WitnessEvent]:
    for begin, end in pages(first_block, last_block):
        yield from (event for event in chain.witness_events(begin, end) if event.log == log)


def _check_final(event: WitnessEvent, chain: Chain, final: int) -> Block:
    """The event's block, where it is final, and in the chain, and gives the event its id."""
    number = event.place.block_number
    if number > final:
        raise _NotProvable(f"block {number} with the head of {event.new_size} entries is not final yet; ask again")
    block = chain.block(number)
    if block is None or block.hash != event.place.block_hash:
        raise ChainUnavailable(f"block {number} changed while it was read; try again")
    if id_in_block(event, block) != event.witness_id:
        raise VerificationFailed(f"the head in block {number} does not hash to its id; ask another node")
    return block


def _registry_at(first: WitnessEvent, trust: Trust, chain: Chain, first_block: int) -> Registry:
    """The registry as of the head's count, from the chain's own changes."""
    registry = Registry(trust.chain_id, trust.registry_contract.address)
    changes = read_registry(chain, registry, first_block, first.place.block_number, first.registry_count)
    if registry.count != first.registry_count or registry.head != first.registry_head:
        raise VerificationFailed("the chain's registry changes do not lead to the registry head of the covering head")
    shared = min(len(changes), len(trust.changes))
    if tuple(changes[:shared]) != trust.changes[:shared]:
        raise VerificationFailed("the chain's registry changes are not those of the trust file")
    return registry


def _check_speaks(verdict: Verdict, trust: Trust, log: TrustedLog, registry: Registry) -> None:
    assert verdict.entry is not None, "check_witnessed asked"
    statement = verdict.entry.statement
    key = registry.keys.get(verdict.entry.signer(trust.domain(log)))
    check_attribution(key, log.id, statement.institution, statement.sequence, registry.count)
