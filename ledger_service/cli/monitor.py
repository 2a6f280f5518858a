"""`huzheng monitor`: watch a log from outside, over HTTP and through a node of one's own."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.chain.ethereum import EthereumChain
from ledger_service.cli.options import Origin, Rpc, TrustFile, choose_log, read_trust
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.monitor.state import StateFile
from ledger_service.monitor.watch import Monitor, Watched
from ledger_service.published.http import HttpLog

HOLDS, DOES_NOT_HOLD = 0, 1
WEBHOOK_SECONDS = 10.0


def app(
    log: Annotated[str, typer.Option("--log", help="Address of the log, such as https://ledger.example/log.")],
    trust: TrustFile,
    rpc: Rpc,
    state: Annotated[Path, typer.Option("--state", help="File that keeps what was verified.")],
    origin: Origin = None,
    first_block: Annotated[
        int, typer.Option("--first-block", envvar="HUZHENG_START_BLOCK", min=0, help="Block of the deployment.")
    ] = 0,
    other: Annotated[
        list[str] | None, typer.Option("--other", help="Address of another copy of the log's checkpoint; repeat.")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", help="Folder of answers with receipts (*.json) to be watched over.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option("--webhook", help="Address to which each alert is sent too, by POST.")
    ] = None,
    still_hours: Annotated[
        float, typer.Option("--still-hours", min=0, help="How long the checkpoint may stand still.")
    ] = 24,
    every: Annotated[float, typer.Option("--every", min=1, help="Seconds between two looks.")] = 60,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> int:
    """Watch a log: rollback, split view, tiles and entries, attribution, overdue receipts, standing still.

    Each alert is a line of JSON on standard output. With --once the exit status is 0 where there was none and 1 where
    there was; without, it looks until it is stopped, and says what is wrong when it begins to be.
    """
    believed = read_trust(trust)
    named = choose_log(believed, origin)
    if receipts is not None and not receipts.is_dir():
        raise WrongInput(f"{receipts} is no folder; give --receipts the folder of the answers")
    kept = StateFile(state, named.origin)
    chain, reader = EthereumChain.of_trust(rpc, believed), HttpLog(log)
    watched = Watched(other or (), receipts, round(still_hours * 3_600), first_block)
    told: set[tuple[str, str]] = set()

    def give(alert: dict[str, Any]) -> None:
        if _name(alert) not in told:
            _give(alert, webhook)

    monitor = Monitor(reader, believed, named, chain, kept, watched, lambda: int(time.time()), give)
    try:
        while True:
            alerts = monitor.look()
            if once:
                return DOES_NOT_HOLD if alerts else HOLDS
            told = {_name(alert) for alert in alerts}
            time.sleep(every)
    finally:
        reader.close()
        chain.close()


def _name(alert: dict[str, Any]) -> tuple[str, str]:
    """By what an alert is known again; `still` and `overdue` count seconds in their words."""
    return alert["alert"], "" if alert["alert"] == "still" else str(alert.get("index", alert["what"]))


def _give(alert: dict[str, Any], webhook: str | None) -> None:
    Output(as_json=True).result(alert)
    sys.stdout.flush()
    if webhook is None:
        return
    import httpx

    try:
        httpx.post(webhook, json=alert, timeout=WEBHOOK_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.stderr.write(f"huzheng: the webhook did not take an alert: {type(error).__name__}\n")
