"""Started by `scripts/bench`. Imports nothing else before it runs: the processes in which something is measured import
this file too, and would hold in memory what only this program needs."""

import sys

if __name__ == "__main__":
    from scripts.benchmark.run import main

    sys.exit(main(sys.argv[1:]))
