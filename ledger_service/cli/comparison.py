"""What `restore` and `recover` share: the guard over a database that no service runs on."""

from sqlalchemy import Engine

from anchors.chain.port import Chain, ChainIdentity
from anchors.core.typed_data import log_id
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.identity import LogIdentity
from ledger_service.storage.past import SqlPast
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.guard import Guard


def guard_of(chain: Chain, engine: Engine, identity: LogIdentity) -> Guard:
    """The guard that a service on this database would ask."""
    log = log_id(identity.origin)
    return Guard(
        chain,
        SqlTree(engine),
        SqlChainView(engine, log),
        SqlPast(engine),
        ChainIdentity(identity.chain_id, identity.genesis),
        (identity.registry, identity.witness),
        log,
    )
