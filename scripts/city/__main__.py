"""`scripts/run`: a synthetic city on a local chain: its hospitals work, all is proved and audited, then it serves."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from scripts.city.run import CityRun, RunFailed

DEFAULT_DATA = Path(".data")
DEFAULT_PORT = 8080
DEFAULT_STATEMENTS = 2_000
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the summary instead of serving")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="where everything is kept")
    parser.add_argument("--port", type=int, default=None, help=f"port of the service ({DEFAULT_PORT}; with --once any)")
    parser.add_argument("--statements", type=int, default=DEFAULT_STATEMENTS, metavar="N", help="at least so many")
    parser.add_argument("--json", action="store_true", help="only the JSON object on standard output")
    arguments = parser.parse_args(words)
    if not 1 <= arguments.statements <= 1_000_000:
        parser.error("--statements: expected 1 to 1,000,000")
    if arguments.port is None:
        arguments.port = 0 if arguments.once else DEFAULT_PORT
    return arguments


def main(words: list[str]) -> int:
    """The exit status: 0 when every step held."""
    arguments = _arguments(words)
    samples = Path(os.environ.get("HUZHENG_SAMPLES") or SAMPLES)
    if not samples.is_dir():
        print(f"HUZHENG_SAMPLES: {samples} is no folder; name one with documents", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with CityRun(arguments.data, arguments.port, samples, quiet=arguments.json) as run:
            result = run.play(arguments.statements)
            if not arguments.json:
                run.before_json()
            print(json.dumps(result, ensure_ascii=False), flush=True)
            if not arguments.once:
                run.serve()
    except RunFailed as failure:
        print(f"scripts/run: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run it again to go on where it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
