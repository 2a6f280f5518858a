"""One soak, from an empty town to its check."""

import argparse
import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.anvil import ChainFailed
from scripts.postgres import PostgresFailed, running_postgres
from scripts.soaking.check import check_everything
from scripts.soaking.killable import ProcessFailed
from scripts.soaking.town import NotReached, Town, running_town
from scripts.soaking.trouble import Tell, Trouble
from scripts.soaking.watch import Watch

DEFAULT_MINUTES = 10.0
SECONDS_A_MINUTE = 60


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="A whole town under load while its parts are killed, stopped, cut off and undone; then a check.",
        epilog="Exit status 0: nothing accepted was lost, nothing stands twice, the audit is clean; else 1.",
    )
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="how long things happen (10)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="decides what happens, when and to whom")
    parser.add_argument("--json", action="store_true", help="only the JSON object on standard output")
    arguments = parser.parse_args(words)
    if arguments.minutes <= 0:
        parser.error("--minutes: expected more than 0")
    return arguments


def main(words: list[str]) -> int:
    """The exit status: 0 when everything held."""
    arguments = _arguments(words)
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="huzheng-soak-"))
    try:
        result = soak(folder, arguments.minutes * SECONDS_A_MINUTE, seed, _tell)
    except (ChainFailed, PostgresFailed) as failure:
        print(f"scripts/soak: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    if result["faults"]:
        _tell(f"logs are in {folder}")
    else:
        shutil.rmtree(folder)
    print(json.dumps(result) if arguments.json else _table(result), flush=True)
    return 1 if result["faults"] else 0


def soak(folder: Path, seconds: float, seed: int, tell: Tell) -> dict[str, Any]:
    """Let things happen for so long; what happened, and what does not hold, which should be nothing."""
    with running_postgres(durable=True) as server:
        server.administer("CREATE DATABASE soak")
        tell(f"seed {seed}; founding the town")
        with running_town(folder, server.url("soak")) as town:
            return _soak(town, seconds, seed, tell)


def _soak(town: Town, seconds: float, seed: int, tell: Tell) -> dict[str, Any]:
    began, faults = time.monotonic(), []
    with Watch(town) as watch:
        trouble = Trouble(town, seed, tell, watch.holder_was_struck)
        try:
            trouble.go_on_for(seconds)
            tell("all is quiet; waiting until everything is final")
            quiet = time.monotonic()
            town.settle()
            settled = time.monotonic() - quiet
        except (NotReached, ProcessFailed) as failure:
            faults, settled = [str(failure)], None
    result = {"seed": seed, "seconds": round(time.monotonic() - began, 1), "events": sum(trouble.happened.values())}
    result |= {"by_kind": dict(sorted(trouble.happened.items())), "takeovers": watch.takeovers}
    result |= {
        "settled_seconds": None if settled is None else round(settled, 1),
        "longest_to_final_seconds": round(watch.longest_to_final, 1),
        "longest_takeover_seconds": round(watch.longest_takeover, 1),
        "longest_without_answer_seconds": round(watch.longest_without_answer, 1),
    }
    tell("checking the log against every answer, and auditing it")
    checked = check_everything(town)
    return result | {
        "heads": town.heads(),
        "statements": checked.statements,
        "promises": checked.promises,
        "accepted_lost": checked.lost,
        "duplicated": checked.repeated,
        "audit_status": checked.audit_status,
        "faults": [*faults, *checked.faults],
    }


def _table(result: dict[str, Any]) -> str:
    rows = [(f"  {kind}", count) for kind, count in result["by_kind"].items()]
    rest = [(name.replace("_", " "), value) for name, value in result.items() if name not in ("by_kind", "faults")]
    width = max(len(name) for name, _ in (*rows, *rest))
    lines = [f"{name:<{width}}  {value}" for name, value in (*rest[:3], *rows, *rest[3:])]
    return "\n".join([*lines, "", *(result["faults"] or ["everything holds"])])


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
