"""A chain of tokens about one checkpoint: each after the first renews those before it (docs/spec/timestamps.md)."""

from collections.abc import Sequence

from anchors.clocks.token import Timestamp, verify_timestamp
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.times import iso_time
from anchors.core.trust import Authority

MAX_TOKENS = 64
_RENEWAL = b"huzheng time-stamp renewal v1\n"


def timestamp_message(text: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """What the next token is over: the checkpoint's `text`, or that with all `tokens` that were made before."""
    if not tokens:
        return text
    return _RENEWAL + b"".join(len(item).to_bytes(4, "big") + item for item in (text, *tokens))


def verify_timestamps(tokens: Sequence[bytes], text: bytes, authorities: Sequence[Authority]) -> list[Timestamp]:
    """What the tokens of a chain say, the first one first. That one's time is what the chain proves.

    Raises what `verify_timestamp` raises, `VerificationFailed` also where a renewal came too late or too early."""
    if not 1 <= len(tokens) <= MAX_TOKENS:
        raise MalformedInput(f"time-stamps: {len(tokens)} tokens, 1 to {MAX_TOKENS} are a chain")
    found: list[Timestamp] = []
    for number, token in enumerate(tokens):
        stamp = verify_timestamp(token, timestamp_message(text, tokens[:number]), authorities)
        if found and not found[-1].time <= stamp.time <= found[-1].expires:
            raise VerificationFailed(
                f"time-stamps: renewed at {iso_time(stamp.time)}, which is not between the time of the token before "
                f"and the end of its certificate, {iso_time(found[-1].expires)}"
            )
        found.append(stamp)
    return found
