"""The proof of a block (docs/spec/block.md): that the witness contract took a head, in which block, and when.

`head` is what is proved, `proof` the form, `verify` the numbered checks; below them are headers, seals and receipts.
"""
