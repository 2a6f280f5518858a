"""Huzheng: the library that an outsider can trust. Pure verification, no web, no database.

from anchors import parse_trust, verify_proof

verdict = verify_proof(proof_bytes, parse_trust(trust_bytes))
"""

from anchors.core.content import Content, Part
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from anchors.core.statement import Entry, Statement
from anchors.core.trust import Trust, parse_trust
from anchors.core.verify import Verdict, verify_proof

__all__ = [
    "Content",
    "Entry",
    "Error",
    "MalformedInput",
    "Part",
    "Statement",
    "Trust",
    "Verdict",
    "VerificationFailed",
    "leaf_hash",
    "parse_trust",
    "verify_consistency",
    "verify_inclusion",
    "verify_proof",
]
