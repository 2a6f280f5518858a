"""A log as a process opens it: its database, its chain, its signing domain."""

import time
from dataclasses import dataclass

from sqlalchemy import Engine

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain, ChainIdentity, ChainUnavailable
from anchors.core.encoding import decode_hex
from anchors.core.typed_data import Domain, log_id
from ledger_service.settings import Settings
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log, read_identity
from ledger_service.storage.past import SqlPast
from ledger_service.usecases.guard import check_codes, read_codes


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


def open_log(settings: Settings, name: str) -> OpenedLog:
    """Open it. `name` is what PostgreSQL calls the connections.

    Raises `StoreUnavailable`, `ChainUnavailable`, or `Incident` where the database is another log's."""
    registry = decode_hex(settings.registry, 20, "registry")
    witness = decode_hex(settings.witness, 20, "witness")
    chain = EthereumChain(settings.rpc, registry, witness)
    engine = open_database(settings.database, name)
    if known := read_identity(engine):
        chain.endpoints.expect(ChainIdentity(known.chain_id, known.genesis))
    identity = _claim(settings.origin, chain, engine, registry, witness)
    chain.endpoints.expect(ChainIdentity(identity.chain_id, identity.genesis))
    return OpenedLog(settings, engine, chain, identity, Domain(identity.chain_id, registry, log_id(settings.origin)))


def _claim(origin: str, chain: Chain, engine: Engine, registry: bytes, witness: bytes) -> LogIdentity:
    """Which log on which chain this database holds; one that was used before need not wait for the chain to say so."""
    codes = None
    try:
        found = chain.identity()
        codes = read_codes(chain, registry, witness)
    except ChainUnavailable:
        known = read_identity(engine)
        if known is None:
            raise
        found = ChainIdentity(known.chain_id, known.genesis)
    identity = LogIdentity(origin, found.chain_id, found.genesis, registry, witness)
    claim_log(engine, identity)
    if codes is not None:
        check_codes(SqlPast(engine), codes)
    return identity
