"""`huzheng recover`: bring a restored ledger forward with what the senders hold, then let it go on."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from anchors.chain.sender import EthereumWitnessSender
from anchors.core.registry import Purpose, Registry
from anchors.core.trust import Finality
from ledger_service.cli.options import AsJson
from ledger_service.cli.output import Output
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.errors import WrongInput
from ledger_service.client.promised import read_lines
from ledger_service.operator_keys import AnchorerKeys, unlock_anchorer_keys, unlock_receipt_key
from ledger_service.processes.opening import OpenedLog, guard_of, now, open_log
from ledger_service.settings import read_settings
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.lease import read_standing
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.past import SqlPast
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Door
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.ports import StoreUnavailable
from ledger_service.usecases.recover import Promised, Recovered, Recovery, sign_witnessed

GOES_ON, HELD = 0, 1


def app(
    files: Annotated[list[Path] | None, typer.Argument(help="Files of the senders' 'huzheng stream export'.")] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Nothing else was promised: let the restored ledger accept and sign.")
    ] = False,
    chain_replaced: Annotated[
        bool, typer.Option("--chain-replaced", help="All nodes agree that final blocks are gone: witness anew.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Take back statements that a restored ledger lost, under the indexes that their receipts name.

    The settings are those of 'huzheng serve', which must not run. Exit status 0: the contract's head is in the ledger;
    1: it is still behind the contract or contradicts it; 2: it could not be done.
    """
    try:
        opened = open_log(read_settings(), "recover")
        return _recover(Output(as_json), opened, files or [], release, chain_replaced)
    except (Incident, StoreUnavailable) as error:
        raise WrongInput(str(error)) from None


def _recover(output: Output, opened: OpenedLog, files: list[Path], release: bool, chain_replaced: bool) -> int:
    standing = read_standing(opened.engine)
    if standing.held:
        raise WrongInput(f"{standing.holder} is the anchorer of this database: stop the service first")
    keys, view, past = unlock_anchorer_keys(opened.settings), _view(opened), SqlPast(opened.engine)
    if chain_replaced:
        count = past.forget_moves(opened.chain.head(opened.domain.log).size)
        output.line(f"{count} transactions are gone from the chain: their moves will be sent again.")
        with suppress(Incident):  # it is the one that was just decided on; the view has gone back all the same
            _follow(opened)
    _follow(opened)
    recovered = _take_back(opened, files)
    try:
        problem = ""
        sign_witnessed(_integrator(opened, keys), SqlTree(opened.engine), view)
        guard_of(opened.chain, opened.engine, opened.identity).compare()
        if recovered.beyond:
            problem = (
                f"index {recovered.size} is in no file and {len(recovered.beyond)} promised statements lie behind it: "
                "ask the senders for it, or open a successor log"
            )
    except Incident as incident:
        problem = str(incident)
    if release and not problem:
        _check_nothing_waits(opened, keys)
        past.release(now())
    held = past.open_restore() is not None
    output.result(
        {
            "taken": recovered.taken,
            "known": recovered.known,
            "entries": recovered.size,
            "beyond": len(recovered.beyond),
            "problem": problem or None,
            "released": not held,
        }
    )
    _show(output, recovered, problem, held)
    return HELD if problem else GOES_ON


def _view(opened: OpenedLog) -> SqlChainView:
    return SqlChainView(opened.engine, opened.domain.log)


def _follow(opened: OpenedLog) -> None:
    """The door judges by the registry and the heads of now."""
    settings, registry = opened.settings, opened.domain.registry
    finality = Finality.parse(settings.finality)
    Follower(opened.chain, _view(opened), registry, settings.start_block, finality).run_once()


def _integrator(opened: OpenedLog, keys: AnchorerKeys) -> Integrator:
    tree, origin = SqlTree(opened.engine), opened.settings.origin
    return Integrator(tree, origin, opened.domain, keys.note_key(origin), keys.checkpoint, now)


def _take_back(opened: OpenedLog, files: list[Path]) -> Recovered:
    settings, domain, tree = opened.settings, opened.domain, SqlTree(opened.engine)
    changes = [event.change for event in _view(opened).registry_events()]
    keys = Registry.fold(domain.chain_id, domain.registry, changes).keys.values()
    # Also those that were revoked since: what they promised stays promised.
    receipt_keys = ReceiptKeys(
        frozenset(key.address for key in keys if (key.purpose, key.log) == (Purpose.RECEIPT, domain.log))
    )
    promised = [Promised(*found) for file in files for found in read_lines(file, settings.origin, domain, receipt_keys)]
    secret, originals = unlock_receipt_key(settings), settings.originals
    door = Door(SqlLedger(opened.engine), domain, secret, settings.promise_seconds, now, originals)
    return Recovery(door, tree, domain, settings.origin).take_back(promised)


def _check_nothing_waits(opened: OpenedLog, keys: AnchorerKeys) -> None:
    """A head that was sent after the backup was made may still be mined, beyond what this ledger would sign."""
    sender = EthereumWitnessSender(opened.chain.endpoints, opened.identity.witness, keys.relay)
    waiting = sender.next_nonce() - sender.mined_nonce()
    if waiting > 0:
        raise WrongInput(
            f"{waiting} transactions of the relay account wait in the node's pool and may move the head; wait until "
            "they are mined, then release"
        )


def _show(output: Output, recovered: Recovered, problem: str, held: bool) -> None:
    output.line(f"{recovered.taken} statements taken back, {recovered.known} were there; {recovered.size} entries.")
    if problem:
        output.line(f"NOT USABLE AS IT IS: {problem}", "bold red")
    elif held:
        output.line("USABLE. Once no sender has more, let it go on with 'huzheng recover --release'.", "bold green")
    else:
        output.line("RELEASED: 'huzheng serve' accepts and signs on it.", "bold green")
