"""Clocks beside the chain: RFC 3161 time-stamps on checkpoints (docs/spec/timestamps.md).

token.py      one token, verified from its arguments alone
renewal.py    a chain of tokens, each over those before it
authority.py  the edge: asking an authority over HTTP
"""

from anchors.clocks.renewal import MAX_TOKENS, timestamp_message, verify_timestamps
from anchors.clocks.token import Timestamp, UnknownAuthority, verify_timestamp

__all__ = ["MAX_TOKENS", "Timestamp", "UnknownAuthority", "timestamp_message", "verify_timestamp", "verify_timestamps"]
