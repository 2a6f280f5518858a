"""Cosignatures of witnesses (C2SP tlog-cosignature, tlog-policy, tlog-witness)."""
