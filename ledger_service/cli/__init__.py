"""The command `huzheng`: one file a verb. Exit status 0: it holds; 1: it does not hold; 2: input or call is wrong."""

from ledger_service.cli.run import main

__all__ = ["main"]
