"""`huzheng restore`: fill an empty database from a backup, and say what the chain knows beyond it."""

import time
from pathlib import Path
from typing import Annotated

import typer

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain, ChainUnavailable
from anchors.core.encoding import decode_hex
from anchors.core.times import iso_time
from ledger_service.cli.options import AsJson
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.processes.opening import guard_of
from ledger_service.settings import Settings, read_settings
from ledger_service.storage.backup import Manifest, fill_database, open_backup
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity
from ledger_service.usecases.guard import Guard, read_codes
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import StoreUnavailable

USABLE, NOT_USABLE = 0, 1


def app(
    file: Annotated[Path, typer.Argument(help="A file of 'huzheng backup'.")],
    as_json: AsJson = False,
) -> int:
    """Fill the empty database of HUZHENG_DATABASE from a backup; the settings are those of 'huzheng serve'.

    Nothing is accepted or signed on it before 'huzheng recover --release'. Exit status 0: the contract's head is in it;
    1: it is behind the contract, or contradicts it; 2: nothing was restored.
    """
    output, settings = Output(as_json), read_settings()
    registry, witness = (decode_hex(text, 20, "address") for text in (settings.registry, settings.witness))
    chain = EthereumChain(settings.rpc, registry, witness)
    try:
        with open_backup(file) as backup:
            identity = _identify(settings, chain, registry, witness)
            backup.manifest.check_identity(identity)
            engine = open_database(settings.database)
            with output.progress("rows", backup.manifest.rows) as advance:
                fill_database(engine, backup, int(time.time()), advance)
        return _judge(output, backup.manifest, guard_of(chain, engine, identity))
    except StoreUnavailable as error:
        raise WrongInput(f"the database cannot be used: {error}; nothing is restored, check HUZHENG_DATABASE") from None
    except ChainUnavailable as error:
        raise WrongInput(f"{error}; a restored copy can only be judged beside the chain: check HUZHENG_RPC") from None
    finally:
        chain.close()


def _identify(settings: Settings, chain: Chain, registry: bytes, witness: bytes) -> LogIdentity:
    found = chain.identity()
    try:
        read_codes(chain, registry, witness)
    except Incident as incident:
        raise WrongInput(str(incident)) from None
    return LogIdentity(settings.origin, found.chain_id, found.genesis, registry, witness)


def _judge(output: Output, manifest: Manifest, guard: Guard) -> int:
    try:
        head, problem = guard.compare(), None
    except Incident as incident:
        head, problem = None, str(incident)
    output.result(
        {
            "restored": manifest.entries,
            "madeAt": manifest.made_at,
            "witnessed": head.size if head else None,
            "usable": problem is None,
            "problem": problem,
        }
    )
    output.line(f"Restored: {manifest.entries} entries of {manifest.origin} as of {iso_time(manifest.made_at)}.")
    if problem is not None:
        output.line(f"NOT USABLE AS IT IS: {problem}", "bold red")
        return NOT_USABLE
    output.line(
        f"USABLE: the contract's head of {head.size} entries is in it. What was accepted later must be collected from "
        "the senders ('huzheng recover FILE …'); if nothing was, let it go on with 'huzheng recover --release'.",
        "bold green",
    )
    return USABLE
