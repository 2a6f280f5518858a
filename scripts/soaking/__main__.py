"""Started by `scripts/soak`. Imports nothing before it runs: processes that are forked import this file too."""

import sys

if __name__ == "__main__":
    from scripts.soaking.run import main

    sys.exit(main(sys.argv[1:]))
