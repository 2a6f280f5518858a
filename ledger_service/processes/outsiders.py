"""The anchorer's workers that wait for outsiders. None of them is needed for accepting, witnessing or following."""

from anchors.chain.block_capture import EthereumBlockProofs
from anchors.clocks.authority import HttpAuthority
from anchors.cosigner import HttpWitness
from ledger_service.processes.opening import OpenedLog, now
from ledger_service.storage.cosignatures import SqlCosignatures
from ledger_service.storage.head_proofs import SqlHeadProofs
from ledger_service.storage.timestamps import SqlTimestamps
from ledger_service.usecases.clock import passed_seconds
from ledger_service.usecases.cosign import Collector
from ledger_service.usecases.ports import ChainView, Fence, Tree
from ledger_service.usecases.prove_heads import HeadProver
from ledger_service.usecases.stamp import Stamper
from ledger_service.workers.repeat import Worker

PROOFS = "proofs"
"""The name of the worker that captures proofs of blocks."""
LOOK_SECONDS = 1.0
STAMP_SECONDS = 60.0
DAY_SECONDS = 86_400


def authority_workers(opened: OpenedLog, fence: Fence, tree: Tree, view: ChainView) -> list[Worker]:
    """One for each time-stamp authority, so that one that hangs holds up no other."""
    settings, timestamps = opened.settings, SqlTimestamps(opened.engine, fence)
    authorities = [HttpAuthority(url, settings.roots) for url in settings.authorities]
    names = [authority.name for authority in authorities]
    stampers = [
        Stamper(
            authority,
            names,
            timestamps,
            tree,
            view,
            settings.origin,
            settings.timestamp_seconds,
            settings.timestamp_renew_days * DAY_SECONDS,
            now,
            passed_seconds,
        )
        for authority in authorities
    ]
    pace = min(STAMP_SECONDS, settings.timestamp_seconds)
    return [Worker(f"authority {name}", stamper.run_once, pace) for name, stamper in zip(names, stampers, strict=True)]


def proof_worker(opened: OpenedLog, fence: Fence) -> Worker:
    """Captures what shows each final head without a node. It asks the nodes by itself, so that one that cannot prove a
    block is not set aside for those who follow."""
    settings, identity = opened.settings, opened.identity
    proofs = EthereumBlockProofs(settings.rpc, identity.witness)
    stored = SqlHeadProofs(opened.engine, opened.domain.log, fence)
    prover = HeadProver(proofs, stored, passed_seconds)
    return Worker(PROOFS, prover.run_once, settings.follow_seconds)


def witness_workers(opened: OpenedLog, fence: Fence, tree: Tree, view: ChainView) -> list[Worker]:
    """One for each witness of the policy."""
    policy, cosignatures = opened.settings.policy, SqlCosignatures(opened.engine, fence)
    return [
        Worker(
            f"cosigner {witness.key.name}",
            Collector(HttpWitness(witness), cosignatures, tree, view, passed_seconds).run_once,
            LOOK_SECONDS,
        )
        for witness in (policy.witnesses if policy is not None else ())
    ]
