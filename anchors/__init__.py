"""Huzheng: the library that an outsider can trust. Pure verification, no web, no database.

from anchors import verify_inclusion, verify_consistency, leaf_hash
"""

from anchors.core.content import Content, Part
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from anchors.core.statement import Entry, Statement

__all__ = [
    "Content",
    "Entry",
    "Error",
    "MalformedInput",
    "Part",
    "Statement",
    "VerificationFailed",
    "leaf_hash",
    "verify_consistency",
    "verify_inclusion",
]
