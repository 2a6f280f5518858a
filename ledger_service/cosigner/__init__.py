"""A witness in the sense of C2SP tlog-witness, run by others beside a ledger (docs/spec/cosigning.md).

state.py      what was cosigned last, on the disk before it is answered
witness.py    add-checkpoint, step by step
http.py       the route
"""
