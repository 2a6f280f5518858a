"""The sender's side: key files, the durable store of signed statements, and the service's HTTP API.

A sender composes (`compose`), signs and stores (`store`), sends (`sender`) and keeps what the service promised
(`answers`). Nothing here is needed to verify a proof.
"""
