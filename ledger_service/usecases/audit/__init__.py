"""The audit: derive everything again from the originals and the chain, and name the first row that differs.

The originals are entries, contents, receipts, the outbox, the reading log, time-stamps and cosignatures; nothing else
that the database says is believed. What is believed already stands in the trust file. Steps, as findings are numbered:

 1. chain: identity, genesis and code are the trust file's; the registry's changes fold to the heads emitted with them
 2. entries: positions from 0 without a gap, each a well-formed entry; the log's size is their number
 3. tree: leaf hashes lead to every stored tile and to the root of every checkpoint, signed by keys of the log
 4. heads: every head that the contract emitted is the root at its size, and hashes to its id; the present head too
 5. statements: id, key, sequence and subject follow from the entry; attribution; no gap, no fork, no going back
 6. content: the stored parts hash to the entry's content and have what its kind requires; links follow the rules; what
    imports bring in from other logs is shown by its proof, checked by their trust files where these are given
 7. index: links, documents, prefixes, subjects, rules, streams, blocks, registry changes are what entries and chain
    say; each stored proof of a block shows its head
 8. receipts: each is signed, is about the statements at its places, and was kept; every entry has one
 9. readings: each record of the reading log hashes over the one before; each day that was closed ends in its head
10. time-stamps: each token of an authority that the trust file names is over its checkpoint, and in time
11. decisions: what the policy that each names said of it, by what the log knew then
12. figures: each published figure is what the log gives, over as many entries as it names
13. cosignatures: each line of a witness that the trust file names is over its checkpoint

    step   1 history.py   2 run.py, statements.py   3 tree.py   4 history.py, tree.py   5 statements.py, attribution.py
           6 statements.py   7 index.py, head_proofs.py   8 receipts.py   9 readings.py   10 timestamps.py
           11 decisions.py   12 figures.py   13 cosignatures.py   (findings.py names, rows.py is what storage must
           give, published_rows.py gives it of a published log, given.py contents that somebody kept, stretches.py
           reads ahead, taking.py takes entries apart on all cores, soundness.py says which of two differs, signers.py
           recovers who signed receipts, scratch.py remembers what grows with the log, state.py how far it
           is, measures.py is what is measured on the way)

Entries are walked in the log's order, and whatever was built on them is compared as soon as it is complete, so that
the first finding stands where things first go wrong. An entry that breaks a rule and is in the log all the same is
named; it has no effect, and spoils no other.
"""

from ledger_service.usecases.audit.findings import Fault, Finding, Findings
from ledger_service.usecases.audit.measures import Measures
from ledger_service.usecases.audit.run import Audit, AuditResult

__all__ = ["Audit", "AuditResult", "Fault", "Finding", "Findings", "Measures"]
