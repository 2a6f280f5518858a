"""A log as a process opens it: its database, its chain, its signing domain."""

import time
from dataclasses import dataclass

from sqlalchemy import Engine

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain, ChainIdentity, ChainUnavailable
from anchors.core.encoding import decode_hex
from anchors.core.typed_data import Domain, log_id
from ledger_service.settings import Settings
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log, read_identity
from ledger_service.storage.past import SqlPast
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.guard import Guard, check_codes, read_codes

FIRST_LOOK_SECONDS = 10.0
LOOK_SECONDS = 3.0
"""For so long a chain that is known is waited for."""


def now() -> int:
    """Unix seconds, as the machine's clock says."""
    return int(time.time())


@dataclass(frozen=True)
class OpenedLog:
    """The log of these settings, its database claimed for it."""

    settings: Settings
    engine: Engine
    chain: EthereumChain
    identity: LogIdentity
    domain: Domain


def open_log(settings: Settings, name: str, *, signs: bool = True) -> OpenedLog:
    """Open it. `name` is what PostgreSQL calls the connections.

    A database that was used before knows its chain. It is held against what the nodes say by whoever `signs` alone, and
    where they say it soon: the guard asks again before anything is signed or promised.

    Raises `StoreUnavailable`, `ChainUnavailable`, or `Incident` where the database is another log's."""
    registry = decode_hex(settings.registry, 20, "registry")
    witness = decode_hex(settings.witness, 20, "witness")
    engine = open_database(settings.database, name)
    known, codes = read_identity(engine), None
    found = known.chain if known else None
    if signs or found is None:
        found, codes = _ask(settings, found, registry, witness)
    identity = LogIdentity(settings.origin, found.chain_id, found.genesis, registry, witness)
    claim_log(engine, identity)
    if codes is not None:
        check_codes(SqlPast(engine), codes)
    chain = EthereumChain(settings.rpc, registry, witness)
    chain.endpoints.expect(identity.chain)
    return OpenedLog(settings, engine, chain, identity, Domain(identity.chain_id, registry, log_id(settings.origin)))


def _ask(
    settings: Settings, known: ChainIdentity | None, registry: bytes, witness: bytes
) -> tuple[ChainIdentity, tuple[bytes, bytes] | None]:
    """Which chain the nodes are of, and the code of the contracts there; what is `known` where they do not answer."""
    chain = EthereumChain(settings.rpc, registry, witness, LOOK_SECONDS if known else FIRST_LOOK_SECONDS)
    if known is not None:
        chain.endpoints.expect(known)
    try:
        return chain.identity(), read_codes(chain, registry, witness)
    except ChainUnavailable:
        if known is None:
            raise
        return known, None
    finally:
        chain.close()


def guard_of(chain: Chain, engine: Engine, identity: LogIdentity) -> Guard:
    """The guard over this database, which only reads."""
    log = log_id(identity.origin)
    return Guard(
        chain,
        SqlTree(engine),
        SqlChainView(engine, log),
        SqlPast(engine),
        identity.chain,
        (identity.registry, identity.witness),
        log,
    )
