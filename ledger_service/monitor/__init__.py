"""Watches a log from outside: over HTTP, and through a node that the watcher chose (docs/MONITOR.md).

chain.py      the chain, read on while what was read stands
state.py      what was seen and verified, in a file
tree.py       every entry hashed into the tree, and judged
receipts.py   promises that the watcher holds
watch.py      one look at all of it (the log itself is read by ledger_service/published)
"""
